//! Writers that race each other, and readers beside them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Barrier;

use super::support::*;
use crate::WriteError;
use crate::wal::file::Disk;

const TYPES: [(&str, &str); 4] = [("1", "Float64"), ("1i", "Int64"), ("\"x\"", "Utf8"), ("t", "Boolean")];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_type_of_a_new_column_wins() {
    let home = home();
    let engine = open(&home);
    let mut winners = Vec::new();
    for round in 0..25 {
        let barrier = Arc::new(Barrier::new(TYPES.len() * 2));
        let mut writers = Vec::new();
        for writer in 0..TYPES.len() * 2 {
            let (engine, barrier) = (engine.clone(), Arc::clone(&barrier));
            writers.push(tokio::spawn(async move {
                let (value, name) = TYPES[writer % TYPES.len()];
                barrier.wait().await;
                let result = try_write(&engine, &format!("m,w={writer} c{round}={value} {writer}")).await;
                (name, result)
            }));
        }
        let mut accepted = BTreeSet::new();
        for writer in writers {
            match writer.await.unwrap() {
                (name, Ok(outcome)) => {
                    assert_eq!(outcome.rows, 1);
                    accepted.insert(name);
                }
                (_, result @ Err(WriteError::Rejected(_))) => {
                    let (message, limit) = only_message(result);
                    let start =
                        format!("invalid column type for column 'c{round}', expected iox::column_type::field::");
                    assert!(message.starts_with(&start), "{message}");
                    assert!(!limit);
                }
                (_, Err(error)) => panic!("{error}"),
            }
        }
        assert_eq!(accepted.len(), 1, "round {round}");
        winners.extend(accepted.into_iter().map(|name| format!("c{round} {name}")));
    }
    let before = (schemas(&engine).await, table(&engine, "m").await);
    for winner in &winners {
        assert!(before.0["m"].contains(winner), "{winner}");
    }
    drop(engine);
    let engine = open(&home);
    assert_eq!((schemas(&engine).await, table(&engine, "m").await), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_writers_never_pass_a_limit() {
    let home = home();
    let engine = open(&home);
    let mut writers = Vec::new();
    for writer in 0..16 {
        let engine = engine.clone();
        writers.push(tokio::spawn(async move {
            let limits = tidegate_model::DatabaseLimits { max_tables: 5, max_columns_per_table: 4 };
            let body = format!("table{writer} f{writer}=1 1\nshared f{writer}=1 1");
            let request = request_to(database_of(1, limits), &body);
            engine.write(request, || true).await.map(|outcome| outcome.rows).unwrap_or(0)
        }));
    }
    let mut written = 0;
    for writer in writers {
        written += writer.await.unwrap();
    }
    let found = schemas(&engine).await;
    assert_eq!(found.len(), 5);
    assert_eq!(found["shared"].len(), 4);
    assert_eq!(written, 4 + 3, "four tables beside the shared one, three of its columns beside time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_whole_requests_and_never_a_row_twice() {
    let home = home();
    let options = crate::EngineOptions { merge_rows: 100, ..crate::EngineOptions::default() };
    let engine = home.open_with(Disk, options);
    write(&engine, "m,w=0 v=0 0").await;
    let stop = Arc::new(AtomicBool::new(false));
    let reader = {
        let (engine, stop) = (engine.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut seen = 0;
            while !stop.load(Ordering::Relaxed) {
                // Each request rewrites ten times of its writer with one value, so no writer shows two.
                let sql = "SELECT w FROM (SELECT w, count(*) AS n, count(DISTINCT v) AS d FROM m WHERE w <> '0' \
                           GROUP BY w) WHERE n <> 10 OR d <> 1";
                assert_eq!(rows(&query(&engine, sql).await), Vec::<String>::new());
                seen += 1;
            }
            seen
        })
    };
    let mut writers = Vec::new();
    for writer in 1..=4 {
        let engine = engine.clone();
        writers.push(tokio::spawn(async move {
            for round in 0..40 {
                let body: String = (0..10).map(|time| format!("m,w={writer} v={round} {time}\n")).collect();
                write(&engine, &body).await;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    assert!(reader.await.unwrap() > 0);
    assert_eq!(rows(&query(&engine, "SELECT count(*) AS n, min(v) AS v FROM m WHERE w <> '0'").await), ["n=40 v=39.0"]);
}
