//! Mappings from v1 names to databases (v2 API contract §5.6). Beside those that somebody made, each database that none
//! leads to is reached under its own name.

use std::sync::Arc;

use tidegate_access::Entry;
use tidegate_catalog::{CatalogError, MappingChange};
use tidegate_model::{
    Action, Database, DatabaseId, DatabaseName, Mapping, MappingId, OrganizationId, ResourceType, TypedPermission,
};

use crate::{Profile, Service, ServiceError};

/// The retention policy of a database whose name says none.
const DEFAULT_POLICY: &str = "autogen";

/// What a caller gives to make a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingRequest {
    /// In which organization it holds.
    pub organization: OrganizationId,
    /// Where it leads.
    pub database: DatabaseId,
    /// The v1 database.
    pub v1_database: String,
    /// The v1 retention policy.
    pub retention_policy: String,
    /// Whether it is what the v1 database means without a retention policy. The first one of a v1 database is in any case.
    pub is_default: bool,
}

/// A mapping, made by somebody or following from the name of its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleMapping {
    /// The mapping. If it is virtual, its id is that of the database.
    pub mapping: Arc<Mapping>,
    /// Whether nobody made it.
    pub is_virtual: bool,
}

impl Service {
    /// The database that v1 names mean by a mapping that somebody made, in the organization in which the request finds
    /// databases.
    pub fn mapped_database_for(
        &self,
        caller: &Entry,
        v1_database: &str,
        retention_policy: Option<&str>,
    ) -> Option<DatabaseName> {
        let organization = self.organization_of(caller);
        let id = self.catalog.mapped_database(organization, v1_database, retention_policy)?;
        self.catalog.database_by_id(id).map(|database| database.name.clone())
    }

    /// The mappings of an organization that the caller may see: first those that somebody made, by id, then the virtual
    /// ones, by the name of the database.
    pub fn mappings(&self, caller: &Entry, organization: OrganizationId) -> Vec<VisibleMapping> {
        let mut made = self.catalog.mappings(organization);
        let mut implied = implied(&made, &self.catalog.active_databases(organization));
        made.retain(|mapping| self.need_mapping(caller, Action::Read, mapping).is_ok());
        implied.retain(|mapping| self.need_mapping(caller, Action::Read, mapping).is_ok());
        let made = made.into_iter().map(|mapping| VisibleMapping { mapping, is_virtual: false });
        made.chain(implied.into_iter().map(|mapping| VisibleMapping { mapping, is_virtual: true })).collect()
    }

    /// One mapping of an organization.
    ///
    /// # Errors
    /// [`ServiceError::MappingNotFound`], also for one that the caller may not see.
    pub fn mapping(
        &self,
        caller: &Entry,
        organization: OrganizationId,
        id: MappingId,
    ) -> Result<VisibleMapping, ServiceError> {
        let found = self.mappings(caller, organization).into_iter().find(|found| found.mapping.id == id);
        found.ok_or(ServiceError::MappingNotFound)
    }

    /// Makes a mapping. In the cloud profile it takes the place of one with the same v1 names.
    ///
    /// # Errors
    /// [`ServiceError::DatabaseIdNotFound`], also for a database of another organization or one that the caller may not
    /// see; [`ServiceError::PermissionMissing`], [`ServiceError::MappingExists`].
    pub async fn create_mapping(
        self: &Arc<Self>,
        caller: Entry,
        request: MappingRequest,
    ) -> Result<Arc<Mapping>, ServiceError> {
        let MappingRequest { organization, database, v1_database, retention_policy, is_default } = request;
        let every = TypedPermission::in_organization(Action::Write, ResourceType::Dbrp, organization);
        let found = self.catalog.database_by_id(database).filter(|found| found.organization == organization);
        let on = |action| TypedPermission::on(action, ResourceType::Buckets, organization, database);
        if !self.may(&caller, &every) {
            let is_seen = found.is_some() && self.may(&caller, &on(Action::Read));
            if !(found.is_some() && self.may(&caller, &on(Action::Write))) {
                let missing = ServiceError::PermissionMissing(every);
                return Err(if is_seen { missing } else { ServiceError::DatabaseIdNotFound(database) });
            }
        }
        if found.is_none() {
            return Err(ServiceError::DatabaseIdNotFound(database));
        }
        self.need_meanings(&caller, organization, &v1_database)?;
        let id = MappingId::random(&*self.randomness);
        let mapping = Mapping { id, organization, database, v1_database, retention_policy, is_default };
        let overwrite = self.settings.profile == Profile::Cloud;
        self.change_catalog(caller, move |catalog, actor| async move {
            let created = catalog.create_mapping(mapping, overwrite, actor).await;
            created.map_err(|error| match error {
                CatalogError::DatabaseNotFound => ServiceError::DatabaseIdNotFound(database),
                other => about_mapping(other),
            })
        })
        .await
    }

    /// Changes a mapping that somebody made.
    ///
    /// # Errors
    /// [`ServiceError::MappingNotFound`], [`ServiceError::PermissionMissing`], [`ServiceError::MappingExists`].
    pub async fn update_mapping(
        self: &Arc<Self>,
        caller: Entry,
        organization: OrganizationId,
        id: MappingId,
        change: MappingChange,
    ) -> Result<Arc<Mapping>, ServiceError> {
        let mapping = self.changeable_mapping(&caller, organization, id)?;
        self.need_meanings(&caller, organization, &mapping.v1_database)?;
        self.change_catalog(caller, move |catalog, actor| async move {
            catalog.update_mapping(id, change, actor).await.map_err(about_mapping)
        })
        .await
    }

    /// Deletes a mapping that somebody made.
    ///
    /// # Errors
    /// [`ServiceError::MappingNotFound`], [`ServiceError::PermissionMissing`].
    pub async fn delete_mapping(
        self: &Arc<Self>,
        caller: Entry,
        organization: OrganizationId,
        id: MappingId,
    ) -> Result<(), ServiceError> {
        let mapping = self.changeable_mapping(&caller, organization, id)?;
        self.need_meanings(&caller, organization, &mapping.v1_database)?;
        self.change_catalog(caller, move |catalog, actor| async move {
            catalog.delete_mapping(id, actor).await.map(drop).map_err(about_mapping)
        })
        .await
    }

    /// Whether the caller may change a mapping. One that the caller may not even see does not exist for it.
    fn changeable_mapping(
        &self,
        caller: &Entry,
        organization: OrganizationId,
        id: MappingId,
    ) -> Result<Arc<Mapping>, ServiceError> {
        let found = self.catalog.mapping(id).filter(|found| found.organization == organization);
        let mapping = found.ok_or(ServiceError::MappingNotFound)?;
        self.need_mapping(caller, Action::Write, &mapping).map_err(|missing| {
            let is_seen = self.need_mapping(caller, Action::Read, &mapping).is_ok();
            if is_seen { missing } else { ServiceError::MappingNotFound }
        })?;
        Ok(mapping)
    }

    /// What must be held to change what a v1 database means, besides a right to where it shall lead: either a right to all
    /// mappings of the organization, or to write to every database that is reached by the name now. Else somebody could lead
    /// what others write, and what others read, to a database of his own.
    fn need_meanings(
        &self,
        caller: &Entry,
        organization: OrganizationId,
        v1_database: &str,
    ) -> Result<(), ServiceError> {
        let every = TypedPermission::in_organization(Action::Write, ResourceType::Dbrp, organization);
        if self.may(caller, &every) {
            return Ok(());
        }
        let mapped = self.catalog.mappings(organization).into_iter();
        let mapped = mapped.filter(|mapping| mapping.v1_database == v1_database).map(|mapping| mapping.database);
        let named = self.catalog.active_databases(organization).into_iter();
        let named = named.filter(|database| v1_name(&database.name).0 == v1_database).map(|database| database.id);
        let on = |id| TypedPermission::on(Action::Write, ResourceType::Buckets, organization, id);
        let mut meanings = mapped.chain(named);
        if meanings.all(|id| self.may(caller, &on(id))) { Ok(()) } else { Err(ServiceError::PermissionMissing(every)) }
    }

    /// What must be held to do this to a mapping: to the mapping itself, or to where it leads.
    fn need_mapping(&self, caller: &Entry, action: Action, mapping: &Mapping) -> Result<(), ServiceError> {
        let Mapping { id, organization, database, .. } = *mapping;
        let on_database = TypedPermission::on(action, ResourceType::Buckets, organization, database);
        if self.may(caller, &on_database) {
            return Ok(());
        }
        self.need(caller, &TypedPermission::on(action, ResourceType::Dbrp, organization, id))
    }
}

/// The mappings that follow from the names of those databases to which no mapping leads: a name is that of a v1 database,
/// up to its first slash; the rest is the retention policy.
fn implied(made: &[Arc<Mapping>], databases: &[Arc<Database>]) -> Vec<Arc<Mapping>> {
    let unmapped = databases.iter().filter(|database| made.iter().all(|mapping| mapping.database != database.id));
    unmapped
        .filter_map(|database| {
            let (v1_database, retention_policy) = v1_name(&database.name);
            let is_named = made.iter().any(|mapping| mapping.v1_database == v1_database);
            Some(Arc::new(Mapping {
                id: MappingId::new(database.id.get().unsigned_abs())?,
                organization: database.organization,
                database: database.id,
                v1_database: v1_database.to_owned(),
                retention_policy: retention_policy.to_owned(),
                is_default: retention_policy == DEFAULT_POLICY && !is_named,
            }))
        })
        .collect()
}

/// The v1 database and retention policy that are the name of a database.
fn v1_name(name: &DatabaseName) -> (&str, &str) {
    name.as_str().split_once('/').unwrap_or((name.as_str(), DEFAULT_POLICY))
}

fn about_mapping(error: CatalogError) -> ServiceError {
    match error {
        CatalogError::MappingNotFound => ServiceError::MappingNotFound,
        CatalogError::MappingExists { .. } => ServiceError::MappingExists,
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::{DatabaseLimits, Description, Retention, Timestamp};

    use super::*;

    fn database(id: i64, name: &str) -> Arc<Database> {
        Arc::new(Database {
            id: DatabaseId::new(id).unwrap(),
            organization: OrganizationId::new(1).unwrap(),
            name: name.parse().unwrap(),
            description: Description::default(),
            retention: Retention::FOREVER,
            limits: DatabaseLimits::default(),
            partition_template: None,
            created_at: Timestamp::from_micros(0),
            updated_at: Timestamp::from_micros(0),
            deleted_at: None,
        })
    }

    fn shown(mappings: &[Arc<Mapping>]) -> Vec<(i64, &str, &str, bool)> {
        let show = |mapping: &'_ Arc<Mapping>| mapping.database.get();
        mappings
            .iter()
            .map(|mapping| (show(mapping), &*mapping.v1_database, &*mapping.retention_policy, mapping.is_default))
            .collect()
    }

    #[test]
    fn names_of_databases_are_v1_names() {
        let databases = [database(1, "a"), database(2, "a/week"), database(3, "b/c/d")];
        let implied = implied(&[], &databases);
        assert_eq!(shown(&implied), [(1, "a", "autogen", true), (2, "a", "week", false), (3, "b", "c/d", false)]);
    }

    #[test]
    fn what_is_mapped_is_not_implied_and_loses_the_default() {
        let mapping = Mapping {
            id: MappingId::new(9).unwrap(),
            organization: OrganizationId::new(1).unwrap(),
            database: DatabaseId::new(2).unwrap(),
            v1_database: "a".to_owned(),
            retention_policy: "x".to_owned(),
            is_default: true,
        };
        let databases = [database(1, "a"), database(2, "a/week")];
        let implied = implied(&[Arc::new(mapping)], &databases);
        assert_eq!(shown(&implied), [(1, "a", "autogen", false)]);
    }
}
