//! Bringing back a deleted table.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{Database, Table};
use tidegate_service::RecordStatus;

use super::{TableOfPath, done, find};
use crate::Console;
use crate::failure::{Failure, mendable};
use crate::form::Posted;
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Administrators, Visit};
use crate::when::When;

#[derive(Template)]
#[template(path = "tables/restore.html")]
struct RestorePage {
    frame: Frame,
    database: Database,
    table: Arc<Table>,
    deleted: When,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    wanted: TableOfPath,
) -> Result<Response, Failure> {
    let page = page(&console, &visit, &wanted).await?;
    Ok(visit.show(&page))
}

async fn page(console: &Console, visit: &Visit<Administrators>, wanted: &TableOfPath) -> Result<RestorePage, Failure> {
    let (database, table) = find(&console.service, visit, wanted, RecordStatus::Deleted).await?;
    let deleted = When::new(table.deleted_at.ok_or(Failure::NotFound)?, console.service.now());
    Ok(RestorePage { frame: visit.frame("Restore table", Section::Tables), database, table, deleted })
}

pub(super) async fn restore(
    State(console): State<Arc<Console>>,
    wanted: TableOfPath,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let visit = posted.visit;
    let page = page(&console, &visit, &wanted).await?;
    let again = visit.again();
    match console.service.undelete_table(visit.entry, page.database.name.clone(), wanted.table).await {
        Ok(_) => Ok(done(wanted.database, "restored")),
        Err(error) => {
            let frame = page.frame.saying(Some(Notice::Bad(mendable(error)?)));
            again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &RestorePage { frame, ..page }).await
        }
    }
}
