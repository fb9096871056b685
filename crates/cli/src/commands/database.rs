//! `database` (influxctl contract §9).

use clap::ArgMatches;
use serde::Serialize;
use tidegate_client::{DatabaseItem, ServerTime, StatusFilter};
use tidegate_model::{
    AccountId, ClusterId, DatabaseChange, DatabaseId, DatabaseName, Description, NewDatabase, Retention,
};

use super::{database_of, or_nil, print_list, required, status_of, template_of};
use crate::Face;
use crate::error::{Error, Result};
use crate::output::{Align, JsonTime, ListTable, time_cell};
use crate::session::Session;
use crate::values;

const HOUR: i64 = 3_600_000_000_000;

pub(super) async fn create(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let limit = |id: &str| matches.get_one::<i64>(id).copied();
    let new = NewDatabase {
        name: database_of(matches)?.clone(),
        description: Description::default(),
        retention: matches.get_one::<Retention>("retention-period").copied().unwrap_or_default(),
        limits: values::limits(limit("max-tables"), limit("max-columns")).map_err(Error::Usage)?,
        partition_template: template_of(matches)?,
    };
    warn_of_short_retention(session, new.retention);
    let name = &new.name;
    session.management(matches).await?.create_database(&new).await.map_err(|error| taken(error, name))?;
    session.log().info(format!("created database \"{name}\""));
    Ok(())
}

fn warn_of_short_retention(session: &Session<'_>, retention: Retention) {
    if (1..HOUR).contains(&retention.nanos()) {
        session.log().warn("a retention period below one hour deletes data almost as soon as it is written");
    }
}

fn taken(error: tidegate_client::Error, name: &DatabaseName) -> Error {
    if error.is_conflict() { Error::Failed(format!("database \"{name}\" already exists")) } else { error.into() }
}

pub(super) async fn update(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let name = database_of(matches)?;
    let (max_tables, max_columns) = (matches.get_one::<i64>("max-tables"), matches.get_one::<i64>("max-columns"));
    let limits = values::limits(max_tables.copied(), max_columns.copied()).map_err(Error::Usage)?;
    let change = DatabaseChange {
        description: None,
        retention: matches.get_one::<Retention>("retention-period").copied(),
        max_tables: max_tables.map(|_| limits.max_tables),
        max_columns_per_table: max_columns.map(|_| limits.max_columns_per_table),
    };
    if change == DatabaseChange::default() {
        let flags = "--retention-period, --max-tables or --max-columns";
        return Err(Error::Usage(format!("nothing to change: give {flags}")));
    }
    warn_of_short_retention(session, change.retention.unwrap_or_default());
    session.management(matches).await?.update_database(name, &change).await?;
    session.log().info(format!("updated database \"{name}\""));
    Ok(())
}

pub(super) async fn rename(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let name = database_of(matches)?;
    let new_name = required::<DatabaseName>(matches, "new-name")?;
    let renamed = session.management(matches).await?.rename_database(name, new_name).await;
    renamed.map_err(|error| taken(error, new_name))?;
    session.log().info(format!("renamed database \"{name}\" to \"{new_name}\""));
    session.log().warn(format!("tokens go by name: those for \"{name}\" do not open \"{new_name}\""));
    Ok(())
}

/// Restores the database of this name that was deleted last. The API knows deleted databases by id only.
pub(super) async fn undelete(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let name = database_of(matches)?;
    let client = session.management(matches).await?;
    let deleted = client.databases(StatusFilter::Deleted).await?;
    let of_this_name = deleted.items.into_iter().filter(|item| item.name == name.as_str());
    let latest = of_this_name.max_by_key(|item| item.deleted_at.as_ref().and_then(ServerTime::known));
    let id = latest.and_then(|item| item.id).and_then(DatabaseId::new);
    let id = id.ok_or_else(|| Error::Failed(format!("there is no deleted database \"{name}\" to restore")))?;
    client.undelete_database(id).await.map_err(|error| taken(error, name))?;
    session.log().info(format!("restored database \"{name}\""));
    Ok(())
}

pub(super) async fn list(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let status = status_of(matches);
    let mut databases = session.management(matches).await?.databases(status).await?;
    databases.items.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    print_list(session, matches, &databases, JsonDatabase::new, |databases| table(databases, status))
}

fn table(databases: &[DatabaseItem], status: StatusFilter) -> ListTable {
    let with_deletion = status == StatusFilter::Deleted;
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
            cells.push(time_cell(database.deleted_at.as_ref()));
        }
        table.row(cells);
    }
    table
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
                    session.log().item(name);
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
    #[serde(serialize_with = "or_nil")]
    account_id: Option<AccountId>,
    #[serde(serialize_with = "or_nil")]
    cluster_id: Option<ClusterId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    database_name: &'a str,
    retention_period_ns: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tables: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_columns_per_table: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<JsonTime<'a>>,
}

impl<'a> JsonDatabase<'a> {
    fn new(database: &'a DatabaseItem) -> Self {
        Self {
            account_id: database.account_id,
            cluster_id: database.cluster_id,
            id: database.id,
            database_name: &database.name,
            retention_period_ns: database.retention_period.unwrap_or_default(),
            max_tables: database.max_tables,
            max_columns_per_table: database.max_columns_per_table,
            deleted_at: database.deleted_at.as_ref().map(JsonTime),
        }
    }
}
