//! What the commands for whoever runs the server have in common. They work on the server's machine.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use rustix::fs::Mode;
use rustix::process::umask;
use tidegate_cli::ExitStatus;
use tidegate_model::PlainToken;

use crate::config::{Config, ConfigError, Layer};
use crate::logging::{self, FILTER_VARIABLE, LogFormat};

/// These commands say themselves what happens; only what they cannot know shall be logged.
const DEFAULT_FILTER: &str = "error";

/// Which server's data.
#[derive(Debug, Args)]
pub(crate) struct Location {
    /// Where the server keeps its data [default: ./tidegate-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// The server's settings, TOML: their data-dir is used
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Location {
    /// The data directory that `serve` would use with these flags.
    pub(crate) fn data_dir(self) -> Result<PathBuf, ConfigError> {
        let config = Config::load(Layer::of_data_dir(self.data_dir), self.config, |name| std::env::var_os(name))?;
        Ok(config.data_dir)
    }
}

/// Runs a command to its end, or until SIGINT, and tells why it failed.
pub(crate) fn run<E: Display>(command: impl Future<Output = Result<(), E>>) -> ExitCode {
    let runtime = match prepare() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let status = runtime.block_on(async {
        tokio::select! {
            result = command => match result {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&error),
            },
            Ok(()) = tokio::signal::ctrl_c() => ExitCode::from(ExitStatus::INTERRUPTED.0),
        }
    });
    // A thread may still wait for somebody to type, and would wait for ever.
    runtime.shutdown_background();
    status
}

fn prepare() -> Result<tokio::runtime::Runtime, String> {
    let filter = std::env::var_os(FILTER_VARIABLE).filter(|filter| !filter.is_empty());
    logging::start(LogFormat::Text, Some(filter.unwrap_or_else(|| OsString::from(DEFAULT_FILTER))))
        .map_err(|error| error.to_string())?;
    umask(Mode::RWXG | Mode::RWXO);
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| format!("cannot start: {error}"))
}

fn failed(reason: &impl Display) -> ExitCode {
    say("error", reason);
    ExitCode::FAILURE
}

/// A line on standard error. Nothing can be done if it is closed.
pub(crate) fn say(level: &str, text: &impl Display) {
    let _ = writeln!(io::stderr(), "{level}\t{text}");
}

/// Writes a result to standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
}

/// Prints what was made, and its secret, this once, as the last line of standard output.
pub(crate) fn print_secret(details: &[(&str, String)], secret: &PlainToken) -> io::Result<()> {
    print(&tidegate_cli::detail_table(details))?;
    say("warn", &"please copy the token and store in a safe place");
    say("warn", &"this is the *only time* you will see the token");
    print(&format!("{}\n", secret.expose()))
}
