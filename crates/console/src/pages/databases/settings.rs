//! Description, retention and limits of a database.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::DatabaseChange;
use tidegate_service::RecordStatus;

use super::create::Values;
use super::{DatabaseOfPath, LIST, find};
use crate::failure::{Failure, mendable};
use crate::form::Posted;
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Administrators, Visit};
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "databases/settings.html")]
struct SettingsPage {
    frame: Frame,
    id: i64,
    values: Values,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    DatabaseOfPath(id): DatabaseOfPath,
) -> Result<Response, Failure> {
    let database = find(&console.service, &visit, id, RecordStatus::Active).await?;
    let values = Values::new(&database.description, database.retention, database.limits);
    let frame = visit.frame(database.name.as_str(), Section::Databases);
    Ok(visit.show(&SettingsPage { frame, id: id.get(), values }))
}

pub(super) async fn save(
    State(console): State<Arc<Console>>,
    DatabaseOfPath(id): DatabaseOfPath,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let database = find(&console.service, &visit, id, RecordStatus::Active).await?;
    let frame = visit.frame(database.name.as_str(), Section::Databases);
    let page = SettingsPage { frame, id: id.get(), values: Values::of(&fields) };
    let again = visit.again();
    let refused = match page.values.read() {
        Err(text) => text,
        Ok((description, retention, limits)) => {
            let change = DatabaseChange {
                description: Some(description),
                retention: Some(retention),
                max_tables: Some(limits.max_tables),
                max_columns_per_table: Some(limits.max_columns_per_table),
            };
            match console.service.update_database(visit.entry, database.name, change).await {
                Ok(_) => return Ok(respond::see(&format!("{LIST}?done=saved"))),
                Err(error) => mendable(error)?,
            }
        }
    };
    let frame = page.frame.saying(Some(Notice::Bad(refused)));
    again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &SettingsPage { frame, ..page }).await
}
