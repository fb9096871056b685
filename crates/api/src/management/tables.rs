//! Tables (contract §§8, 10, 14).

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{DatabaseName, NewTable, Table as TableRecord, TableName, TableNameError, Timestamp};
use tidegate_service::Service;
use utoipa::ToSchema;

use super::body::{object, string};
use super::caller::{Caller, DatabaseOfPath, DeletedTableOfPath, TableOfPath};
use super::error::{ManagementError, Refused};
use super::forms::PathForm;
use super::partition::{Part, partition_template, parts};
use super::status::{Filter, status};
use crate::respond::Shown;
use crate::{Cutoff, respond};

/// A table.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Table {
    database_name: String,
    /// Given out once: renaming and undeleting keep it.
    #[schema(minimum = 1)]
    id: i64,
    name: String,
    /// Absent for the default, by day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Part>, required = false)]
    partition_template: Option<Vec<Part>>,
}

/// A table in a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedTable {
    #[serde(flatten)]
    table: Table,
    /// Always false: this server has no Iceberg.
    iceberg_enabled: bool,
    /// When the table was deleted; absent while it is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    deleted_at: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateTable {
    /// 1 to 4096 bytes without control characters.
    #[schema(value_type = String, min_length = 1, max_length = 4096, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    name: Option<Value>,
    /// 1 to 8 parts, exactly one of them a time, no tag twice; the template of the database if absent.
    #[schema(value_type = Option<Vec<Part>>, min_items = 1, max_items = 8)]
    partition_template: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct RenameTable {
    /// 1 to 4096 bytes without control characters.
    #[schema(value_type = String, min_length = 1, max_length = 4096, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    name: Option<Value>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct SwitchIceberg {
    #[schema(value_type = bool)]
    enabled: Option<Value>,
}

impl Table {
    fn new(database: &DatabaseName, table: &TableRecord) -> Self {
        Self {
            database_name: database.as_str().to_owned(),
            id: table.id.get(),
            name: table.name.to_string(),
            partition_template: table.partition_template.as_ref().map(parts),
        }
    }
}

impl ListedTable {
    fn new(database: &DatabaseName, table: &TableRecord) -> Self {
        Self {
            table: Table::new(database, table),
            iceberg_enabled: false,
            deleted_at: table.deleted_at.as_ref().map(Timestamp::to_string),
        }
    }
}

/// Lists the tables of a database, by name.
#[utoipa::path(get, path = "/databases/{databaseName}/tables", tag = "tables",
    operation_id = "GetClusterDatabaseTables", security(("management_token" = [])),
    params(("databaseName" = String, Path, min_length = 1, max_length = 64), Filter),
    responses((status = 200, description = "The tables", body = Vec<ListedTable>),
        Refused<400>, Refused<404>))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    form: PathForm,
    DatabaseOfPath(database): DatabaseOfPath,
    query: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, ManagementError> {
    let tables = service.tables(&caller, &database, status(query)?).await?;
    let show = |table: &Arc<TableRecord>| form.in_cluster(ListedTable::new(&database, table));
    let tables = Shown { records: &tables, show };
    Ok(respond::guarded_json(&tables, caller, cutoff))
}

/// Creates a table. Tables appear with their first row: this is for one with a template of its own.
#[utoipa::path(post, path = "/databases/{databaseName}/tables", tag = "tables",
    operation_id = "CreateClusterDatabaseTable", security(("management_token" = [])),
    params(("databaseName" = String, Path, min_length = 1, max_length = 64)), request_body = CreateTable,
    responses((status = 200, description = "The new table", body = Table),
        Refused<400>, Refused<404>, Refused<409>, Refused<413>, Refused<415>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
    DatabaseOfPath(database): DatabaseOfPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ManagementError> {
    let request: CreateTable = object(&caller, &headers, body).await?;
    let new = NewTable {
        name: table_name(request.name)?,
        partition_template: request.partition_template.map(partition_template).transpose()?,
    };
    let table = service.create_table(caller, database.clone(), new).await?;
    Ok(respond::json(StatusCode::OK, &form.in_cluster(Table::new(&database, &table))))
}

/// Deletes a table softly. A write that comes later makes a new one.
#[utoipa::path(delete, path = "/databases/{databaseName}/tables/{tableName}", tag = "tables",
    operation_id = "DeleteClusterDatabaseTable", security(("management_token" = [])),
    params(("databaseName" = String, Path, min_length = 1, max_length = 64),
        ("tableName" = String, Path, min_length = 1)),
    responses((status = 204, description = "Deleted"), Refused<400>, Refused<404>))]
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    DatabaseOfPath(database): DatabaseOfPath,
    TableOfPath(table): TableOfPath,
) -> Result<Response, ManagementError> {
    service.delete_table(caller, database, table).await?;
    Ok(respond::empty(StatusCode::NO_CONTENT))
}

/// Renames a table. The old name still reaches it.
#[utoipa::path(put, path = "/databases/{databaseName}/tables/{tableName}/rename", tag = "tables",
    operation_id = "RenameClusterDatabaseTable", security(("management_token" = [])),
    params(("databaseName" = String, Path, min_length = 1, max_length = 64),
        ("tableName" = String, Path, min_length = 1)),
    request_body = RenameTable,
    responses((status = 200, description = "The table as it is now", body = Table),
        Refused<400>, Refused<404>, Refused<409>, Refused<413>, Refused<415>))]
pub(super) async fn rename(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
    DatabaseOfPath(database): DatabaseOfPath,
    TableOfPath(table): TableOfPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ManagementError> {
    let request: RenameTable = object(&caller, &headers, body).await?;
    let new_name = table_name(request.name)?;
    let table = service.rename_table(caller, database.clone(), table, new_name).await?;
    Ok(respond::json(StatusCode::OK, &form.in_cluster(Table::new(&database, &table))))
}

/// Brings a deleted table back, with its rows, under its old name and id.
#[utoipa::path(put, path = "/databases/{databaseName}/tables/{tableId}/undelete", tag = "tables",
    operation_id = "UndeleteClusterDatabaseTable", security(("management_token" = [])),
    params(("databaseName" = String, Path, min_length = 1, max_length = 64), ("tableId" = i64, Path, minimum = 1, maximum = 9223372036854775807i64)),
    responses((status = 200, description = "The table", body = Table), Refused<400>, Refused<404>))]
pub(super) async fn undelete(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    form: PathForm,
    DatabaseOfPath(database): DatabaseOfPath,
    DeletedTableOfPath(id): DeletedTableOfPath,
) -> Result<Response, ManagementError> {
    let table = service.undelete_table(caller, database.clone(), id).await?;
    Ok(respond::json(StatusCode::OK, &form.in_cluster(Table::new(&database, &table))))
}

/// Refuses to switch Iceberg on or off for a table: this server has none.
#[utoipa::path(put, path = "/databases/{databaseName}/tables/{tableName}/iceberg", tag = "tables",
    operation_id = "SwitchClusterDatabaseTableIceberg", security(("management_token" = [])),
    params(("databaseName" = String, Path, min_length = 1, max_length = 64),
        ("tableName" = String, Path, min_length = 1)),
    request_body = SwitchIceberg,
    responses(Refused<400>, Refused<404>, Refused<413>, Refused<415>))]
pub(super) async fn switch_iceberg(
    State(service): State<Arc<Service>>,
    Caller(caller): Caller,
    DatabaseOfPath(database): DatabaseOfPath,
    TableOfPath(table): TableOfPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Infallible, ManagementError> {
    let request: SwitchIceberg = object(&caller, &headers, body).await?;
    if !matches!(request.enabled, Some(Value::Bool(_))) {
        return Err(ManagementError::bad_request("enabled must be true or false"));
    }
    service.table(&caller, &database, &table).await?;
    Err(ManagementError::bad_request("iceberg is not supported by this server"))
}

fn table_name(value: Option<Value>) -> Result<TableName, ManagementError> {
    let name = string("name", value)?.ok_or_else(|| ManagementError::bad_request("name is required"))?;
    name.parse().map_err(|error: TableNameError| ManagementError::bad_request(error.to_string()))
}
