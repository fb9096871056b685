//! Measures the speed targets of Tidegate and says which of them are met.
//!
//! Linux only: memory and processor time are read from `/proc`. Build it and the server with `--release`.

mod authorizations;
mod console;
mod get_token;
mod http;
mod ingest;
mod lines;
mod machine;
mod management;
mod process;
mod random;
mod report;
mod revoke;
mod serve_start;
mod server;
mod statistics;
mod token_check;
mod token_mix;
mod tokens;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use report::Figure;

const USAGE: &str = "\
usage: bench WORK [PATH]

PATH is the release binary of the server, else the variable TIDEGATE_BIN names it; token-check needs none.
Data goes to a temporary directory under TMPDIR, which must be on the disk to be measured.

  token-check   check a token among a million, and what an idle one costs in memory
  serve-start   start with 1 000 tokens until healthy, and memory when idle
  get-token     GET of one token at 16 connections, by wrk
  revoke        revoke 500 tokens one after another
  tokens        list 10 000 tokens; create, update and revoke among 100 and 100 000 (TIDEGATE_BENCH_TOKENS=N tries N)
  authorizations
                list one user's, create and delete among 100 000 authorizations of 10 000 users
                (TIDEGATE_BENCH_TOKENS=N tries N)
  ingest        write 2 160 000 rows over 4 connections
  all           everything above
";

/// Measures, on servers of its own where it needs any, and prints the details.
type Work = fn(&Binary) -> anyhow::Result<Vec<Figure>>;

/// Where the server's binary is, if it was said.
struct Binary(Option<PathBuf>);

impl Binary {
    fn path(&self) -> anyhow::Result<&PathBuf> {
        self.0.as_ref().context("give the path of the server's release binary, or set TIDEGATE_BIN")
    }
}

const WORKS: [(&str, Work); 7] = [
    ("token-check", |_| token_check::run()),
    ("serve-start", |binary| serve_start::run(binary.path()?)),
    ("get-token", |binary| get_token::run(binary.path()?)),
    ("revoke", |binary| revoke::run(binary.path()?)),
    ("tokens", |binary| tokens::run(binary.path()?)),
    ("authorizations", |binary| authorizations::run(binary.path()?)),
    ("ingest", |binary| ingest::run(binary.path()?)),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match arguments.split_first() {
        Some((name, rest)) if rest.len() <= 1 => (name.as_str(), rest.first()),
        _ => return usage(),
    };
    // Not for people: `token-check` starts it, so that each measurement of memory has a process of its own.
    if name == token_check::MEMORY {
        return finish(token_check::print_memory(rest.map(String::as_str).unwrap_or_default()));
    }
    let chosen: Vec<_> = WORKS.into_iter().filter(|(work, _)| name == "all" || name == *work).collect();
    if chosen.is_empty() {
        return usage();
    }
    let binary = Binary(rest.map(PathBuf::from).or_else(|| std::env::var_os("TIDEGATE_BIN").map(PathBuf::from)));
    finish(measure(&chosen, &binary))
}

fn measure(works: &[(&str, Work)], binary: &Binary) -> anyhow::Result<()> {
    if works.len() > 1 {
        binary.path()?;
    }
    println!("{}\n", machine::describe()?);
    let mut figures = Vec::new();
    for (name, work) in works {
        println!("{name}");
        figures.extend(work(binary).with_context(|| format!("{name} failed"))?);
        println!();
    }
    print!("{}", report::table(&figures));
    Ok(())
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}

fn finish(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
