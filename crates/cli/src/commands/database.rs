//! `database` (influxctl contract §9).

use clap::ArgMatches;
use serde::Serialize;
use tidegate_client::{DatabaseItem, DatabaseStatus};
use tidegate_model::{DatabaseName, NewDatabase, Retention};
use uuid::Uuid;

use super::{format_of, texts_of};
use crate::Face;
use crate::error::{Error, Result};
use crate::output::{self, Align, Format, JsonTime, ListTable, time_cell};
use crate::session::Session;
use crate::tree::StatusFilter;
use crate::values;

const HOUR: i64 = 3_600_000_000_000;

pub(super) async fn create(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let new = new_database(matches)?;
    if (1..HOUR).contains(&new.retention.nanos()) {
        session.log().warn("a retention period below one hour deletes data almost as soon as it is written");
    }
    let name = &new.name;
    match session.management(matches).await?.create_database(&new).await {
        Err(error) if error.is_conflict() => Err(Error::Failed(format!("database \"{name}\" already exists"))),
        Err(error) => Err(error.into()),
        Ok(_) => {
            session.log().info(format!("created database \"{name}\""));
            Ok(())
        }
    }
}

fn new_database(matches: &ArgMatches) -> Result<NewDatabase> {
    let limit = |id: &str| matches.get_one::<i64>(id).copied();
    let partition_template = values::template(
        texts_of(matches, "template-tag"),
        texts_of(matches, "template-tag-bucket"),
        matches.get_one::<String>("template-timeformat").cloned(),
    );
    let name = matches.get_one::<DatabaseName>("name").cloned();
    Ok(NewDatabase {
        name: name.ok_or_else(|| Error::Usage("a database name is needed".to_owned()))?,
        retention: matches.get_one::<Retention>("retention-period").copied().unwrap_or_default(),
        limits: values::limits(limit("max-tables"), limit("max-columns")).map_err(Error::Usage)?,
        partition_template: partition_template.map_err(Error::Usage)?,
    })
}

pub(super) async fn list(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let status = matches.get_one::<StatusFilter>("filter-status").map(|filter| filter.0).unwrap_or_default();
    let mut databases = session.management(matches).await?.databases(status).await?;
    databases.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    let text = match format_of(matches) {
        Format::Json => output::json(&databases.iter().map(JsonDatabase::new).collect::<Vec<_>>())?,
        Format::Table => table(&databases, status),
    };
    session.io.print(&text)
}

fn table(databases: &[DatabaseItem], status: DatabaseStatus) -> String {
    let with_deletion = status == DatabaseStatus::Deleted;
    let mut columns = vec![
        ("ID", Align::Right),
        ("DATABASE NAME", Align::Left),
        ("RETENTION PERIOD", Align::Left),
        ("MAX TABLES", Align::Right),
        ("MAX COLUMNS PER TABLE", Align::Right),
    ];
    if with_deletion {
        columns.push(("DELETED AT", Align::Left));
    }
    let mut table = ListTable::new(columns.into_iter().map(|(name, align)| (name.to_owned(), align)));
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    for database in databases {
        let mut cells = vec![
            number(database.id),
            database.name.clone(),
            values::retention_cell(database.retention_period.unwrap_or_default()),
            number(database.max_tables),
            number(database.max_columns_per_table),
        ];
        if with_deletion {
            cells.push(time_cell(database.deleted_at));
        }
        table.row(cells);
    }
    table.render()
}

pub(super) async fn delete(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let mut names: Vec<&DatabaseName> = Vec::new();
    for name in matches.get_many::<DatabaseName>("name").into_iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    session.log().warn("deleting a database takes all of its tables and data with it");
    if session.face == Face::Influxctl {
        session.log().warn("wait a few minutes before using its name again");
    }
    session.log().warn("tokens go by name: those for a deleted name will open any new database of that name");
    if !matches.get_flag("force") {
        let question = match names.as_slice() {
            [name] => format!("Delete database \"{name}\"? [y/N] "),
            several => {
                for name in several {
                    session.log().raw(&format!("  {name}\n"));
                }
                format!("Delete {} databases? [y/N] ", several.len())
            }
        };
        session.io.confirm(&question).await?;
    }
    let client = session.management(matches).await?;
    let mut failed = false;
    for name in names {
        match client.delete_database(name).await {
            Ok(()) => session.log().info(format!("deleted database \"{name}\"")),
            Err(error) => {
                failed = true;
                session.log().error(format!("{name}: {}", Error::from(error)));
            }
        }
    }
    if failed { Err(Error::Reported) } else { Ok(()) }
}

#[derive(Serialize)]
struct JsonDatabase<'a> {
    account_id: Uuid,
    cluster_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    database_name: &'a str,
    retention_period_ns: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tables: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_columns_per_table: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<JsonTime>,
}

impl<'a> JsonDatabase<'a> {
    fn new(database: &'a DatabaseItem) -> Self {
        Self {
            account_id: database.account_id.map_or(Uuid::nil(), |id| id.as_uuid()),
            cluster_id: database.cluster_id.map_or(Uuid::nil(), |id| id.as_uuid()),
            id: database.id,
            database_name: &database.name,
            retention_period_ns: database.retention_period.unwrap_or_default(),
            max_tables: database.max_tables,
            max_columns_per_table: database.max_columns_per_table,
            deleted_at: database.deleted_at.map(JsonTime),
        }
    }
}
