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

use crate::io::user_database;
use crate::{ExitStatus, Io, main_loop};
use parse::Ended;
use session::Session;

/// The name that this face is called by.
pub const INFLUX: &str = "influx";

/// The version whose commands and output this tree follows.
pub(crate) const VERSION: &str = "2.8.0";

/// The whole program under the name `influx`; `arguments` begins with that name.
///
/// Scripts for the known program work unchanged. What differs is meant:
///
/// - `auth list` sends its filters, `auth active` and `inactive` take the common flags, and the spellings of published
///   guides (`--read-dbrps`, `--read-user`) are understood (v2 API contract §6.4).
/// - `--http-debug` shows heads without credentials, and no bodies. No error repeats a token or a password.
/// - Redirects are not followed: the credential stays with the server it is meant for.
/// - `org members remove` looks among the owners only for somebody who is no member (404), not after any other failure.
/// - `org delete` needs `--id`; ids that would lead to another path are not sent.
/// - `setup` does not sign in first, and makes sure that it can keep the new token before it asks for one.
/// - Line breaks inside of strings do not cut lines, and comments are not sent. CSV is read without `#concat`,
///   `#timezone` and layouts of times other than numbers and RFC 3339.
/// - Control characters in cells and messages are shown, not sent to the terminal.
pub fn main_influx(arguments: &[OsString]) -> u8 {
    let mut io = Io::system();
    io.home = user_database::home();
    let arguments = arguments.get(1..).unwrap_or_default();
    main_loop::block_on(&mut io, async |io| run(arguments, io).await).0
}

/// The words of every command, groups included: `influx auth list` and so on.
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
    below(&tree::root(), INFLUX)
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
