//! Database tokens: create, list, get, update, revoke.

use std::sync::Arc;
use std::time::Instant;

use tidegate_access::Entry;
use tidegate_catalog::CatalogError;
use tidegate_model::{
    CredentialId, Description, NewToken, PermissionSet, PlainToken, Timestamp, TokenId, TokenKind, TokenRecord,
};

use crate::error::about_token;
use crate::service::actor;
use crate::{Service, ServiceError};

/// What a caller gives to create a token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Free text beside the token.
    pub description: Description,
    /// What it may do; empty for management tokens.
    pub permissions: PermissionSet,
    /// From when on it is dead; `None` = never.
    pub expires_at: Option<Timestamp>,
}

/// A token that has just been made. The secret exists nowhere else.
#[derive(Debug)]
pub struct Created {
    /// The secret, shown once.
    pub token: PlainToken,
    /// What the catalog keeps.
    pub record: Arc<TokenRecord>,
}

pub use tidegate_catalog::TokenChange;

impl Service {
    /// Creates a database token.
    pub async fn create_token(self: &Arc<Self>, caller: Entry, request: TokenRequest) -> Result<Created, ServiceError> {
        self.create(caller, TokenKind::Database, request).await
    }

    /// All database tokens, by id.
    pub async fn tokens(&self, caller: &Entry, include_revoked: bool) -> Result<Vec<TokenRecord>, ServiceError> {
        self.list(caller, TokenKind::Database, include_revoked).await
    }

    /// One database token. A revoked one is found only if it is asked for as such.
    pub async fn token(
        &self,
        caller: &Entry,
        id: TokenId,
        include_revoked: bool,
    ) -> Result<Arc<TokenRecord>, ServiceError> {
        let record = self.find(caller, TokenKind::Database, id).await?;
        if record.revoked_at.is_some() && !include_revoked {
            return Err(ServiceError::TokenNotFound(id));
        }
        Ok(record)
    }

    /// Replaces the description, the permissions or both. When this returns, no request goes on with a grant that
    /// was taken away.
    pub async fn update_token(
        self: &Arc<Self>,
        caller: Entry,
        id: TokenId,
        change: TokenChange,
    ) -> Result<Arc<TokenRecord>, ServiceError> {
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let requested = change.permissions.clone();
            let updated = service.catalog.update_token(id, change, actor(&caller)).await;
            if let Err(error @ CatalogError::Unusable) = updated {
                service.keep_common_rights(id, requested).await;
                return Err(error.into());
            }
            let record = updated.map_err(about_token(id))?;
            let drain = service.access.narrow(&record);
            drop((turn, caller));
            service.drained(&drain, "updated").await?;
            Ok(record)
        })
        .await
    }

    /// After an update of unknown outcome: leaves only what both the old and the requested permissions allow.
    async fn keep_common_rights(&self, id: TokenId, requested: Option<PermissionSet>) {
        let (Some(requested), Ok(old)) = (requested, self.catalog.token(id, TokenKind::Database).await) else { return };
        let common = old.permissions.grants().iter().filter(|grant| requested.grants().contains(grant));
        let narrowed = TokenRecord { permissions: common.cloned().collect(), ..TokenRecord::clone(&old) };
        // The caller is told that the outcome is unknown, so nobody waits for this drain.
        drop(self.access.narrow(&narrowed));
    }

    /// Revokes a database token. When this returns `Ok`, the token can do nothing more, anywhere.
    pub async fn revoke_token(self: &Arc<Self>, caller: Entry, id: TokenId) -> Result<(), ServiceError> {
        self.revoke(caller, TokenKind::Database, id).await
    }

    pub(crate) async fn create(
        self: &Arc<Self>,
        caller: Entry,
        kind: TokenKind,
        request: TokenRequest,
    ) -> Result<Created, ServiceError> {
        let now = self.access.now();
        if request.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(ServiceError::ExpiryInThePast);
        }
        self.run_change(move |service| async move {
            let token = PlainToken::generate(kind, &*service.randomness);
            let new = NewToken {
                id: TokenId::random(&*service.randomness),
                kind,
                digest: token.digest(),
                prefix: token.visible_prefix(),
                description: request.description,
                permissions: request.permissions,
                created_at: now,
                created_by: created_by(&caller),
                expires_at: request.expires_at,
            };
            let _turn = service.begin_change(&caller).await?;
            let record = service.catalog.create_token(new, actor(&caller)).await?;
            service.put_in_force(&record).await;
            Ok(Created { token, record })
        })
        .await
    }

    /// Makes a token usable that has just been created.
    pub(crate) async fn put_in_force(&self, record: &TokenRecord) {
        if let Some(reached) = self.access.install(record) {
            self.remember(reached).await;
        }
    }

    pub(crate) async fn find(
        &self,
        caller: &Entry,
        kind: TokenKind,
        id: TokenId,
    ) -> Result<Arc<TokenRecord>, ServiceError> {
        let found = caller.run(self.catalog.token(id, kind)).await;
        found.map_err(|reason| ServiceError::ended(reason, None))?.map_err(about_token(id))
    }

    pub(crate) async fn list(
        &self,
        caller: &Entry,
        kind: TokenKind,
        include_revoked: bool,
    ) -> Result<Vec<TokenRecord>, ServiceError> {
        let listed = caller.run(self.catalog.tokens(kind, include_revoked)).await;
        Ok(listed.map_err(|reason| ServiceError::ended(reason, None))??)
    }

    pub(crate) async fn revoke(
        self: &Arc<Self>,
        caller: Entry,
        kind: TokenKind,
        id: TokenId,
    ) -> Result<(), ServiceError> {
        let start = Instant::now();
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let record = service.catalog.token(id, kind).await.map_err(about_token(id))?;
            let revoked = service.catalog.revoke_token(id, kind, actor(&caller)).await;
            if let Err(error @ CatalogError::Unusable) = revoked {
                // Whether the revocation is on disk is unknown. Then the token had better be dead.
                drop(service.access.revoke(&record));
                return Err(error.into());
            }
            let drain = service.access.revoke(&revoked.map_err(about_token(id))?.record);
            // The caller has left before the wait begins: a token can revoke itself, or one that is revoking it.
            drop((turn, caller));
            service.drained(&drain, "revoked").await?;
            service.measurements.revocations.observe_since(start);
            Ok(())
        })
        .await
    }
}

/// The token whose holder makes another one; `None` if that is no such token.
fn created_by(caller: &Entry) -> Option<TokenId> {
    match caller.credential_id() {
        CredentialId::Token(id) => Some(id),
        CredentialId::ApiToken(_) | CredentialId::Session(_) => None,
    }
}
