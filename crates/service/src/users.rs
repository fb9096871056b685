//! Users and their passwords (v2 API contract §5.4).

use std::sync::Arc;

use tidegate_access::{Access, Drain, Entry};
use tidegate_catalog::{ApiTokenFilter, CatalogError, NewUser, UserChange};
use tidegate_model::{
    Action, DatabaseId, DatabaseName, Name, OrganizationId, PlainToken, ResourceType, Status, TypedPermission, User,
    UserId,
};

use crate::service::actor;
use crate::{Profile, Service, ServiceError, sessions};

impl Service {
    /// The users that the caller may see: the caller's own first, then by id.
    pub fn users(&self, caller: &Entry) -> Result<Vec<Arc<User>>, ServiceError> {
        let own = Self::owner(caller)?.user;
        let mut users = self.catalog.users();
        users.retain(|user| self.need_user(caller, Action::Read, user.id).is_ok());
        // A stable sort: the order of the others stays.
        users.sort_by_key(|user| user.id != own);
        Ok(users)
    }

    /// One user.
    ///
    /// # Errors
    /// [`ServiceError::UserNotFound`], also for one that the caller may not see.
    pub fn user(&self, caller: &Entry, id: UserId) -> Result<Arc<User>, ServiceError> {
        let user = self.catalog.user(id).filter(|user| self.need_user(caller, Action::Read, user.id).is_ok());
        user.ok_or(ServiceError::UserNotFound)
    }

    /// The user on whose behalf the caller acts.
    pub fn me(&self, caller: &Entry) -> Result<Arc<User>, ServiceError> {
        self.catalog.user(Self::owner(caller)?.user).ok_or(ServiceError::UserNotFound)
    }

    /// The user of this name, for filters.
    pub fn find_user(&self, name: &str) -> Option<UserId> {
        self.catalog.user_by_name(name).map(|user| user.id)
    }

    /// The name of a user, to be shown beside what belongs to it.
    pub fn user_name(&self, id: UserId) -> Option<Name> {
        self.catalog.user(id).map(|user| user.name.clone())
    }

    /// The name of a database, to be shown beside its id. Of one organization, if that is given.
    pub fn database_name(&self, id: DatabaseId, organization: Option<OrganizationId>) -> Option<DatabaseName> {
        let database = self.catalog.database_by_id(id)?;
        organization.is_none_or(|organization| organization == database.organization).then(|| database.name.clone())
    }

    /// The name of an organization, to be shown beside its id.
    pub fn organization_name(&self, id: OrganizationId) -> Option<Name> {
        self.catalog.organization(id).map(|organization| organization.name.clone())
    }

    /// Creates a user without a password, who cannot sign in yet.
    ///
    /// # Errors
    /// [`ServiceError::UsersByRecovery`] in the cloud profile, [`ServiceError::PermissionMissing`],
    /// [`ServiceError::UserExists`].
    pub async fn create_user(
        self: &Arc<Self>,
        caller: Entry,
        name: Name,
        status: Status,
    ) -> Result<Arc<User>, ServiceError> {
        if self.settings.profile == Profile::Cloud {
            return Err(ServiceError::UsersByRecovery);
        }
        self.need(&caller, &TypedPermission::everywhere(Action::Write, ResourceType::Users))?;
        let new = NewUser { id: UserId::random(&*self.randomness), name, status, password: None };
        self.change_catalog(caller, move |catalog, actor| async move { Ok(catalog.create_user(new, actor).await?) })
            .await
    }

    /// Changes name or status. When this returns, a user who was deactivated can do nothing more, anywhere, nor can any
    /// of his tokens and sessions.
    ///
    /// # Errors
    /// [`ServiceError::UserNotFound`], [`ServiceError::UserExists`], [`ServiceError::PermissionMissing`],
    /// [`ServiceError::StillDraining`].
    pub async fn update_user(
        self: &Arc<Self>,
        caller: Entry,
        id: UserId,
        change: UserChange,
    ) -> Result<Arc<User>, ServiceError> {
        self.changeable_user(&caller, id)?;
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let deactivates = change.status == Some(Status::Inactive);
            let changed = service.catalog.update_user(id, change, actor(&caller)).await;
            if let Err(error @ CatalogError::Unusable) = changed {
                if deactivates {
                    // Whether the change is on disk is unknown. Then the user had better be out.
                    drop(service.end_user(id));
                }
                return Err(error.into());
            }
            let user = changed.map_err(about_user)?;
            let drain = match user.status {
                Status::Inactive => service.end_user(id),
                Status::Active => {
                    service.put_tokens_in_force(id).await?;
                    Drain::nothing()
                }
            };
            drop((turn, caller));
            service.drained(&drain, "deactivated").await?;
            Ok(user)
        })
        .await
    }

    /// Deletes a user. The records of his API tokens stay; when this returns, none of them nor any session can do
    /// anything more, anywhere.
    ///
    /// # Errors
    /// [`ServiceError::UserNotFound`], [`ServiceError::PermissionMissing`], [`ServiceError::StillDraining`].
    pub async fn delete_user(self: &Arc<Self>, caller: Entry, id: UserId) -> Result<(), ServiceError> {
        if self.catalog.user(id).is_none() {
            return Err(self.user_gone(caller, id).await);
        }
        self.changeable_user(&caller, id)?;
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let deleted = service.catalog.delete_user(id, actor(&caller)).await;
            if let Err(CatalogError::UserNotFound) = deleted {
                drop(turn);
                return Err(service.user_gone(caller, id).await);
            }
            if let Err(error @ CatalogError::Unusable) = deleted {
                // Whether the deletion is on disk is unknown. Then the user had better be out.
                drop(service.end_user(id));
                return Err(error.into());
            }
            deleted.map_err(about_user)?;
            let drain = service.end_user(id);
            drop((turn, caller));
            service.drained(&drain, "deleted").await
        })
        .await
    }

    /// Gives a user another password, which ends all of his sessions. The caller must hold all that the user may do by
    /// his roles: with the password he can sign in.
    ///
    /// # Errors
    /// [`ServiceError::UserNotFound`], [`ServiceError::PermissionMissing`], [`ServiceError::BadPassword`],
    /// [`ServiceError::TooManyPasswordChecks`], [`ServiceError::StillDraining`].
    pub async fn set_password(
        self: &Arc<Self>,
        caller: Entry,
        id: UserId,
        password: &PlainToken,
    ) -> Result<(), ServiceError> {
        self.changeable_user(&caller, id)?;
        let need_all = move |service: &Self, caller: &Entry| {
            service.need_each(caller, sessions::permissions(id, &service.catalog.roles(id)))
        };
        need_all(self, &caller)?;
        let hash = self.passwords.hash(password, &*self.randomness).await?;
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            // The user may have got roles meanwhile.
            need_all(&service, &caller)?;
            let changed = service.catalog.set_password(id, hash, actor(&caller)).await;
            if let Err(error @ CatalogError::Unusable) = changed {
                // Whether the new password is on disk is unknown. Then sessions on the old one had better end.
                drop(service.end_sessions(id));
                return Err(error.into());
            }
            changed.map_err(about_user)?;
            let drain = service.end_sessions(id);
            drop((turn, caller));
            service.drained(&drain, "given another password").await
        })
        .await
    }

    async fn user_gone(&self, caller: Entry, id: UserId) -> ServiceError {
        let needed = TypedPermission::on_one(Action::Write, ResourceType::Users, id);
        let left = |access: &Access| access.draining_owned(|owner| owner.user == id);
        self.once_left(caller, needed, left, "deleted", ServiceError::UserNotFound).await
    }

    /// A user whom the caller may change.
    fn changeable_user(&self, caller: &Entry, id: UserId) -> Result<(), ServiceError> {
        if self.catalog.user(id).is_none() {
            return Err(ServiceError::UserNotFound);
        }
        // Also of the caller's own user: whoever holds just any of a user's tokens must not set his password.
        self.need(caller, &TypedPermission::on_one(Action::Write, ResourceType::Users, id)).map_err(|missing| {
            let is_seen = self.need_user(caller, Action::Read, id).is_ok();
            if is_seen { missing } else { ServiceError::UserNotFound }
        })
    }

    /// Ends everything that acts on behalf of a user. Nobody can create a token for him meanwhile: that needs the turn.
    pub(crate) fn end_user(&self, id: UserId) -> Drain {
        self.sessions.forget(id);
        self.access.end_owned(|owner| owner.user == id)
    }

    async fn put_tokens_in_force(&self, id: UserId) -> Result<(), ServiceError> {
        for legacy in [false, true] {
            let filter = ApiTokenFilter { user: Some(id), legacy, ..ApiTokenFilter::default() };
            for token in self.catalog.api_tokens(filter).await? {
                self.put_api_token_in_force(&token).await;
            }
        }
        Ok(())
    }
}

/// What an error of the catalog means for a call about a user.
pub(crate) fn about_user(error: CatalogError) -> ServiceError {
    match error {
        CatalogError::UserNotFound => ServiceError::UserNotFound,
        other => other.into(),
    }
}
