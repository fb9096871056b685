//! How soon a server is there, and how much memory it takes when nobody uses it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::report::{Figure, Target, number};
use crate::server::Server;
use crate::statistics::Sample;

const TOKENS: usize = 1000;
const STARTS: usize = 20;
/// How long a server is left alone before its memory counts as idle.
const REST: Duration = Duration::from_millis(500);

/// Starts a server that has tokens again and again.
pub(crate) fn run(binary: &Path) -> anyhow::Result<Vec<Figure>> {
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let server = Server::start(binary, directory.path())?;
    println!("  first start: {} ms", number(server.started_in.as_secs_f64() * 1000.0));
    let mut management = server.management()?;
    for number in 0..TOKENS {
        management.create_token(&format!("token {number}"), &format!("plant{}", number % 20))?;
    }
    drop(management);
    server.stop()?;

    let mut times = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..STARTS {
        let server = Server::start(binary, directory.path())?;
        times.push(server.started_in.as_secs_f64() * 1000.0);
        std::thread::sleep(REST);
        memory.push(server.resident_bytes()? as f64 / 1e6);
        server.stop()?;
    }
    let (times, memory) = (Sample::new(times)?, Sample::new(memory)?);
    println!("  {STARTS} starts: {} to {} ms", number(times.least()), number(times.greatest()));
    println!("  idle memory: {} to {} MB", number(memory.least()), number(memory.greatest()));
    Ok(vec![
        Figure {
            work: "start to healthy, 1 000 tokens",
            value: times.median(),
            target: Target::AtMost(50.0),
            unit: "ms",
        },
        Figure { work: "idle memory", value: memory.median(), target: Target::AtMost(45.0), unit: "MB" },
    ])
}
