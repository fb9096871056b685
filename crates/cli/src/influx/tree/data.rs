//! `influx write`, `query` and `delete` (v2 API contract §6.7).

use super::{common, org};
use crate::influx::commands::Action;
use crate::influx::syntax::{Command, Flag};

fn bucket() -> Vec<Flag> {
    vec![
        Flag::text("bucket", "Name of the bucket").short("b").variable("INFLUX_BUCKET_NAME"),
        Flag::text("bucket-id", "Id of the bucket").variable("INFLUX_BUCKET_ID"),
    ]
}

pub(super) fn write() -> Command {
    let flags = || {
        let own = vec![
            Flag::text("precision", "Unit of timestamps: ns (default), us, ms or s")
                .short("p")
                .variable("INFLUX_PRECISION"),
            Flag::text("format", "lp or csv; told from the name of the file if not given"),
            Flag::texts("header", "Line to put before CSV"),
            Flag::texts("file", "Read this file").short("f"),
            Flag::texts("url", "Read this address").short("u"),
            Flag::text("compression", "none or gzip, of what is read"),
            Flag::text("encoding", "Encoding of what is read; only UTF-8"),
            Flag::text("errors-file", "Write rows that are skipped here"),
            Flag::text("rate-limit", "Most bytes in some time, such as \"5 MB / 5 min\""),
            Flag::number("max-line-length", "Longest line in bytes (default and most 10485760)"),
            Flag::number("skipHeader", "How many lines of CSV to leave out at the start"),
            Flag::switch("skipRowOnError", "Leave out rows of CSV that are wrong"),
            Flag::switch("debug", "Say more about errors of CSV"),
        ];
        [bucket(), own].concat()
    };
    let arguments = "[line protocol | @file | -]";
    let dryrun = Command::leaf("dryrun", "Print line protocol instead of writing it", Action::WriteDryRun, flags())
        .arguments(arguments)
        .common([org(), common()].concat());
    Command::leaf("write", "Write line protocol or CSV", Action::Write, flags())
        .arguments(arguments)
        .commands(vec![dryrun])
        .common([org(), common()].concat())
}

pub(super) fn query() -> Command {
    let flags = vec![
        Flag::text("file", "Read the query from this file").short("f"),
        Flag::switch("raw", "Print the answer as it comes").short("r"),
        Flag::texts("profilers", "Name of a profiler to switch on").short("p"),
    ];
    Command::leaf("query", "Run a Flux query", Action::Query, flags)
        .arguments("[query | @file | -]")
        .common([org(), common()].concat())
}

pub(super) fn delete() -> Command {
    let flags = vec![
        Flag::text("start", "Earliest time, RFC 3339").required(),
        Flag::text("stop", "Latest time, RFC 3339").required(),
        Flag::text("predicate", "Only points that match").short("p"),
    ];
    Command::leaf("delete", "Delete points of a bucket", Action::Delete, [bucket(), flags].concat())
        .common([org(), common()].concat())
}
