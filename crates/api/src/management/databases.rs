//! Databases (contract §§6, 7, 10).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{
    Database as DatabaseRecord, DatabaseChange, DatabaseLimits, DatabaseName, DatabaseNameError, Description,
    NewDatabase, Retention, Timestamp,
};
use tidegate_service::Service;
use utoipa::ToSchema;

use super::body::{integer, object, present, string};
use super::caller::{Caller, DatabaseOfPath, DeletedDatabaseOfPath};
use super::error::{ManagementError, Refused};
use super::forms::PathForm;
use super::partition::{Part, partition_template, parts};
use super::status::{Filter, status};
use crate::respond::Shown;
use crate::{Cutoff, respond};

/// A database.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Database {
    /// Given out once: renaming and undeleting keep it.
    #[schema(minimum = 1)]
    id: i64,
    name: String,
    #[schema(value_type = i32, minimum = 1)]
    max_tables: u32,
    #[schema(value_type = i32, minimum = 1)]
    max_columns_per_table: u32,
    /// Nanoseconds; 0 keeps rows for ever.
    #[schema(minimum = 0)]
    retention_period: i64,
    /// Absent for the default, by day, and in the answer to an update, which cannot change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Part>, required = false)]
    partition_template: Option<Vec<Part>>,
    /// When the database was deleted; absent while it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    deleted_at: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateDatabase {
    /// 1 to 64 of ASCII letters, digits, `_`, `-` and `/`; no leading `_`.
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9/-][A-Za-z0-9_/-]*$")]
    name: Option<Value>,
    /// 1 to 2147483647; 500 if absent.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 2147483647)]
    max_tables: Option<Value>,
    /// 1 to 1000, the time column included; 200 if absent.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1000)]
    max_columns_per_table: Option<Value>,
    /// Nanoseconds; 0 or absent keeps rows for ever.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9223372036854775807i64)]
    retention_period: Option<Value>,
    /// 1 to 8 parts, exactly one of them a time, no tag twice.
    #[schema(value_type = Option<Vec<Part>>, min_items = 1, max_items = 8)]
    partition_template: Option<Value>,
}

/// At least one of the members.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(min_properties = 1)]
pub(super) struct UpdateDatabase {
    /// 1 to 2147483647.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 2147483647)]
    max_tables: Option<Value>,
    /// 1 to 1000, the time column included. Holds for tables that are created from now on.
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1000)]
    max_columns_per_table: Option<Value>,
    /// Nanoseconds; 0 keeps rows for ever.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9223372036854775807i64)]
    retention_period: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    #[schema(ignore)]
    name: bool,
    #[serde(default, deserialize_with = "present")]
    #[schema(ignore)]
    partition_template: bool,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct RenameDatabase {
    /// 1 to 64 of ASCII letters, digits, `_`, `-` and `/`; no leading `_`.
    #[schema(value_type = String, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9/-][A-Za-z0-9_/-]*$")]
    name: Option<Value>,
}

impl Database {
    fn new(database: &DatabaseRecord) -> Self {
        Self {
            id: database.id.get(),
            name: database.name.as_str().to_owned(),
            max_tables: database.limits.max_tables,
            max_columns_per_table: database.limits.max_columns_per_table,
            retention_period: database.retention.nanos(),
            partition_template: database.partition_template.as_ref().map(parts),
            deleted_at: database.deleted_at.as_ref().map(Timestamp::to_string),
        }
    }

    fn without_template(self) -> Self {
        Self { partition_template: None, ..self }
    }
}

/// Lists the databases of the cluster, by name.
#[utoipa::path(get, path = "/databases", tag = "databases", operation_id = "GetClusterDatabases",
    security(("management_token" = [])), params(Filter),
    responses((status = 200, description = "The databases", body = Vec<Database>), Refused<400>))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    form: PathForm,
    query: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, ManagementError> {
    let databases = service.databases(&caller, status(query)?).await?;
    let show = |database: &DatabaseRecord| form.in_cluster(Database::new(database));
    let databases = Shown { records: &databases, show };
    Ok(respond::guarded_json(&databases, caller, cutoff))
}

/// Creates a database.
#[utoipa::path(post, path = "/databases", tag = "databases", operation_id = "CreateClusterDatabase",
    security(("management_token" = [])), request_body = CreateDatabase,
    responses((status = 200, description = "The new database", body = Database),
        Refused<400>, Refused<409>, Refused<413>, Refused<415>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ManagementError> {
    let request: CreateDatabase = object(&caller, &headers, body).await?;
    let database = service.create_database(caller, new_database(request)?).await?;
    Ok(respond::json(StatusCode::OK, &form.in_cluster(Database::new(&database))))
}

/// Changes limits and retention of a database. Members that are absent stay as they are.
#[utoipa::path(patch, path = "/databases/{databaseName}", tag = "databases", operation_id = "UpdateClusterDatabase",
    security(("management_token" = [])),
    params(("databaseName" = String, Path, min_length = 1, max_length = 64)), request_body = UpdateDatabase,
    responses((status = 200, description = "The database as it is now", body = Database),
        Refused<400>, Refused<404>, Refused<413>, Refused<415>))]
pub(super) async fn update(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
    DatabaseOfPath(name): DatabaseOfPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ManagementError> {
    let request: UpdateDatabase = object(&caller, &headers, body).await?;
    let database = service.update_database(caller, name, change(request)?).await?;
    Ok(respond::json(StatusCode::OK, &form.in_cluster(Database::new(&database).without_template())))
}

/// Deletes a database softly. When this answers, no request goes on on it. Tokens keep their grants, which go by
/// name: they work again on a database that gets this name later.
#[utoipa::path(delete, path = "/databases/{databaseName}", tag = "databases", operation_id = "DeleteClusterDatabase",
    security(("management_token" = [])), params(("databaseName" = String, Path, min_length = 1, max_length = 64)),
    responses((status = 204, description = "Deleted"), Refused<400>, Refused<404>))]
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    DatabaseOfPath(name): DatabaseOfPath,
) -> Result<Response, ManagementError> {
    service.delete_database(caller, name).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

/// Renames a database. When this answers, no request goes on under the old name. Grants go by name and do not move
/// with it.
#[utoipa::path(put, path = "/databases/{databaseName}/rename", tag = "databases",
    operation_id = "RenameClusterDatabase", security(("management_token" = [])),
    params(("databaseName" = String, Path, min_length = 1, max_length = 64)), request_body = RenameDatabase,
    responses((status = 200, description = "The database as it is now", body = Database),
        Refused<400>, Refused<404>, Refused<409>, Refused<413>, Refused<415>))]
pub(super) async fn rename(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
    DatabaseOfPath(name): DatabaseOfPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ManagementError> {
    let request: RenameDatabase = object(&caller, &headers, body).await?;
    let database = service.rename_database(caller, name, database_name(request.name)?).await?;
    Ok(respond::json(StatusCode::OK, &form.in_cluster(Database::new(&database))))
}

/// Brings a deleted database back, with its rows, under its old name and id.
#[utoipa::path(put, path = "/databases/{databaseId}/undelete", tag = "databases",
    operation_id = "UndeleteClusterDatabase", security(("management_token" = [])),
    params(("databaseId" = i64, Path, minimum = 1, maximum = 9223372036854775807i64)),
    responses((status = 200, description = "The database", body = Database), Refused<400>, Refused<404>))]
pub(super) async fn undelete(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
    DeletedDatabaseOfPath(id): DeletedDatabaseOfPath,
) -> Result<Response, ManagementError> {
    let database = service.undelete_database(caller, id).await?;
    Ok(respond::json(StatusCode::OK, &form.in_cluster(Database::new(&database))))
}

fn new_database(request: CreateDatabase) -> Result<NewDatabase, ManagementError> {
    Ok(NewDatabase {
        name: database_name(request.name)?,
        description: Description::default(),
        retention: retention(request.retention_period)?.unwrap_or_default(),
        limits: limits(request.max_tables, request.max_columns_per_table)?,
        partition_template: request.partition_template.map(partition_template).transpose()?,
    })
}

fn change(request: UpdateDatabase) -> Result<DatabaseChange, ManagementError> {
    if request.name {
        return Err(ManagementError::bad_request("name cannot be changed here, use PUT …/rename"));
    }
    if request.partition_template {
        return Err(ManagementError::bad_request("partitionTemplate cannot be changed, create a new database"));
    }
    let (gives_tables, gives_columns) = (request.max_tables.is_some(), request.max_columns_per_table.is_some());
    let limits = limits(request.max_tables, request.max_columns_per_table)?;
    let change = DatabaseChange {
        description: None,
        retention: retention(request.retention_period)?,
        max_tables: gives_tables.then_some(limits.max_tables),
        max_columns_per_table: gives_columns.then_some(limits.max_columns_per_table),
    };
    if change == DatabaseChange::default() {
        return Err(ManagementError::bad_request("give maxTables, maxColumnsPerTable or retentionPeriod"));
    }
    Ok(change)
}

fn database_name(value: Option<Value>) -> Result<DatabaseName, ManagementError> {
    let name = string("name", value)?.ok_or_else(|| ManagementError::bad_request("name is required"))?;
    name.parse().map_err(|error: DatabaseNameError| ManagementError::bad_request(error.to_string()))
}

/// The limits given, else the default ones.
fn limits(max_tables: Option<Value>, max_columns: Option<Value>) -> Result<DatabaseLimits, ManagementError> {
    let default = DatabaseLimits::default();
    let max_tables = integer("maxTables", max_tables)?.unwrap_or(default.max_tables.into());
    let max_columns = integer("maxColumnsPerTable", max_columns)?.unwrap_or(default.max_columns_per_table.into());
    DatabaseLimits::new(max_tables, max_columns).map_err(|error| ManagementError::bad_request(error.to_string()))
}

fn retention(period: Option<Value>) -> Result<Option<Retention>, ManagementError> {
    let Some(nanos) = integer("retentionPeriod", period)? else { return Ok(None) };
    let retention = Retention::from_nanos(nanos);
    retention.map(Some).ok_or_else(|| ManagementError::bad_request("retentionPeriod must not be negative"))
}
