//! Deleting a table.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{Database, Table};
use tidegate_service::RecordStatus;

use super::{TableOfPath, done, find};
use crate::Console;
use crate::failure::Failure;
use crate::form::Posted;
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Administrators, Visit};

#[derive(Template)]
#[template(path = "tables/delete.html")]
struct DeletePage {
    frame: Frame,
    database: Database,
    table: Arc<Table>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    wanted: TableOfPath,
) -> Result<Response, Failure> {
    let page = page(&console, &visit, &wanted).await?;
    Ok(visit.show(&page))
}

async fn page(console: &Console, visit: &Visit<Administrators>, wanted: &TableOfPath) -> Result<DeletePage, Failure> {
    let (database, table) = find(&console.service, visit, wanted, RecordStatus::Active).await?;
    Ok(DeletePage { frame: visit.frame("Delete table", Section::Tables), database, table })
}

pub(super) async fn delete(
    State(console): State<Arc<Console>>,
    wanted: TableOfPath,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let page = page(&console, &visit, &wanted).await?;
    if !fields.is_set("understood") {
        let bad = Notice::Bad("Tick the box to say that you understand what is deleted.".to_owned());
        let frame = page.frame.saying(Some(bad));
        return Ok(visit.show_with(StatusCode::UNPROCESSABLE_ENTITY, &DeletePage { frame, ..page }));
    }
    let (database, table) = (page.database.name, page.table.name.to_string());
    console.service.delete_table(visit.entry, database, table).await?;
    Ok(done(wanted.database, "deleted"))
}
