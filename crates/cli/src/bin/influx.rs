//! The command line of the v2 API alone, without a server.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(tidegate_cli::main_influx(&arguments))
}
