//! The commands, their flags and arguments (influxctl contract §6).

mod accounts;
mod arguments;
mod data;
mod databases;
mod tokens;

use std::path::PathBuf;

use clap::builder::EnumValueParser;
use clap::{Arg, ColorChoice, Command, value_parser};
use clap_complete::Shell;

use crate::{Face, globals};

pub(crate) use arguments::Status;

/// The whole tree under this name.
pub fn command(face: Face) -> Command {
    let about = match face {
        Face::Tidegate => "Time-series database that is strict about who may read and write, and for how long",
        Face::Influxctl => "Administer databases and tokens, write and query",
    };
    // clap would otherwise show the name of the file that was started.
    let root = group(face.name(), about).bin_name(face.name()).subcommands([
        tokens::token(),
        tokens::management(face),
        databases::databases(),
        databases::tables(),
        accounts::clusters(),
        accounts::users(),
        accounts::auth(),
        data::query(),
        data::write(),
        leaf("version", "Show the version of this program"),
        completion(),
        manual(),
    ]);
    globals::add(root)
}

fn completion() -> Command {
    leaf("completion", "Print a completion script for a shell").arg(
        Arg::new("shell")
            .value_name("SHELL")
            .required(true)
            .value_parser(EnumValueParser::<Shell>::new())
            .help("The shell that is to complete commands"),
    )
}

/// For packagers.
fn manual() -> Command {
    leaf("man", "Write the manual pages into a directory").hide(true).arg(
        Arg::new("out")
            .long("out")
            .value_name("DIRECTORY")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("The directory, which is created if need be"),
    )
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
