//! Whether the number of tokens slows their administration down: listing many, and changing one among few and many.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::console::Console;
use crate::management::Management;
use crate::report::{Figure, Target, number};
use crate::server::Server;
use crate::statistics::Sample;

const FEW: usize = 100;
const MANY: usize = 100_000;
/// For a trial: this many in place of [`MANY`].
const MANY_VARIABLE: &str = "TIDEGATE_BENCH_TOKENS";
/// Of the many, one in this number is there when tokens are listed.
const LISTED_OF: usize = 10;
const LISTS: usize = 20;
const CHANGES: usize = 300;

/// Milliseconds.
struct Changes {
    create: f64,
    update: f64,
    revoke: f64,
}

/// Lists some tokens, and changes tokens among few and among many: of two servers by turns, so that whatever else the
/// machine does meanwhile slows both down.
pub(crate) fn run(binary: &Path) -> anyhow::Result<Vec<Figure>> {
    let many = many()?;
    let directories = [tempfile::tempdir(), tempfile::tempdir()];
    let [small, large] = directories.map(|directory| directory.context("cannot make a temporary directory"));
    let (small, large) = (small?, large?);
    let server_of_few = Server::start(binary, small.path())?;
    fill(&mut server_of_few.management()?, 0, FEW)?;
    let server = Server::start(binary, large.path())?;
    let mut management = server.management()?;
    let listed = many / LISTED_OF;
    fill(&mut management, 0, listed)?;
    let api = list_by_api(&mut management, listed)?;
    let console = list_by_console(&server, &management, listed)?;
    let command = list_by_command(binary, &server.credentials(), listed)?;
    fill(&mut management, listed, many)?;
    // Only now: a connection that rests is closed.
    let mut few = server_of_few.management()?;
    let (mut times_among_few, mut times_among_many) = (Times::default(), Times::default());
    for round in 0..CHANGES {
        times_among_few.change(&mut few, round)?;
        times_among_many.change(&mut management, round)?;
    }
    let (among_few, among_many) = (times_among_few.medians(FEW)?, times_among_many.medians(many)?);
    drop((few, management));
    server_of_few.stop()?;
    server.stop()?;

    let ratio = |work, few: f64, many: f64| Figure { work, value: many / few, target: Target::AtMost(1.5), unit: "×" };
    Ok(vec![
        Figure { work: "list 10 000 tokens, API", value: api, target: Target::AtMost(60.0), unit: "ms" },
        Figure { work: "list 10 000 tokens, token list", value: command, target: Target::AtMost(200.0), unit: "ms" },
        Figure { work: "list 10 000 tokens, console", value: console, target: Target::AtMost(100.0), unit: "ms" },
        ratio("create a token, 100 000 : 100", among_few.create, among_many.create),
        ratio("update a token, 100 000 : 100", among_few.update, among_many.update),
        ratio("revoke a token, 100 000 : 100", among_few.revoke, among_many.revoke),
    ])
}

/// How many tokens or authorizations there are to be.
pub(crate) fn many() -> anyhow::Result<usize> {
    let Some(text) = std::env::var_os(MANY_VARIABLE) else { return Ok(MANY) };
    let many = text.to_str().and_then(|text| text.parse().ok()).filter(|many| *many > FEW * LISTED_OF);
    let many = many.with_context(|| format!("{MANY_VARIABLE} must be a number above {}", FEW * LISTED_OF))?;
    println!("  a trial with {many} of them: the figures below are not those that they are called");
    Ok(many)
}

/// Makes tokens until there are so many.
fn fill(management: &mut Management, present: usize, wanted: usize) -> anyhow::Result<()> {
    let start = Instant::now();
    for number in present..wanted {
        management.create_token(&format!("token {number}"), &format!("plant{}", number % 20))?;
    }
    println!("  {wanted} tokens, {} s", number(start.elapsed().as_secs_f64()));
    Ok(())
}

/// Milliseconds that single changes took.
#[derive(Default)]
struct Times {
    create: Vec<f64>,
    update: Vec<f64>,
    revoke: Vec<f64>,
}

impl Times {
    /// Makes a token, changes it and revokes it, so that the number of usable ones stays.
    fn change(&mut self, management: &mut Management, round: usize) -> anyhow::Result<()> {
        let start = Instant::now();
        let id = management.create_token(&format!("round {round}"), "plant7")?.id;
        self.create.push(milliseconds(start));
        let start = Instant::now();
        management.describe(&id, "changed")?;
        self.update.push(milliseconds(start));
        let start = Instant::now();
        management.revoke(&id)?;
        self.revoke.push(milliseconds(start));
        Ok(())
    }

    fn medians(self, tokens: usize) -> anyhow::Result<Changes> {
        let [create, update, revoke] =
            [Sample::new(self.create)?, Sample::new(self.update)?, Sample::new(self.revoke)?];
        for (name, sample) in [("create", &create), ("update", &update), ("revoke", &revoke)] {
            let (median, slow) = (number(sample.median()), number(sample.percentile(99)));
            println!("  {name} among {tokens}: median {median} ms, 99 % {slow} ms");
        }
        Ok(Changes { create: create.median(), update: update.median(), revoke: revoke.median() })
    }
}

fn list_by_api(management: &mut Management, tokens: usize) -> anyhow::Result<f64> {
    #[derive(Deserialize)]
    struct Listed {
        #[serde(rename = "id")]
        _id: IgnoredAny,
    }
    let mut times = Vec::new();
    for _ in 0..LISTS {
        let start = Instant::now();
        let answer = management.tokens()?;
        times.push(milliseconds(start));
        let listed: Vec<Listed> = serde_json::from_slice(&answer).ok().context("the answer is not a list")?;
        ensure!(listed.len() == tokens, "{} tokens are listed in place of {tokens}", listed.len());
    }
    report("listed by the API", times)
}

fn list_by_console(server: &Server, management: &Management, tokens: usize) -> anyhow::Result<f64> {
    let mut console = Console::sign_in(server.address(), management.token())?;
    let times = (0..LISTS).map(|_| console.list(tokens)).collect::<anyhow::Result<_>>()?;
    report("listed by the console", times)
}

fn list_by_command(binary: &Path, credentials: &Path, tokens: usize) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    for _ in 0..LISTS {
        let start = Instant::now();
        let mut list = Command::new(binary);
        list.arg("--config").arg(credentials).args(["token", "list"]).stdin(Stdio::null()).stderr(Stdio::null());
        let said = list.env("no_proxy", "127.0.0.1").output().context("cannot start the command")?;
        times.push(milliseconds(start));
        ensure!(said.status.success(), "token list ended with {}", said.status);
        let rows = said.stdout.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"|")).count();
        ensure!(rows == tokens + 1, "{rows} rows are shown for {tokens} tokens and their head");
    }
    report("listed by token list", times)
}

fn report(what: &str, times: Vec<f64>) -> anyhow::Result<f64> {
    let sample = Sample::new(times)?;
    println!("  {what}: {} to {} ms", number(sample.least()), number(sample.greatest()));
    Ok(sample.median())
}

pub(crate) fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}
