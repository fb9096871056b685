//! A request that has been let in, and the permits it is given.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};
use tidegate_model::{Action, CredentialId, DatabaseId, DatabaseName, ResourceType, Timestamp, TypedPermission};

use crate::credential::Credential;
use crate::request::{EndReason, Request};
use crate::rights::{Owner, Target};
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
    database: Target,
    every_database: bool,
    bound_to_id: bool,
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
        &self.database.name
    }

    /// The only database that is meant by the name, if the grant binds the id and not the name.
    pub fn database_id(&self) -> Option<DatabaseId> {
        self.database.id.filter(|_| self.bound_to_id)
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

    /// Which credential is behind the request.
    pub fn credential_id(&self) -> CredentialId {
        self.credential.id
    }

    /// On whose behalf the request is made, if the credential has typed permissions.
    pub fn owner(&self) -> Option<Owner> {
        self.credential.rights().owner()
    }

    /// When the credential dies by itself.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.credential.expires_at()
    }

    /// Decides whether the request may do `action` to the database called `name`, which at this moment is the one with
    /// `id`, or none. Only typed permissions go by the id: they never match a later database of the same name.
    pub fn permit(&self, action: Action, name: &DatabaseName, id: Option<DatabaseId>) -> Result<Permit, Forbidden> {
        let database = Target { name: name.clone(), id };
        loop {
            let before = self.credential.tracker().observe();
            let rights = self.credential.rights();
            if !rights.allow(action, &database) {
                return Err(Forbidden::NoGrant);
            }
            // First noted, then checked again: a narrowing either sees the note or is seen by the second look.
            self.request.need(action, &database);
            if let Some(reason) = self.end_reason() {
                return Err(Forbidden::Ended(reason));
            }
            if self.credential.tracker().observe().generation == before.generation {
                let every_database = rights.allow_all(action);
                return Ok(Permit { action, database, every_database, bound_to_id: rights.owner().is_some() });
            }
        }
    }

    /// Whether the request may do `action` to every database, so that its maker may learn which ones exist.
    pub fn covers_every_database(&self, action: Action) -> bool {
        self.credential.rights().allow_all(action)
    }

    /// Decides whether the request may do what a typed permission names.
    pub fn authorize(&self, wanted: &TypedPermission) -> Result<(), Forbidden> {
        if !self.credential.rights().cover(wanted) {
            return Err(Forbidden::NoGrant);
        }
        self.end_reason().map_or(Ok(()), |reason| Err(Forbidden::Ended(reason)))
    }

    /// Whether the request may do `action` to anything of a type; which things, [`Entry::authorize`] decides for each.
    pub fn holds_any(&self, action: Action, kind: ResourceType) -> bool {
        self.credential.rights().hold_any(action, kind)
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

    pub(crate) fn credential(&self) -> &Credential {
        &self.credential
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
