//! Whether an organization keeps a token with which others can be made.

use tidegate_access::Entry;
use tidegate_model::{Action, ApiToken, ApiTokenId, ResourceType, Status, TypedPermission};

use crate::{ApiTokenQuery, Service, ServiceError};

impl Service {
    /// Whether none of the organization's active API tokens that the caller may see can make others once `gone` cannot be
    /// used any more. Nothing is refused for it (v2 API contract §4.3); whoever asks for their end can be warned.
    pub async fn ends_last_token_maker(&self, caller: &Entry, gone: &[ApiTokenId]) -> Result<bool, ServiceError> {
        let tokens = self.api_tokens(caller, ApiTokenQuery::default()).await?;
        let (going, staying): (Vec<_>, Vec<_>) = tokens
            .iter()
            .filter(|token| self.is_active(token) && makes_tokens(token))
            .partition(|token| gone.contains(&token.id));
        Ok(going.iter().any(|going| staying.iter().all(|staying| staying.organization != going.organization)))
    }

    /// Whether an API token can be used, as far as its own record says.
    pub fn is_active(&self, token: &ApiToken) -> bool {
        token.status == Status::Active && !self.is_expired(token)
    }

    /// Whether the expiry of an API token has come.
    pub fn is_expired(&self, token: &ApiToken) -> bool {
        token.expires_at.is_some_and(|expiry| expiry <= self.access.now())
    }
}

fn makes_tokens(token: &ApiToken) -> bool {
    let kind = ResourceType::Authorizations;
    token.permissions.cover(&TypedPermission::in_organization(Action::Write, kind, token.organization))
}
