//! A credential as the index holds it: small while nobody uses it.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tidegate_model::{PermissionSet, Timestamp, TokenDigest, TokenId, TokenKind, TokenRecord};

use crate::tracker::Tracker;

/// What a check needs to know of a token. The tracker is made when the token is first used.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) digest: TokenDigest,
    pub(crate) id: TokenId,
    pub(crate) kind: TokenKind,
    /// Microseconds since 1970; `i64::MAX` = never.
    expires_at: i64,
    permissions: ArcSwap<PermissionSet>,
    tracker: OnceLock<Arc<Tracker>>,
}

impl Credential {
    pub(crate) fn new(record: &TokenRecord, permissions: Arc<PermissionSet>) -> Self {
        Self {
            digest: record.digest,
            id: record.id,
            kind: record.kind,
            expires_at: record.expires_at.map_or(i64::MAX, Timestamp::micros),
            permissions: ArcSwap::new(permissions),
            tracker: OnceLock::new(),
        }
    }

    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now.micros()
    }

    pub(crate) fn permissions(&self) -> arc_swap::Guard<Arc<PermissionSet>> {
        self.permissions.load()
    }

    pub(crate) fn replace_permissions(&self, permissions: Arc<PermissionSet>) {
        self.permissions.store(permissions);
    }

    pub(crate) fn tracker(&self) -> &Arc<Tracker> {
        self.tracker.get_or_init(Arc::default)
    }
}
