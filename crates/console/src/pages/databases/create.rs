//! Creating a database.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{DatabaseLimits, Description, NewDatabase, Retention};

use super::LIST;
use crate::failure::{Failure, mendable, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice, Section};
use crate::retention::RetentionFields;
use crate::visit::{Administrators, Visit};
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "databases/create.html")]
struct CreatePage {
    frame: Frame,
    name: String,
    values: Values,
}

/// What a form says of a database, beside its name.
pub(super) struct Values {
    pub(super) description: String,
    pub(super) retention: RetentionFields,
    /// As they were typed.
    pub(super) max_tables: String,
    pub(super) max_columns: String,
}

impl Values {
    pub(super) fn of(fields: &Fields) -> Self {
        Self {
            description: fields.text("description").trim().to_owned(),
            retention: RetentionFields::of(fields),
            max_tables: fields.text("max_tables").trim().to_owned(),
            max_columns: fields.text("max_columns").trim().to_owned(),
        }
    }

    pub(super) fn new(description: &Description, retention: Retention, limits: DatabaseLimits) -> Self {
        Self {
            description: description.as_str().to_owned(),
            retention: RetentionFields::with(retention),
            max_tables: limits.max_tables.to_string(),
            max_columns: limits.max_columns_per_table.to_string(),
        }
    }

    /// What they mean, or what is wrong with one of them.
    pub(super) fn read(&self) -> Result<(Description, Retention, DatabaseLimits), String> {
        let description = Description::new(&self.description).map_err(|error| sentence(&error.to_string()))?;
        let retention = self.retention.period()?;
        let (Ok(max_tables), Ok(max_columns)) = (self.max_tables.parse(), self.max_columns.parse()) else {
            return Err("Limits are whole numbers.".to_owned());
        };
        let limits = DatabaseLimits::new(max_tables, max_columns).map_err(|_| {
            let most = DatabaseLimits::MOST_COLUMNS;
            format!("A database has at least 1 table, and a table from 1 to {most} columns.")
        })?;
        Ok((description, retention, limits))
    }
}

pub(super) async fn show(visit: Visit<Administrators>) -> Response {
    let values = Values::new(&Description::default(), Retention::FOREVER, DatabaseLimits::default());
    let frame = visit.frame("Create a database", Section::Databases);
    visit.show(&CreatePage { frame, name: String::new(), values })
}

pub(super) async fn create(
    State(console): State<Arc<Console>>,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let frame = visit.frame("Create a database", Section::Databases);
    let page = CreatePage { frame, name: fields.text("name").trim().to_owned(), values: Values::of(&fields) };
    let again = visit.again();
    let refused = match request(&page) {
        Err(text) => text,
        Ok(new) => match console.service.create_database(visit.entry, new).await {
            Ok(_) => return Ok(respond::see(&format!("{LIST}?done=created"))),
            Err(error) => mendable(error)?,
        },
    };
    let frame = page.frame.saying(Some(Notice::Bad(refused)));
    again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &CreatePage { frame, ..page }).await
}

fn request(page: &CreatePage) -> Result<NewDatabase, String> {
    let name = page.name.parse().map_err(|error| sentence(&format!("{error}")))?;
    let (description, retention, limits) = page.values.read()?;
    Ok(NewDatabase { name, description, retention, limits, partition_template: None })
}
