//! Databases as callers with typed permissions see them: by id, in every organization that their permissions reach (v2
//! API contract §5.5).

use std::sync::Arc;

use tidegate_access::{Access, Entry};
use tidegate_catalog::CatalogError;
use tidegate_model::{
    Action, Database, DatabaseChange, DatabaseId, DatabaseName, NewDatabase, OrganizationId, ResourceType,
    TypedPermission,
};

use crate::service::actor;
use crate::{Profile, Service, ServiceError};

/// What to change of a database; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseUpdate {
    /// The new name.
    pub name: Option<DatabaseName>,
    /// The rest.
    pub change: DatabaseChange,
}

impl Service {
    /// Which product the v2 API resembles.
    pub fn profile(&self) -> Profile {
        self.settings.profile
    }

    /// The active database of this name, for filters.
    pub fn find_database(&self, organization: OrganizationId, name: &DatabaseName) -> Option<DatabaseId> {
        self.catalog.database(organization, name).map(|database| database.id)
    }

    /// The active databases that the caller may see, of one organization or of all, by id.
    pub fn visible_databases(&self, caller: &Entry, organization: Option<OrganizationId>) -> Vec<Arc<Database>> {
        let organizations = match organization {
            Some(organization) => vec![organization],
            None => self.catalog.organizations().iter().map(|organization| organization.id).collect(),
        };
        let all = organizations.into_iter().flat_map(|organization| self.catalog.active_databases(organization));
        let mut visible: Vec<_> = all.filter(|database| self.may(caller, &on(Action::Read, database))).collect();
        visible.sort_by_key(|database| database.id);
        visible
    }

    /// One active database.
    ///
    /// # Errors
    /// [`ServiceError::DatabaseIdNotFound`], also for one that the caller may not see.
    pub fn visible_database(&self, caller: &Entry, id: DatabaseId) -> Result<Arc<Database>, ServiceError> {
        let found = self.catalog.database_by_id(id).filter(|database| self.may(caller, &on(Action::Read, database)));
        found.ok_or(ServiceError::DatabaseIdNotFound(id))
    }

    /// Creates a database in an organization.
    ///
    /// # Errors
    /// [`ServiceError::PermissionMissing`], [`ServiceError::OrganizationNotFound`], [`ServiceError::DatabaseExists`].
    pub async fn create_database_in(
        self: &Arc<Self>,
        caller: Entry,
        organization: OrganizationId,
        new: NewDatabase,
    ) -> Result<Arc<Database>, ServiceError> {
        self.need(&caller, &TypedPermission::in_organization(Action::Write, ResourceType::Buckets, organization))?;
        if self.catalog.organization(organization).is_none() {
            return Err(ServiceError::OrganizationNotFound);
        }
        self.change_catalog(caller, move |catalog, actor| async move {
            Ok(catalog.create_database(organization, new, actor).await?)
        })
        .await
    }

    /// Changes a database. When a new name is given and this returns, no request goes on under the old one. Grants by name
    /// match the new name: renaming therefore takes the right to write to every database of the organization.
    ///
    /// # Errors
    /// [`ServiceError::DatabaseIdNotFound`], [`ServiceError::PermissionMissing`], [`ServiceError::DatabaseExists`],
    /// [`ServiceError::StillDraining`].
    pub async fn update_database_by_id(
        self: &Arc<Self>,
        caller: Entry,
        id: DatabaseId,
        update: DatabaseUpdate,
    ) -> Result<Arc<Database>, ServiceError> {
        let database = self.changeable_database(&caller, id)?;
        if update.name.as_ref().is_some_and(|new| *new != database.name) {
            let organization = database.organization;
            self.need(&caller, &TypedPermission::in_organization(Action::Write, ResourceType::Buckets, organization))?;
        }
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let before = service.catalog.database_by_id(id).ok_or(ServiceError::DatabaseIdNotFound(id))?;
            let (organization, name) = (before.organization, before.name.clone());
            let new_name = update.name.filter(|new| *new != name);
            if let Some(taken) = new_name.as_ref().filter(|new| service.catalog.database(organization, new).is_some()) {
                return Err(ServiceError::DatabaseExists(taken.clone()));
            }
            let changed =
                service.catalog.update_database(organization, name.clone(), update.change, actor(&caller)).await?;
            let Some(new_name) = new_name else { return Ok(changed) };
            let renamed = service.catalog.rename_database(organization, name.clone(), new_name, actor(&caller)).await;
            if let Err(CatalogError::Unusable) = renamed {
                // Whether it has another name on disk is unknown. Then nothing had better go on under the old one.
                drop(service.access.end_database(id));
            }
            let renamed = renamed?;
            let drain = service.access.end_database(id);
            drop((turn, caller));
            service.left((organization, name), id, Arc::new(drain), "renamed").await?;
            Ok(renamed)
        })
        .await
    }

    /// Deletes a database softly. When this returns, no request goes on on it.
    ///
    /// # Errors
    /// [`ServiceError::DatabaseIdNotFound`], [`ServiceError::PermissionMissing`], [`ServiceError::StillDraining`].
    pub async fn delete_database_by_id(self: &Arc<Self>, caller: Entry, id: DatabaseId) -> Result<(), ServiceError> {
        if self.catalog.database_by_id(id).is_none() {
            return Err(self.database_gone(caller, id).await);
        }
        self.changeable_database(&caller, id)?;
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let Some(database) = service.catalog.database_by_id(id) else {
                drop(turn);
                return Err(service.database_gone(caller, id).await);
            };
            let (organization, name) = (database.organization, database.name.clone());
            service.catalog.delete_database(organization, &name, actor(&caller)).await?;
            let drain = service.access.end_database(id);
            drop((turn, caller));
            service.left((organization, name), id, Arc::new(drain), "deleted").await
        })
        .await
    }

    async fn database_gone(&self, caller: Entry, id: DatabaseId) -> ServiceError {
        let organization = self.organization_of(&caller);
        let every = TypedPermission::in_organization(Action::Write, ResourceType::Buckets, organization);
        let left = |access: &Access| access.end_database(id);
        self.once_left(caller, every, left, "deleted", ServiceError::DatabaseIdNotFound(id)).await
    }

    /// Whether the caller may change a database. One that the caller may not even see does not exist for it.
    fn changeable_database(&self, caller: &Entry, id: DatabaseId) -> Result<Arc<Database>, ServiceError> {
        let unknown = ServiceError::DatabaseIdNotFound(id);
        let Some(database) = self.catalog.database_by_id(id) else { return Err(unknown) };
        self.need(caller, &on(Action::Write, &database)).map_err(|missing| {
            let is_seen = self.may(caller, &on(Action::Read, &database));
            if is_seen { missing } else { unknown }
        })?;
        Ok(database)
    }
}

fn on(action: Action, database: &Database) -> TypedPermission {
    TypedPermission::on(action, ResourceType::Buckets, database.organization, database.id)
}
