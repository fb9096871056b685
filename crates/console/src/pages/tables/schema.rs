//! The columns of a table.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use tidegate_model::{Database, Table};
use tidegate_service::{Column, ColumnKind, RecordStatus};

use super::{TableOfPath, find, partition};
use crate::Console;
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::visit::{Administrators, Visit};
use crate::when::When;

#[derive(Template)]
#[template(path = "tables/schema.html")]
struct SchemaPage {
    frame: Frame,
    database: Database,
    table: Arc<Table>,
    partition: String,
    created: When,
    columns: Vec<ColumnRow>,
}

struct ColumnRow {
    name: String,
    kind: &'static str,
    data_type: String,
}

impl ColumnRow {
    fn new(column: Column) -> Self {
        let (kind, data_type) = match column.kind {
            ColumnKind::Time => ("Time", "Timestamp".to_owned()),
            ColumnKind::Tag => ("Tag", "Utf8".to_owned()),
            ColumnKind::Field(data_type) => ("Field", data_type),
        };
        Self { name: column.name, kind, data_type }
    }
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Administrators>,
    wanted: TableOfPath,
) -> Result<Response, Failure> {
    let (database, table) = find(&console.service, &visit, &wanted, RecordStatus::Active).await?;
    let columns = console.service.table_columns(&visit.entry, &database.name, &table.name).await?;
    let page = SchemaPage {
        frame: visit.frame(&*table.name, Section::Tables),
        partition: partition::in_words(table.partition_template.as_ref()),
        created: When::new(table.created_at, console.service.now()),
        columns: columns.into_iter().map(ColumnRow::new).collect(),
        database,
        table,
    };
    Ok(visit.show(&page))
}
