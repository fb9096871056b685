//! The list.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use tidegate_model::{Database, Retention};
use tidegate_service::RecordStatus;

use super::{LIST, TITLE};
use crate::Console;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::{Frame, Notice, Section};
use crate::listing::{ListQuery, Listed};
use crate::retention;
use crate::visit::{Administrators, Visit};
use crate::when::When;

#[derive(Template)]
#[template(path = "databases/list.html")]
struct ListPage {
    frame: Frame,
    listed: Listed<DatabaseRow>,
    /// Whether there are none, also among those that the search leaves out.
    is_empty: bool,
}

struct DatabaseRow {
    id: i64,
    name: String,
    description: String,
    /// How many tables it has; `None` once it is deleted.
    tables: Option<usize>,
    max_tables: u32,
    max_columns: u32,
    retention: String,
    created: When,
    deleted: Option<When>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    uri: Uri,
) -> Result<Response, Failure> {
    let query = ListQuery::of(&uri);
    let status = if query.all { RecordStatus::All } else { RecordStatus::Active };
    let databases = console.service.databases(&visit.entry, status).await?;
    let is_empty = databases.is_empty();
    let mut listed = Listed::new(chosen(databases, &query), query, LIST);
    let mut rows = Vec::with_capacity(listed.rows.len());
    for database in std::mem::take(&mut listed.rows) {
        rows.push(row(&console, &visit, database).await?);
    }
    let frame = visit.frame(TITLE, Section::Databases).saying(notice(&uri));
    Ok(visit.show(&ListPage { frame, listed: listed.with_rows(rows), is_empty }))
}

async fn row(console: &Console, visit: &Visit<Administrators>, database: Database) -> Result<DatabaseRow, Failure> {
    let now = console.service.now();
    let tables = match database.deleted_at {
        None => Some(console.service.tables(&visit.entry, &database.name, RecordStatus::Active).await?.len()),
        Some(_) => None,
    };
    Ok(DatabaseRow {
        id: database.id.get(),
        name: database.name.to_string(),
        description: database.description.as_str().to_owned(),
        tables,
        max_tables: database.limits.max_tables,
        max_columns: database.limits.max_columns_per_table,
        retention: retention::in_words(database.retention),
        created: When::new(database.created_at, now),
        deleted: database.deleted_at.map(|deleted| When::new(deleted, now)),
    })
}

/// Those that the search finds, in the wanted order.
fn chosen(mut databases: Vec<Database>, query: &ListQuery) -> Vec<Database> {
    if !query.search.is_empty() {
        databases.retain(|database| {
            query.finds(&[database.name.as_str(), database.description.as_str(), &database.id.to_string()])
        });
    }
    // What is never deleted by age is kept longest.
    let period = |database: &Database| (database.retention == Retention::FOREVER, database.retention);
    match query.sort.as_str() {
        "id" => databases.sort_by_key(|database| database.id),
        "tables" => databases.sort_by_key(|database| database.limits.max_tables),
        "columns" => databases.sort_by_key(|database| database.limits.max_columns_per_table),
        "retention" => databases.sort_by_key(period),
        "created" => databases.sort_by_key(|database| database.created_at),
        _ => databases.sort_by_cached_key(|database| database.name.as_str().to_lowercase()),
    }
    if query.descending {
        databases.reverse();
    }
    databases
}

fn notice(uri: &Uri) -> Option<Notice> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    let text = match fields.text("done") {
        "created" => "The database is created.",
        "saved" => "The database is changed.",
        "deleted" => "The database is deleted. Nothing goes on on it.",
        "restored" => "The database is back, as it was.",
        _ => return None,
    };
    Some(Notice::Good(text.to_owned()))
}
