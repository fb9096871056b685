//! The commands, their flags and arguments (influxctl contract §6).

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{EnumValueParser, PossibleValue};
use clap::{Arg, ArgAction, ColorChoice, Command, ValueEnum, value_parser};
use tidegate_client::DatabaseStatus;
use tidegate_model::{DatabaseName, Resource, TokenId};

use crate::output::Format;
use crate::{Face, globals, values};

/// The whole tree under this name.
pub fn command(face: Face) -> Command {
    let about = match face {
        Face::Tidegate => "Time-series database that is strict about who may read and write, and for how long",
        Face::Influxctl => "Administer databases and tokens, write and query",
    };
    // clap would otherwise show the name of the file that was started.
    let root = group(face.name(), about).bin_name(face.name()).subcommands([
        token(),
        management(face),
        database(),
        query(),
        write(),
        leaf("version", "Show the version of this program"),
    ]);
    globals::add(root)
}

/// Behind all other commands in help texts.
const LAST: usize = 1000;

fn leaf(name: &'static str, about: &'static str) -> Command {
    Command::new(name).about(about).args_override_self(true).color(ColorChoice::Never)
}

fn group(name: &'static str, about: &'static str) -> Command {
    let help = leaf("help", "Show help on a command")
        .visible_alias("h")
        .display_order(LAST)
        .arg(Arg::new("command").value_name("COMMAND").num_args(0..).help("The command to explain"));
    leaf(name, about).disable_help_subcommand(true).subcommand(help)
}

fn token() -> Command {
    group("token", "Administer database tokens").subcommands([
        administers(leaf("create", "Create a database token"))
            .arg(
                Arg::new("description")
                    .value_name("TOKEN_DESCRIPTION")
                    .required(true)
                    .value_parser(not_empty)
                    .help("What the token is for"),
            )
            .args(permissions("Grant"))
            .arg(expires_at())
            .arg(format()),
        administers(leaf("get", "Show one database token"))
            .arg(token_id("token-id"))
            .arg(include_revoked("Show the token although it is revoked"))
            .arg(format()),
        administers(leaf("list", "List database tokens"))
            .arg(format())
            .arg(choice("sort", ["id", "description"], "id").help("Sort by this column"))
            .arg(include_revoked("List revoked tokens too")),
        administers(leaf("update", "Change a database token"))
            .arg(token_id("token-id"))
            .arg(
                Arg::new("description")
                    .long("description")
                    .value_name("TEXT")
                    .value_parser(not_empty)
                    .help("The new description"),
            )
            .args(permissions("Replace all permissions, grant")),
        revoke("Revoke database tokens at once and for good"),
    ])
}

fn management(face: Face) -> Command {
    let group = group("management", "Administer management tokens").subcommands([
        administers(leaf("create", "Create a management token"))
            .arg(
                Arg::new("description")
                    .long("description")
                    .value_name("TEXT")
                    .value_parser(not_empty)
                    .default_value("created by influxctl")
                    .help("What the token is for"),
            )
            .arg(expires_at())
            .arg(format()),
        administers(leaf("list", "List management tokens, revoked ones included")).arg(format()).arg(
            choice("sort", ["created", "id", "description", "prefix", "expires", "revoked"], "created")
                .help("Sort by this column"),
        ),
        revoke("Revoke management tokens at once and for good"),
    ]);
    match face {
        Face::Tidegate => {
            group.subcommand(leaf("generate", "Make a management token for a server's first start, offline"))
        }
        Face::Influxctl => group,
    }
}

fn database() -> Command {
    let limit = |name: &'static str| {
        let numbers = value_parser!(i64).range(0..=i64::from(i32::MAX));
        Arg::new(name).long(name).value_name("N").value_parser(numbers).allow_negative_numbers(true)
    };
    group("database", "Administer databases").subcommands([
        administers(leaf("create", "Create a database"))
            .arg(database_name(Arg::new("name").value_name("DATABASE_NAME").required(true)).help("Its name"))
            .arg(
                Arg::new("retention-period")
                    .long("retention-period")
                    .value_name("DURATION")
                    .value_parser(values::retention)
                    .allow_hyphen_values(true)
                    .default_value("0s")
                    .help("Keep data this long, such as 30d; zero keeps it for ever"),
            )
            .arg(limit("max-tables").help("Most tables; zero means 500 [default: 500]"))
            .arg(limit("max-columns").help("Most columns per table; zero means 250 [default: 250]"))
            .arg(repeatable("template-tag", "KEY").help("Partition by this tag; repeatable"))
            .arg(repeatable("template-tag-bucket", "KEY,N").help("Partition by this tag in N buckets; repeatable"))
            .arg(
                Arg::new("template-timeformat")
                    .long("template-timeformat")
                    .value_name("FORMAT")
                    .help("Partition by time in this format, such as %Y-%m [default: %Y-%m-%d]"),
            ),
        administers(leaf("list", "List databases"))
            .arg(
                Arg::new("filter-status")
                    .long("filter-status")
                    .value_name("STATUS")
                    .value_parser(EnumValueParser::<StatusFilter>::new())
                    .default_value("active")
                    .help("List databases of this status"),
            )
            .arg(format()),
        administers(leaf("delete", "Delete databases"))
            .arg(
                database_name(Arg::new("name").value_name("DATABASE_NAME").required(true).num_args(1..))
                    .help("Their names"),
            )
            .arg(force()),
    ])
}

fn query() -> Command {
    accesses_data(leaf("query", "Query a database"), "read")
        .arg(choice("language", ["sql"], "sql").help("The query's language"))
        .arg(format())
        .arg(choice("time-format", ["rfc3339nano", "unixnano"], "rfc3339nano").help("How tables show times"))
        .arg(
            Arg::new("enable-system-tables")
                .long("enable-system-tables")
                .action(ArgAction::SetTrue)
                .help("Confirm that the query may read system tables"),
        )
        .arg(
            Arg::new("input")
                .value_name("QUERY")
                .required(true)
                .value_parser(value_parser!(OsString))
                .help("The query, a file that holds it, or - for standard input"),
        )
}

fn write() -> Command {
    accesses_data(leaf("write", "Write line protocol to a database"), "write")
        .arg(choice("precision", ["ns", "us", "ms", "s"], "ns").help("Unit of the timestamps"))
        .arg(
            Arg::new("batch-size")
                .long("batch-size")
                .value_name("LINES")
                .value_parser(value_parser!(u32).range(1..))
                .default_value("10000")
                .help("Lines per request"),
        )
        .arg(
            Arg::new("write-timeout")
                .long("timeout")
                .value_name("SECONDS")
                .value_parser(value_parser!(u32).range(1..))
                .default_value("10")
                .help("Give up on a request after this time"),
        )
        .arg(
            Arg::new("input")
                .value_name("LINE_PROTOCOL")
                .required(true)
                .value_parser(value_parser!(OsString))
                .help("The lines, a file that holds them, or - for standard input"),
        )
}

fn revoke(about: &'static str) -> Command {
    administers(leaf("revoke", about)).visible_alias("delete").arg(token_id("token-id").num_args(1..)).arg(force())
}

fn administers(command: Command) -> Command {
    command.arg(
        Arg::new("mgmt-token-file")
            .long("mgmt-token-file")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Read the management token from this file, or - for standard input"),
    )
}

fn accesses_data(command: Command, access: &str) -> Command {
    command
        .arg(
            database_name(Arg::new("database").long("database").value_name("NAME"))
                .help("The database [default: the profile's]"),
        )
        .arg(
            Arg::new("token")
                .long("token")
                .value_name("TOKEN")
                .value_parser(not_empty)
                .allow_hyphen_values(true)
                .help(format!("Database token that may {access} [default: the profile's]")),
        )
        .arg(
            Arg::new("token-file")
                .long("token-file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with("token")
                .help("Read the token from this file, or - for standard input"),
        )
}

fn permissions(verb: &str) -> [Arg; 2] {
    ["read", "write"].map(|action| {
        repeatable(if action == "read" { "read-database" } else { "write-database" }, "NAME")
            .value_parser(|text: &str| text.parse::<Resource>())
            .help(format!("{verb} {action} on this database, '*' for all; repeatable"))
    })
}

fn repeatable(name: &'static str, value_name: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value_name).action(ArgAction::Append)
}

fn choice<const N: usize>(name: &'static str, values: [&'static str; N], default: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("WORD").value_parser(values).default_value(default)
}

fn token_id(name: &'static str) -> Arg {
    Arg::new(name)
        .value_name("TOKEN_ID")
        .required(true)
        .value_parser(|text: &str| text.parse::<TokenId>())
        .help("Id of the token, not the token itself")
}

fn database_name(argument: Arg) -> Arg {
    argument.value_parser(|text: &str| text.parse::<DatabaseName>())
}

fn include_revoked(help: &'static str) -> Arg {
    Arg::new("include-revoked").long("include-revoked").action(ArgAction::SetTrue).help(help)
}

fn force() -> Arg {
    Arg::new("force").long("force").action(ArgAction::SetTrue).help("Do not ask")
}

fn expires_at() -> Arg {
    Arg::new("expires-at")
        .long("expires-at")
        .value_name("TIME")
        .value_parser(values::time)
        .help("From when on the token is dead, such as 2027-01-31T12:00:00Z [default: never]")
}

fn format() -> Arg {
    Arg::new("format")
        .long("format")
        .value_name("FORMAT")
        .value_parser(EnumValueParser::<Format>::new())
        .default_value("table")
        .help("How to print the result")
}

fn not_empty(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Table, Self::Json]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Table => "table",
            Self::Json => "json",
        }))
    }
}

/// The words of `--filter-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatusFilter(pub(crate) DatabaseStatus);

impl ValueEnum for StatusFilter {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(DatabaseStatus::Active), Self(DatabaseStatus::Deleted)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self.0 {
            DatabaseStatus::Active => "active",
            DatabaseStatus::Deleted => "deleted",
        }))
    }
}
