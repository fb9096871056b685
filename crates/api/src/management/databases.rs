//! Databases (contract §§6, 7, 10).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{
    Database as DatabaseRecord, DatabaseLimits, Identity, NewDatabase, PartitionTemplate, Retention, TemplatePart,
    Timestamp,
};
use tidegate_service::{RecordStatus, Service};
use utoipa::{IntoParams, ToSchema};

use super::body::{integer, object, objects, string};
use super::caller::{Caller, DatabaseOfPath};
use super::error::{ErrorBody, ManagementError};
use crate::{Cutoff, respond};

/// A database.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Database {
    account_id: String,
    cluster_id: String,
    id: i64,
    name: String,
    max_tables: u32,
    max_columns_per_table: u32,
    /// Nanoseconds; 0 keeps rows for ever.
    retention_period: i64,
    /// Absent for the default, by day.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_template: Option<Vec<Part>>,
    /// When the database was deleted; absent while it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
}

/// One part of a partition template.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
enum Part {
    Time(String),
    Tag(String),
    Bucket(Bucket),
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", try_from = "Value")]
struct Bucket {
    tag_name: String,
    /// 1 to 99999.
    number_of_buckets: u32,
}

/// Read by member names alone: the derived reader also takes a list of the members in their order.
impl TryFrom<Value> for Bucket {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let tag_name = value.get("tagName").and_then(Value::as_str);
        let number = value.get("numberOfBuckets").and_then(Value::as_u64).and_then(|number| number.try_into().ok());
        match (tag_name, number) {
            (Some(tag_name), Some(number_of_buckets)) => Ok(Self { tag_name: tag_name.to_owned(), number_of_buckets }),
            _ => Err("a bucket has a tagName and a numberOfBuckets"),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateDatabase {
    /// 1 to 64 of ASCII letters, digits, `_`, `-` and `/`; no leading `_`.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    name: Option<Value>,
    /// 1 to 2147483647; 500 if absent.
    #[schema(value_type = Option<i32>, minimum = 1)]
    max_tables: Option<Value>,
    /// 1 to 1000, the time column included; 200 if absent.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1000)]
    max_columns_per_table: Option<Value>,
    /// Nanoseconds; 0 or absent keeps rows for ever.
    #[schema(value_type = Option<i64>, minimum = 0)]
    retention_period: Option<Value>,
    /// 1 to 8 parts, exactly one of them a time.
    #[schema(value_type = Option<Vec<Part>>, min_items = 1, max_items = 8)]
    partition_template: Option<Value>,
}

/// Which databases are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// `active` (if absent), `deleted` or `all`.
    status: Option<String>,
}

impl Database {
    fn new(identity: Identity, database: &DatabaseRecord) -> Self {
        Self {
            account_id: identity.account.to_string(),
            cluster_id: identity.cluster.to_string(),
            id: database.id.get(),
            name: database.name.as_str().to_owned(),
            max_tables: database.limits.max_tables,
            max_columns_per_table: database.limits.max_columns_per_table,
            retention_period: database.retention.nanos(),
            partition_template: database
                .partition_template
                .as_ref()
                .map(|template| template.parts().iter().cloned().map(Part::from).collect()),
            deleted_at: database.deleted_at.as_ref().map(Timestamp::to_string),
        }
    }
}

impl From<TemplatePart> for Part {
    fn from(part: TemplatePart) -> Self {
        match part {
            TemplatePart::Time(format) => Self::Time(format),
            TemplatePart::Tag(tag) => Self::Tag(tag),
            TemplatePart::Bucket { tag, buckets } => Self::Bucket(Bucket { tag_name: tag, number_of_buckets: buckets }),
        }
    }
}

impl From<Part> for TemplatePart {
    fn from(part: Part) -> Self {
        match part {
            Part::Time(format) => Self::Time(format),
            Part::Tag(tag) => Self::Tag(tag),
            Part::Bucket(bucket) => Self::Bucket { tag: bucket.tag_name, buckets: bucket.number_of_buckets },
        }
    }
}

/// Lists the databases of the cluster, by name.
#[utoipa::path(get, path = "/api/v0/accounts/{accountId}/clusters/{clusterId}/databases", tag = "databases",
    operation_id = "GetClusterDatabases", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path), ("clusterId" = uuid::Uuid, Path), Filter),
    responses((status = 200, body = Vec<Database>), (status = "default", body = ErrorBody)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    query: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ManagementError> {
    let status = query.map_or(Some(String::new()), |Query(filter)| filter.status);
    let status = match status.as_deref() {
        None | Some("active") => RecordStatus::Active,
        Some("deleted") => RecordStatus::Deleted,
        Some("all") => RecordStatus::All,
        Some(_) => return Err(ManagementError::bad_request("status must be active, deleted or all")),
    };
    let identity = service.identity();
    let databases = service.databases(&caller, status).await?;
    let databases: Vec<_> = databases.iter().map(|database| Database::new(identity, database)).collect();
    Ok(respond::guarded_json(&databases, caller, cutoff))
}

/// Creates a database.
#[utoipa::path(post, path = "/api/v0/accounts/{accountId}/clusters/{clusterId}/databases", tag = "databases",
    operation_id = "CreateClusterDatabase", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path), ("clusterId" = uuid::Uuid, Path)),
    request_body = CreateDatabase,
    responses((status = 200, body = Database), (status = "default", body = ErrorBody)))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ManagementError> {
    let request: CreateDatabase = object(&caller, &headers, body).await?;
    let database = service.create_database(caller, new_database(request)?).await?;
    Ok(respond::json(StatusCode::OK, &Database::new(service.identity(), &database)))
}

/// Deletes a database softly. When this answers, no request goes on on it. Tokens keep their grants, which go by
/// name: they work again on a database that gets this name later.
#[utoipa::path(delete, path = "/api/v0/accounts/{accountId}/clusters/{clusterId}/databases/{databaseName}",
    tag = "databases", operation_id = "DeleteClusterDatabase", security(("management_token" = [])),
    params(("accountId" = uuid::Uuid, Path), ("clusterId" = uuid::Uuid, Path), ("databaseName" = String, Path)),
    responses((status = 204), (status = "default", body = ErrorBody)))]
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    DatabaseOfPath(name): DatabaseOfPath,
) -> Result<Response, ManagementError> {
    service.delete_database(caller, name).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

fn new_database(request: CreateDatabase) -> Result<NewDatabase, ManagementError> {
    let bad = |error: &dyn std::fmt::Display| ManagementError::bad_request(error.to_string());
    let Some(name) = string("name", request.name)? else {
        return Err(ManagementError::bad_request("name is required"));
    };
    let name = name.parse().map_err(|error: tidegate_model::DatabaseNameError| bad(&error))?;
    let default = DatabaseLimits::default();
    let max_tables = integer("maxTables", request.max_tables)?.unwrap_or(default.max_tables.into());
    let max_columns =
        integer("maxColumnsPerTable", request.max_columns_per_table)?.unwrap_or(default.max_columns_per_table.into());
    let retention = integer("retentionPeriod", request.retention_period)?.unwrap_or(0);
    Ok(NewDatabase {
        name,
        retention: Retention::from_nanos(retention)
            .ok_or_else(|| ManagementError::bad_request("retentionPeriod must not be negative"))?,
        limits: DatabaseLimits::new(max_tables, max_columns).map_err(|error| bad(&error))?,
        partition_template: request.partition_template.map(partition_template).transpose()?,
    })
}

fn partition_template(value: Value) -> Result<PartitionTemplate, ManagementError> {
    let parts: Vec<Part> = objects(value).ok_or_else(|| {
        ManagementError::bad_request(
            "partitionTemplate must be a list of objects with type time, tag or bucket, and value: a text, or for a \
             bucket tagName and numberOfBuckets",
        )
    })?;
    PartitionTemplate::new(parts.into_iter().map(TemplatePart::from).collect())
        .map_err(|error| ManagementError::bad_request(error.to_string()))
}
