//! Creating a bucket.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{DatabaseLimits, DatabaseName, Description, NewDatabase, OrganizationId, Retention};

use super::LIST;
use crate::failure::{Failure, mendable, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice, Section};
use crate::retention::RetentionFields;
use crate::visit::{Accounts, Visit};
use crate::{Console, respond};

/// An organization to choose.
struct Choice {
    id: String,
    name: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "buckets/create.html")]
struct CreatePage {
    frame: Frame,
    organizations: Vec<Choice>,
    name: String,
    description: String,
    retention: RetentionFields,
}

pub(super) async fn show(State(console): State<Arc<Console>>, visit: Visit<Accounts>) -> Response {
    let page = CreatePage {
        retention: RetentionFields::with(Retention::FOREVER),
        ..form(&console, &visit, &Fields::default())
    };
    visit.show(&page)
}

/// The form as it was filled in.
fn form(console: &Console, visit: &Visit<Accounts>, fields: &Fields) -> CreatePage {
    let chosen = match fields.text("organization") {
        "" => console.service.organization_of(&visit.entry).to_string(),
        chosen => chosen.to_owned(),
    };
    let mut organizations: Vec<Choice> = console
        .service
        .organizations(&visit.entry)
        .into_iter()
        .map(|organization| Choice {
            id: organization.id.to_string(),
            name: organization.name.to_string(),
            is_chosen: organization.id.to_string() == chosen,
        })
        .collect();
    if organizations.is_empty() {
        // Who may not look at organizations may still make buckets in the own one.
        let own = console.service.organization_of(&visit.entry);
        organizations.push(Choice { id: own.to_string(), name: own.to_string(), is_chosen: true });
    }
    CreatePage {
        frame: visit.frame("Create a bucket", Section::Buckets),
        organizations,
        name: fields.text("name").trim().to_owned(),
        description: fields.text("description").trim().to_owned(),
        retention: RetentionFields::of(fields),
    }
}

pub(super) async fn create(State(console): State<Arc<Console>>, posted: Posted<Accounts>) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let organization: OrganizationId = fields.text("organization").parse().map_err(|_| Failure::Malformed)?;
    let page = form(&console, &visit, &fields);
    let again = visit.again();
    let refused = match request(&page) {
        Err(text) => text,
        Ok(new) => match console.service.create_database_in(visit.entry, organization, new).await {
            Ok(_) => return Ok(respond::see(&format!("{LIST}?done=created"))),
            Err(error) => mendable(error)?,
        },
    };
    let frame = page.frame.saying(Some(Notice::Bad(refused)));
    again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &CreatePage { frame, ..page }).await
}

fn request(page: &CreatePage) -> Result<NewDatabase, String> {
    let name: DatabaseName = page.name.parse().map_err(|error| sentence(&format!("{error}")))?;
    let description = Description::new(&page.description).map_err(|error| sentence(&error.to_string()))?;
    let (retention, limits) = (page.retention.period()?, DatabaseLimits::default());
    Ok(NewDatabase { name, description, retention, limits, partition_template: None })
}
