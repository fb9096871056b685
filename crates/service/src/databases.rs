//! Databases: create, list, delete.

use std::sync::Arc;

use tidegate_access::Entry;
use tidegate_catalog::{Actor, RecordStatus};
use tidegate_model::{Database, DatabaseName, NewDatabase};

use crate::error::about_database;
use crate::{Service, ServiceError};

impl Service {
    /// Creates a database.
    pub async fn create_database(
        self: &Arc<Self>,
        caller: Entry,
        new: NewDatabase,
    ) -> Result<Arc<Database>, ServiceError> {
        self.run_change(move |service| async move {
            let _turn = service.begin_change(&caller).await?;
            Ok(service.catalog.create_database(new, Actor::Token(caller.token_id())).await?)
        })
        .await
    }

    /// The databases in this state, by name.
    pub async fn databases(&self, caller: &Entry, status: RecordStatus) -> Result<Vec<Database>, ServiceError> {
        let listed = caller.run(self.catalog.databases(status)).await;
        Ok(listed.map_err(|reason| ServiceError::ended(reason, None))??)
    }

    /// Deletes a database softly. When this returns, no request goes on on it; tokens keep their grants.
    pub async fn delete_database(self: &Arc<Self>, caller: Entry, name: DatabaseName) -> Result<(), ServiceError> {
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let deleted = service.catalog.delete_database(&name, Actor::Token(caller.token_id())).await;
            let id = deleted.map_err(about_database(&name))?.id;
            let drain = service.access.end_database(id);
            drop((turn, caller));
            service.drained(drain, "deleted").await?;
            service.access.forget_database(id);
            Ok(())
        })
        .await
    }
}
