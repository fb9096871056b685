//! A credential as the index holds it: small while nobody uses it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tidegate_model::{CredentialId, Timestamp, TokenDigest, TokenKind};

use crate::rights::Rights;
use crate::tracker::Tracker;

/// What a credential is, which says where it is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Database,
    Management,
    Api,
    /// An API token that is presented as user name and password.
    Legacy,
    Session,
}

impl From<TokenKind> for Kind {
    fn from(kind: TokenKind) -> Self {
        match kind {
            TokenKind::Database => Self::Database,
            TokenKind::Management => Self::Management,
        }
    }
}

/// Where and how a credential is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// As a token, to the Management API: management tokens, and API tokens of an operator.
    Management,
    /// As a token, to read or write data: database tokens and API tokens.
    Data,
    /// As a token, to the v2 API: API tokens.
    Api,
    /// As the key of a session, to the v2 API.
    Session,
    /// As user name and password, to read or write data; the digest was found by them.
    Legacy,
}

/// What a check needs to know of a credential. The tracker is made when it is first used.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) digest: TokenDigest,
    pub(crate) id: CredentialId,
    pub(crate) kind: Kind,
    /// Microseconds since 1970; `i64::MAX` = never. Only that of a session moves.
    expires_at: AtomicI64,
    rights: ArcSwap<Rights>,
    tracker: OnceLock<Arc<Tracker>>,
}

impl Credential {
    pub(crate) fn new(
        id: CredentialId,
        kind: Kind,
        digest: TokenDigest,
        expires_at: Option<Timestamp>,
        rights: Arc<Rights>,
    ) -> Self {
        Self {
            digest,
            id,
            kind,
            expires_at: AtomicI64::new(expires_at.map_or(i64::MAX, Timestamp::micros)),
            rights: ArcSwap::new(rights),
            tracker: OnceLock::new(),
        }
    }

    /// Whether it is accepted there.
    pub(crate) fn passes(&self, door: Door) -> bool {
        match (door, self.kind) {
            (Door::Management, Kind::Api) => self.rights().are_operator(),
            (Door::Management, Kind::Management)
            | (Door::Data, Kind::Database | Kind::Api)
            | (Door::Api, Kind::Api)
            | (Door::Session, Kind::Session)
            | (Door::Legacy, Kind::Legacy) => true,
            _ => false,
        }
    }

    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        let micros = self.expires_at.load(Ordering::SeqCst);
        (micros != i64::MAX).then(|| Timestamp::from_micros(micros))
    }

    pub(crate) fn expire_at(&self, at: Timestamp) {
        self.expires_at.store(at.micros(), Ordering::SeqCst);
    }

    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.load(Ordering::SeqCst) <= now.micros()
    }

    pub(crate) fn rights(&self) -> arc_swap::Guard<Arc<Rights>> {
        self.rights.load()
    }

    pub(crate) fn replace_rights(&self, rights: Arc<Rights>) {
        self.rights.store(rights);
    }

    pub(crate) fn tracker(&self) -> &Arc<Tracker> {
        self.tracker.get_or_init(Arc::default)
    }
}
