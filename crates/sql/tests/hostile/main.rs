//! Statements that try to take the server down. Each must end in time and in little memory, with an answer that says
//! why, and without holding up anyone else.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod generated;

use cases::End::{self, Answered, Failed, Fine, FineOrLimit, Invalid, Limit};
use cases::cases;
use common::{count, query};
use generated::generated;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tidegate_sql::{QueryLimits, QueryRuntime, SqlError};

const TIME: Duration = Duration::from_secs(2);
const MEMORY: usize = 64 << 20;
/// Far longer than any statement may take to end, its unwinding included.
const WATCHDOG: Duration = Duration::from_secs(60);
/// Growth of the whole process while one statement runs: pool, batches on their way, and what the allocator keeps.
const MAX_GROWTH_KIB: usize = 400 << 10;

fn limits() -> QueryLimits {
    QueryLimits {
        time: TIME,
        memory_per_query: MEMORY,
        memory_total: 4 * MEMORY,
        rows: 2_000_000,
        threads: 2,
        max_sql_bytes: 256 << 10,
    }
}

fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Takes the largest resident size until told to stop.
fn watch_memory(peak: &Arc<AtomicUsize>, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    let (peak, stop) = (Arc::clone(peak), Arc::clone(stop));
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            peak.fetch_max(resident_kib(), Ordering::Relaxed);
            std::thread::park_timeout(Duration::from_millis(5));
        }
    })
}

fn judge(end: End, outcome: &Result<usize, SqlError>) -> bool {
    match (end, outcome) {
        (Invalid(text), Err(SqlError::Invalid(message))) | (Limit(text), Err(SqlError::Limit(message))) => {
            message.contains(text)
        }
        (Answered, outcome) => !matches!(outcome, Err(SqlError::Internal(_))),
        (Failed, Err(SqlError::Failed(_))) | (Fine | FineOrLimit, Ok(_)) | (FineOrLimit, Err(SqlError::Limit(_))) => {
            true
        }
        _ => false,
    }
}

/// Asks small questions all the time; every one must be answered.
fn bystander(runtime: &Arc<QueryRuntime>, stop: &Arc<AtomicBool>) -> tokio::task::JoinHandle<Result<usize, SqlError>> {
    let (runtime, stop) = (Arc::clone(runtime), Arc::clone(stop));
    tokio::spawn(async move {
        let mut answered = 0;
        while !stop.load(Ordering::Relaxed) {
            count(&runtime, query("select host, max(usage) from cpu group by host")).await?;
            answered += 1;
        }
        Ok(answered)
    })
}

/// Waits until no statement but the bystander's holds a thread.
async fn threads_are_free(runtime: &QueryRuntime) -> bool {
    let started = std::time::Instant::now();
    while runtime.running() > 1 {
        if started.elapsed() > WATCHDOG {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_statements_end_in_time_and_memory() {
    let runtime = Arc::new(QueryRuntime::start(limits()).unwrap());
    count(&runtime, query("select count(*) from big")).await.unwrap();
    let (peak, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let watcher = watch_memory(&peak, &stop);
    let bystander = bystander(&runtime, &stop);
    let mut wrong = Vec::new();
    for (sql, end) in cases().into_iter().chain(generated()) {
        let short: String = sql.chars().take(110).collect();
        let before = resident_kib();
        peak.store(before, Ordering::Relaxed);
        match tokio::time::timeout(WATCHDOG, count(&runtime, query(&sql))).await {
            Err(_) => wrong.push(format!("{short}: did not end")),
            Ok(outcome) if !judge(end, &outcome) => wrong.push(format!("{short}: {end:?} expected, got {outcome:?}")),
            Ok(_) => {}
        }
        if !threads_are_free(&runtime).await {
            wrong.push(format!("{short}: holds a thread"));
        }
        let grown = peak.load(Ordering::Relaxed).saturating_sub(before);
        if grown > MAX_GROWTH_KIB {
            wrong.push(format!("{short}: memory grew by {grown} KiB"));
        }
    }
    stop.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    let answered = bystander.await.unwrap();
    assert!(answered.as_ref().is_ok_and(|answered| *answered > 0), "other queries went wrong: {answered:?}");
    assert!(wrong.is_empty(), "{} cases went wrong:\n{}", wrong.len(), wrong.join("\n"));
}
