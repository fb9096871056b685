//! The command line, run as a person would.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;

use super::server::{Server, binary, clean_command};

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("the command was not killed by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// This, if the exit code is 0.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// This, if the exit code is 1 and stderr has an error line.
    #[track_caller]
    pub(crate) fn failure(self) -> Self {
        assert_eq!(self.code, 1, "{self:?}");
        assert!(self.stderr.lines().any(|line| line.starts_with("error\t")), "no error line in {self:?}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {self:?}"),
        }
    }

    /// The last line of stdout, where a new token stands.
    pub(crate) fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

/// Runs commands with one configuration in one working directory.
#[derive(Debug, Clone)]
pub(crate) struct Cli {
    program: PathBuf,
    leading: Vec<String>,
    directory: PathBuf,
    environment: Vec<(String, String)>,
}

impl Cli {
    /// The binary without any configuration, in this directory, which is also the home.
    pub(crate) fn bare(directory: &Path) -> Self {
        Self { program: binary(), leading: Vec::new(), directory: directory.to_owned(), environment: Vec::new() }
    }

    /// With `--config` set to the credentials of this server.
    pub(crate) fn of(server: &Server) -> Self {
        let config = server.data_dir.join("credentials.toml");
        let mut cli = Self::bare(server.data_dir.parent().unwrap());
        cli.leading = vec!["--config".to_owned(), config.to_str().unwrap().to_owned()];
        cli
    }

    /// The same with the face of influxctl.
    pub(crate) fn influxctl(&self) -> Self {
        let mut cli = self.clone();
        cli.leading.insert(0, "influxctl".to_owned());
        cli
    }

    /// The same under another name of the program.
    pub(crate) fn program(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a command that is used wrongly, under both faces.
    #[track_caller]
    pub(crate) fn misused(&self, arguments: &[&str], input: &str) {
        for cli in [self, &self.influxctl()] {
            let said = cli.run_with_input(arguments, input).failure();
            assert!(said.stderr.starts_with("error\t"), "{arguments:?}: {said:?}");
        }
    }

    /// Runs a command with nothing on stdin.
    pub(crate) fn run<const N: usize>(&self, arguments: [&str; N]) -> Said {
        self.run_with_input(&arguments, "")
    }

    /// Runs a command that reads this text from stdin.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = clean_command(&self.program, &self.directory)
            .args(&self.leading)
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that reads nothing may have ended already.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        Said::of(child.wait_with_output().unwrap())
    }
}
