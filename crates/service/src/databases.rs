//! Databases: create, list, update, rename, delete, undelete.

use std::sync::Arc;

use tidegate_access::{Drain, Entry};
use tidegate_catalog::{CatalogError, RecordStatus};
use tidegate_model::{Database, DatabaseChange, DatabaseId, DatabaseName, NewDatabase, OrganizationId};

use crate::error::about_database;
use crate::service::{actor, is_recoverable};
use crate::{Service, ServiceError};

impl Service {
    /// Creates a database.
    pub async fn create_database(
        self: &Arc<Self>,
        caller: Entry,
        new: NewDatabase,
    ) -> Result<Arc<Database>, ServiceError> {
        let organization = self.identity().organization;
        self.change_catalog(caller, move |catalog, actor| async move {
            Ok(catalog.create_database(organization, new, actor).await?)
        })
        .await
    }

    /// The databases in this state, by name.
    pub async fn databases(&self, caller: &Entry, status: RecordStatus) -> Result<Vec<Database>, ServiceError> {
        let listed = caller.run(self.catalog.databases(self.identity().organization, status)).await;
        let mut databases = listed.map_err(|reason| ServiceError::ended(reason, None))??;
        let since = self.recoverable_since();
        databases.retain(|database| is_recoverable(database.deleted_at, since));
        Ok(databases)
    }

    /// Changes limits or retention. A limit on columns holds for tables created from then on.
    pub async fn update_database(
        self: &Arc<Self>,
        caller: Entry,
        name: DatabaseName,
        change: DatabaseChange,
    ) -> Result<Arc<Database>, ServiceError> {
        let organization = self.identity().organization;
        self.change_catalog(caller, move |catalog, actor| async move {
            let updated = catalog.update_database(organization, name.clone(), change, actor).await;
            updated.map_err(about_database(&name))
        })
        .await
    }

    /// Gives a database another name. When this returns, no request goes on under the old one; tokens keep their
    /// grants, which go by name.
    pub async fn rename_database(
        self: &Arc<Self>,
        caller: Entry,
        name: DatabaseName,
        new_name: DatabaseName,
    ) -> Result<Arc<Database>, ServiceError> {
        let organization = self.identity().organization;
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let renamed = service.catalog.rename_database(organization, name.clone(), new_name, actor(&caller)).await;
            if let Err(CatalogError::DatabaseNotFound) = renamed {
                drop((turn, caller));
                return Err(service.not_found((organization, name)).await);
            }
            let database = renamed?;
            let drain = service.access.end_database(database.id);
            drop((turn, caller));
            service.left((organization, name), database.id, Arc::new(drain), "renamed").await?;
            Ok(database)
        })
        .await
    }

    /// Brings back a deleted database, as it was.
    pub async fn undelete_database(
        self: &Arc<Self>,
        caller: Entry,
        id: DatabaseId,
    ) -> Result<Arc<Database>, ServiceError> {
        let deleted_after = self.recoverable_since();
        let organization = self.identity().organization;
        self.change_catalog(caller, move |catalog, actor| async move {
            let undeleted = catalog.undelete_database(organization, id, deleted_after, actor).await;
            undeleted.map_err(|error| match error {
                CatalogError::DatabaseNotFound => ServiceError::NoSuchDatabaseId(id),
                other => other.into(),
            })
        })
        .await
    }

    /// Deletes a database softly. When this returns, no request goes on on it; tokens keep their grants. A repeated
    /// call finds no database, but not before the requests on the deleted one have ended.
    pub async fn delete_database(self: &Arc<Self>, caller: Entry, name: DatabaseName) -> Result<(), ServiceError> {
        let organization = self.identity().organization;
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let deleted = service.catalog.delete_database(organization, &name, actor(&caller)).await;
            if let Err(CatalogError::DatabaseNotFound) = deleted {
                drop((turn, caller));
                return Err(service.not_found((organization, name)).await);
            }
            let id = deleted?.id;
            let drain = service.access.end_database(id);
            drop((turn, caller));
            service.left((organization, name), id, Arc::new(drain), "deleted").await
        })
        .await
    }

    /// Waits until nothing goes on any more under a name that a database had. If that takes too long, it is noted for
    /// those who ask again.
    pub(crate) async fn left(
        &self,
        name: (OrganizationId, DatabaseName),
        id: DatabaseId,
        drain: Arc<Drain>,
        done: &'static str,
    ) -> Result<(), ServiceError> {
        let drained = self.drained(&drain, done).await;
        if drained.is_ok() {
            self.access.forget_database(id);
        } else {
            self.leaving.lock().insert(name, drain);
        }
        drained
    }

    /// The answer to who deletes or renames what is not there, once nothing goes on under its name any more.
    async fn not_found(&self, name: (OrganizationId, DatabaseName)) -> ServiceError {
        let leaving = self.leaving.lock().get(&name).cloned();
        let Some(drain) = leaving else { return ServiceError::DatabaseNotFound(name.1) };
        if let Err(still_draining) = self.drained(&drain, "deleted or renamed").await {
            return still_draining;
        }
        let mut leaving = self.leaving.lock();
        if leaving.get(&name).is_some_and(|noted| Arc::ptr_eq(noted, &drain)) {
            leaving.remove(&name);
        }
        ServiceError::DatabaseNotFound(name.1)
    }
}
