//! Reading the command line, and saying what is wrong with it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};

use crate::{ExitStatus, Io};

/// Reads the command line; `arguments` begins with the program's name.
///
/// A request for help is answered on standard output. Anything wrong is told in one error line and a usage line on
/// standard error. In both cases nothing remains to be done, and the status to exit with is the error.
pub fn parse(command: &Command, arguments: &[OsString], io: &mut Io) -> Result<ArgMatches, ExitStatus> {
    command.clone().try_get_matches_from(arguments).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match io.print(&error.render().to_string()) {
            Ok(()) => ExitStatus::SUCCESS,
            Err(error) => {
                io.log.error(error.to_string());
                ExitStatus::FAILURE
            }
        },
        _ => {
            io.log.error(reason(&error));
            io.log.raw(&usage_line(command, arguments.get(1..).unwrap_or_default()));
            ExitStatus::FAILURE
        }
    })
}

/// clap's reason on one line. An unknown argument is not repeated in full: it may be a secret in the wrong place.
fn reason(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::UnknownArgument {
        return match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(argument)) if argument.starts_with('-') => {
                let flag = argument.split('=').next().unwrap_or_default();
                format!("there is no flag {flag} here")
            }
            _ => "too many arguments".to_owned(),
        };
    }
    let text = error.render().to_string();
    let first_paragraph = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first_paragraph.split_whitespace().collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}

/// How the command that the arguments lead to is used.
fn usage_line(command: &Command, arguments: &[OsString]) -> String {
    let mut root = command.clone();
    root.build();
    let usage = usage_of(&mut root, &path(command, arguments));
    format!("{usage}\n")
}

fn usage_of(command: &mut Command, names: &[String]) -> String {
    match names {
        [] => command.render_usage().to_string(),
        [name, rest @ ..] => command.find_subcommand_mut(name).map(|next| usage_of(next, rest)).unwrap_or_default(),
    }
}

/// The names of the subcommands among the arguments, as far as they can be told from values of flags.
fn path(command: &Command, arguments: &[OsString]) -> Vec<String> {
    let mut command = command;
    let mut names = Vec::new();
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            break;
        }
        if let Some(flag) = argument.strip_prefix("--") {
            let takes_value = |known: &clap::Arg| known.get_long() == Some(flag) && known.get_action().takes_values();
            if command.get_arguments().any(takes_value) {
                arguments.next();
            }
        } else if let Some(next) = command.find_subcommand(argument.as_ref()) {
            command = next;
            names.push(next.get_name().to_owned());
        }
    }
    names
}
