//! What a check costs at a million tokens, and what an idle token costs in memory.

use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use tidegate_access::{Access, Door};
use tidegate_model::{Action, DatabaseName, OsRandomness, PlainToken, SystemClock, TokenDigest, TokenKind};

use crate::process::resident_bytes;
use crate::random::Xorshift;
use crate::report::{Figure, Target, number};
use crate::statistics::Sample;
use crate::token_mix::{Allowed, Mix, TEXT_LENGTH, TOKENS, Texts, databases, install};

/// The hidden word that measures the memory of one mix, see [`print_memory`].
pub(crate) const MEMORY: &str = "token-memory";

/// Checks between two looks at the clock: enough that the look itself does not count.
const BATCH: usize = 16;
const BATCHES: usize = 50_000;

/// Measures time, and memory in processes of their own.
pub(crate) fn run() -> anyhow::Result<Vec<Figure>> {
    let mut idle = f64::NAN;
    for (name, mix) in Mix::ALL {
        let bytes = memory_of(name)?;
        println!("  memory, idle token, {name} permissions: {} bytes", number(bytes));
        if mix == Mix::Purpose {
            idle = bytes;
        }
    }
    let bench = Bench::prepare(Mix::Purpose)?;
    let before = resident_bytes("self")?;
    bench.use_every_token_once()?;
    let used = resident_bytes("self")?.saturating_sub(before) as f64 / f64::from(TOKENS);
    println!("  memory, added to a token by its first request: {} bytes", number(used));
    let hits = bench.time(Case::Hit)?;
    bench.time(Case::Miss)?;
    bench.time(Case::WrongKind)?;
    Ok(vec![
        Figure {
            work: "token check, 1 000 000 tokens", value: hits / 1000.0, target: Target::AtMost(1.0), unit: "µs"
        },
        Figure { work: "memory of an idle token", value: idle, target: Target::AtMost(200.0), unit: "bytes" },
    ])
}

/// Prints the bytes that an idle token takes in this mix.
pub(crate) fn print_memory(mix: &str) -> anyhow::Result<()> {
    let (_, mix) = Mix::ALL.into_iter().find(|(name, _)| *name == mix).context("no such mix of permissions")?;
    let texts = Texts::generate();
    // Written once, so that its own memory is resident before the measurement.
    let mut allowed = vec![(Action::Read, 1); TOKENS as usize];
    allowed.clear();
    let access = Access::new(Arc::new(SystemClock), None);
    let before = resident_bytes("self")?;
    install(&access, &texts, mix, &mut allowed)?;
    let bytes = resident_bytes("self")?.saturating_sub(before);
    ensure!(access.credential_count() == TOKENS as usize, "some tokens are missing");
    println!("{}", bytes as f64 / f64::from(TOKENS));
    Ok(())
}

fn memory_of(mix: &str) -> anyhow::Result<f64> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let output = Command::new(program).args([MEMORY, mix]).output().context("cannot start this program again")?;
    ensure!(output.status.success(), "measuring memory failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    text.trim().parse().context("no number of bytes")
}

/// How a check ends.
#[derive(Debug, Clone, Copy)]
enum Case {
    /// The token may do it.
    Hit,
    /// There is no such token.
    Miss,
    /// A database token in the place of a management token.
    WrongKind,
}

struct Bench {
    access: Access,
    texts: Texts,
    unknown: Vec<[u8; TEXT_LENGTH]>,
    databases: Vec<DatabaseName>,
    allowed: Allowed,
}

/// One check, with everything that the request itself would bring along.
struct Check<'a> {
    text: [u8; TEXT_LENGTH],
    door: Door,
    action: Action,
    database: &'a DatabaseName,
}

impl Bench {
    fn prepare(mix: Mix) -> anyhow::Result<Self> {
        let texts = Texts::generate();
        let access = Access::new(Arc::new(SystemClock), None);
        let mut allowed = Vec::with_capacity(TOKENS as usize);
        install(&access, &texts, mix, &mut allowed)?;
        let unknown = (0..BATCHES)
            .map(|_| Ok(PlainToken::generate(TokenKind::Database, &OsRandomness).expose().as_bytes().try_into()?))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { access, texts, unknown, databases: databases()?, allowed })
    }

    fn check(&self, case: Case, number: u32) -> anyhow::Result<Check<'_>> {
        let (action, database) = self.allowed.get(number as usize).copied().context("no such token")?;
        let text = match case {
            Case::Hit | Case::WrongKind => self.texts.get(number),
            Case::Miss => self.unknown.get(number as usize % BATCHES).copied(),
        };
        Ok(Check {
            text: text.context("no such token")?,
            door: if matches!(case, Case::WrongKind) { Door::Management } else { Door::Data },
            action,
            database: self.databases.get(usize::from(database)).context("no such database")?,
        })
    }

    /// The work that is measured: digest, look-up, expiry, permission, and leaving.
    fn passes(&self, check: &Check<'_>) -> bool {
        let digest = TokenDigest::of(&check.text);
        let Ok(entry) = self.access.enter(digest, check.door) else {
            return false;
        };
        black_box(entry.permit(check.action, check.database, None)).is_ok()
    }

    /// What a token needs while it is in use is made by its first request.
    fn use_every_token_once(&self) -> anyhow::Result<()> {
        let start = Instant::now();
        for number in 0..TOKENS {
            ensure!(self.passes(&self.check(Case::Hit, number)?), "token {number} was refused");
        }
        let each = start.elapsed().as_secs_f64() * 1e9 / f64::from(TOKENS);
        println!("  first request of a token, mean: {} ns", number(each));
        Ok(())
    }

    /// The median time of a check in nanoseconds.
    fn time(&self, case: Case) -> anyhow::Result<f64> {
        let mut random = Xorshift::new();
        let mut times = Vec::with_capacity(BATCHES);
        for _ in 0..BATCHES {
            let checks =
                (0..BATCH).map(|_| self.check(case, random.below(TOKENS))).collect::<anyhow::Result<Vec<_>>>()?;
            let start = Instant::now();
            let passed = checks.iter().filter(|check| self.passes(check)).count();
            times.push(start.elapsed().as_secs_f64() * 1e9 / BATCH as f64);
            let expected = if matches!(case, Case::Hit) { BATCH } else { 0 };
            ensure!(passed == expected, "{passed} of {BATCH} checks passed in the case {case:?}");
        }
        let sample = Sample::new(times)?;
        println!(
            "  {case:?}: median {} ns, 99 % {} ns (each the mean of {BATCH} checks, {BATCHES} times)",
            number(sample.median()),
            number(sample.percentile(99))
        );
        Ok(sample.median())
    }
}
