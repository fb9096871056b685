//! The tidegate server and command line.

mod args;
mod config;
mod credentials;
mod data_dir;
mod durable;
mod exposure;
mod first_token;
mod listen;
mod logging;
mod operator;
mod recovery;
mod secret;
mod self_signed;
mod serve;
mod server;
mod setup;
mod shutdown;
mod tls;
mod units;
mod welcome;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{MAIN_SEPARATOR, Path};
use std::process::ExitCode;

use clap::ArgMatches;
use tidegate_cli::{ExitStatus, Face, Io};

fn main() -> ExitCode {
    logging::report_panics(|place| {
        // Nothing can be done if standard error is closed.
        let _ = writeln!(io::stderr(), "error\tinternal error at {place}");
    });
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(arguments) = arguments_of(Face::Influxctl.name(), &arguments) {
        ExitCode::from(tidegate_cli::main_influxctl(arguments))
    } else if let Some(arguments) = arguments_of(tidegate_cli::INFLUX, &arguments) {
        ExitCode::from(tidegate_cli::main_influx(arguments))
    } else {
        tidegate(&arguments)
    }
}

/// What the program of this name has been called with, the name first; `None` if it has not been called.
fn arguments_of<'a>(name: &str, arguments: &'a [OsString]) -> Option<&'a [OsString]> {
    let called = |argument: &OsString| Path::new(argument).file_stem() == Some(OsStr::new(name));
    if arguments.first().is_some_and(called) {
        return Some(arguments);
    }
    arguments.get(1..).filter(|rest| rest.first().is_some_and(|first| first == name))
}

fn tidegate(arguments: &[OsString]) -> ExitCode {
    let face = Face::Tidegate;
    let command =
        tidegate_cli::command(face).subcommands([args::command(), setup::command(), recovery::command()]).after_help(
            "`tidegate influxctl …` and `tidegate influx …`, or links with these names to this program, behave as \
             influxctl and influx do.",
        );
    let mut io = Io::system();
    let matches = match tidegate_cli::parse(&command, arguments, &mut io) {
        Ok(matches) => matches,
        // The server tells wrong usage from failure, as service managers expect; influxctl's commands do not.
        Err(ExitStatus::FAILURE) if arguments.get(1).is_some_and(|word| word == args::SERVE) => {
            return ExitCode::from(serve::USAGE);
        }
        Err(status) => return ExitCode::from(status.0),
    };
    match matches.subcommand() {
        Some((args::SERVE, serve)) => start_server(&matches, serve, arguments.first()),
        Some((word @ setup::SETUP, setup)) => on_this_machine(&matches, word, || setup::run(setup, &mut io)),
        Some((word @ recovery::RECOVERY, task)) if task.subcommand().is_some() => {
            on_this_machine(&matches, word, || recovery::run(task))
        }
        _ => ExitCode::from(tidegate_cli::run_blocking(face, &command, &matches, &mut io).0),
    }
}

fn start_server(all: &ArgMatches, matches: &ArgMatches, program: Option<&OsString>) -> ExitCode {
    let arguments = if all.args_present() {
        Err("flags of the server belong behind the word serve".to_owned())
    } else {
        args::from_matches(matches).map_err(|error| error.to_string())
    };
    match arguments {
        Ok(arguments) => serve::run(arguments, &name_to_call(program)),
        Err(reason) => {
            let _ = writeln!(io::stderr(), "error\t{reason}");
            ExitCode::from(serve::USAGE)
        }
    }
}

/// Runs a command that has nothing to do with the flags of the tree.
fn on_this_machine(all: &ArgMatches, word: &str, command: impl FnOnce() -> ExitCode) -> ExitCode {
    if all.args_present() {
        let _ = writeln!(io::stderr(), "error\tflags of this command belong behind the word {word}");
        return ExitCode::FAILURE;
    }
    command()
}

/// By which name or path this program can be called from any directory.
fn name_to_call(program: Option<&OsString>) -> Cow<'static, str> {
    let called_by_path = program.is_some_and(|name| name.to_string_lossy().contains(MAIN_SEPARATOR));
    match std::env::current_exe() {
        Ok(path) if called_by_path => path.to_string_lossy().into_owned().into(),
        _ => Face::Tidegate.name().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(name: &str, arguments: &[&str]) -> Option<Vec<OsString>> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        arguments_of(name, &arguments).map(<[OsString]>::to_vec)
    }

    #[test]
    fn influxctl_is_called_by_a_link_or_by_its_word() {
        let influxctl = |arguments| called("influxctl", arguments);
        assert_eq!(influxctl(&["influxctl", "version"]).unwrap(), ["influxctl", "version"]);
        assert_eq!(influxctl(&["/usr/bin/influxctl"]).unwrap(), ["/usr/bin/influxctl"]);
        assert_eq!(influxctl(&["influxctl.exe"]).unwrap(), ["influxctl.exe"]);
        assert_eq!(influxctl(&["tidegate", "influxctl", "help"]).unwrap(), ["influxctl", "help"]);
        for other in [&["tidegate"][..], &["tidegate", "serve"], &["tidegate", "query", "influxctl"], &["influx"], &[]]
        {
            assert_eq!(influxctl(other), None, "{other:?}");
        }
    }

    #[test]
    fn influx_is_called_in_the_same_ways_and_is_not_influxctl() {
        assert_eq!(called(tidegate_cli::INFLUX, &["/usr/bin/influx", "ping"]).unwrap(), ["/usr/bin/influx", "ping"]);
        assert_eq!(called(tidegate_cli::INFLUX, &["tidegate", "influx", "ping"]).unwrap(), ["influx", "ping"]);
        assert_eq!(called(tidegate_cli::INFLUX, &["influxctl", "version"]), None);
    }

    #[test]
    fn the_commands_of_the_server_fit_into_the_tree() {
        let own = [args::command(), setup::command(), recovery::command()];
        tidegate_cli::command(Face::Tidegate).subcommands(own).debug_assert();
    }
}
