//! Tables (management API contract §8).

use reqwest::Method;
use serde_json::{Map, json};
use tidegate_model::{DatabaseName, NewTable, TableId, TableName};

use super::{ManagementClient, StatusFilter, add_template, segment};
use crate::error::{Error, Result};
use crate::{Listing, TableItem};

const LISTING: &str = "listing tables";
const DELETED: &str = "listing deleted tables";

impl ManagementClient {
    /// The tables of a database that have this status (extension, §14).
    pub async fn tables(&self, database: &DatabaseName, status: StatusFilter) -> Result<Listing<TableItem>> {
        let request = self.cluster(Method::GET, &tables_path(database)?);
        let (request, feature) = match status {
            StatusFilter::Active => (request, LISTING),
            StatusFilter::Deleted => (request.query(&[("status", "deleted")]), DELETED),
        };
        let tables: Listing<TableItem> = match self.listing(request).await {
            Ok(tables) => tables,
            Err(error) if error.is_not_found() => {
                let is_route_missing = self.has_database(database).await;
                return Err(if is_route_missing { Error::Unsupported { feature } } else { error });
            }
            Err(error) if status == StatusFilter::Active => return Err(self.without_extension(error, feature).await),
            Err(error) => return Err(self.without_parameter(error, feature).await),
        };
        if status == StatusFilter::Deleted && tables.items.iter().any(|table| table.deleted_at.is_none()) {
            return Err(Error::Unsupported { feature });
        }
        Ok(tables)
    }

    async fn has_database(&self, database: &DatabaseName) -> bool {
        let databases = self.databases(StatusFilter::Active).await;
        databases.is_ok_and(|databases| databases.items.iter().any(|item| item.name == database.as_str()))
    }

    /// Creates a table.
    pub async fn create_table(&self, database: &DatabaseName, new: &NewTable) -> Result<TableItem> {
        let mut body = Map::new();
        body.insert("name".to_owned(), new.name.as_str().into());
        add_template(&mut body, new.partition_template.as_ref());
        self.document(self.cluster(Method::POST, &tables_path(database)?).json(&body)).await
    }

    /// Deletes a table softly.
    pub async fn delete_table(&self, database: &DatabaseName, table: &str) -> Result<()> {
        self.done(self.cluster(Method::DELETE, &table_path(database, table)?)).await
    }

    /// Renames a table; id and data stay, and the old name still reaches it.
    pub async fn rename_table(&self, database: &DatabaseName, table: &str, new_name: &TableName) -> Result<TableItem> {
        let path = format!("{}/rename", table_path(database, table)?);
        self.document(self.cluster(Method::PUT, &path).json(&json!({ "name": new_name.as_str() }))).await
    }

    /// Restores a deleted table.
    pub async fn undelete_table(&self, database: &DatabaseName, id: TableId) -> Result<TableItem> {
        let path = format!("{}/{id}/undelete", tables_path(database)?);
        self.document(self.cluster(Method::PUT, &path)).await
    }

    /// Turns Iceberg on or off for a table (extension, §14).
    pub async fn set_iceberg(&self, database: &DatabaseName, table: &str, enabled: bool) -> Result<()> {
        let path = format!("{}/iceberg", table_path(database, table)?);
        let outcome = self.done(self.cluster(Method::PUT, &path).json(&json!({ "enabled": enabled }))).await;
        outcome.map_err(|error| match error.status() {
            Some(400 | 404 | 405 | 501) => Error::Unsupported { feature: "iceberg" },
            _ => error,
        })
    }
}

fn tables_path(database: &DatabaseName) -> Result<String> {
    Ok(format!("/databases/{}/tables", segment(database.as_str())?))
}

fn table_path(database: &DatabaseName, table: &str) -> Result<String> {
    Ok(format!("{}/{}", tables_path(database)?, segment(table)?))
}
