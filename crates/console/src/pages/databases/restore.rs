//! Bringing back a deleted database.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::DatabaseId;
use tidegate_service::RecordStatus;

use super::{DatabaseOfPath, LIST, find};
use crate::failure::{Failure, mendable};
use crate::form::Posted;
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Administrators, Visit};
use crate::when::When;
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "databases/restore.html")]
struct RestorePage {
    frame: Frame,
    id: i64,
    name: String,
    deleted: When,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    DatabaseOfPath(id): DatabaseOfPath,
) -> Result<Response, Failure> {
    let page = page(&console, &visit, id).await?;
    Ok(visit.show(&page))
}

async fn page(console: &Console, visit: &Visit<Administrators>, id: DatabaseId) -> Result<RestorePage, Failure> {
    let database = find(&console.service, visit, id, RecordStatus::Deleted).await?;
    let deleted_at = database.deleted_at.ok_or(Failure::NotFound)?;
    let frame = visit.frame("Restore database", Section::Databases);
    let deleted = When::new(deleted_at, console.service.now());
    Ok(RestorePage { frame, id: id.get(), name: database.name.to_string(), deleted })
}

pub(super) async fn restore(
    State(console): State<Arc<Console>>,
    DatabaseOfPath(id): DatabaseOfPath,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let visit = posted.visit;
    let page = page(&console, &visit, id).await?;
    let again = visit.again();
    match console.service.undelete_database(visit.entry, id).await {
        Ok(_) => Ok(respond::see(&format!("{LIST}?done=restored"))),
        Err(error) => {
            let frame = page.frame.saying(Some(Notice::Bad(mendable(error)?)));
            again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &RestorePage { frame, ..page }).await
        }
    }
}
