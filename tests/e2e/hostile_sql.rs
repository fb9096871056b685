//! SQL that means harm, sent to the real server: each statement ends with a clear refusal or a visible abort, memory
//! stays flat, and other tokens are served meanwhile.

use std::time::Duration;

use reqwest::RequestBuilder;

use super::support::api::Fresh;
use super::support::{PATIENCE, alone, in_time};

/// Growth of the server's memory that a refused statement may cause, in KiB. The statements ask for gigabytes.
#[cfg(target_os = "linux")]
const MEMORY_SLACK: u64 = 900 * 1024;

/// Statements that must be refused with 4xx before any row is sent.
const REFUSED: &[&str] = &[
    // Results that are larger than memory.
    "select length(repeat('x', 2000000000))",
    "select repeat(repeat('x', 1000000), 1000000)",
    "select length(lpad('x', 2000000000, 'y'))",
    "select length(rpad('x', 2000000000, 'y'))",
    "select array_length(array_repeat(1, 2000000000))",
    "select array_length(range(0, 2000000000))",
    "select array_length(generate_series(1, 2000000000))",
    "select count(*) from generate_series(1, 9000000000000000000)",
    "select count(*) from generate_series(1, 10000000000) a, generate_series(1, 10000000000) b",
    "select length(replace(repeat('a', 1000000), 'a', repeat('b', 1000000)))",
    "select length(regexp_replace(repeat('a', 1000000), 'a', repeat('b', 1000000), 'g'))",
    "select array_length(array_resize([1], 2000000000, 0))",
    "select length(s) from (select s || s || s || s as s from (select s || s || s || s as s from (select s || s || s || s as s from (select repeat('x', 1000000) as s))))",
    "select length(concat(s, s, s, s)) from (select concat(s, s, s, s) as s from (select concat(s, s, s, s) as s from (select repeat('x', 1000000) as s)))",
    // Work without an end.
    "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t",
    // Statements that change something or reach outside.
    "copy cpu to '/tmp/stolen.csv'",
    "create external table x stored as csv location '/etc/passwd'",
    "create table x as select * from cpu",
    "create view x as select * from cpu",
    "insert into cpu values (1)",
    "delete from cpu",
    "update cpu set v = 1",
    "drop table cpu",
    "truncate table cpu",
    "set datafusion.execution.target_partitions = 1000",
    "reset datafusion.execution.target_partitions",
    "prepare p as select 1",
    "begin transaction",
    "select 1; select 2",
    "select * from '/etc/passwd'",
    "select * from 'file:///etc/passwd'",
    "select * from 'http://127.0.0.1/x.csv'",
    // Settings and what the server is made of.
    "show all",
    "show datafusion.execution.target_partitions",
    "select * from information_schema.df_settings",
    // Another database, by every spelling.
    "select * from secret.cpu_secret",
    "select * from secret.iox.cpu_secret",
    "select * from public.secret.cpu_secret",
    "select * from \"secret\".\"iox\".\"cpu_secret\"",
    "select * from \"secret/iox\".cpu_secret",
    "select * from iox.secret.cpu_secret",
    "select * from cpu_secret",
    "table secret.cpu_secret",
    "describe secret.cpu_secret",
    "explain select * from secret.cpu_secret",
    "show columns from secret.cpu_secret",
];

/// Statements that are allowed and would run for hours: they end by a limit.
const ENDLESS: &[&str] = &[
    "select count(*) from cpu a, cpu b, cpu c, cpu d",
    "select sum(a.v * b.v * c.v) from cpu a cross join cpu b cross join cpu c",
    "select a.v from cpu a, cpu b, cpu c order by a.v + b.v + c.v",
    "select count(distinct a.v * 1000003 + b.v * 1009 + c.v) from cpu a, cpu b, cpu c",
];

struct Target {
    fresh: Fresh,
    reader: String,
    neighbour: String,
}

impl Target {
    /// A database `a` with 20 000 rows, and one that the reader may not see.
    async fn start() -> Self {
        let fresh = Fresh::start_with(|launch| launch.arg("--query-timeout").arg("5s")).await;
        fresh.api.create_database("a").await;
        fresh.api.create_database("secret").await;
        let writer = fresh.api.create_token(&[("write", "*")]).await.text;
        let lines: String = (0..20_000).map(|n| format!("cpu v={n}i {}\n", n + 1)).collect();
        fresh.api.write(&writer, "a", &lines).await.expect_status(204);
        fresh.api.write(&writer, "secret", "cpu_secret password=\"hunter2\" 1").await.expect_status(204);
        let reader = fresh.api.create_token(&[("read", "a")]).await.text;
        let neighbour = fresh.api.create_token(&[("read", "secret")]).await.text;
        Self { fresh, reader, neighbour }
    }

    fn hostile(&self, sql: &str) -> RequestBuilder {
        self.fresh.api.query_request(&self.reader, "a", sql).timeout(PATIENCE)
    }

    /// What the statement came to: a status and a body, or an abort in mid-stream.
    async fn outcome(&self, sql: &str) -> Result<(u16, String), reqwest::Error> {
        let response = self.hostile(sql).send().await?;
        let status = response.status().as_u16();
        Ok((status, response.text().await?))
    }

    async fn neighbour_is_served(&self) {
        let rows =
            in_time("a neighbour's query", self.fresh.api.rows(&self.neighbour, "secret", "select * from cpu_secret"));
        assert_eq!(rows.await.len(), 1);
    }

    /// The most that the server has ever held, in KiB.
    #[cfg(target_os = "linux")]
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.fresh.server.process_id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    fn assert_memory_stayed_flat(&self, before: u64) {
        let after = self.memory();
        assert!(after - before < MEMORY_SLACK, "memory grew from {before} to {after} KiB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn harmful_statements_are_refused_and_memory_stays_flat() {
    let target = Target::start().await;
    #[cfg(target_os = "linux")]
    let before = target.memory();
    for sql in REFUSED {
        let (status, body) = target.outcome(sql).await.unwrap();
        assert!((400..500).contains(&status), "{sql}: {status} {body}");
        let error = serde_json::from_str::<serde_json::Value>(&body).unwrap()["error"].as_str().unwrap().to_owned();
        assert!(!error.is_empty(), "{sql}: no reason given");
        assert!(!body.contains("hunter2") && !body.contains("root:"), "{sql}: {body}");
    }
    #[cfg(target_os = "linux")]
    target.assert_memory_stayed_flat(before);
    target.neighbour_is_served().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_statements_end_by_a_limit_and_neighbours_are_served_meanwhile() {
    let _turn = alone().await;
    let target = Target::start().await;
    #[cfg(target_os = "linux")]
    let before = target.memory();
    for sql in ENDLESS {
        let running = target.outcome(sql);
        let neighbours = async {
            for _ in 0..5 {
                target.neighbour_is_served().await;
            }
        };
        let (outcome, ()) = tokio::join!(running, neighbours);
        if let Ok((status, body)) = outcome {
            assert!((400..500).contains(&status), "{sql}: {status} {body}");
        }
    }
    #[cfg(target_os = "linux")]
    target.assert_memory_stayed_flat(before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_given_up_frees_its_place() {
    let target = Target::start().await;
    for _ in 0..40 {
        // The client gives up long before the statement's limit.
        let given_up = target.hostile(ENDLESS[0]).timeout(Duration::from_millis(50)).send().await;
        assert!(given_up.is_err());
    }
    target.neighbour_is_served().await;
    assert_eq!(target.outcome("select count(*) as n from cpu").await.unwrap(), (200, "[{\"n\":20000}]".to_owned()));
}
