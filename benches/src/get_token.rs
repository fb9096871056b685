//! Requests per second of the cheapest management call, as `wrk` counts them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::report::{Figure, Target, number};
use crate::server::Server;
use crate::statistics::Sample;

const RUNS: usize = 3;

/// Lets `wrk` ask for one token over 16 connections.
pub(crate) fn run(binary: &Path) -> anyhow::Result<Vec<Figure>> {
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let server = Server::start(binary, directory.path())?;
    let mut management = server.management()?;
    let created = management.create_token("read again and again", "plant7")?;
    let url = format!("http://{}{}", server.address(), management.path(&format!("tokens/{}", created.id)));
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let rate = wrk(&url, management.token())?;
        println!("  {} requests/s", number(rate));
        rates.push(rate);
    }
    server.stop()?;
    Ok(vec![Figure {
        work: "GET of a token, 16 connections",
        value: Sample::new(rates)?.median(),
        target: Target::AtLeast(40_000.0),
        unit: "requests/s",
    }])
}

fn wrk(url: &str, token: &str) -> anyhow::Result<f64> {
    let header = format!("Authorization: Bearer {token}");
    let output = Command::new("wrk")
        .args(["-t1", "-c16", "-d10s", "-H", &header, url])
        .output()
        .context("cannot start wrk, install the Debian package wrk")?;
    ensure!(output.status.success(), "wrk failed: {}", String::from_utf8_lossy(&output.stderr));
    rate(&String::from_utf8(output.stdout)?)
}

fn rate(report: &str) -> anyhow::Result<f64> {
    let failed = report.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors"));
    ensure!(failed.is_none(), "some requests failed: {}", failed.unwrap_or_default().trim());
    let line = report.lines().find_map(|line| line.strip_prefix("Requests/sec:")).context("wrk tells no rate")?;
    line.trim().parse().context("wrk tells no rate")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Running 10s test @ http://localhost\n  600004 requests in 10.00s, 200MB read\n";

    #[test]
    fn the_rate_is_read_from_the_report() {
        assert_eq!(rate(&format!("{REPORT}Requests/sec:  60000.40\nTransfer/sec: 20.00MB\n")).unwrap(), 60_000.4);
    }

    #[test]
    fn failed_requests_do_not_count_as_fast_ones() {
        let report = format!("{REPORT}  Non-2xx or 3xx responses: 600004\nRequests/sec:  60000.40\n");
        assert_eq!(rate(&report).unwrap_err().to_string(), "some requests failed: Non-2xx or 3xx responses: 600004");
    }
}
