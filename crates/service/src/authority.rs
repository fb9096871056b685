//! What a caller with typed permissions may see and change (v2 API contract §§3 and 4.3).

use tidegate_access::{Access, Drain, Entry, Forbidden, Owner};
use tidegate_model::{Action, ApiToken, OrganizationId, ResourceType, TypedPermission, TypedPermissions, UserId};

use crate::{Profile, Service, ServiceError};

impl Service {
    /// On whose behalf the caller acts.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] for a credential without typed permissions, which no edge lets get here.
    pub(crate) fn owner(caller: &Entry) -> Result<Owner, ServiceError> {
        caller.owner().ok_or(ServiceError::Forbidden)
    }

    /// The organization in which a request finds databases.
    pub fn organization_of(&self, caller: &Entry) -> OrganizationId {
        caller.owner().map_or(self.identity().organization, |owner| owner.organization)
    }

    /// Whether the caller holds a permission and, in the cloud profile, what it is about is in its own organization.
    pub(crate) fn may(&self, caller: &Entry, wanted: &TypedPermission) -> bool {
        self.need(caller, wanted).is_ok()
    }

    /// As [`Service::may`], with the error that says what is missing.
    pub(crate) fn need(&self, caller: &Entry, wanted: &TypedPermission) -> Result<(), ServiceError> {
        caller.authorize(wanted).map_err(|forbidden| match forbidden {
            Forbidden::NoGrant => ServiceError::PermissionMissing(*wanted),
            Forbidden::Ended(reason) => ServiceError::ended(reason, None),
        })?;
        if self.settings.profile == Profile::Cloud && !self.is_at_home(Self::owner(caller)?, wanted) {
            return Err(ServiceError::PermissionMissing(*wanted));
        }
        Ok(())
    }

    /// What a caller must hold to let somebody else have it.
    pub(crate) fn need_each(&self, caller: &Entry, wanted: TypedPermissions) -> Result<(), ServiceError> {
        wanted.iter().try_for_each(|wanted| self.need(caller, &wanted.effect()))
    }

    /// In the cloud profile no permission reaches beyond its organization.
    fn is_at_home(&self, owner: Owner, wanted: &TypedPermission) -> bool {
        let id = wanted.id.map(|id| id.get());
        match (wanted.kind, wanted.organization) {
            (_, Some(organization)) => organization == owner.organization,
            (ResourceType::Orgs, None) => id == Some(owner.organization.get()),
            (ResourceType::Users, None) => id.and_then(UserId::new).is_some_and(|user| {
                user == owner.user || self.catalog.roles(user).iter().any(|(at, _)| *at == owner.organization)
            }),
            (_, None) => false,
        }
    }

    /// What must be held to do this to a user. A user's own tokens may do it to themselves and to the user's tokens
    /// without it.
    pub(crate) fn need_user(&self, caller: &Entry, action: Action, user: UserId) -> Result<(), ServiceError> {
        if Self::owner(caller)?.user == user {
            return Ok(());
        }
        self.need(caller, &TypedPermission::on_one(action, ResourceType::Users, user))
    }

    /// The answer `gone` to who takes away what is not there, once what is left of it has gone too. Only who holds
    /// `needed` waits, so that the time tells nobody else what was there. `done` is what was done to it.
    pub(crate) async fn once_left(
        &self,
        caller: Entry,
        needed: TypedPermission,
        left: impl FnOnce(&Access) -> Drain,
        done: &'static str,
        gone: ServiceError,
    ) -> ServiceError {
        if self.may(&caller, &needed) {
            let drain = left(&self.access);
            drop(caller);
            if let Err(still_draining) = self.drained(&drain, done).await {
                return still_draining;
            }
        }
        gone
    }

    /// What must be held to do this to an API token.
    pub(crate) fn need_token(&self, caller: &Entry, action: Action, token: &ApiToken) -> Result<(), ServiceError> {
        let kind = ResourceType::Authorizations;
        self.need(caller, &TypedPermission::on(action, kind, token.organization, token.id))?;
        self.need_user(caller, action, token.user)
    }
}
