//! `database` and `table` (influxctl contract §§9 and 10).

use clap::{Arg, Command};
use tidegate_model::{TableId, TableName};

use super::arguments::{
    administers, database, database_name, filter_status, force, format, limits, not_empty, retention_period, template,
};
use super::{group, leaf};

pub(super) fn databases() -> Command {
    let current = || database().value_name("CURRENT_DB_NAME");
    let new_name = || database_name(Arg::new("new-name").value_name("NEW_DB_NAME").required(true));
    group("database", "Administer databases").subcommands([
        administers(leaf("create", "Create a database"))
            .arg(database().help("Its name"))
            .arg(retention_period().default_value("0s"))
            .args(limits())
            .args(template()),
        administers(leaf("list", "List databases")).arg(filter_status("List databases of this status")).arg(format()),
        administers(leaf("update", "Change how long a database keeps data, and its limits"))
            .arg(database().help("Its name"))
            .arg(retention_period())
            .args(limits()),
        administers(leaf("delete", "Delete databases")).arg(database().num_args(1..).help("Their names")).arg(force()),
        administers(leaf("rename", "Rename a database"))
            .arg(current().help("Its name"))
            .arg(new_name().help("Its new name")),
        administers(leaf("undelete", "Restore a deleted database")).arg(database().help("Its name")),
    ])
}

pub(super) fn tables() -> Command {
    let in_database = || database().help("The database of the table");
    let iceberg = |name: &'static str, about: &'static str| {
        administers(leaf(name, about)).arg(in_database()).arg(table("TABLE_NAME").help("The table"))
    };
    group("table", "Administer tables").subcommands([
        administers(leaf("create", "Create a table, before the first write to it"))
            .arg(in_database())
            .arg(new_table_name("table", "TABLE_NAME").help("The table's name"))
            .args(template()),
        administers(leaf("list", "List the tables of a database"))
            .arg(database().help("The database"))
            .arg(filter_status("List tables of this status"))
            .arg(format()),
        administers(leaf("delete", "Delete a table"))
            .arg(in_database())
            .arg(table("TABLE_NAME").help("The table"))
            .arg(force()),
        administers(leaf("rename", "Rename a table; its old name still reaches it"))
            .arg(in_database())
            .arg(table("CURRENT_TABLE_NAME").help("The table's name"))
            .arg(new_table_name("new-name", "NEW_TABLE_NAME").help("The table's new name"))
            .arg(format()),
        administers(leaf("undelete", "Restore a deleted table")).arg(in_database()).arg(
            Arg::new("table-id")
                .value_name("TABLE_ID")
                .required(true)
                .allow_negative_numbers(true)
                .value_parser(table_id)
                .help("The table's id, as `table list --filter-status deleted` shows it"),
        ),
        group("iceberg", "Turn Iceberg on or off for a table").subcommands([
            iceberg("enable", "Turn Iceberg on for a table"),
            iceberg("disable", "Turn Iceberg off for a table"),
        ]),
    ])
}

/// An existing table. Writes create tables with names that no administrator may give.
fn table(value_name: &'static str) -> Arg {
    Arg::new("table").value_name(value_name).required(true).value_parser(not_empty)
}

fn new_table_name(id: &'static str, value_name: &'static str) -> Arg {
    Arg::new(id).value_name(value_name).required(true).value_parser(|text: &str| text.parse::<TableName>())
}

fn table_id(text: &str) -> Result<TableId, String> {
    text.parse().ok().and_then(TableId::new).ok_or_else(|| "is not the id of a table, which is a number".to_owned())
}
