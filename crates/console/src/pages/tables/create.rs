//! Creating a table. Writes make tables by themselves: this is for one with a partition template of its own.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{Database, NewTable};

use super::databases::DatabaseOfPath;
use super::partition::PartitionFields;
use super::{database, done};
use crate::Console;
use crate::failure::{Failure, mendable, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Administrators, Visit};

#[derive(Template)]
#[template(path = "tables/create.html")]
struct CreatePage {
    frame: Frame,
    database: Database,
    name: String,
    partition: PartitionFields,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    DatabaseOfPath(id): DatabaseOfPath,
) -> Result<Response, Failure> {
    let page = CreatePage {
        frame: visit.frame("Create a table", Section::Tables),
        database: database(&console.service, &visit, id).await?,
        name: String::new(),
        partition: PartitionFields::of(&Fields::default()),
    };
    Ok(visit.show(&page))
}

pub(super) async fn create(
    State(console): State<Arc<Console>>,
    DatabaseOfPath(id): DatabaseOfPath,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let page = CreatePage {
        frame: visit.frame("Create a table", Section::Tables),
        database: database(&console.service, &visit, id).await?,
        name: fields.text("name").to_owned(),
        partition: PartitionFields::of(&fields),
    };
    let again = visit.again();
    let refused = match request(&page) {
        Err(text) => text,
        Ok(new) => match console.service.create_table(visit.entry, page.database.name.clone(), new).await {
            Ok(_) => return Ok(done(id, "created")),
            Err(error) => mendable(error)?,
        },
    };
    let frame = page.frame.saying(Some(Notice::Bad(refused)));
    again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &CreatePage { frame, ..page }).await
}

fn request(page: &CreatePage) -> Result<NewTable, String> {
    let name = page.name.parse().map_err(|error| sentence(&format!("{error}")))?;
    Ok(NewTable { name, partition_template: page.partition.template()? })
}
