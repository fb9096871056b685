//! The real server as a child process.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::PATIENCE;
use super::api::http_client;

/// The binary under test: the one cargo has just built, or another named by `TIDEGATE_BIN`.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("TIDEGATE_BIN").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_tidegate")), PathBuf::from)
}

/// A command that runs the binary without any setting of the person who runs the tests.
pub(crate) fn clean_command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if ["TIDEGATE_", "INFLUX", "XDG_"].iter().any(|start| name.starts_with(start)) {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).env("no_proxy", "localhost,127.0.0.1,::1");
    command
}

/// How a server is to be started.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    data_dir: PathBuf,
    listen: Vec<String>,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Launch {
    /// On a free port of 127.0.0.1.
    pub(crate) fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: vec!["127.0.0.1:0".to_owned()],
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// On these addresses instead.
    pub(crate) fn listen<const N: usize>(mut self, addresses: [&str; N]) -> Self {
        self.listen = addresses.map(str::to_owned).to_vec();
        self
    }

    pub(crate) fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(crate) fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn command(&self) -> Command {
        let home = self.data_dir.parent().unwrap_or(&self.data_dir);
        let mut command = clean_command(&binary(), home);
        command.arg("serve").arg("--data-dir").arg(&self.data_dir);
        for address in &self.listen {
            command.args(["--listen", address]);
        }
        command.args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }

    /// Starts the server and waits until it is healthy.
    pub(crate) async fn start(&self) -> Server {
        let mut server = self.spawn();
        let address = server.address.recv_timeout(PATIENCE);
        server.url = match address {
            Ok(address) => address,
            Err(_) => panic!("the server printed no address:\n{}", server.log()),
        };
        let client = http_client().danger_accept_invalid_certs(true).build().unwrap();
        super::eventually("the server is healthy", async || {
            let answer = client.get(format!("{}/health", server.url)).send().await.ok()?;
            (answer.status() == 200).then_some(())
        })
        .await;
        server
    }

    /// Starts the server and waits for nothing.
    pub(crate) fn spawn(&self) -> Server {
        let (output, input) = std::io::pipe().unwrap();
        let child = self.command().stdout(input.try_clone().unwrap()).stderr(input).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (sender, address) = mpsc::channel();
        let written = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n') {
                let Ok(line) = line else { return };
                let line = String::from_utf8_lossy(&line);
                if let Some(url) = find_url(&line) {
                    // Nobody listens for the second and later mentions.
                    let _ = sender.send(url);
                }
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Server { child, url: String::new(), data_dir: self.data_dir.clone(), address, log, reader: Some(reader) }
    }

    /// Starts a server that must not come up; gives its exit code and what it said.
    pub(crate) fn refuses_to_start(&self) -> (i32, String) {
        let mut server = self.spawn();
        let code = server.wait();
        (code.expect("the server was not killed by a signal"), server.finished_log())
    }
}

/// The first URL of a loopback address with a port in a line.
fn find_url(line: &str) -> Option<String> {
    ["http://127.0.0.1:", "https://127.0.0.1:", "http://[::1]:", "https://[::1]:"].iter().find_map(|prefix| {
        let (_, rest) = line.split_once(prefix)?;
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!port.is_empty() && port != "0").then(|| format!("{prefix}{port}"))
    })
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Scheme, host and port, without a slash at the end.
    pub(crate) url: String,
    pub(crate) data_dir: PathBuf,
    address: mpsc::Receiver<String>,
    log: Arc<Mutex<String>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// What it has printed and logged until now.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// All that it printed and logged; it must have ended.
    pub(crate) fn finished_log(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.log()
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Host and port, for connections made by hand.
    pub(crate) fn authority(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, without waiting.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// What a terminal sends for Ctrl-C, without waiting.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// SIGTERM, and the exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.terminate();
        self.wait()
    }

    /// Waits for the end; the exit code, or `None` if a signal killed it.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "the server does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Either of these fails only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log.lock().map(|log| log.clone()).unwrap_or_default();
            let first = log.lines().count().saturating_sub(40);
            let tail: Vec<&str> = log.lines().skip(first).collect();
            eprintln!("--- the end of the server's log\n{}\n---", tail.join("\n"));
        }
    }
}
