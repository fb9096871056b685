//! How long the revocation of an idle token takes, until it is final and on disk.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;

use crate::report::{Figure, Target, number};
use crate::server::Server;
use crate::statistics::Sample;

const TOKENS: usize = 500;

/// Revokes tokens one after another over one connection.
pub(crate) fn run(binary: &Path) -> anyhow::Result<Vec<Figure>> {
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let server = Server::start(binary, directory.path())?;
    let mut management = server.management()?;
    let mut tokens = Vec::with_capacity(TOKENS);
    for number in 0..TOKENS {
        tokens.push(management.create_token(&format!("token {number}"), "plant7")?.id);
    }
    let mut times = Vec::with_capacity(TOKENS);
    for id in &tokens {
        let start = Instant::now();
        management.revoke(id)?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    drop(management);
    server.stop()?;
    let times = Sample::new(times)?;
    println!("  median {} ms, 99 % {} ms", number(times.median()), number(times.percentile(99)));
    Ok(vec![Figure { work: "revoke an idle token", value: times.median(), target: Target::AtMost(5.0), unit: "ms" }])
}
