//! Organizations and who belongs to them (v2 API contract §5.3).

use std::sync::Arc;

use tidegate_access::{Access, Drain, Entry};
use tidegate_catalog::{CatalogError, OrganizationChange};
use tidegate_model::{
    Action, ClusterId, Description, Name, Organization, OrganizationId, ResourceType, Role, TypedPermission, User,
    UserId,
};

use crate::service::actor;
use crate::users::about_user;
use crate::{Profile, Service, ServiceError, sessions};

impl Service {
    /// The organizations that the caller may see, by id.
    pub fn organizations(&self, caller: &Entry) -> Vec<Arc<Organization>> {
        let mut organizations = self.catalog.organizations();
        organizations.retain(|organization| self.may(caller, &on(Action::Read, organization.id)));
        organizations
    }

    /// One organization.
    ///
    /// # Errors
    /// [`ServiceError::OrganizationNotFound`], also for one that the caller may not see.
    pub fn organization(&self, caller: &Entry, id: OrganizationId) -> Result<Arc<Organization>, ServiceError> {
        let found = self.catalog.organization(id).filter(|found| self.may(caller, &on(Action::Read, found.id)));
        found.ok_or(ServiceError::OrganizationNotFound)
    }

    /// The organization of this name, for filters.
    pub fn find_organization(&self, name: &str) -> Option<OrganizationId> {
        self.catalog.organization_by_name(name).map(|organization| organization.id)
    }

    /// Creates an organization, which the caller's user owns.
    ///
    /// # Errors
    /// [`ServiceError::OnlyOneOrganization`] in the cloud profile, [`ServiceError::PermissionMissing`],
    /// [`ServiceError::OrganizationExists`].
    pub async fn create_organization(
        self: &Arc<Self>,
        caller: Entry,
        name: Name,
        description: Description,
    ) -> Result<Arc<Organization>, ServiceError> {
        if self.settings.profile == Profile::Cloud {
            return Err(ServiceError::OnlyOneOrganization);
        }
        self.need(&caller, &TypedPermission::everywhere(Action::Write, ResourceType::Orgs))?;
        let owner = Self::owner(&caller)?.user;
        let now = self.access.now();
        let new = Organization {
            id: OrganizationId::random(&*self.randomness),
            cluster: ClusterId::random(&*self.randomness),
            name,
            description,
            created_at: now,
            updated_at: now,
        };
        self.change_catalog(caller, move |catalog, actor| async move {
            Ok(catalog.create_organization(new, Some(owner), actor).await?)
        })
        .await
    }

    /// Changes name or description.
    ///
    /// # Errors
    /// [`ServiceError::OrganizationNotFound`], [`ServiceError::PermissionMissing`],
    /// [`ServiceError::OrganizationExists`].
    pub async fn update_organization(
        self: &Arc<Self>,
        caller: Entry,
        id: OrganizationId,
        change: OrganizationChange,
    ) -> Result<Arc<Organization>, ServiceError> {
        self.changeable_organization(&caller, id)?;
        self.change_catalog(caller, move |catalog, actor| async move {
            catalog.update_organization(id, change, actor).await.map_err(about_organization)
        })
        .await
    }

    /// Deletes an organization with its databases and API tokens. When this returns, nothing goes on there any more.
    ///
    /// # Errors
    /// [`ServiceError::OrganizationNotFound`], [`ServiceError::PermissionMissing`],
    /// [`ServiceError::FirstOrganization`], [`ServiceError::StillDraining`].
    pub async fn delete_organization(self: &Arc<Self>, caller: Entry, id: OrganizationId) -> Result<(), ServiceError> {
        if self.catalog.organization(id).is_none() {
            let gone = ServiceError::OrganizationNotFound;
            let left = |access: &Access| access.draining_owned(|owner| owner.organization == id);
            return Err(self.once_left(caller, on(Action::Write, id), left, "removed", gone).await);
        }
        self.changeable_organization(&caller, id)?;
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let members: Vec<_> =
                [Role::Member, Role::Owner].iter().flat_map(|role| service.catalog.members(id, *role)).collect();
            let deleted = service.catalog.delete_organization(id, actor(&caller)).await;
            let end_all = || {
                // A session has the roles with which it began.
                let sessions = members.iter().map(|user| service.end_sessions(user.id));
                Drain::all(sessions.chain([service.access.end_owned(|owner| owner.organization == id)]))
            };
            if let Err(error @ CatalogError::Unusable) = deleted {
                // Whether the deletion is on disk is unknown. Then nobody had better act there.
                drop(end_all());
                return Err(error.into());
            }
            let deleted = deleted.map_err(about_organization)?;
            let databases = deleted.databases.iter().map(|database| service.access.end_database(database.id));
            let drain = Drain::all(databases.chain([end_all()]));
            drop((turn, caller));
            service.drained(&drain, "deleted").await?;
            for database in deleted.databases {
                service.access.forget_database(database.id);
            }
            Ok(())
        })
        .await
    }

    /// The users that have this role in an organization. In the cloud profile, which has no roles, all of its users.
    ///
    /// # Errors
    /// [`ServiceError::OrganizationNotFound`], also for one that the caller may not see.
    pub fn members(&self, caller: &Entry, id: OrganizationId, role: Role) -> Result<Vec<Arc<User>>, ServiceError> {
        self.organization(caller, id)?;
        let members = self.catalog.members(id, role);
        if self.settings.profile == Profile::SelfHosted || role == Role::Member {
            return Ok(members);
        }
        let mut all = self.catalog.members(id, Role::Member);
        all.extend(members);
        all.sort_by_key(|user| user.id);
        all.dedup_by_key(|user| user.id);
        Ok(all)
    }

    /// Gives a user a role. Sessions that he has begun already do not gain by it. The caller must hold all that the role
    /// is good for.
    ///
    /// # Errors
    /// [`ServiceError::OrganizationNotFound`], [`ServiceError::UserNotFound`], [`ServiceError::PermissionMissing`].
    pub async fn add_member(
        self: &Arc<Self>,
        caller: Entry,
        organization: OrganizationId,
        user: UserId,
        role: Role,
    ) -> Result<Arc<User>, ServiceError> {
        self.changeable_organization(&caller, organization)?;
        self.need_each(&caller, sessions::permissions_of(role, organization))?;
        self.change_catalog(caller, move |catalog, actor| async move {
            catalog.add_member(organization, user, role, actor).await.map_err(about_organization)?;
            catalog.user(user).ok_or(ServiceError::UserNotFound)
        })
        .await
    }

    /// Takes a role from a user. When this returns, his sessions have ended, and if it was his last role there, his API
    /// tokens of the organization are inactive and can do nothing more.
    ///
    /// # Errors
    /// [`ServiceError::OrganizationNotFound`], [`ServiceError::MemberNotFound`], [`ServiceError::PermissionMissing`],
    /// [`ServiceError::StillDraining`].
    pub async fn remove_member(
        self: &Arc<Self>,
        caller: Entry,
        organization: OrganizationId,
        user: UserId,
        role: Role,
    ) -> Result<(), ServiceError> {
        self.changeable_organization(&caller, organization)?;
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let removed = service.catalog.remove_member(organization, user, role, actor(&caller)).await;
            let end_there =
                || service.access.end_owned(|owner| owner.user == user && owner.organization == organization);
            if let Err(CatalogError::NotAMember) = removed {
                drop(turn);
                let gone = ServiceError::MemberNotFound;
                let left = |access: &Access| access.draining_owned(|owner| owner.user == user);
                return Err(service.once_left(caller, on(Action::Write, organization), left, "removed", gone).await);
            }
            if let Err(error @ CatalogError::Unusable) = removed {
                // Whether the removal is on disk is unknown. Then the user had better be out.
                drop((service.end_sessions(user), end_there()));
                return Err(error.into());
            }
            removed.map_err(about_organization)?;
            let is_still_there = service.catalog.roles(user).iter().any(|(other, _)| *other == organization);
            let tokens = if is_still_there { Drain::nothing() } else { end_there() };
            let drain = Drain::all([service.end_sessions(user), tokens]);
            drop((turn, caller));
            service.drained(&drain, "removed").await
        })
        .await
    }

    /// An organization that the caller may change.
    fn changeable_organization(&self, caller: &Entry, id: OrganizationId) -> Result<(), ServiceError> {
        if self.catalog.organization(id).is_none() {
            return Err(ServiceError::OrganizationNotFound);
        }
        self.need(caller, &on(Action::Write, id)).map_err(|missing| {
            let is_seen = self.may(caller, &on(Action::Read, id));
            if is_seen { missing } else { ServiceError::OrganizationNotFound }
        })
    }
}

fn on(action: Action, organization: OrganizationId) -> TypedPermission {
    TypedPermission::on_one(action, ResourceType::Orgs, organization)
}

/// What an error of the catalog means for a call about an organization.
fn about_organization(error: CatalogError) -> ServiceError {
    match error {
        CatalogError::OrganizationNotFound => ServiceError::OrganizationNotFound,
        CatalogError::NotAMember => ServiceError::MemberNotFound,
        other => about_user(other),
    }
}
