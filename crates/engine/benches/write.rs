//! Rows per second of `Engine::write` with fsync, and where the time goes.
//!
//! `cargo bench -p tidegate-engine --bench write [SECONDS] [DIRECTORY]`: writers send bodies of 5 000 lines of 231 bytes
//! (10 float fields, 2 tags) for SECONDS (default 5); the log is in a new directory below DIRECTORY (default: the
//! system's temporary one, which should be on a real disk).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use datafusion::prelude::SessionContext;
use tidegate_engine::{Engine, EngineOptions, TableDirectory, WriteRequest};
use tidegate_line_protocol::Precision;
use tidegate_model::{
    Database, DatabaseId, DatabaseLimits, Description, OrganizationId, Retention, Table, TableId, Timestamp,
};

const WRITERS: usize = 4;
const LINES: u64 = 5_000;
const LINE_LENGTH: usize = 231;
const HOSTS: u64 = 100;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let seconds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::tempdir_in(parent)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let cpu = Arc::new(Cpu::new()?);
    println!("{} lines of {} bytes in a body", LINES, body(0).len() as u64 / LINES);

    let rows = runtime.block_on(write(directory.path(), &cpu, Duration::from_secs(seconds), WRITERS))?;
    let start = Instant::now();
    let engine = Engine::open(&directory.path().join("wal"), cpu.clone(), EngineOptions::default())?;
    report("replay", rows, start.elapsed());
    let counted = runtime.block_on(count(&engine, cpu.database.id))?;
    if counted != rows {
        return Err(format!("{rows} rows were written, {counted} are there").into());
    }
    drop(engine);

    let alone = tempfile::tempdir_in(directory.path())?;
    runtime.block_on(write(alone.path(), &cpu, Duration::from_secs(seconds), 1))?;
    stages(&cpu)
}

fn report(what: &str, rows: u64, elapsed: Duration) {
    println!("{what:28} {:>12.0} rows/s", rows as f64 / elapsed.as_secs_f64());
}

/// A database with one table, `cpu`.
#[derive(Debug)]
struct Cpu {
    database: Arc<Database>,
    table: Arc<Table>,
}

impl Cpu {
    fn new() -> Result<Self, Failure> {
        let limits = DatabaseLimits::default();
        let created_at = Timestamp::from_micros(0);
        let database = Database {
            id: DatabaseId::new(1).ok_or("1 is a database id")?,
            organization: OrganizationId::new(1).ok_or("1 is an organization id")?,
            name: "bench".parse()?,
            description: Description::default(),
            retention: Retention::FOREVER,
            limits,
            partition_template: None,
            created_at,
            updated_at: created_at,
            deleted_at: None,
        };
        let table = Table {
            id: TableId::new(1).ok_or("1 is a table id")?,
            database: database.id,
            name: "cpu".into(),
            partition_template: None,
            max_columns: limits.max_columns_per_table,
            created_at,
            deleted_at: None,
        };
        Ok(Self { database: Arc::new(database), table: Arc::new(table) })
    }
}

impl TableDirectory for Cpu {
    fn find(&self, _database: DatabaseId, name: &str) -> Option<Arc<Table>> {
        (*self.table.name == *name).then(|| Arc::clone(&self.table))
    }

    fn get(&self, id: TableId) -> Option<Arc<Table>> {
        (self.table.id == id).then(|| Arc::clone(&self.table))
    }

    fn active(&self, _database: DatabaseId) -> Vec<Arc<Table>> {
        vec![Arc::clone(&self.table)]
    }

    fn count(&self, _database: DatabaseId) -> usize {
        1
    }

    fn logged_as(&self, _database: DatabaseId, _name: &str) -> Option<TableId> {
        None
    }
}

/// Digits of a timestamp at the end of a line.
const STAMP_LENGTH: usize = 19;

/// The first body of a writer. No two writers have a series in common.
fn body(writer: usize) -> String {
    let mut body = String::new();
    for line in 0..LINES {
        let host = line % HOSTS;
        let start = body.len();
        body.push_str(&format!("cpu,host=host_{writer}_{host},region=r{} ", host % 4));
        for field in 0..10 {
            let value = (line * 7_919 + field * 104_729) % 1_000_000;
            body.push_str(&format!("f{field}={}.{value:06},", value % 100));
        }
        body.pop();
        // More digits of the last value make up the length; space, timestamp and newline follow.
        let length = body.len() - start + STAMP_LENGTH + 2;
        body.extend(std::iter::repeat_n('1', LINE_LENGTH.saturating_sub(length)));
        body.push_str(&format!(" {:0STAMP_LENGTH$}\n", 0));
    }
    set_times(body, 0)
}

/// The body with the times of the writer's `number`th one, each series going on where the one before ended.
fn set_times(body: String, number: u64) -> String {
    let mut lines = String::with_capacity(body.len());
    for (line, text) in (0..).zip(body.lines()) {
        let row = number * LINES + line;
        lines.push_str(text.get(..text.len() - STAMP_LENGTH).unwrap_or_default());
        lines.push_str(&format!("{}\n", 1_700_000_000_000_000_000 + row / HOSTS * 1_000_000));
    }
    lines
}

fn request(database: &Arc<Database>, body: String) -> WriteRequest {
    WriteRequest {
        database: Arc::clone(database),
        body,
        precision: Precision::Nanosecond,
        received_at: 0,
        accept_partial: true,
    }
}

/// Writes for a while; returns the rows written. Setting the times of a body takes time too, but little.
async fn write(directory: &Path, cpu: &Arc<Cpu>, period: Duration, writers: usize) -> Result<u64, Failure> {
    let engine = Engine::open(&directory.join("wal"), cpu.clone(), EngineOptions::default())?;
    let rows = Arc::new(AtomicU64::new(0));
    let latency = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let mut tasks = Vec::new();
    for writer in 0..writers {
        let (engine, rows, latency) = (engine.clone(), Arc::clone(&rows), Arc::clone(&latency));
        let database = Arc::clone(&cpu.database);
        tasks.push(tokio::spawn(async move {
            let first = body(writer);
            for number in 0.. {
                if start.elapsed() > period {
                    break;
                }
                let body = set_times(first.clone(), number);
                let sent = Instant::now();
                let outcome = engine.write(request(&database, body), || true).await?;
                rows.fetch_add(outcome.rows as u64, Ordering::Relaxed);
                latency.fetch_add(sent.elapsed().as_micros() as u64, Ordering::Relaxed);
            }
            Ok::<(), Failure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let elapsed = start.elapsed();
    let rows = rows.load(Ordering::Relaxed);
    report(&format!("write, {writers} writers, fsync"), rows, elapsed);
    let bodies = (rows / LINES).max(1);
    println!(
        "{:28} {:>12.2} ms",
        "  mean time of a body",
        latency.load(Ordering::Relaxed) as f64 / 1e3 / bodies as f64
    );
    let disk: u64 = std::fs::read_dir(directory.join("wal"))?
        .flatten()
        .flat_map(|file| file.metadata())
        .map(|file| file.len())
        .sum();
    println!("{:28} {:>12.1} bytes", "  log for each row", disk as f64 / rows.max(1) as f64);
    Ok(rows)
}

async fn count(engine: &Engine, database: DatabaseId) -> Result<u64, Failure> {
    let context = SessionContext::new();
    let catalog = context.catalog("datafusion").ok_or("no catalog")?;
    catalog.register_schema("public", engine.schema(database, None))?;
    let start = Instant::now();
    let frame = context.sql("SELECT DISTINCT host, region, time FROM cpu").await?;
    let rows = frame.count().await? as u64;
    report("distinct rows", rows, start.elapsed());
    Ok(rows)
}

/// The steps of a write one by one, on one core.
fn stages(cpu: &Arc<Cpu>) -> Result<(), Failure> {
    let bodies: Vec<String> = (0..20).map(|number| set_times(body(0), number)).collect();
    let rows = bodies.len() as u64 * LINES;

    let start = Instant::now();
    let mut fields = 0;
    let mut line = tidegate_line_protocol::Line::default();
    for body in &bodies {
        for raw in tidegate_line_protocol::lines(body) {
            tidegate_line_protocol::parse(raw.text, &mut line)?;
            fields += line.fields.len();
        }
    }
    report("  parse alone", rows, start.elapsed());
    if fields as u64 != rows * 10 {
        return Err("a field was lost".into());
    }

    // A request that is withdrawn at its commit point is parsed, checked, converted and encoded, but not written.
    let directory = tempfile::tempdir()?;
    let engine = Engine::open(&directory.path().join("wal"), cpu.clone(), EngineOptions::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let start = Instant::now();
    for body in bodies {
        let result = runtime.block_on(engine.write(request(&cpu.database, body), || false));
        if result.is_ok() {
            return Err("a withdrawn write was written".into());
        }
    }
    report("  parse, check, encode", rows, start.elapsed());
    Ok(())
}
