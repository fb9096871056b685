//! A server of its own for each measurement.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::http::{Connection, request};
use crate::management::Management;
use crate::process::{processor_seconds, resident_bytes};

const PATIENCE: Duration = Duration::from_secs(60);
/// Between two attempts to reach a server that starts.
const PAUSE: Duration = Duration::from_micros(200);

/// A running server. It is killed when this is dropped without [`Server::stop`].
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    data_dir: PathBuf,
    /// From the start of the process to the first healthy answer.
    pub(crate) started_in: Duration,
}

impl Server {
    /// Starts the binary on a free port, and waits until it is healthy. Its output goes to `server.log` beside the data.
    pub(crate) fn start(binary: &Path, directory: &Path) -> anyhow::Result<Self> {
        let address = free_address()?;
        let data_dir = directory.join("data");
        let log = directory.join("server.log");
        let output = File::create(&log).context("cannot make the server's log file")?;
        let mut command = Command::new(binary);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TIDEGATE_")) {
            command.env_remove(name);
        }
        command.arg("serve").arg("--data-dir").arg(&data_dir).args(["--listen", &address.to_string()]);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let start = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
        let mut server = Self { child, address, data_dir, started_in: Duration::ZERO };
        while !is_healthy(address) {
            if server.child.try_wait()?.is_some() || start.elapsed() > PATIENCE {
                bail!("the server did not become healthy: {}", std::fs::read_to_string(log)?);
            }
            std::thread::sleep(PAUSE);
        }
        server.started_in = start.elapsed();
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    pub(crate) fn management(&self) -> anyhow::Result<Management> {
        Management::connect(self.address, &self.data_dir)
    }

    /// The configuration with which the command line reaches this server.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.data_dir.join("credentials.toml")
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> anyhow::Result<u64> {
        resident_bytes(&self.child.id().to_string())
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn processor_seconds(&self) -> anyhow::Result<f64> {
        processor_seconds(self.child.id())
    }

    /// Ends the server in good order.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("cannot stop the server")?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` both calls find nothing to do; otherwise something failed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener.local_addr()?)
}

fn is_healthy(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(address) else {
        return false;
    };
    connection.send(&request("GET", "/health", None, &[])).is_ok_and(|answer| answer.status == 200)
}
