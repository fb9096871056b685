//! From matched arguments to an exit status.

use std::ffi::OsString;
use std::future::Future;

use clap::{ArgMatches, Command};

use crate::error::Error;
use crate::globals::Globals;
use crate::session::Session;
use crate::{ExitStatus, Face, Io, commands, tree, usage};

/// Runs the chosen command to its end. `command` is the tree that `matches` come from; it is needed for help texts.
/// Commands that the binary has added itself must not get here.
pub async fn run(face: Face, command: &Command, matches: &ArgMatches, io: &mut Io) -> ExitStatus {
    let mut chain = vec![matches];
    let mut path = Vec::new();
    let mut innermost = matches;
    while let Some((name, sub)) = innermost.subcommand() {
        path.push(name);
        chain.push(sub);
        innermost = sub;
    }
    let globals = Globals::new(&chain);
    io.log.verbosity = globals.verbosity;
    let mut session = Session::new(face, io, globals);
    let outcome = commands::dispatch(&mut session, command, &path, innermost).await;
    let status = if outcome.is_ok() { ExitStatus::SUCCESS } else { ExitStatus::FAILURE };
    match outcome {
        Ok(()) | Err(Error::Reported) => {}
        Err(Error::Cancelled) => session.log().warn("cancelled"),
        Err(error) => session.log().error(error.to_string()),
    }
    session.forget_refused_login();
    status
}

/// Like [`run`], but stops as soon as `interrupt` is done, with [`ExitStatus::INTERRUPTED`].
pub async fn run_interruptible(
    face: Face,
    command: &Command,
    matches: &ArgMatches,
    io: &mut Io,
    interrupt: impl Future<Output = ()>,
) -> ExitStatus {
    tokio::select! {
        status = run(face, command, matches, io) => status,
        () = interrupt => ExitStatus::INTERRUPTED,
    }
}

/// Like [`run`] on a runtime of its own, until the end or SIGINT.
pub fn run_blocking(face: Face, command: &Command, matches: &ArgMatches, io: &mut Io) -> ExitStatus {
    block_on(io, async |io| run(face, command, matches, io).await)
}

/// Runs `task` on a runtime of its own, until the end or SIGINT.
pub(crate) fn block_on(io: &mut Io, task: impl AsyncFnOnce(&mut Io) -> ExitStatus) -> ExitStatus {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            io.log.error(format!("cannot start: {error}"));
            return ExitStatus::FAILURE;
        }
    };
    let status = runtime.block_on(async {
        tokio::select! {
            status = task(io) => status,
            () = interrupted() => ExitStatus::INTERRUPTED,
        }
    });
    // A thread may still wait for standard input, and would wait for ever.
    runtime.shutdown_background();
    status
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the signal ends the process by itself.
        std::future::pending::<()>().await;
    }
}

/// The whole program under the name `influxctl`; `arguments` begins with that name.
pub fn main_influxctl(arguments: &[OsString]) -> u8 {
    let command = tree::command(Face::Influxctl);
    let mut io = Io::system();
    let status = match usage::parse(&command, arguments, &mut io) {
        Ok(matches) => run_blocking(Face::Influxctl, &command, &matches, &mut io),
        Err(status) => status,
    };
    status.0
}
