//! A request that has been let in, and the permits it is given.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};
use tidegate_model::{Action, DatabaseName, TokenId};

use crate::credential::Credential;
use crate::request::{EndReason, Request};
use crate::tracker::{Membership, Tracker};

/// A request that stands on a credential. Rights that end wait for it until it is dropped.
#[derive(Debug)]
pub struct Entry {
    // Dropped before `finish` is called: see the implementation of Drop.
    memberships: Mutex<SmallVec<[Membership; 2]>>,
    request: Arc<Request>,
    credential: Arc<Credential>,
}

/// Proof that this request may do this. Made only here, valid while its [`Entry`] lives and has not been ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    action: Action,
    database: DatabaseName,
    every_database: bool,
}

/// The credential does not hold the grant, or its rights have just ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// No grant covers the action on this database.
    NoGrant,
    /// The request was ended.
    Ended(EndReason),
}

impl Permit {
    /// What is allowed.
    pub fn action(&self) -> Action {
        self.action
    }

    /// On which database, by name.
    pub fn database(&self) -> &DatabaseName {
        &self.database
    }

    /// Whether the grant behind it covers every database, so that its holder may learn which ones exist.
    pub fn covers_every_database(&self) -> bool {
        self.every_database
    }
}

impl Entry {
    /// Lets a request in; `None` if the credential's rights have ended.
    pub(crate) fn new(credential: Arc<Credential>) -> Option<Self> {
        let request = Arc::new(Request::new());
        let membership = credential.tracker().join(&request).ok()?;
        Some(Self { memberships: Mutex::new(smallvec![membership]), request, credential })
    }

    /// The id of the token behind the request.
    pub fn token_id(&self) -> TokenId {
        self.credential.id
    }

    /// Decides whether the request may do `action` to the database called `database`.
    pub fn permit(&self, action: Action, database: &DatabaseName) -> Result<Permit, Forbidden> {
        loop {
            let before = self.credential.tracker().observe();
            let permissions = self.credential.permissions();
            if !permissions.allows(action, database) {
                return Err(Forbidden::NoGrant);
            }
            // First noted, then checked again: a narrowing either sees the note or is seen by the second look.
            self.request.need(action, database);
            if let Some(reason) = self.end_reason() {
                return Err(Forbidden::Ended(reason));
            }
            if self.credential.tracker().observe().generation == before.generation {
                let every_database = permissions.allows_all(action);
                return Ok(Permit { action, database: database.clone(), every_database });
            }
        }
    }

    /// Makes the request end together with the database behind `tracker`; fails if that has just gone.
    pub(crate) fn join(&self, tracker: &Arc<Tracker>) -> Result<(), EndReason> {
        let membership = tracker.join(&self.request).map_err(|_| EndReason::DatabaseGone)?;
        self.memberships.lock().push(membership);
        Ok(())
    }

    /// Why the request was ended; `None` while it may go on.
    pub fn end_reason(&self) -> Option<EndReason> {
        if let Some(reason) = self.request.end_reason() {
            return Some(reason);
        }
        self.credential.tracker().observe().closed.then_some(EndReason::Revoked)
    }

    /// Resolves when the request was ended from outside.
    pub async fn ended(&self) -> EndReason {
        self.request.ended().await
    }

    /// Runs `work` until it is done or the request is ended, whichever comes first.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, EndReason> {
        tokio::select! {
            biased;
            reason = self.ended() => Err(reason),
            result = work => Ok(result),
        }
    }

    /// Passes the commit point. After it the request finishes, and whoever ends its rights waits until it is dropped.
    pub fn begin_commit(&self) -> Result<(), EndReason> {
        self.request.begin_commit()
    }

    pub(crate) fn request(&self) -> Arc<Request> {
        self.request.clone()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.memberships.get_mut().clear();
        self.request.finish();
    }
}
