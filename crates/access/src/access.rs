//! The front door: enter, install, narrow, revoke, expire.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use tidegate_model::{
    ApiToken, ApiTokenForm, Clock, CredentialId, DatabaseId, SessionId, Status, Timestamp, TokenDigest, TokenId,
    TokenRecord, TypedPermissions,
};

use crate::credential::{Credential, Door, Kind};
use crate::index::TokenIndex;
use crate::interner::Interner;
use crate::request::EndReason;
use crate::rights::{Owner, Rights};
use crate::tracker::Tracker;
use crate::{Drain, Entry};

/// Every credential of this server, and who stands on it at this moment.
#[derive(Debug)]
pub struct Access {
    clock: Arc<dyn Clock>,
    /// The latest time, in microseconds, at which this server has acted upon an expiry. Time never goes back before it.
    latest: AtomicI64,
    index: TokenIndex,
    interner: Interner,
    /// Credentials that will expire, by when.
    expiring: Mutex<BTreeMap<(Timestamp, CredentialId), TokenDigest>>,
    /// Ended credentials that may still have requests in flight: a repeated revocation waits for the same ones. An API
    /// token that was deactivated more than once can have several.
    draining: Mutex<HashMap<CredentialId, Draining>>,
    databases: Mutex<HashMap<DatabaseId, Arc<Tracker>>>,
}

/// A session: it lives in memory only, and ends with the server.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The digest of its key.
    pub digest: TokenDigest,
    /// Who signed in.
    pub owner: Owner,
    /// What it may do.
    pub permissions: TypedPermissions,
    /// When it dies unless it is prolonged.
    pub expires_at: Timestamp,
}

/// What is left of an ended credential.
#[derive(Debug, Default)]
struct Draining {
    owner: Option<Owner>,
    trackers: Vec<Arc<Tracker>>,
}

/// Comes before every other in the order of ids.
const FIRST_CREDENTIAL: CredentialId = CredentialId::Token(TokenId::NIL);

/// The credential is unknown, ended, expired or not accepted at this door. Callers cannot tell which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Set if the refusal rests on the clock alone: whoever answers must first make sure that the server remembers
    /// having reached this time, so that the token stays dead when the clock is set back.
    pub expired_at: Option<Timestamp>,
}

impl Access {
    /// An empty index. `mark` is the latest time at which an expiry was acted upon before the server started.
    pub fn new(clock: Arc<dyn Clock>, mark: Option<Timestamp>) -> Self {
        Self {
            clock,
            latest: AtomicI64::new(mark.map_or(i64::MIN, Timestamp::micros)),
            index: TokenIndex::default(),
            interner: Interner::default(),
            expiring: Mutex::default(),
            draining: Mutex::default(),
            databases: Mutex::default(),
        }
    }

    /// The current time, which never goes back behind an expiry that was acted upon.
    pub fn now(&self) -> Timestamp {
        self.clock.now().max(Timestamp::from_micros(self.latest.load(Ordering::SeqCst)))
    }

    /// Number of credentials that can be used.
    pub fn credential_count(&self) -> usize {
        self.index.len()
    }

    /// Makes a token usable. Does nothing for one that is revoked. One that has expired is not made usable either; the
    /// result is then the time that must be remembered before anybody is told that the token is dead.
    #[must_use = "a token that has expired must stay dead when the clock is set back"]
    pub fn install(&self, record: &TokenRecord) -> Option<Timestamp> {
        if record.revoked_at.is_some() {
            return None;
        }
        let rights = Rights::Names(record.permissions.clone());
        self.put(CredentialId::Token(record.id), record.kind.into(), record.digest, record.expires_at, rights)
    }

    /// Makes an API token usable. Does nothing for one that is deleted or inactive; whether its owner can be used is
    /// for the caller to know. Else as [`Access::install`].
    #[must_use = "a token that has expired must stay dead when the clock is set back"]
    pub fn install_api_token(&self, token: &ApiToken) -> Option<Timestamp> {
        if token.deleted_at.is_some() || token.status != Status::Active {
            return None;
        }
        let kind = match token.form {
            ApiTokenForm::Token { .. } => Kind::Api,
            ApiTokenForm::Legacy { .. } => Kind::Legacy,
        };
        let rights = Rights::of_api_token(token);
        self.put(CredentialId::ApiToken(token.id), kind, token.digest, token.expires_at, rights)
    }

    /// Makes a session usable until `expires_at`.
    pub fn install_session(&self, session: &Session) {
        let rights = Rights::Typed { owner: session.owner, permissions: session.permissions.clone() };
        let expires_at = Some(session.expires_at);
        // One that has expired before it began was never good for anything, so nothing has to be remembered.
        let _ = self.put(CredentialId::Session(session.id), Kind::Session, session.digest, expires_at, rights);
    }

    fn put(
        &self,
        id: CredentialId,
        kind: Kind,
        digest: TokenDigest,
        expires_at: Option<Timestamp>,
        rights: Rights,
    ) -> Option<Timestamp> {
        if expires_at.is_some_and(|expiry| expiry <= self.now()) {
            return Some(self.remember_now());
        }
        let rights = self.interner.intern(rights);
        if let Some(expiry) = expires_at {
            self.expiring.lock().insert((expiry, id), digest);
        }
        self.index.insert(Arc::new(Credential::new(id, kind, digest, expires_at, rights)));
        None
    }

    /// The current time, behind which this server will not go back while it runs.
    fn remember_now(&self) -> Timestamp {
        let now = self.now();
        self.latest.fetch_max(now.micros(), Ordering::SeqCst);
        now
    }

    /// Lets a request in, if the digest is that of a usable credential that is accepted at this door.
    pub fn enter(&self, digest: TokenDigest, door: Door) -> Result<Entry, Refused> {
        let refused = Refused { expired_at: None };
        let credential = self.index.get(&digest).ok_or(refused)?;
        if !credential.passes(door) {
            return Err(refused);
        }
        if credential.is_expired(self.now()) {
            return Err(Refused { expired_at: Some(self.remember_now()) });
        }
        Entry::new(credential).ok_or(refused)
    }

    /// Puts the changed permissions of a token in force, and ends the requests that they no longer cover.
    pub fn narrow(&self, record: &TokenRecord) -> Drain {
        let Some(credential) = self.index.get(&record.digest) else {
            // It has just expired: what it started is being ended and may not have left yet.
            let id = CredentialId::Token(record.id);
            return self.end(id, record.digest, record.expires_at, EndReason::Expired);
        };
        let rights = self.interner.intern(Rights::Names(record.permissions.clone()));
        credential.replace_rights(rights.clone());
        credential.tracker().narrow(&rights)
    }

    /// Ends a token for good. A repeated call waits for the same requests as the first one.
    pub fn revoke(&self, record: &TokenRecord) -> Drain {
        self.end(CredentialId::Token(record.id), record.digest, record.expires_at, EndReason::Revoked)
    }

    /// Ends an API token, for good or until it is installed again. A repeated call waits for the same requests.
    pub fn end_api_token(&self, token: &ApiToken) -> Drain {
        self.end(CredentialId::ApiToken(token.id), token.digest, token.expires_at, EndReason::Revoked)
    }

    /// Ends a session for good. A repeated call waits for the same requests.
    pub fn end_session(&self, session: &Session) -> Drain {
        // Its expiry may have moved since it was made.
        let expires_at = self.index.get(&session.digest).and_then(|credential| credential.expires_at());
        self.end(CredentialId::Session(session.id), session.digest, expires_at, EndReason::Revoked)
    }

    /// Lets the session behind a request live until `until`, if it would die before. One whose expiry has come stays
    /// dead.
    pub fn prolong_session(&self, entry: &Entry, until: Timestamp) {
        let credential = entry.credential();
        let CredentialId::Session(_) = credential.id else { return };
        // Whoever takes the session out of this map ends it: only what is still in it can be prolonged.
        let mut expiring = self.expiring.lock();
        let now = self.now();
        let Some(before) = credential.expires_at().filter(|expiry| now < *expiry && *expiry < until) else { return };
        if let Some(digest) = expiring.remove(&(before, credential.id)) {
            expiring.insert((until, credential.id), digest);
            credential.expire_at(until);
        }
    }

    fn end(&self, id: CredentialId, digest: TokenDigest, expires_at: Option<Timestamp>, reason: EndReason) -> Drain {
        let trackers = {
            // Under this lock a credential is either in the index or in `draining` until its requests have left.
            let mut draining = self.draining.lock();
            // A tracker that is still open is about to be closed by somebody else: requests can yet join it.
            draining.retain(|_, left| {
                left.trackers.retain(|tracker| {
                    let observed = tracker.observe();
                    !observed.closed || observed.joined > 0
                });
                !left.trackers.is_empty()
            });
            if let Some(credential) = self.index.remove(&digest) {
                let left = draining.entry(id).or_default();
                left.owner = credential.rights().owner();
                left.trackers.push(credential.tracker().clone());
            }
            draining.get(&id).map(|left| left.trackers.clone()).unwrap_or_default()
        };
        if let Some(expiry) = expires_at {
            self.expiring.lock().remove(&(expiry, id));
        }
        Drain::all(trackers.iter().map(|tracker| tracker.close(reason)))
    }

    /// Ends every API token and session whose owner is meant, until they are installed again. Looks at each credential
    /// of the server, so that none is missed whatever the catalog knows.
    pub fn end_owned(&self, is_meant: impl Fn(Owner) -> bool) -> Drain {
        let is_owned = |owner: Option<Owner>| owner.is_some_and(&is_meant);
        let mut drains = Vec::new();
        for credential in self.index.matching(|credential| is_owned(credential.rights().owner())) {
            drains.push(self.end(credential.id, credential.digest, credential.expires_at(), EndReason::Revoked));
        }
        // Some may have been ended one by one just before.
        drains.push(self.draining_owned(is_meant));
        Drain::all(drains)
    }

    /// What has to leave before the end of those API tokens and sessions is final that were ended just before and whose
    /// owner is meant.
    pub fn draining_owned(&self, is_meant: impl Fn(Owner) -> bool) -> Drain {
        let draining = self.draining.lock();
        let left = draining.values().filter(|left| left.owner.is_some_and(&is_meant));
        Drain::all(left.flat_map(|left| left.trackers.iter()).map(|tracker| tracker.close(EndReason::Revoked)))
    }

    /// What has to leave before the end of a credential is final, if it was ended just before.
    pub fn draining(&self, id: CredentialId) -> Drain {
        let draining = self.draining.lock();
        let trackers = draining.get(&id).map(|left| left.trackers.as_slice()).unwrap_or_default();
        Drain::all(trackers.iter().map(|tracker| tracker.close(EndReason::Revoked)))
    }

    /// The current time if some token's expiry has come. The caller makes sure that the server remembers having reached
    /// this time, and then calls [`Access::expire`]: in this order, so that a crash in between revives nothing.
    pub fn expiry_due(&self) -> Option<Timestamp> {
        let now = self.now();
        let is_due = self.expiring.lock().first_key_value().is_some_and(|((expiry, _), _)| *expiry <= now);
        is_due.then(|| self.remember_now())
    }

    /// Ends all tokens whose expiry has come by `reached`.
    pub fn expire(&self, reached: Timestamp) {
        let due = {
            let mut expiring = self.expiring.lock();
            let later =
                expiring.split_off(&(Timestamp::from_micros(reached.micros().saturating_add(1)), FIRST_CREDENTIAL));
            std::mem::replace(&mut *expiring, later)
        };
        for ((_, id), digest) in due {
            // Nobody waits for this drain: an expiry has no answer to give.
            drop(self.end(id, digest, None, EndReason::Expired));
        }
    }

    /// Makes a request end together with a database.
    ///
    /// Joining happens under the lock under which trackers are forgotten: a request never stands on one that nobody can
    /// find any more. The caller looks up the database again afterwards, for it may have gone before.
    pub fn join_database(&self, entry: &Entry, id: DatabaseId) -> Result<(), EndReason> {
        entry.join(self.databases.lock().entry(id).or_default())
    }

    /// Ends the requests in flight on a database that was deleted or renamed, which later requests cannot find any
    /// more under its old name.
    pub fn end_database(&self, id: DatabaseId) -> Drain {
        let tracker = self.databases.lock().get(&id).cloned();
        tracker.map_or_else(Drain::nothing, |tracker| tracker.end_all(EndReason::DatabaseGone))
    }

    /// Gives back the memory for the requests on a database, if there are none.
    pub fn forget_database(&self, id: DatabaseId) {
        let mut databases = self.databases.lock();
        if databases.get(&id).is_some_and(|tracker| tracker.observe().joined == 0) {
            databases.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests;
