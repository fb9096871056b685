//! Load Data › Tables (management API contract §13).

mod create;
mod delete;
mod list;
mod partition;
mod restore;
mod schema;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use tidegate_model::{Database, DatabaseId, Table, TableId};
use tidegate_service::{RecordStatus, Service};

use super::databases;
use crate::failure::Failure;
use crate::visit::{Administrators, Visit};
use crate::{Console, respond};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/console/tables", get(list::choose))
        .route("/console/databases/{database}/tables", get(list::show))
        .route("/console/databases/{database}/tables/new", get(create::show).post(create::create))
        .route("/console/databases/{database}/tables/{table}", get(schema::show))
        .route("/console/databases/{database}/tables/{table}/delete", get(delete::show).post(delete::delete))
        .route("/console/databases/{database}/tables/{table}/restore", get(restore::show).post(restore::restore))
}

/// Where the tables of a database are.
fn path(database: DatabaseId) -> String {
    format!("/console/databases/{database}/tables")
}

/// Back to the list, which says what was done.
fn done(database: DatabaseId, word: &str) -> Response {
    respond::see(&format!("{}?done={word}", path(database)))
}

/// The table whose id the path names, and that of its database: names may have any characters.
struct TableOfPath {
    database: DatabaseId,
    table: TableId,
}

impl<S: Send + Sync> FromRequestParts<S> for TableOfPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path((database, table)) =
            Path::<(i64, i64)>::from_request_parts(parts, state).await.map_err(|_| Failure::NotFound)?;
        let (Some(database), Some(table)) = (DatabaseId::new(database), TableId::new(table)) else {
            return Err(Failure::NotFound);
        };
        Ok(Self { database, table })
    }
}

/// An active database.
///
/// # Errors
/// [`Failure::NotFound`].
async fn database(service: &Service, visit: &Visit<Administrators>, id: DatabaseId) -> Result<Database, Failure> {
    databases::find(service, visit, id, RecordStatus::Active).await
}

/// A table in this state, and its active database.
///
/// # Errors
/// [`Failure::NotFound`].
async fn find(
    service: &Service,
    visit: &Visit<Administrators>,
    wanted: &TableOfPath,
    status: RecordStatus,
) -> Result<(Database, Arc<Table>), Failure> {
    let database = database(service, visit, wanted.database).await?;
    let tables = service.tables(&visit.entry, &database.name, status).await?;
    let table = tables.into_iter().find(|table| table.id == wanted.table).ok_or(Failure::NotFound)?;
    Ok((database, table))
}
