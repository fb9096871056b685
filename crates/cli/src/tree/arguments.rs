//! Flags and arguments that several commands share.

use std::path::PathBuf;

use clap::builder::{EnumValueParser, PossibleValue};
use clap::{Arg, ArgAction, Command, ValueEnum, value_parser};
use tidegate_client::StatusFilter;
use tidegate_model::{DatabaseName, TokenId};

use crate::output::Format;
use crate::values;

/// A command that needs a management token.
pub(super) fn administers(command: Command) -> Command {
    command.arg(
        Arg::new("mgmt-token-file")
            .long("mgmt-token-file")
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help("Read the management token from this file, or - for standard input"),
    )
}

/// A command that needs a database token.
pub(super) fn accesses_data(command: Command, access: &str) -> Command {
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

pub(super) fn repeatable(name: &'static str, value_name: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value_name).action(ArgAction::Append)
}

pub(super) fn choice<const N: usize>(name: &'static str, values: [&'static str; N], default: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("WORD").value_parser(values).default_value(default)
}

pub(super) fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

pub(super) fn force() -> Arg {
    switch("force", "Do not ask")
}

pub(super) fn token_id() -> Arg {
    Arg::new("token-id")
        .value_name("TOKEN_ID")
        .required(true)
        .value_parser(values::id::<TokenId>)
        .help("Id of the token, not the token itself")
}

pub(super) fn database_name(argument: Arg) -> Arg {
    argument.value_parser(|text: &str| text.parse::<DatabaseName>())
}

/// The positional argument that names the database.
pub(super) fn database() -> Arg {
    database_name(Arg::new("name").value_name("DATABASE_NAME").required(true))
}

pub(super) fn retention_period() -> Arg {
    Arg::new("retention-period")
        .long("retention-period")
        .value_name("DURATION")
        .value_parser(values::retention)
        .allow_hyphen_values(true)
        .help("Keep data this long, such as 30d; zero keeps it for ever")
}

/// `--max-tables` and `--max-columns`.
pub(super) fn limits() -> [Arg; 2] {
    let limit = |name: &'static str| {
        let numbers = value_parser!(i64).range(0..=i64::from(i32::MAX));
        Arg::new(name).long(name).value_name("N").value_parser(numbers).allow_negative_numbers(true)
    };
    [
        limit("max-tables").help("Most tables; zero means the default of 500"),
        limit("max-columns").help("Most columns per table; zero means the default of 250"),
    ]
}

/// The flags of a partition template.
pub(super) fn template() -> [Arg; 3] {
    [
        repeatable("template-tag", "KEY").help("Partition by this tag; repeatable"),
        repeatable("template-tag-bucket", "KEY,N").help("Partition by this tag in N buckets; repeatable"),
        repeatable("template-timeformat", "FORMAT").help("Partition by time in this format, such as %Y-%m"),
    ]
}

pub(super) fn expires_at() -> Arg {
    Arg::new("expires-at")
        .long("expires-at")
        .value_name("TIME")
        .value_parser(values::time)
        .help("From when on the token is dead, such as 2027-01-31T12:00:00Z [default: never]")
}

pub(super) fn format() -> Arg {
    Arg::new("format")
        .long("format")
        .value_name("FORMAT")
        .value_parser(EnumValueParser::<Format>::new())
        .default_value("table")
        .help("How to print the result")
}

pub(super) fn filter_status(help: &'static str) -> Arg {
    Arg::new("filter-status")
        .long("filter-status")
        .value_name("STATUS")
        .value_parser(EnumValueParser::<Status>::new())
        .default_value("active")
        .help(help)
}

pub(super) fn not_empty(text: &str) -> Result<String, String> {
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
pub(crate) struct Status(pub(crate) StatusFilter);

impl ValueEnum for Status {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(StatusFilter::Active), Self(StatusFilter::Deleted)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self.0 {
            StatusFilter::Active => "active",
            StatusFilter::Deleted => "deleted",
        }))
    }
}
