//! Everything a command may touch of its surroundings, so that tests can give it other ones.

mod terminal;
pub(crate) mod user_database;

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::io::{IsTerminal as _, Read, Write};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_model::{Clock, PlainToken, SystemClock};

use crate::error::{Error, Result};

/// Variables and the current directory. `Debug` shows no values of variables: some are secrets.
#[derive(Clone, Default)]
pub struct Environment {
    /// The environment variables.
    pub variables: HashMap<OsString, OsString>,
    /// Where relative paths start.
    pub current_dir: PathBuf,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: BTreeSet<&OsString> = self.variables.keys().collect();
        f.debug_struct("Environment").field("variables", &names).field("current_dir", &self.current_dir).finish()
    }
}

impl Environment {
    /// A variable that is set and not empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.variable_even_empty(name).filter(|value| !value.is_empty())
    }

    /// A variable that is set, perhaps empty.
    pub(crate) fn variable_even_empty(&self, name: &str) -> Option<&OsString> {
        self.variables.get(std::ffi::OsStr::new(name))
    }
}

/// Waits for a while.
pub(crate) type Pause = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

pub(crate) type Input = Box<dyn Read + Send>;
type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

/// The streams, environment and clock of one call.
pub struct Io {
    stdin: Option<Input>,
    /// Whether what the user types shows beside what standard error says, line ends included.
    is_echoed: bool,
    /// The home directory that the user database knows, where a command wants to know it.
    pub(crate) home: Option<PathBuf>,
    stdout: Box<dyn Write + Send>,
    pub(crate) log: Log,
    pub(crate) environment: Environment,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pause: Pause,
    /// Whether a login may show its page.
    pub(crate) may_open_browser: bool,
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").finish_non_exhaustive()
    }
}

impl Io {
    /// Surroundings made of these parts.
    pub fn new(
        stdin: impl Read + Send + 'static,
        stdout: impl Write + Send + 'static,
        stderr: impl Write + Send + 'static,
        environment: Environment,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            stdin: Some(Box::new(stdin)),
            is_echoed: false,
            home: None,
            stdout: Box::new(stdout),
            log: Log::to(stderr),
            environment,
            clock,
            pause: Arc::new(|time| Box::pin(tokio::time::sleep(time))),
            may_open_browser: false,
        }
    }

    /// Those of this process.
    pub fn system() -> Self {
        let environment = Environment {
            variables: std::env::vars_os().collect(),
            // Without a current directory relative paths fail when they are used, and say so.
            current_dir: std::env::current_dir().unwrap_or_default(),
        };
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let is_echoed = stdin.is_terminal();
        // Whoever reads standard error from a file or another program is not at this machine's display.
        let may_open_browser = stderr.is_terminal();
        let io = Self::new(stdin, stdout, stderr, environment, Arc::new(SystemClock));
        Self { is_echoed, may_open_browser, ..io }
    }

    #[cfg(test)]
    pub(crate) fn replace_stdout(&mut self, stdout: impl Write + Send + 'static) {
        self.stdout = Box::new(stdout);
    }

    /// Writes a result to standard output.
    pub(crate) fn print(&mut self, text: &str) -> Result<()> {
        self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush()).map_err(Error::Output)
    }

    /// Standard input, once; empty when it has been taken before.
    pub(crate) fn take_stdin(&mut self) -> Input {
        self.stdin.take().unwrap_or_else(|| Box::new(std::io::empty()))
    }

    /// Standard input to its end. An interrupt can stop the wait, because another thread does the reading.
    pub(crate) async fn read_stdin(&mut self, limit: u64) -> Result<Vec<u8>> {
        let input = self.take_stdin();
        let read = tokio::task::spawn_blocking(move || read_limited(input, limit)).await;
        read.map_err(|error| Error::Input(std::io::Error::other(error)))?.map_err(Error::Input)
    }

    /// Asks on standard error and reads one line from standard input.
    pub(crate) async fn confirm(&mut self, question: &str) -> Result<()> {
        let answer = self.ask(question).await?.to_lowercase();
        if answer == "y" || answer == "yes" { Ok(()) } else { Err(Error::Cancelled) }
    }

    /// Asks on standard error and returns one line of standard input, without space around it.
    pub(crate) async fn ask(&mut self, question: &str) -> Result<String> {
        self.log.raw(&crate::output::one_line(question));
        let line = self.read_answer().await?;
        if !(self.is_echoed && line.ends_with('\n')) {
            self.log.raw("\n");
        }
        Ok(line.trim().to_owned())
    }

    /// Like [`Self::ask`], but what is typed does not show and is kept as it is.
    pub(crate) async fn ask_secret(&mut self, question: &str) -> Result<PlainToken> {
        // First, for whoever sees the question may answer at once.
        let silence = if self.is_echoed { Some(terminal::Silence::begin().map_err(Error::Input)?) } else { None };
        self.log.raw(&crate::output::one_line(question));
        let line = self.read_answer().await;
        drop(silence);
        self.log.raw("\n");
        let secret = PlainToken::from_presented(line?.trim_end_matches(['\n', '\r']));
        self.log.hide(&secret);
        Ok(secret)
    }

    /// Asks on standard error and returns what is typed, which does not show; `None` if nobody sits at a terminal.
    ///
    /// # Errors
    /// Those of the terminal.
    pub async fn type_secret(&mut self, question: &str) -> std::io::Result<Option<PlainToken>> {
        if !self.is_echoed {
            return Ok(None);
        }
        self.ask_secret(question).await.map(Some).map_err(std::io::Error::other)
    }

    async fn read_answer(&mut self) -> Result<String> {
        let mut input = self.take_stdin();
        let read = tokio::task::spawn_blocking(move || {
            let line = read_line(&mut input);
            (input, line)
        })
        .await;
        let (input, line) = read.map_err(|error| Error::Input(std::io::Error::other(error)))?;
        self.stdin = Some(input);
        line.map_err(Error::Input)
    }
}

/// Reads all of `input`, but fails when there is more than `limit` bytes.
pub(crate) fn read_limited(input: impl Read, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, format!("more than {limit} bytes")));
    }
    Ok(bytes)
}

/// One line with its end, without reading anything that comes after it.
fn read_line(input: &mut Input) -> std::io::Result<String> {
    const LONGEST_ANSWER: usize = 1024;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LONGEST_ANSWER && !line.ends_with(b"\n") && input.read(&mut byte)? == 1 {
        line.extend_from_slice(&byte);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// How much the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Normal,
    Debug,
    Trace,
}

/// Standard error: lines of level, TAB and text (influxctl contract §5.1).
#[derive(Clone)]
pub(crate) struct Log {
    sink: Sink,
    /// What no line may repeat.
    credentials: Arc<Mutex<Vec<PlainToken>>>,
    pub(crate) verbosity: Verbosity,
}

impl Log {
    fn to(stderr: impl Write + Send + 'static) -> Self {
        let sink: Box<dyn Write + Send> = Box::new(stderr);
        Self { sink: Arc::new(Mutex::new(sink)), credentials: Arc::default(), verbosity: Verbosity::Normal }
    }

    /// From now on no line repeats this credential, whatever it looks like.
    pub(crate) fn hide(&self, credential: &PlainToken) {
        // Shorter ones occur in ordinary words; no server gives them out.
        const SHORTEST: usize = 8;
        if credential.expose().len() >= SHORTEST {
            let mut credentials = lock(&self.credentials);
            credentials.push(credential.clone());
            // One may be the beginning of another.
            credentials.sort_by_key(|credential| Reverse(credential.expose().len()));
        }
    }

    pub(crate) fn error(&self, text: impl AsRef<str>) {
        self.line("error", text.as_ref());
    }

    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        self.line("warn", text.as_ref());
    }

    pub(crate) fn info(&self, text: impl AsRef<str>) {
        self.line("info", text.as_ref());
    }

    pub(crate) fn debug(&self, text: impl AsRef<str>) {
        if self.verbosity >= Verbosity::Debug {
            self.line("debug", text.as_ref());
        }
    }

    pub(crate) fn trace(&self, text: impl AsRef<str>) {
        if self.verbosity >= Verbosity::Trace {
            self.line("debug", text.as_ref());
        }
    }

    /// The reason for which the `influx` face gives up (v2 API contract §6.3). It may have several lines.
    pub(crate) fn failure(&self, text: &str) {
        let shown = self.without_credentials(text);
        let lines: Vec<String> = shown.split('\n').map(crate::output::one_line).collect();
        self.raw(&format!("Error: {}\n", lines.join("\n")));
    }

    /// One of several things that a question is about.
    pub(crate) fn item(&self, name: impl fmt::Display) {
        self.raw(&format!("  {}\n", crate::output::one_line(&name.to_string())));
    }

    /// Text as it is. Nothing useful can be done when standard error is closed.
    pub(crate) fn raw(&self, text: &str) {
        let mut sink = lock(&self.sink);
        let _ = sink.write_all(text.as_bytes()).and_then(|()| sink.flush());
    }

    fn line(&self, level: &str, text: &str) {
        self.raw(&format!("{level}\t{}\n", crate::output::one_line(&self.without_credentials(text))));
    }

    pub(crate) fn without_credentials(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for credential in lock(&self.credentials).iter() {
            shown = shown.replace(credential.expose(), "…");
        }
        crate::output::without_tokens(&shown)
    }
}

/// What a thread that panicked left behind is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_shows_names_but_no_values() {
        let variables = [("INFLUXCTL_MGMT_TOKEN", "hunter2"), ("HOME", "/home/ada")].map(|(k, v)| (k.into(), v.into()));
        let environment = Environment { variables: variables.into(), current_dir: "/work".into() };
        assert_eq!(
            format!("{environment:?}"),
            r#"Environment { variables: {"HOME", "INFLUXCTL_MGMT_TOKEN"}, current_dir: "/work" }"#
        );
    }
}
