//! Rows per second that the server takes, each batch on disk before its answer.

use std::path::Path;
use std::sync::Barrier;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::http::{Connection, request};
use crate::lines::Lines;
use crate::report::{Figure, Target, number};
use crate::server::Server;
use crate::statistics::Sample;

const CONNECTIONS: usize = 4;
const LINES_PER_BODY: usize = 5000;
const BODIES: usize = 432;
const ROWS: usize = BODIES * LINES_PER_BODY;
const RUNS: usize = 3;
const DATABASE: &str = "bench";

/// Writes the same rows to a fresh server in each run.
pub(crate) fn run(binary: &Path) -> anyhow::Result<Vec<Figure>> {
    let mut lines = Lines::new();
    let bodies: Vec<Vec<u8>> = (0..BODIES).map(|_| lines.batch(LINES_PER_BODY)).collect();
    let bytes = bodies.iter().map(Vec::len).sum::<usize>();
    println!("  {} rows of {} bytes", number(ROWS as f64), number(bytes as f64 / ROWS as f64));
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
        let server = Server::start(binary, directory.path())?;
        rates.push(one_run(&server, &bodies)?);
        server.stop()?;
    }
    Ok(vec![Figure {
        work: "write rows, 5 000 lines × 4 connections",
        value: Sample::new(rates)?.median(),
        target: Target::AtLeast(150_000.0),
        unit: "rows/s",
    }])
}

/// The rate in rows per second.
fn one_run(server: &Server, bodies: &[Vec<u8>]) -> anyhow::Result<f64> {
    let mut management = server.management()?;
    management.create_database(DATABASE)?;
    let token = management.create_token("writer", DATABASE)?.secret;
    let target = format!("/api/v3/write_lp?db={DATABASE}&precision=nanosecond");
    let requests: Vec<_> = bodies.iter().map(|body| request("POST", &target, Some(&token), body)).collect();

    let used_before = server.processor_seconds()?;
    let seconds = send(server, &requests)?;
    let used = server.processor_seconds()? - used_before;
    let rate = ROWS as f64 / seconds;
    println!(
        "  {} rows/s for {} s, {} s of the server's processor time per million rows, then {} MB resident",
        number(rate),
        number(seconds),
        number(used * 1e6 / ROWS as f64),
        number(server.resident_bytes()? as f64 / 1e6)
    );
    let stored = count_rows(server, &token)?;
    ensure!(stored == ROWS, "the server has {stored} rows in place of {ROWS}");
    Ok(rate)
}

/// Sends all requests, each connection every fourth of them, and returns the seconds until the last answer.
fn send(server: &Server, requests: &[Vec<u8>]) -> anyhow::Result<f64> {
    let ready = Barrier::new(CONNECTIONS + 1);
    std::thread::scope(|scope| {
        let mut writers = Vec::new();
        for first in 0..CONNECTIONS {
            let mut connection = Connection::open(server.address()).context("cannot connect")?;
            let ready = &ready;
            writers.push(move || -> anyhow::Result<()> {
                ready.wait();
                for request in requests.iter().skip(first).step_by(CONNECTIONS) {
                    connection.send(request)?.expect(204)?;
                }
                Ok(())
            });
        }
        let writers: Vec<_> = writers.into_iter().map(|writer| scope.spawn(writer)).collect();
        ready.wait();
        let start = Instant::now();
        for writer in writers {
            writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
        }
        Ok(start.elapsed().as_secs_f64())
    })
}

fn count_rows(server: &Server, token: &str) -> anyhow::Result<usize> {
    #[derive(Deserialize)]
    struct Row {
        n: usize,
    }
    let target = format!("/api/v3/query_sql?db={DATABASE}&format=json&q=SELECT%20count(*)%20AS%20n%20FROM%20cpu");
    let mut connection = Connection::open(server.address()).context("cannot connect")?;
    let answer = connection.send(&request("GET", &target, Some(token), &[]))?.expect(200)?;
    let rows: Vec<Row> = serde_json::from_slice(&answer).context("the answer is no count of rows")?;
    Ok(rows.first().context("the answer is no count of rows")?.n)
}
