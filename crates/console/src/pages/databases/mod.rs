//! Load Data › Databases (management API contract §13).

mod create;
mod delete;
mod list;
mod restore;
mod settings;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::get;
use tidegate_model::{Database, DatabaseId};
use tidegate_service::{RecordStatus, Service};

use crate::Console;
use crate::failure::Failure;
use crate::visit::{Administrators, Visit};

const LIST: &str = "/console/databases";
const TITLE: &str = "Databases";

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/console/databases", get(list::show))
        .route("/console/databases/new", get(create::show).post(create::create))
        .route("/console/databases/{database}", get(settings::show).post(settings::save))
        .route("/console/databases/{database}/delete", get(delete::show).post(delete::delete))
        .route("/console/databases/{database}/restore", get(restore::show).post(restore::restore))
}

/// The database whose id the path names: names may have slashes.
pub(super) struct DatabaseOfPath(pub(super) DatabaseId);

impl<S: Send + Sync> FromRequestParts<S> for DatabaseOfPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        #[derive(serde::Deserialize)]
        struct Named {
            database: i64,
        }
        let Path(named) = Path::<Named>::from_request_parts(parts, state).await.map_err(|_| Failure::NotFound)?;
        DatabaseId::new(named.database).map(Self).ok_or(Failure::NotFound)
    }
}

/// One of the databases in this state.
///
/// # Errors
/// [`Failure::NotFound`].
pub(super) async fn find(
    service: &Service,
    visit: &Visit<Administrators>,
    id: DatabaseId,
    status: RecordStatus,
) -> Result<Database, Failure> {
    let databases = service.databases(&visit.entry, status).await?;
    databases.into_iter().find(|database| database.id == id).ok_or(Failure::NotFound)
}
