//! What is made from the definitions of the commands: completion scripts and manual pages.

use std::io;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use super::required;
use crate::error::{Error, Result};
use crate::session::Session;

pub(super) fn completion(session: &mut Session<'_>, command: &Command, matches: &ArgMatches) -> Result<()> {
    let shell = *required::<Shell>(matches, "shell")?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command.clone(), session.face.name(), &mut script);
    session.io.print(&String::from_utf8_lossy(&script))
}

pub(super) fn manual(session: &mut Session<'_>, command: &Command, matches: &ArgMatches) -> Result<()> {
    let directory = session.io.environment.current_dir.join(required::<PathBuf>(matches, "out")?);
    let mut command = command.clone();
    command.build();
    let unwritable = |error: io::Error| Error::Failed(format!("cannot write to {}: {error}", directory.display()));
    std::fs::create_dir_all(&directory).map_err(unwritable)?;
    write_pages(&command, &directory).map_err(unwritable)
}

/// A page for the command and each one below it that help shows.
fn write_pages(command: &Command, directory: &Path) -> io::Result<()> {
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    let name = man.get_filename();
    man.render(&mut page)?;
    std::fs::write(directory.join(name), page)?;
    command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
        .try_for_each(|sub| write_pages(sub, directory))
}
