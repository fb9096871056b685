//! What queries see.

use super::support::*;
use crate::wal::file::Disk;

#[tokio::test]
async fn columns_are_in_alphabetical_order() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m,zone=a,alpha=b value=1,count=2i 1").await;
    let batches = query(&engine, "SELECT * FROM m").await;
    let names: Vec<String> = batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["alpha", "count", "time", "value", "zone"]);
}

#[tokio::test]
async fn projections_filters_and_limits() {
    let home = home();
    let engine = open(&home);
    let body: String = (0..20_000).map(|n| format!("m,host=h{} v={n},w={n}i {n}\n", n % 7)).collect();
    write(&engine, &body).await;
    write(&engine, "m,extra=yes x=t 20000").await;
    assert_eq!(rows(&query(&engine, "SELECT count(*) AS n FROM m").await), ["n=20001"]);
    assert_eq!(rows(&query(&engine, "SELECT w, host FROM m WHERE v = 19999").await), ["w=19999 host=h0"]);
    assert_eq!(
        rows(&query(&engine, "SELECT x, extra, v FROM m WHERE time = to_timestamp_nanos(20000)").await),
        ["x=true extra=yes"]
    );
    assert_eq!(rows(&query(&engine, "SELECT time FROM m ORDER BY time DESC LIMIT 1").await), ["time=20000"]);
    let limited = query(&engine, "SELECT * FROM m LIMIT 3").await;
    assert_eq!(limited.iter().map(|batch| batch.num_rows()).sum::<usize>(), 3);
    let by_host = query(&engine, "SELECT host, count(*) AS n FROM m WHERE host = 'h6' GROUP BY host").await;
    assert_eq!(rows(&by_host), ["host=h6 n=2857"]);
}

#[tokio::test]
async fn rows_older_than_the_oldest_visible_never_show() {
    let home = home();
    let engine = open(&home);
    let body: String = (0..10_000).map(|n| format!("m v={n} {n}\n")).collect();
    write(&engine, &body).await;
    write(&engine, "m v=-1 5").await;
    for (oldest, expected) in [(i64::MIN, 10_000), (0, 10_000), (1, 9_999), (9_000, 1_000), (9_999, 1), (10_000, 0)] {
        let counted = rows(&query_from(&engine, Some(oldest), "SELECT count(*) AS n FROM m").await);
        assert_eq!(counted, [format!("n={expected}")], "{oldest}");
        let sum = rows(&query_from(&engine, Some(oldest), "SELECT count(*) AS n FROM m WHERE v = -1").await);
        assert_eq!(sum, [format!("n={}", u8::from(oldest <= 5))], "{oldest}");
        let oldest_time = rows(&query_from(&engine, Some(oldest), "SELECT min(time) AS t FROM m").await);
        let first = if expected == 0 { String::new() } else { format!("t={}", oldest.max(0)) };
        assert_eq!(oldest_time, [first], "{oldest}");
    }
}

#[tokio::test]
async fn a_table_is_a_snapshot() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m v=1 1").await;
    let schema = engine.schema(database().id, None);
    let before = schema.table("m").await.unwrap().unwrap();
    write(&engine, "m v=2,w=1 1\nm v=3 2").await;
    let context = datafusion::prelude::SessionContext::new();
    let frame = context.read_table(before).unwrap();
    assert_eq!(rows(&frame.collect().await.unwrap()), ["time=1 v=1.0"]);
    assert_eq!(table(&engine, "m").await, ["time=1 v=2.0 w=1.0", "time=2 v=3.0"]);
    assert!(schema.table("none").await.unwrap().is_none());
    assert!(!schema.table_exist("none"));
}

#[tokio::test]
async fn nothing_can_be_written_through_a_query() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m v=1 1").await;
    let context = datafusion::prelude::SessionContext::new();
    context.catalog("datafusion").unwrap().register_schema("public", engine.schema(database().id, None)).unwrap();
    for sql in [
        "INSERT INTO m (time, v) VALUES (2, 2)",
        "CREATE TABLE n AS SELECT * FROM m",
        "CREATE VIEW n AS SELECT * FROM m",
        "DROP TABLE m",
        "DELETE FROM m",
        "UPDATE m SET v = 2",
    ] {
        let refused = match context.sql(sql).await {
            Ok(frame) => frame.collect().await.is_err(),
            Err(_) => true,
        };
        assert!(refused, "{sql}");
    }
    assert_eq!(table(&engine, "m").await, ["time=1 v=1.0"]);
}

#[tokio::test]
async fn many_small_writes_leave_few_chunks() {
    let home = home();
    let engine = open(&home);
    for n in 0..300 {
        // Every tenth row repeats an older time.
        let time = if n % 10 == 9 { n - 5 } else { n };
        write(&engine, &format!("m,t=a v={n} {time}")).await;
        if n % 50 == 49 {
            let snapshot = engine.buffer_table(engine.id("m")).unwrap().snapshot().unwrap();
            assert!(snapshot.chunks.len() <= 10, "{} chunks after {n} rows", snapshot.chunks.len());
        }
    }
    assert_eq!(rows(&query(&engine, "SELECT count(*) AS n FROM m").await), ["n=270"]);
    assert_eq!(rows(&query(&engine, "SELECT v FROM m WHERE time = to_timestamp_nanos(4)").await), ["v=9.0"]);
}

#[tokio::test]
async fn a_merge_is_kept() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m v=1 1\nm v=2 2\nm v=3 3").await;
    write(&engine, "m v=4 2").await;
    let stored = engine.buffer_table(engine.id("m")).unwrap();
    let first = stored.snapshot().unwrap();
    let second = stored.snapshot().unwrap();
    assert_eq!(first.chunks.len(), second.chunks.len());
    assert!(first.chunks.iter().zip(&second.chunks).all(|(a, b)| std::sync::Arc::ptr_eq(a, b)));
    assert_eq!(table(&engine, "m").await, ["time=1 v=1.0", "time=2 v=4.0", "time=3 v=3.0"]);
}

#[tokio::test]
async fn many_rows_to_merge_are_merged_without_a_query() {
    let home = home();
    let options = crate::EngineOptions { merge_rows: 50, ..crate::EngineOptions::default() };
    let engine = home.open_with(Disk, options);
    let body: String = (0..100).map(|n| format!("m v={n} {n}\n")).collect();
    write(&engine, &body).await;
    let stored = engine.buffer_table(engine.id("m")).unwrap();
    write(&engine, "m v=-1 5").await;
    assert_eq!(stored.pending_rows(), 1, "few wait for a query");
    write(&engine, &body).await;
    while stored.pending_rows() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rows(&query(&engine, "SELECT count(*) AS n, min(v) AS v FROM m").await), ["n=100 v=0.0"]);
    write(&engine, &body).await;
    drop((engine, stored));
    let engine = home.open_with(Disk, options);
    assert!(engine.buffer_table(engine.id("m")).unwrap().pending_rows() < 50, "also at start");
    assert_eq!(rows(&query(&engine, "SELECT count(*) AS n, min(v) AS v FROM m").await), ["n=100 v=0.0"]);
}

#[tokio::test]
async fn large_strings_survive_a_merge() {
    let home = home();
    let engine = open(&home);
    let text = "x".repeat(1_000_000);
    for round in 0..2 {
        for start in [0, 10, 20] {
            let body: String = (start..start + 10).map(|n| format!("m s=\"{text}{n}\",r={round} {n}\n")).collect();
            write(&engine, &body).await;
        }
    }
    write(&engine, &(0..30).map(|n| format!("m r=9 {n}\n")).collect::<String>()).await;
    let snapshot = engine.buffer_table(engine.id("m")).unwrap().snapshot().unwrap();
    assert!(snapshot.chunks.len() > 1, "30 MB of strings are not put into one chunk");
    let sql = "SELECT count(*) AS n, min(r) AS r, min(length(s)) AS short, max(length(s)) AS long FROM m";
    assert_eq!(rows(&query(&engine, sql).await), ["n=30 r=9.0 short=1000001 long=1000002"]);
}
