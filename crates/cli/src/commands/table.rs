//! `table` (influxctl contract §10).

use clap::ArgMatches;
use serde::Serialize;
use serde_json::Value;
use tidegate_client::{StatusFilter, TableItem};
use tidegate_model::{DatabaseName, NewTable, TableId, TableName};

use super::{database_of, print_details, print_list, required, status_of, template_of};
use crate::error::{Error, Result};
use crate::output::{Align, JsonTime, ListTable, time_cell};
use crate::session::Session;

pub(super) async fn create(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let database = database_of(matches)?;
    let new =
        NewTable { name: required::<TableName>(matches, "table")?.clone(), partition_template: template_of(matches)? };
    let name = new.name.as_str();
    let client = session.management(matches).await?;
    client.create_table(database, &new).await.map_err(|error| taken(error, database, name))?;
    session.log().info(format!("created table \"{name}\" in \"{database}\""));
    Ok(())
}

fn taken(error: tidegate_client::Error, database: &DatabaseName, name: &str) -> Error {
    if error.is_conflict() {
        return Error::Failed(format!("the name \"{name}\" is already in use in \"{database}\""));
    }
    error.into()
}

pub(super) async fn list(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let status = status_of(matches);
    let database = database_of(matches)?;
    let mut tables = session.management(matches).await?.tables(database, status).await?;
    tables.items.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    print_list(session, matches, &tables, |table| JsonTable::new(table, database), |tables| table(tables, status))
}

fn table(tables: &[TableItem], status: StatusFilter) -> ListTable {
    let with_deletion = status == StatusFilter::Deleted;
    let mut columns = vec![("ID", Align::Right), ("NAME", Align::Left), ("ICEBERG ENABLED", Align::Left)];
    if with_deletion {
        columns.push(("DELETED AT", Align::Left));
    }
    let mut table = ListTable::new(columns.into_iter().map(|(name, align)| (name.to_owned(), align)));
    for item in tables {
        let mut cells = vec![id_cell(item), item.name.clone(), item.iceberg_enabled.to_string()];
        if with_deletion {
            cells.push(time_cell(item.deleted_at.as_ref()));
        }
        table.row(cells);
    }
    table
}

fn id_cell(table: &TableItem) -> String {
    table.id.map(|id| id.to_string()).unwrap_or_default()
}

pub(super) async fn delete(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let database = database_of(matches)?;
    let name = required::<String>(matches, "table")?;
    session.log().warn("whoever goes on writing to the table creates it anew: stop writers first");
    if !matches.get_flag("force") {
        session.io.confirm(&format!("Delete table \"{name}\" in \"{database}\"? [y/N] ")).await?;
    }
    session.management(matches).await?.delete_table(database, name).await?;
    session.log().info(format!("deleted table \"{name}\" in \"{database}\""));
    Ok(())
}

pub(super) async fn rename(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let database = database_of(matches)?;
    let name = required::<String>(matches, "table")?;
    let new_name = required::<TableName>(matches, "new-name")?;
    let client = session.management(matches).await?;
    let renamed = client.rename_table(database, name, new_name).await;
    let table = renamed.map_err(|error| taken(error, database, new_name.as_str()))?;
    session.log().info(format!("renamed table \"{name}\" in \"{database}\" to \"{new_name}\""));
    let rows = [("id", id_cell(&table)), ("database name", database.to_string()), ("name", table.name.clone())];
    let object = Renamed { id: table.id, database_name: database.as_str(), name: &table.name };
    print_details(session, matches, &object, &rows)
}

pub(super) async fn undelete(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let database = database_of(matches)?;
    let id = *required::<TableId>(matches, "table-id")?;
    let table = session.management(matches).await?.undelete_table(database, id).await?;
    session.log().info(format!("restored table \"{}\" in \"{database}\"", table.name));
    Ok(())
}

pub(super) async fn set_iceberg(session: &mut Session<'_>, matches: &ArgMatches, enabled: bool) -> Result<()> {
    session.refuse_clustered()?;
    let database = database_of(matches)?;
    let name = required::<String>(matches, "table")?;
    session.management(matches).await?.set_iceberg(database, name, enabled).await?;
    let word = if enabled { "enabled" } else { "disabled" };
    session.log().info(format!("{word} iceberg for table \"{name}\" in \"{database}\""));
    Ok(())
}

#[derive(Serialize)]
struct Renamed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    database_name: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct JsonTable<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    name: &'a str,
    database_name: &'a str,
    iceberg_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_template: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<JsonTime<'a>>,
}

impl<'a> JsonTable<'a> {
    fn new(table: &'a TableItem, database: &'a DatabaseName) -> Self {
        Self {
            id: table.id,
            name: &table.name,
            database_name: database.as_str(),
            iceberg_enabled: table.iceberg_enabled,
            partition_template: table.partition_template.as_ref(),
            deleted_at: table.deleted_at.as_ref().map(JsonTime),
        }
    }
}
