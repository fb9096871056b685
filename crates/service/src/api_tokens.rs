//! API tokens: create, list, get, change, delete (v2 API contract §4).

use std::sync::Arc;
use std::time::Instant;

use tidegate_access::{Access, Drain, Entry};
use tidegate_catalog::{ApiTokenFilter, CatalogError};
use tidegate_model::{
    Action, ApiToken, ApiTokenChange, ApiTokenForm, ApiTokenId, CredentialId, Description, OrganizationId, PlainToken,
    ResourceType, Status, Timestamp, TokenDigest, TypedPermission, TypedPermissions, UserId,
};

use crate::service::actor;
use crate::{Profile, Service, ServiceError};

/// What a caller gives to create an API token.
#[derive(Debug, Clone)]
pub struct ApiTokenRequest {
    /// In which organization it finds databases.
    pub organization: OrganizationId,
    /// Its owner; `None` = the caller's user.
    pub user: Option<UserId>,
    /// Whether it can be used at once.
    pub status: Status,
    /// Free text beside the token.
    pub description: Description,
    /// What it may do. The caller must hold all of it.
    pub permissions: TypedPermissions,
    /// From when on it is dead; `None` = never.
    pub expires_at: Option<Timestamp>,
}

/// An API token that has just been made. The secret exists nowhere else.
#[derive(Debug)]
pub struct CreatedApiToken {
    /// The secret, shown once.
    pub token: PlainToken,
    /// What the catalog keeps.
    pub record: Arc<ApiToken>,
}

/// Which API tokens to list; all of it must be true of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApiTokenQuery {
    /// Those of this user.
    pub user: Option<UserId>,
    /// Those of this organization.
    pub organization: Option<OrganizationId>,
    /// The one with this digest.
    pub digest: Option<TokenDigest>,
}

/// How many permissions an API token has at most.
const MOST_PERMISSIONS: usize = 1000;

/// Which of the two lists a call is about. A token of one is unknown to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Tokens,
    Legacy,
}

impl List {
    pub(crate) fn has(self, token: &ApiToken) -> bool {
        matches!(token.form, ApiTokenForm::Legacy { .. }) == (self == Self::Legacy)
    }
}

impl Service {
    /// Creates an API token.
    ///
    /// # Errors
    /// [`ServiceError::PermissionMissing`], [`ServiceError::Escalation`],
    /// [`ServiceError::PermissionOfOtherOrganization`], [`ServiceError::OwnerOrOrganizationMissing`],
    /// [`ServiceError::ExpiryInThePast`].
    pub async fn create_api_token(
        self: &Arc<Self>,
        caller: Entry,
        request: ApiTokenRequest,
    ) -> Result<CreatedApiToken, ServiceError> {
        let token = PlainToken::generate_without_prefix(&*self.randomness);
        let new = self.new_api_token(&caller, request, ApiTokenForm::Token { weak: false }, token.digest())?;
        let record = self.record_api_token(caller, new).await?;
        Ok(CreatedApiToken { token, record })
    }

    /// The record of a token that the caller may create.
    pub(crate) fn new_api_token(
        &self,
        caller: &Entry,
        request: ApiTokenRequest,
        form: ApiTokenForm,
        digest: TokenDigest,
    ) -> Result<ApiToken, ServiceError> {
        let organization = request.organization;
        let user = request.user.map_or_else(|| Self::owner(caller).map(|owner| owner.user), Ok)?;
        let kind = ResourceType::Authorizations;
        self.need(caller, &TypedPermission::in_organization(Action::Write, kind, organization))?;
        self.need_user(caller, Action::Write, user)?;
        if request.permissions.len() > MOST_PERMISSIONS {
            return Err(ServiceError::TooManyPermissions(MOST_PERMISSIONS));
        }
        let permissions = self.completed(&request.permissions, organization);
        Self::may_give_away(caller, &permissions)?;
        for permission in permissions.iter() {
            if permission.organization.is_some_and(|other| other != organization) {
                return Err(ServiceError::PermissionOfOtherOrganization(*permission, organization));
            }
        }
        if self.catalog.user(user).is_none() || self.catalog.organization(organization).is_none() {
            return Err(ServiceError::OwnerOrOrganizationMissing);
        }
        let now = self.access.now();
        if request.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(ServiceError::ExpiryInThePast);
        }
        Ok(ApiToken {
            id: ApiTokenId::random(&*self.randomness),
            form,
            digest,
            organization,
            user,
            status: request.status,
            description: request.description,
            permissions,
            created_at: now,
            updated_at: now,
            expires_at: request.expires_at,
            deleted_at: None,
        })
    }

    /// In the cloud profile a permission without an organization means the token's own (contract §4.3).
    fn completed(&self, permissions: &TypedPermissions, organization: OrganizationId) -> TypedPermissions {
        let complete = |permission: &TypedPermission| {
            let is_left = self.settings.profile == Profile::SelfHosted || permission.kind.belongs_to_no_organization();
            TypedPermission {
                organization: permission.organization.or(if is_left { None } else { Some(organization) }),
                ..*permission
            }
        };
        permissions.iter().map(complete).collect()
    }

    /// Whether the caller holds all of this, as who lets somebody else have it must.
    pub(crate) fn may_give_away(caller: &Entry, permissions: &TypedPermissions) -> Result<(), ServiceError> {
        // Nobody holds one of type `instance`, and nobody gets it here.
        let is_held = |permission: &&TypedPermission| {
            permission.kind != ResourceType::Instance && caller.authorize(&permission.effect()).is_ok()
        };
        match permissions.iter().find(|permission| !is_held(permission)) {
            Some(missing) => Err(ServiceError::Escalation(*missing)),
            None => Ok(()),
        }
    }

    pub(crate) async fn record_api_token(
        self: &Arc<Self>,
        caller: Entry,
        new: ApiToken,
    ) -> Result<Arc<ApiToken>, ServiceError> {
        self.run_change(move |service| async move {
            let _turn = service.begin_change(&caller).await?;
            let record = service.catalog.create_api_token(new, None, actor(&caller)).await?;
            service.put_api_token_in_force(&record).await;
            Ok(Arc::new(record))
        })
        .await
    }

    /// Makes an API token usable, if it is active and its owner can be used.
    pub(crate) async fn put_api_token_in_force(&self, token: &ApiToken) {
        if self.catalog.user(token.user).is_none_or(|user| user.status != Status::Active) {
            return;
        }
        if let Some(reached) = self.access.install_api_token(token) {
            self.remember(reached).await;
        }
    }

    /// The API tokens that the caller may see, by id.
    pub async fn api_tokens(&self, caller: &Entry, query: ApiTokenQuery) -> Result<Vec<ApiToken>, ServiceError> {
        self.visible_tokens(caller, query, List::Tokens).await
    }

    pub(crate) async fn visible_tokens(
        &self,
        caller: &Entry,
        query: ApiTokenQuery,
        list: List,
    ) -> Result<Vec<ApiToken>, ServiceError> {
        let ApiTokenQuery { user, organization, digest } = query;
        if !caller.holds_any(Action::Read, ResourceType::Authorizations) {
            return Ok(Vec::new());
        }
        let filter = ApiTokenFilter { user, organization, digest, legacy: list == List::Legacy };
        let mut visible = Vec::new();
        let listed = self.catalog.for_each_api_token(filter, |token| {
            if self.stands(&token) && self.need_token(caller, Action::Read, &token).is_ok() {
                visible.push(token);
            }
        });
        caller.run(listed).await.map_err(|reason| ServiceError::ended(reason, None))??;
        Ok(visible)
    }

    /// Whether owner and organization of a token exist.
    fn stands(&self, token: &ApiToken) -> bool {
        self.catalog.user(token.user).is_some() && self.catalog.organization(token.organization).is_some()
    }

    /// One API token.
    ///
    /// # Errors
    /// [`ServiceError::ApiTokenNotFound`], also for one that the caller may not see.
    pub async fn api_token(&self, caller: &Entry, id: ApiTokenId) -> Result<ApiToken, ServiceError> {
        self.visible_token(caller, id, List::Tokens).await
    }

    pub(crate) async fn visible_token(
        &self,
        caller: &Entry,
        id: ApiTokenId,
        list: List,
    ) -> Result<ApiToken, ServiceError> {
        let found = caller.run(self.catalog.api_token(id)).await;
        let token = found.map_err(|reason| ServiceError::ended(reason, None))??;
        let token = token
            .filter(|token| list.has(token) && self.need_token(caller, Action::Read, token).is_ok())
            .ok_or(ServiceError::ApiTokenNotFound)?;
        // Whoever may see it may learn why it is of no use any more.
        if self.catalog.user(token.user).is_none() {
            return Err(ServiceError::UserNotFound);
        }
        if self.catalog.organization(token.organization).is_none() {
            return Err(ServiceError::OrganizationNotFound);
        }
        Ok(token)
    }

    /// Changes description or status. When this returns, a token that was deactivated can do nothing more, anywhere. Who
    /// activates one must hold all that it may do, as if creating it.
    ///
    /// # Errors
    /// [`ServiceError::ApiTokenNotFound`], [`ServiceError::PermissionMissing`], [`ServiceError::Escalation`],
    /// [`ServiceError::StillDraining`].
    pub async fn update_api_token(
        self: &Arc<Self>,
        caller: Entry,
        id: ApiTokenId,
        change: ApiTokenChange,
    ) -> Result<ApiToken, ServiceError> {
        self.change_token(caller, id, change, List::Tokens).await
    }

    pub(crate) async fn change_token(
        self: &Arc<Self>,
        caller: Entry,
        id: ApiTokenId,
        change: ApiTokenChange,
        list: List,
    ) -> Result<ApiToken, ServiceError> {
        let before = self.visible_token(&caller, id, list).await?;
        self.need_token(&caller, Action::Write, &before)?;
        // Whatever it is now: it may be deactivated before this change has its turn.
        if change.status == Some(Status::Active) {
            Self::may_give_away(&caller, &before.permissions)?;
        }
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let deactivates = change.status == Some(Status::Inactive);
            let changed = service.catalog.update_api_token(id, change, actor(&caller)).await;
            if let Err(error @ CatalogError::Unusable) = changed {
                if deactivates {
                    // Whether the change is on disk is unknown. Then the token had better be dead.
                    drop(service.access.end_api_token(&before));
                }
                return Err(error.into());
            }
            let token = changed.map_err(about_api_token)?;
            let drain = service.follow_status(&token).await;
            drop((turn, caller));
            service.drained(&drain, "deactivated").await?;
            Ok(token)
        })
        .await
    }

    /// Makes the index agree with a record.
    async fn follow_status(&self, token: &ApiToken) -> Drain {
        if token.status == Status::Inactive {
            return self.access.end_api_token(token);
        }
        self.put_api_token_in_force(token).await;
        Drain::nothing()
    }

    /// Deletes an API token. When this returns `Ok`, the token can do nothing more, anywhere.
    ///
    /// # Errors
    /// [`ServiceError::ApiTokenNotFound`], also for one that the caller may neither see nor change;
    /// [`ServiceError::PermissionMissing`], [`ServiceError::StillDraining`].
    pub async fn delete_api_token(self: &Arc<Self>, caller: Entry, id: ApiTokenId) -> Result<(), ServiceError> {
        self.delete_token(caller, id, List::Tokens).await
    }

    pub(crate) async fn delete_token(
        self: &Arc<Self>,
        caller: Entry,
        id: ApiTokenId,
        list: List,
    ) -> Result<(), ServiceError> {
        let start = Instant::now();
        let found = caller.run(self.catalog.api_token(id)).await;
        let found = found.map_err(|reason| ServiceError::ended(reason, None))??;
        let Some(token) = found.filter(|token| list.has(token)) else { return Err(self.gone(caller, id).await) };
        if let Err(missing) = self.need_token(&caller, Action::Write, &token) {
            let is_seen = self.need_token(&caller, Action::Read, &token).is_ok();
            return Err(if is_seen { missing } else { ServiceError::ApiTokenNotFound });
        }
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let deleted = service.catalog.delete_api_token(id, actor(&caller)).await;
            if let Err(CatalogError::TokenNotFound) = deleted {
                drop(turn);
                return Err(service.gone(caller, id).await);
            }
            if let Err(error @ CatalogError::Unusable) = deleted {
                // Whether the deletion is on disk is unknown. Then the token had better be dead.
                drop(service.access.end_api_token(&token));
                return Err(error.into());
            }
            // Whoever makes a legacy credential of the same name must not be taken for this one.
            service.verified_passwords.forget(token.digest);
            let drain = service.access.end_api_token(&deleted?);
            // The caller has left before the wait begins: a token can delete itself, or one that is deleting it.
            drop((turn, caller));
            service.drained(&drain, "deleted").await?;
            service.measurements.revocations.observe_since(start);
            Ok(())
        })
        .await
    }

    async fn gone(&self, caller: Entry, id: ApiTokenId) -> ServiceError {
        let organization = self.organization_of(&caller);
        let all = TypedPermission::in_organization(Action::Write, ResourceType::Authorizations, organization);
        let left = |access: &Access| access.draining(CredentialId::ApiToken(id));
        self.once_left(caller, all, left, "deleted", ServiceError::ApiTokenNotFound).await
    }
}

/// What an error of the catalog means for a call about an API token.
pub(crate) fn about_api_token(error: CatalogError) -> ServiceError {
    match error {
        CatalogError::TokenNotFound => ServiceError::ApiTokenNotFound,
        other => other.into(),
    }
}
