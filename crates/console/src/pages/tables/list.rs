//! The tables of a database.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use tidegate_model::{DatabaseId, Table};
use tidegate_service::RecordStatus;

use super::databases::DatabaseOfPath;
use super::{partition, path};
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::{Frame, Notice, Section};
use crate::listing::{ListQuery, Listed};
use crate::visit::{Administrators, Visit};
use crate::when::When;
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "tables/none.html")]
struct NonePage {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "tables/list.html")]
struct ListPage {
    frame: Frame,
    database: String,
    choices: Vec<Choice>,
    listed: Listed<TableRow>,
    /// Whether there are none, also among those that the search leaves out.
    is_empty: bool,
}

/// A database to choose.
struct Choice {
    id: i64,
    name: String,
    is_chosen: bool,
}

struct TableRow {
    id: i64,
    name: String,
    partition: String,
    max_columns: u32,
    created: When,
    deleted: Option<When>,
}

/// Leads to the tables of the chosen database, or of the first one.
pub(super) async fn choose(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    uri: Uri,
) -> Result<Response, Failure> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    let databases = console.service.databases(&visit.entry, RecordStatus::Active).await?;
    let chosen = match fields.text("database") {
        "" => databases.first().map(|database| database.id),
        id => Some(id.parse().ok().and_then(DatabaseId::new).ok_or(Failure::NotFound)?),
    };
    match chosen {
        Some(id) => Ok(respond::see(&path(id))),
        None => {
            let frame = visit.frame("Tables", Section::Tables);
            Ok(visit.show(&NonePage { frame }))
        }
    }
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    DatabaseOfPath(id): DatabaseOfPath,
    uri: Uri,
) -> Result<Response, Failure> {
    let query = ListQuery::of(&uri);
    let databases = console.service.databases(&visit.entry, RecordStatus::Active).await?;
    let database = databases.iter().find(|database| database.id == id).ok_or(Failure::NotFound)?;
    let status = if query.all { RecordStatus::All } else { RecordStatus::Active };
    let tables = console.service.tables(&visit.entry, &database.name, status).await?;
    let choice = |other: &tidegate_model::Database| Choice {
        id: other.id.get(),
        name: other.name.to_string(),
        is_chosen: other.id == id,
    };
    let (is_empty, now) = (tables.is_empty(), console.service.now());
    let listed = Listed::new(chosen(tables, &query), query, path(id));
    let listed = listed.map(|table| TableRow {
        id: table.id.get(),
        name: table.name.to_string(),
        partition: partition::in_words(table.partition_template.as_ref()),
        max_columns: table.max_columns,
        created: When::new(table.created_at, now),
        deleted: table.deleted_at.map(|deleted| When::new(deleted, now)),
    });
    let page = ListPage {
        frame: visit.frame("Tables", Section::Tables).saying(notice(&uri)),
        database: database.name.to_string(),
        choices: databases.iter().map(choice).collect(),
        listed,
        is_empty,
    };
    Ok(visit.show(&page))
}

/// Those that the search finds, in the wanted order.
fn chosen(mut tables: Vec<Arc<Table>>, query: &ListQuery) -> Vec<Arc<Table>> {
    if !query.search.is_empty() {
        tables.retain(|table| query.finds(&[&table.name, &table.id.to_string()]));
    }
    match query.sort.as_str() {
        "id" => tables.sort_by_key(|table| table.id),
        "created" => tables.sort_by_key(|table| table.created_at),
        _ => tables.sort_by_cached_key(|table| table.name.to_lowercase()),
    }
    if query.descending {
        tables.reverse();
    }
    tables
}

fn notice(uri: &Uri) -> Option<Notice> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    let text = match fields.text("done") {
        "created" => "The table is created.",
        "deleted" => "The table is deleted. A write under its name makes a new one.",
        "restored" => "The table is back, as it was.",
        _ => return None,
    };
    Some(Notice::Good(text.to_owned()))
}
