//! A token as its pages show it.

use tidegate_model::{CredentialId, Timestamp, TokenRecord, TokenState};
use tidegate_service::Entry;

use super::grants::{self, Granted};
use crate::when::When;

/// A row of the list, and the head of the other pages.
pub(super) struct TokenRow {
    pub(super) id: String,
    /// Its description, or what stands for it.
    pub(super) title: String,
    pub(super) state: TokenState,
    /// Whether the visitor has signed in with it.
    pub(super) is_own: bool,
    /// The first characters of the secret.
    pub(super) prefix: String,
    /// Such as `flights, + 1 more`.
    pub(super) databases: String,
    pub(super) granted: Vec<Granted>,
    pub(super) created: When,
    /// The management token that made it.
    pub(super) created_by: Option<String>,
    pub(super) expires: Option<When>,
    pub(super) revoked: Option<When>,
}

impl TokenRow {
    pub(super) fn new(token: &TokenRecord, caller: &Entry, now: Timestamp) -> Self {
        let description = token.description.as_str();
        let title = if description.trim().is_empty() { "(no description)" } else { description };
        Self {
            id: token.id.to_string(),
            title: title.to_owned(),
            state: token.state(now),
            is_own: caller.credential_id() == CredentialId::Token(token.id),
            prefix: token.prefix.clone(),
            databases: grants::summary(&token.permissions),
            granted: grants::table(&token.permissions),
            created: When::new(token.created_at, now),
            created_by: token.created_by.map(|id| id.to_string()),
            expires: token.expires_at.map(|expiry| When::new(expiry, now)),
            revoked: token.revoked_at.map(|revoked| When::new(revoked, now)),
        }
    }

    /// Whether it can still be revoked.
    pub(super) fn is_revocable(&self) -> bool {
        self.state != TokenState::Revoked
    }

    /// The word for its state, and the class of its badge.
    pub(super) fn badge(&self) -> (&'static str, &'static str) {
        match self.state {
            TokenState::Active => ("Active", "good"),
            TokenState::Expired => ("Expired", "warning"),
            TokenState::Revoked => ("Revoked", "off"),
        }
    }
}
