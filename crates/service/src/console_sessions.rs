//! Sessions of the console: a browser holds a key that stands on a credential.
//!
//! The key alone is good for nothing: each request enters anew with the credential behind it, so that whoever revokes
//! that credential, deactivates its owner or signs out elsewhere ends the session as well. Sessions live in memory only:
//! they end with the server.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_access::{Door, Entry, Refused};
use tidegate_model::{CredentialId, PlainToken, Timestamp, TokenDigest};

use crate::sessions::after;
use crate::{Service, ServiceError, Unauthenticated};

/// A session that is not used for so long ends.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// However much it is used, a session ends after so long.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);
/// A credential with more sessions loses the one that has rested longest.
const MOST_PER_CREDENTIAL: usize = 100;
/// Of all credentials together.
const MOST: usize = 10_000;

/// The sessions that may be alive, by the digest of their key.
#[derive(Debug, Default)]
pub(crate) struct ConsoleSessions(Mutex<HashMap<TokenDigest, ConsoleSession>>);

/// What a key stands for.
#[derive(Debug, Clone)]
struct ConsoleSession {
    credential: TokenDigest,
    door: Door,
    form_secret: PlainToken,
    begun: Timestamp,
    last_used: Timestamp,
}

/// What a request is, for the time until its session ends for lack of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleUse {
    /// Somebody does something.
    Acting,
    /// A page asks for news by itself.
    Watching,
}

/// A request that a session of the console let in.
#[derive(Debug)]
pub struct ConsoleEntry {
    /// The request, which stands on the credential behind the session.
    pub entry: Entry,
    /// Whether it may do what a management token may.
    pub is_administrator: bool,
    /// What every form of this session carries, to prove that it is one of our own pages.
    pub form_secret: PlainToken,
}

impl ConsoleSession {
    /// Whether it is still good. A clock that was set back far does not let it live longer.
    fn is_alive(&self, now: Timestamp) -> bool {
        let within =
            |limit: Duration, since: Timestamp| u128::from(now.micros().abs_diff(since.micros())) < limit.as_micros();
        within(IDLE, self.last_used) && within(LONGEST, self.begun)
    }
}

impl ConsoleSessions {
    /// The session of a key.
    fn take_up(&self, key: TokenDigest, now: Timestamp, used: ConsoleUse) -> Option<ConsoleSession> {
        let mut sessions = self.0.lock();
        let session = sessions.get_mut(&key)?;
        if !session.is_alive(now) {
            sessions.remove(&key);
            return None;
        }
        if used == ConsoleUse::Acting {
            session.last_used = now;
        }
        Some(session.clone())
    }

    fn forget(&self, key: TokenDigest) {
        self.0.lock().remove(&key);
    }

    fn note(&self, key: TokenDigest, session: ConsoleSession) {
        let mut sessions = self.0.lock();
        let (now, credential) = (session.last_used, session.credential);
        let of_credential = sessions.values().filter(|other| other.credential == credential).count();
        if of_credential >= MOST_PER_CREDENTIAL || sessions.len() >= MOST {
            sessions.retain(|_, other| other.is_alive(now));
        }
        while sessions.values().filter(|other| other.credential == credential).count() >= MOST_PER_CREDENTIAL {
            remove_most_rested(&mut sessions, |other| other.credential == credential);
        }
        while sessions.len() >= MOST {
            remove_most_rested(&mut sessions, |_| true);
        }
        sessions.insert(key, session);
    }
}

fn remove_most_rested(sessions: &mut HashMap<TokenDigest, ConsoleSession>, is_meant: impl Fn(&ConsoleSession) -> bool) {
    let meant = sessions.iter().filter(|(_, session)| is_meant(session));
    let rested = meant.min_by_key(|(_, session)| session.last_used).map(|(key, _)| *key);
    if let Some(key) = rested {
        sessions.remove(&key);
    }
}

impl Service {
    /// Begins a session of the console on a management token or an API token, and gives its key.
    ///
    /// # Errors
    /// [`ServiceError::Unauthenticated`], also for tokens that are only good for data.
    pub async fn sign_in_with_token(&self, token: &PlainToken, peer: IpAddr) -> Result<PlainToken, ServiceError> {
        let digest = token.digest();
        let doors = [Door::Management, Door::Api];
        let Some(door) = doors.into_iter().find(|door| self.access.enter(digest, *door).is_ok()) else {
            // Refused like any other request, with the delay for those who guess.
            self.enter(token, Door::Api, peer).await?;
            return Err(ServiceError::Unauthenticated);
        };
        Ok(self.begin_console_session(digest, door))
    }

    /// Begins a session of the console for a user, and gives its key.
    ///
    /// # Errors
    /// As [`Service::sign_in`].
    pub async fn sign_in_to_console(
        self: &std::sync::Arc<Self>,
        name: &str,
        password: &PlainToken,
        peer: IpAddr,
    ) -> Result<PlainToken, ServiceError> {
        let signed_in = self.sign_in(name, password, peer).await?;
        Ok(self.begin_console_session(signed_in.key.digest(), Door::Session))
    }

    fn begin_console_session(&self, credential: TokenDigest, door: Door) -> PlainToken {
        let key = PlainToken::generate_without_prefix(&*self.randomness);
        let form_secret = PlainToken::generate_without_prefix(&*self.randomness);
        let now = self.access.now();
        let session = ConsoleSession { credential, door, form_secret, begun: now, last_used: now };
        self.console_sessions.note(key.digest(), session);
        key
    }

    /// The current time, as expiries are compared with it.
    pub fn now(&self) -> Timestamp {
        self.access.now()
    }

    /// A secret for the forms of somebody who has no session yet.
    pub fn form_secret(&self) -> PlainToken {
        PlainToken::generate_without_prefix(&*self.randomness)
    }

    /// Lets in a request that shows the key of a session of the console.
    pub async fn enter_console(
        &self,
        key: &PlainToken,
        peer: IpAddr,
        used: ConsoleUse,
    ) -> Result<ConsoleEntry, Unauthenticated> {
        let (key, now) = (key.digest(), self.access.now());
        let Some(session) = self.console_sessions.take_up(key, now, used) else {
            return Err(self.missing_credential(peer).await);
        };
        let entry = match self.access.enter(session.credential, session.door) {
            Ok(entry) => entry,
            Err(Refused { expired_at }) => {
                self.console_sessions.forget(key);
                self.measurements.refused_credentials.add_one();
                if let Some(reached) = expired_at {
                    self.remember(reached).await;
                }
                return Err(Unauthenticated);
            }
        };
        if let (ConsoleUse::Acting, Some(owner), CredentialId::Session(id)) =
            (used, entry.owner(), entry.credential_id())
            && let Some(dead_at) = self.sessions.dead_at(owner.user, id)
        {
            let idle = IDLE.min(self.settings.sessions.lifetime);
            self.access.prolong_session(&entry, after(now, idle).min(dead_at));
        }
        let is_administrator = session.door == Door::Management;
        Ok(ConsoleEntry { entry, is_administrator, form_secret: session.form_secret })
    }

    /// Makes a key useless, if it is one: its browser has begun another session.
    pub fn forget_console_session(&self, key: &PlainToken) {
        self.console_sessions.forget(key.digest());
    }

    /// Ends a session of the console. One that began with a password ends altogether, and with it whatever goes on in
    /// it; a token stays usable elsewhere.
    ///
    /// # Errors
    /// [`ServiceError::StillDraining`].
    pub async fn sign_out_of_console(&self, key: &PlainToken, caller: Entry) -> Result<(), ServiceError> {
        self.console_sessions.forget(key.digest());
        match caller.credential_id() {
            CredentialId::Session(_) => self.sign_out(caller).await,
            CredentialId::Token(_) | CredentialId::ApiToken(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
