//! The list of organizations, and creating one.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use tidegate_model::{Description, Name};

use super::LIST;
use crate::failure::{Failure, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice, Section};
use crate::listing::{ListQuery, Listed};
use crate::visit::{Accounts, Visit};
use crate::when::When;
use crate::{Console, respond};

/// A row of the list.
struct OrganizationRow {
    id: String,
    name: String,
    description: String,
    created: When,
}

#[derive(Template)]
#[template(path = "organizations/list.html")]
struct ListPage {
    frame: Frame,
    listed: Listed<OrganizationRow>,
    is_empty: bool,
}

#[derive(Template)]
#[template(path = "organizations/create.html")]
struct CreatePage {
    frame: Frame,
    name: String,
    description: String,
}

pub(super) async fn show(State(console): State<Arc<Console>>, visit: Visit<Accounts>, uri: Uri) -> Response {
    let mut organizations = console.service.organizations(&visit.entry);
    let is_empty = organizations.is_empty();
    let query = ListQuery::of(&uri);
    organizations
        .retain(|found| query.finds(&[found.name.as_str(), &found.id.to_string(), found.description.as_str()]));
    match query.sort.as_str() {
        "created" => organizations.sort_by_key(|organization| organization.created_at),
        _ => organizations.sort_by_cached_key(|organization| organization.name.as_str().to_lowercase()),
    }
    if query.descending {
        organizations.reverse();
    }
    let now = console.service.now();
    let listed = Listed::new(organizations, query, LIST).map(|organization| OrganizationRow {
        id: organization.id.to_string(),
        name: organization.name.to_string(),
        description: organization.description.as_str().to_owned(),
        created: When::new(organization.created_at, now),
    });
    let frame = visit.frame("Organizations", Section::Organizations).saying(notice(&uri));
    visit.show(&ListPage { frame, listed, is_empty })
}

fn notice(uri: &Uri) -> Option<Notice> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    Some(Notice::Good(
        match fields.text("done") {
            "created" => "The organization is created, and your user owns it.",
            "deleted" => "The organization is deleted. Nothing goes on there any more.",
            _ => return None,
        }
        .to_owned(),
    ))
}

pub(super) async fn show_create(visit: Visit<Accounts>) -> Response {
    let frame = visit.frame("Create an organization", Section::Organizations);
    visit.show(&CreatePage { frame, name: String::new(), description: String::new() })
}

pub(super) async fn create(State(console): State<Arc<Console>>, posted: Posted<Accounts>) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let again = visit.again();
    let frame = visit.frame("Create an organization", Section::Organizations);
    let named = read(&fields);
    let done = match named {
        Ok((name, description)) => {
            let created = console.service.create_organization(visit.entry, name, description).await;
            created.map_err(|error| error.to_string())
        }
        Err(wrong) => Err(wrong),
    };
    match done {
        Ok(_) => Ok(respond::see(&format!("{LIST}?done=created"))),
        Err(wrong) => {
            let page = CreatePage {
                frame: frame.saying(Some(Notice::Bad(sentence(&wrong)))),
                name: fields.text("name").to_owned(),
                description: fields.text("description").to_owned(),
            };
            again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &page).await
        }
    }
}

/// Name and description from a form, or what is wrong with them.
pub(super) fn read(fields: &Fields) -> Result<(Name, Description), String> {
    let name = fields.text("name").trim().parse::<Name>().map_err(|error| error.to_string())?;
    let description = Description::new(fields.text("description").trim()).map_err(|error| error.to_string())?;
    Ok((name, description))
}
