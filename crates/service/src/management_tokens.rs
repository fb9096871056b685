//! Management tokens: the first one, and create, list, revoke.

use std::sync::Arc;

use tidegate_access::Entry;
use tidegate_catalog::Actor;
use tidegate_model::{Description, NewToken, PermissionSet, PlainToken, TokenId, TokenKind, TokenRecord};

use crate::{Created, Service, ServiceError, TokenRequest};

impl Service {
    /// Whether this server still needs its first management token: none ever existed.
    pub async fn needs_first_management_token(&self) -> Result<bool, ServiceError> {
        Ok(!self.catalog.management_token_ever_existed().await?)
    }

    /// Makes `token` the first management token. Fails if one ever existed, or if this text was ever used.
    pub async fn install_first_management_token(
        self: &Arc<Self>,
        token: &PlainToken,
        description: Description,
    ) -> Result<TokenId, ServiceError> {
        let new = NewToken {
            id: TokenId::random(&*self.randomness),
            kind: TokenKind::Management,
            digest: token.digest(),
            prefix: token.visible_prefix(),
            description,
            permissions: PermissionSet::none(),
            created_at: self.access.now(),
            created_by: None,
            expires_at: None,
        };
        self.run_change(move |service| async move {
            let _turn = service.changes.lock().await;
            if service.catalog.management_token_ever_existed().await? {
                return Err(ServiceError::TokenUsedBefore);
            }
            let record = service.catalog.create_token(new, Actor::Server).await?;
            service.put_in_force(&record).await;
            Ok(record.id)
        })
        .await
    }

    /// Creates a management token.
    pub async fn create_management_token(
        self: &Arc<Self>,
        caller: Entry,
        request: TokenRequest,
    ) -> Result<Created, ServiceError> {
        self.create(caller, TokenKind::Management, request).await
    }

    /// All management tokens, revoked ones included, by id.
    pub async fn management_tokens(&self, caller: &Entry) -> Result<Vec<TokenRecord>, ServiceError> {
        self.list(caller, TokenKind::Management, true).await
    }

    /// One management token, revoked or not.
    pub async fn management_token(&self, caller: &Entry, id: TokenId) -> Result<Arc<TokenRecord>, ServiceError> {
        self.find(caller, TokenKind::Management, id).await
    }

    /// Revokes a management token, perhaps the one that asks.
    pub async fn revoke_management_token(self: &Arc<Self>, caller: Entry, id: TokenId) -> Result<(), ServiceError> {
        self.revoke(caller, TokenKind::Management, id).await
    }
}
