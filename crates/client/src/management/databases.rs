//! Databases (management API contract §7).

use reqwest::Method;
use serde_json::{Map, Value, json};
use tidegate_model::{DatabaseChange, DatabaseId, DatabaseName, NewDatabase};

use super::{ManagementClient, StatusFilter, add_template, segment};
use crate::error::{Error, Result};
use crate::{DatabaseItem, Listing};

const DELETED: &str = "listing deleted databases";

impl ManagementClient {
    /// All databases of this status. `Deleted` is an extension of the API (§14).
    pub async fn databases(&self, status: StatusFilter) -> Result<Listing<DatabaseItem>> {
        let request = self.cluster(Method::GET, "/databases");
        if status == StatusFilter::Active {
            return self.listing(request).await;
        }
        let deleted = match self.listing::<DatabaseItem>(request.query(&[("status", "deleted")])).await {
            Ok(databases) => databases,
            Err(error) => return Err(Box::pin(self.without_parameter(error, DELETED)).await),
        };
        // A server that ignores the parameter lists those in use.
        if deleted.items.iter().any(|database| database.deleted_at.is_none()) {
            return Err(Error::Unsupported { feature: DELETED });
        }
        Ok(deleted)
    }

    /// Creates a database.
    pub async fn create_database(&self, new: &NewDatabase) -> Result<DatabaseItem> {
        let mut body = Map::new();
        body.insert("name".to_owned(), new.name.as_str().into());
        body.insert("maxTables".to_owned(), new.limits.max_tables.into());
        body.insert("maxColumnsPerTable".to_owned(), new.limits.max_columns_per_table.into());
        body.insert("retentionPeriod".to_owned(), new.retention.nanos().into());
        add_template(&mut body, new.partition_template.as_ref());
        self.document(self.cluster(Method::POST, "/databases").json(&body)).await
    }

    /// Changes limits and retention; what is `None` stays.
    pub async fn update_database(&self, name: &DatabaseName, change: &DatabaseChange) -> Result<DatabaseItem> {
        let members = [
            ("maxTables", change.max_tables.map(Value::from)),
            ("maxColumnsPerTable", change.max_columns_per_table.map(Value::from)),
            ("retentionPeriod", change.retention.map(|retention| retention.nanos().into())),
        ];
        let body: Map<String, Value> =
            members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let path = format!("/databases/{}", segment(name.as_str())?);
        self.document(self.cluster(Method::PATCH, &path).json(&body)).await
    }

    /// Deletes a database softly.
    pub async fn delete_database(&self, name: &DatabaseName) -> Result<()> {
        self.done(self.cluster(Method::DELETE, &format!("/databases/{}", segment(name.as_str())?))).await
    }

    /// Renames a database; id and data stay.
    pub async fn rename_database(&self, name: &DatabaseName, new_name: &DatabaseName) -> Result<DatabaseItem> {
        let path = format!("/databases/{}/rename", segment(name.as_str())?);
        self.document(self.cluster(Method::PUT, &path).json(&json!({ "name": new_name.as_str() }))).await
    }

    /// Restores a deleted database.
    pub async fn undelete_database(&self, id: DatabaseId) -> Result<DatabaseItem> {
        self.document(self.cluster(Method::PUT, &format!("/databases/{id}/undelete"))).await
    }
}
