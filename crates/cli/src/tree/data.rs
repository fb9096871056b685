//! `query` and `write` (influxctl contract §§14 and 15).

use std::ffi::OsString;

use clap::{Arg, Command, value_parser};

use super::arguments::{accesses_data, choice, format, switch};
use super::leaf;

pub(super) fn query() -> Command {
    accesses_data(leaf("query", "Query a database"), "read")
        .arg(choice("language", ["sql", "influxql"], "sql").help("The query's language"))
        .arg(format())
        .arg(choice("time-format", ["rfc3339nano", "unixnano"], "rfc3339nano").help("How tables show times"))
        .arg(switch("enable-system-tables", "Confirm that the query may read system tables"))
        .arg(switch("perf-debug", "Show how long the query took and what it returned, instead of its rows"))
        .arg(
            Arg::new("input")
                .value_name("QUERY")
                .required(true)
                .value_parser(value_parser!(OsString))
                .help("The query, a file that holds it, or - for standard input"),
        )
}

pub(super) fn write() -> Command {
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
