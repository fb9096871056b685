//! The third face: `influx`, the command line of the v2 API (v2 API contract §6).
//!
//! [`tree`] is the one table of commands and flags. From it come parsing ([`parse`]), help ([`help`]), and what the
//! tests hold against a server that knows the contract only. Flags are read as the known program reads them, which
//! differs from what argument libraries do: see [`parse`].

mod annotated;
mod commands;
mod config;
mod csv_lines;
mod durations;
mod error;
mod help;
mod output;
mod parse;
mod rate;
mod session;
mod source;
pub(crate) mod syntax;
pub(crate) mod tree;

use std::ffi::OsString;

use crate::{ExitStatus, Io, main_loop};
use parse::Ended;
use session::Session;

pub(crate) const NAME: &str = "influx";

/// The version whose commands and output this tree follows.
pub(crate) const VERSION: &str = "2.8.0";

/// The whole program under the name `influx`; `arguments` begins with that name.
pub fn main_influx(arguments: &[OsString]) -> u8 {
    let mut io = Io::system();
    let arguments = arguments.get(1..).unwrap_or_default();
    main_loop::block_on(&mut io, async |io| run(arguments, io).await).0
}

/// The words and aliases of every command, groups included: `influx auth list` and so on.
pub fn influx_commands() -> Vec<String> {
    fn below(command: &syntax::Command, path: &str) -> Vec<String> {
        let mut words = Vec::new();
        for sub in &command.commands {
            let path = format!("{path} {}", sub.name);
            words.extend(below(sub, &path));
            words.push(path);
        }
        words
    }
    below(&tree::root(), NAME)
}

/// Runs one command to its end. `arguments` does not hold the program's name.
pub(crate) async fn run(arguments: &[OsString], io: &mut Io) -> ExitStatus {
    let root = tree::root();
    let outcome = match parse::parse(&root, arguments, &io.environment) {
        Ok(parsed) => {
            let warned = parsed.warnings.iter().try_for_each(|warning| io.print(&format!("warning: {warning}\n")));
            match warned {
                Ok(()) => commands::dispatch(&mut Session::new(io, parsed.given), parsed.action).await,
                Err(error) => Err(error.into()),
            }
        }
        Err(Ended::Help(text)) => io.print(&text).map_err(Into::into),
        Err(Ended::Wrong { help, reason }) => io.print(&help).map_err(Into::into).and(Err(error::Error::Text(reason))),
    };
    match outcome {
        Ok(()) => ExitStatus::SUCCESS,
        Err(error) => {
            io.log.failure(&error.to_string());
            ExitStatus::FAILURE
        }
    }
}
