//! One bucket: name, description and retention, and its end.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{DatabaseChange, DatabaseName, Description, ResourceId};
use tidegate_service::DatabaseUpdate;

use super::{Bucket, LIST};
use crate::confirm::ConfirmPage;
use crate::failure::{Failure, mendable, sentence};
use crate::form::Posted;
use crate::frame::{Frame, Notice, Section};
use crate::retention::RetentionFields;
use crate::visit::{Accounts, Visit};
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "buckets/detail.html")]
struct DetailPage {
    frame: Frame,
    id: ResourceId,
    name: String,
    description: String,
    retention: RetentionFields,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    Bucket(id): Bucket,
) -> Result<Response, Failure> {
    let bucket = console.service.visible_database(&visit.entry, id)?;
    let page = DetailPage {
        frame: visit.frame(bucket.name.to_string(), Section::Buckets),
        id: id.into(),
        name: bucket.name.to_string(),
        description: bucket.description.as_str().to_owned(),
        retention: RetentionFields::with(bucket.retention),
    };
    Ok(visit.show(&page))
}

pub(super) async fn update(
    State(console): State<Arc<Console>>,
    Bucket(id): Bucket,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let bucket = console.service.visible_database(&visit.entry, id)?;
    let page = DetailPage {
        frame: visit.frame(bucket.name.to_string(), Section::Buckets),
        id: id.into(),
        name: fields.text("name").trim().to_owned(),
        description: fields.text("description").trim().to_owned(),
        retention: RetentionFields::of(&fields),
    };
    let again = visit.again();
    let refused = match request(&page) {
        Err(text) => text,
        Ok(update) => match console.service.update_database_by_id(visit.entry, id, update).await {
            Ok(_) => return Ok(respond::see(&format!("{LIST}?done=changed"))),
            Err(error) => mendable(error)?,
        },
    };
    let frame = page.frame.saying(Some(Notice::Bad(refused)));
    again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &DetailPage { frame, ..page }).await
}

fn request(page: &DetailPage) -> Result<DatabaseUpdate, String> {
    let name: DatabaseName = page.name.parse().map_err(|error| sentence(&format!("{error}")))?;
    let description = Description::new(&page.description).map_err(|error| sentence(&error.to_string()))?;
    let retention = Some(page.retention.period()?);
    let change = DatabaseChange { description: Some(description), retention, ..DatabaseChange::default() };
    Ok(DatabaseUpdate { name: Some(name), change })
}

pub(super) async fn ask_delete(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    Bucket(id): Bucket,
) -> Result<Response, Failure> {
    let bucket = console.service.visible_database(&visit.entry, id)?;
    let tables = console.service.table_names(&visit.entry, id)?;
    let page = ConfirmPage {
        frame: visit.frame("Delete this bucket?", Section::Buckets),
        from: ("Buckets", LIST.to_owned()),
        facts: vec![
            ("Name", bucket.name.to_string()),
            ("ID", ResourceId::from(id).to_string()),
            ("Tables", tables.len().to_string()),
        ],
        warnings: Vec::new(),
        consequence: "Writes and queries on it are cut off, before you see the answer. Tokens keep their permissions, \
            which lead nowhere then. An administrator can restore it for a while.",
        action: format!("{LIST}/{}/delete", ResourceId::from(id)),
        fields: Vec::new(),
    };
    Ok(visit.show(&page))
}

pub(super) async fn delete(
    State(console): State<Arc<Console>>,
    Bucket(id): Bucket,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    console.service.delete_database_by_id(posted.visit.entry, id).await?;
    Ok(respond::see(&format!("{LIST}?done=deleted")))
}
