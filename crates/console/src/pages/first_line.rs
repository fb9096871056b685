//! "Send your first line": turns green when data arrives.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;
use tidegate_model::{Database, DatabaseId, ResourceId};

use crate::Console;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::{Frame, Section};
use crate::visit::{Accounts, Visit};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/console/first-line", get(show)).route("/console/first-line/state", get(state))
}

#[derive(Template)]
#[template(path = "first_line.html")]
struct FirstLinePage {
    frame: Frame,
    url: String,
    bucket: String,
    bucket_id: ResourceId,
    organization: String,
    /// The tables that are there; none while it waits.
    tables: Vec<String>,
}

#[derive(Serialize)]
struct FirstLineState {
    /// Whether the page has something else to say now.
    reload: bool,
}

async fn show(State(console): State<Arc<Console>>, visit: Visit<Accounts>, uri: Uri) -> Result<Response, Failure> {
    let bucket = bucket(&console, &visit, &uri)?;
    let page = FirstLinePage {
        frame: visit.frame("Send your first line", Section::None),
        url: visit.url.clone(),
        tables: console.service.table_names(&visit.entry, bucket.id)?,
        bucket: bucket.name.to_string(),
        bucket_id: bucket.id.into(),
        organization: bucket.organization.to_string(),
    };
    Ok(visit.show(&page))
}

async fn state(State(console): State<Arc<Console>>, visit: Visit<Accounts>, uri: Uri) -> Result<Response, Failure> {
    let bucket = bucket(&console, &visit, &uri)?;
    let reload = !console.service.table_names(&visit.entry, bucket.id)?.is_empty();
    Ok(visit.data(&FirstLineState { reload }))
}

/// The bucket that the address names, or the first one that the visitor may see.
fn bucket(console: &Console, visit: &Visit<Accounts>, uri: &Uri) -> Result<Arc<Database>, Failure> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    if fields.is_set("bucket") {
        let id = fields.text("bucket").parse().ok().and_then(DatabaseId::from_resource).ok_or(Failure::NotFound)?;
        return Ok(console.service.visible_database(&visit.entry, id)?);
    }
    let organization = console.service.organization_of(&visit.entry);
    let visible = console.service.visible_databases(&visit.entry, Some(organization));
    visible.into_iter().next().ok_or(Failure::NotFound)
}
