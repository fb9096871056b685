//! Deleting a database, once its name is typed.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{DatabaseId, DatabaseName};
use tidegate_service::{RecordStatus, ServiceError};

use super::{DatabaseOfPath, LIST, TITLE, find};
use crate::draining::DrainingPage;
use crate::failure::Failure;
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Administrators, Visit};
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "databases/delete.html")]
struct DeletePage {
    frame: Frame,
    id: i64,
    name: String,
    tables: usize,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    DatabaseOfPath(id): DatabaseOfPath,
) -> Result<Response, Failure> {
    let page = page(&console, &visit, id).await?;
    Ok(visit.show(&page))
}

async fn page(console: &Console, visit: &Visit<Administrators>, id: DatabaseId) -> Result<DeletePage, Failure> {
    let database = find(&console.service, visit, id, RecordStatus::Active).await?;
    let tables = console.service.tables(&visit.entry, &database.name, RecordStatus::Active).await?;
    let frame = visit.frame("Delete database", Section::Databases);
    Ok(DeletePage { frame, id: id.get(), name: database.name.to_string(), tables: tables.len() })
}

pub(super) async fn delete(
    State(console): State<Arc<Console>>,
    DatabaseOfPath(id): DatabaseOfPath,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    // A repeated deletion waits for what goes on under the name, and finds no database once that has ended.
    let is_repeated = fields.is_set("again");
    let name = if is_repeated {
        fields.text("name").parse().map_err(|_| Failure::Malformed)?
    } else {
        let page = page(&console, &visit, id).await?;
        match confirmed(&fields, &page.name) {
            Ok(name) => name,
            Err(wrong) => {
                let frame = page.frame.saying(Some(Notice::Bad(wrong.to_owned())));
                return Ok(visit.show_with(StatusCode::UNPROCESSABLE_ENTITY, &DeletePage { frame, ..page }));
            }
        }
    };
    if is_repeated && is_active(&console, &visit, &name).await? {
        // It has been restored, or another one has its name now: that one is not meant.
        return Ok(respond::see(LIST));
    }
    let frame = visit.frame("Deleted, still draining", Section::Databases);
    match console.service.delete_database(visit.entry, name.clone()).await {
        Ok(()) => Ok(respond::see(&format!("{LIST}?done=deleted"))),
        Err(ServiceError::DatabaseNotFound(_)) if is_repeated => Ok(respond::see(&format!("{LIST}?done=deleted"))),
        Err(ServiceError::StillDraining(_)) => Ok(draining(frame, id, &name)),
        Err(error) => Err(error.into()),
    }
}

/// The name, if it is typed as it is and the box is ticked.
fn confirmed(fields: &Fields, name: &str) -> Result<DatabaseName, &'static str> {
    if !fields.is_set("understood") {
        return Err("Tick the box to say that you understand what stops.");
    }
    let typed = fields.text("name");
    if typed != name {
        return Err("Type the name of the database exactly as it is.");
    }
    typed.parse().map_err(|_| "Type the name of the database exactly as it is.")
}

fn draining(frame: Frame, id: DatabaseId, name: &DatabaseName) -> Response {
    DrainingPage {
        frame,
        message: "The database is deleted: no new request reaches it. But something that began before has not ended \
            yet.",
        action: format!("{LIST}/{id}/delete"),
        fields: vec![("again".to_owned(), "1".to_owned()), ("name".to_owned(), name.to_string())],
        list: TITLE,
        back: LIST,
    }
    .answer()
}

/// Whether there is a database of this name.
async fn is_active(console: &Console, visit: &Visit<Administrators>, name: &DatabaseName) -> Result<bool, Failure> {
    let active = console.service.databases(&visit.entry, RecordStatus::Active).await?;
    Ok(active.iter().any(|database| database.name == *name))
}
