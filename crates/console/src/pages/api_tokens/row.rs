//! An API token as its pages show it.

use tidegate_model::{ApiToken, ApiTokenForm, CredentialId, Status};
use tidegate_service::{Entry, Service};

use super::permissions;
use crate::when::When;

/// A row of the list, and the head of the other pages.
pub(super) struct TokenRow {
    pub(super) id: String,
    /// Its description, or what stands for it.
    pub(super) title: String,
    /// Its description as it is.
    pub(super) description: String,
    pub(super) is_active: bool,
    pub(super) is_expired: bool,
    /// Whether somebody chose its text, so that it may be easy to guess.
    pub(super) is_weak: bool,
    /// Whether the visitor has signed in with it.
    pub(super) is_own: bool,
    pub(super) summary: String,
    pub(super) owner: String,
    pub(super) organization: String,
    pub(super) created: When,
    pub(super) expires: Option<When>,
}

impl TokenRow {
    pub(super) fn new(service: &Service, token: &ApiToken, caller: &Entry) -> Self {
        let now = service.now();
        let description = token.description.as_str().to_owned();
        let title = if description.trim().is_empty() { "(no description)".to_owned() } else { description.clone() };
        let gone = || "(gone)".to_owned();
        Self {
            id: token.id.to_string(),
            title,
            description,
            is_active: token.status == Status::Active,
            is_expired: service.is_expired(token),
            is_weak: matches!(token.form, ApiTokenForm::Token { weak: true }),
            is_own: caller.credential_id() == CredentialId::ApiToken(token.id),
            summary: permissions::summary(service, &token.permissions, token.organization),
            owner: service.user_name(token.user).map_or_else(gone, |name| name.to_string()),
            organization: service.organization_name(token.organization).map_or_else(gone, |name| name.to_string()),
            created: When::new(token.created_at, now),
            expires: token.expires_at.map(|expiry| When::new(expiry, now)),
        }
    }

    /// The word for its state, and the class of its badge.
    pub(super) fn state(&self) -> (&'static str, &'static str) {
        match (self.is_expired, self.is_active) {
            (true, _) => ("Expired", "bad"),
            (false, true) => ("Active", "good"),
            (false, false) => ("Inactive", "off"),
        }
    }
}
