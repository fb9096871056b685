//! What may be asked, what comes back, and how a query ends that nobody waits for.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod common;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::pretty::pretty_format_batches;
use common::{count, query, tables, with};
use datafusion::common::ScalarValue;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tidegate_sql::{Parameter, Query, QueryLimits, QueryRuntime, SqlError};

/// Far longer than anything here takes.
const WATCHDOG: Duration = Duration::from_secs(60);

fn limits() -> QueryLimits {
    QueryLimits { threads: 2, ..QueryLimits::default() }
}

fn runtime() -> QueryRuntime {
    QueryRuntime::start(limits()).unwrap()
}

fn table(batches: &[RecordBatch]) -> String {
    let table = pretty_format_batches(batches).unwrap().to_string();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(1);
    rows.map(|row| row.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("; ")
}

/// Runs to the end; an error in mid-stream is the result.
async fn collect(runtime: &QueryRuntime, query: Query) -> Result<Vec<RecordBatch>, SqlError> {
    let mut result = runtime.execute(query).await?;
    let mut batches = Vec::new();
    while let Some(batch) = result.batches.next().await {
        batches.push(batch?);
    }
    Ok(batches)
}

async fn answer(runtime: &QueryRuntime, sql: &str) -> String {
    match collect(runtime, query(sql)).await {
        Ok(batches) => table(&batches),
        Err(error) => format!("{error:?}"),
    }
}

async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !condition() {
        assert!(started.elapsed() < WATCHDOG, "{what} did not happen");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn allowed_statements_answer() {
    let runtime = runtime();
    let cases = [
        ("select 1 + 1", "2"),
        ("values (1, 'a'), (2, 'b')", "1 a; 2 b"),
        ("with t as (select 3 as n) select n from t", "3"),
        ("select host, count(*) as n from cpu group by host order by host", "a 3; b 2; c 1"),
        ("select count(*) from iox.cpu", "6"),
        ("select count(*) from public.iox.cpu", "6"),
        ("select count(*) from \"public\".\"iox\".\"cpu\"", "6"),
        ("select avg(usage) from cpu where time > '2023-11-14T22:13:20Z'", "2.125"),
        (
            "select date_bin(interval '2 seconds', time) as t, count(*) from cpu group by t order by t limit 1",
            "2023-11-14T22:13:20 2",
        ),
        ("select upper(host) || '-' || note from cpu where note is not null order by time limit 2", "A-x; A-yy"),
        ("select 'a' || null is null, ('b' || note || 1) is null from cpu where note is null", "true true"),
        ("select 'a' || 1 || 2.5 || true || host from cpu where host = 'c'", "a12.5truec"),
        ("select concat('a', null, 'b')", "ab"),
        ("select lpad('7', 3, '0'), rpad('7', 3), repeat('ab', 3), replace('aXb', 'X', '--')", "007 7 ababab a--b"),
        ("select regexp_replace('abc', '(b)', '[\\1]')", "a[b]c"),
        ("select string_agg(host, ',' order by time) from cpu", "a,b,a,b,a,c"),
        ("select array_agg(b order by b) from (select distinct b from big)", "[0, 1, 2, 3, 4, 5, 6]"),
        ("select sum(value) from generate_series(1, 1000)", "500500"),
        ("select range(1, 10, 3), [1, 2] || [3], array_length(array_repeat(1, 5))", "[1, 4, 7] [1, 2, 3] 5"),
        ("select count(*) from cpu where host ~ '^[ab]$' and note like '%y%'", "1"),
        ("select host, lag(usage) over (partition by host order by time) from cpu where host = 'b'", "b; b 1.0"),
        ("select a.host from cpu a join cpu b on a.time = b.time where b.note = 'é'", "c"),
        ("select count(*) from big x join big y on x.a = y.a", "200000"),
        ("select count(*) from big x cross join (values (1), (2)) v(n)", "400000"),
        ("select usage from cpu where usage > (select avg(usage) from cpu) order by usage", "2.0; 2.5; 3.0"),
        ("select to_char(time, '%H:%M:%S') from cpu order by time limit 1", "22:13:20"),
        ("select count(*) from (select unnest(range(10)) as n, a from big where a < 100)", "1000"),
        ("describe cpu", "time Timestamp(ns) NO; host Dictionary(Int32, Utf8) NO; usage Float64 YES; note Utf8 YES"),
        (
            "show columns from cpu",
            "public iox cpu time Timestamp(ns) NO; public iox cpu host Dictionary(Int32, Utf8) NO; public iox cpu usage Float64 YES; public iox cpu note Utf8 YES",
        ),
        ("select table_name from information_schema.tables where table_schema = 'iox' order by 1", "big; cpu; wide"),
        ("select schema_name from information_schema.schemata order by 1", "information_schema; iox"),
        ("select column_name, ordinal_position from information_schema.columns where table_name = 'big'", "a 1; b 2"),
    ];
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        let answered = answer(&runtime, sql).await;
        if answered != expected {
            wrong.push(format!("{sql}\n  expected {expected}\n  got      {answered}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn show_tables_lists_this_database_only() {
    let shown = answer(&runtime(), "show tables").await;
    assert_eq!(
        shown,
        "public iox big BASE TABLE; public iox cpu BASE TABLE; public iox wide BASE TABLE; \
         public information_schema columns VIEW; public information_schema schemata VIEW; \
         public information_schema tables VIEW"
    );
}

#[tokio::test]
async fn explain_shows_plans_without_files() {
    let runtime = runtime();
    for sql in ["explain select host, max(usage) from cpu group by host", "explain analyze select * from cpu"] {
        let plan = answer(&runtime, sql).await;
        assert!(plan.contains("DataSourceExec"), "{plan}");
        assert!(!plan.contains('/') && !plan.contains("file"), "{plan}");
    }
    let refused = collect(&runtime, query("explain select repeat(note, 1) ~ note from cpu")).await;
    assert!(matches!(refused, Err(SqlError::Invalid(_))), "EXPLAIN does not answer with an error as text: {refused:?}");
}

#[tokio::test]
async fn an_operator_keeps_its_name() {
    let batches = collect(&runtime(), query("select host || note from cpu limit 1")).await.unwrap();
    assert_eq!(batches[0].schema().field(0).name(), "cpu.host || cpu.note");
}

#[tokio::test]
async fn parameters_of_all_types() {
    let runtime = runtime();
    let parameters = || {
        vec![
            ("null".to_owned(), Parameter::Null),
            ("yes".to_owned(), Parameter::Boolean(true)),
            ("large".to_owned(), Parameter::UInteger(u64::MAX)),
            ("small".to_owned(), Parameter::Integer(i64::MIN)),
            ("minus".to_owned(), Parameter::Integer(-3)),
            ("real".to_owned(), Parameter::Float(-0.125)),
            ("tiny".to_owned(), Parameter::Float(1e-300)),
            ("text".to_owned(), Parameter::String("o'clock; drop table cpu --".to_owned())),
            ("host".to_owned(), Parameter::String("b".to_owned())),
            ("two".to_owned(), Parameter::UInteger(2)),
            ("start".to_owned(), Parameter::String("2023-11-14T22:13:24Z".to_owned())),
            ("unused".to_owned(), Parameter::String("x".to_owned())),
        ]
    };
    let cases = [
        ("select $null is null, $yes, $large, $small", "true true 18446744073709551615 -9223372036854775808"),
        ("select 1-$minus, $real, $tiny", "4 -0.125 1e-300"),
        ("select $text", "o'clock; drop table cpu --"),
        ("select count(*) from cpu where host = $host", "2"),
        ("select count(*) from cpu where time >= $start", "2"),
        ("select a from big order by a limit $two", "0; 1"),
        ("select count(*) from generate_series($two, 10)", "9"),
        ("select repeat('x', $two)", "xx"),
        ("explain select 1 where $yes", ""),
    ];
    for (sql, expected) in cases {
        let batches = collect(&runtime, with(sql, parameters())).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        if !expected.is_empty() {
            assert_eq!(table(&batches), expected, "{sql}");
        }
    }
    let missing = collect(&runtime, with("select $absent", parameters())).await;
    assert_eq!(missing.unwrap_err(), SqlError::Invalid("No value found for placeholder with name $absent".into()));
    let infinite = with("select $x", vec![("x".to_owned(), Parameter::Float(f64::INFINITY))]);
    assert!(matches!(collect(&runtime, infinite).await, Err(SqlError::Invalid(_))));
    let long = with("select $x", vec![("x".to_owned(), Parameter::String("x".repeat(1 << 20)))]);
    assert!(matches!(collect(&runtime, long).await, Err(SqlError::Invalid(_))));
}

#[tokio::test]
async fn rows_are_limited() {
    let runtime = QueryRuntime::start(QueryLimits { rows: 10, ..limits() }).unwrap();
    assert_eq!(count(&runtime, query("select a from big limit 10")).await, Ok(10));
    let outcome = count(&runtime, query("select a from big limit 11")).await;
    assert!(matches!(outcome, Err(SqlError::Limit(_))), "{outcome:?}");
}

#[tokio::test]
async fn memory_is_limited_and_given_back() {
    let small = QueryLimits { memory_per_query: 1 << 20, memory_total: 8 << 20, ..limits() };
    let runtime = QueryRuntime::start(small).unwrap();
    let outcome = count(&runtime, query("select a from big order by a * 7 % 1001")).await;
    assert!(matches!(outcome, Err(SqlError::Limit(_))), "{outcome:?}");
    eventually("the end of the query", || runtime.running() == 0).await;
    assert_eq!(runtime.memory_in_use(), 0);
    assert_eq!(count(&runtime, query("select a from big")).await, Ok(200_000));
}

#[tokio::test]
async fn memory_of_all_queries_is_limited() {
    let small = QueryLimits { memory_per_query: 64 << 20, memory_total: 1 << 20, ..limits() };
    let runtime = QueryRuntime::start(small).unwrap();
    let outcome = count(&runtime, query("select a from big order by a * 7 % 1001")).await;
    assert_eq!(outcome, Err(SqlError::Busy));
}

#[tokio::test]
async fn time_is_limited_even_if_nobody_reads() {
    let runtime = QueryRuntime::start(QueryLimits { time: Duration::from_millis(500), ..limits() }).unwrap();
    let mut result = runtime.execute(query("select x.a from big x cross join big y")).await.unwrap();
    eventually("the end of the query", || runtime.running() == 0).await;
    let mut last = None;
    while let Some(batch) = result.batches.next().await {
        last = Some(batch);
    }
    assert!(matches!(last, Some(Err(SqlError::Limit(_)))), "{last:?}");
    assert!(result.batches.next().await.is_none(), "the stream has ended");
}

#[tokio::test]
async fn dropping_ends_the_query() {
    let runtime = runtime();
    let endless = "select x.a from big x cross join big y";
    let mut result = runtime.execute(query(endless)).await.unwrap();
    assert!(result.batches.next().await.unwrap().unwrap().num_rows() > 0);
    drop(result);
    eventually("the end of the dropped stream's query", || runtime.running() == 0).await;

    let waiting = runtime.execute(query("select sum(x.a + y.a) from big x cross join big y"));
    assert!(tokio::time::timeout(Duration::from_millis(50), waiting).await.is_err());
    eventually("the end of the dropped call's query", || runtime.running() == 0).await;
}

/// Computes until it is told to stop, and looks at nothing else.
#[derive(Debug)]
struct Spin {
    signature: Signature,
    started: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl PartialEq for Spin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.stop, &other.stop)
    }
}

impl Eq for Spin {}

impl std::hash::Hash for Spin {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl ScalarUDFImpl for Spin {
    fn name(&self) -> &str {
        "spin"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        self.started.store(true, Ordering::Release);
        while !self.stop.load(Ordering::Acquire) {
            std::hint::spin_loop();
        }
        Ok(ColumnarValue::Scalar(ScalarValue::Int64(Some(1))))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Panics {
    signature: Signature,
}

impl ScalarUDFImpl for Panics {
    fn name(&self) -> &str {
        "panics"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DataFusionResult<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> DataFusionResult<ColumnarValue> {
        panic!("on purpose")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_ignores_cancellation_holds_up_nobody() {
    let (started, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let spin = Spin {
        signature: Signature::any(1, Volatility::Volatile),
        started: Arc::clone(&started),
        stop: Arc::clone(&stop),
    };
    let limits = QueryLimits { time: Duration::from_secs(1), ..limits() };
    let runtime = Arc::new(QueryRuntime::start_with(limits, vec![Arc::new(ScalarUDF::new_from_impl(spin))]).unwrap());
    let spinning = tokio::spawn({
        let runtime = Arc::clone(&runtime);
        async move { count(&runtime, query("select spin(usage) from cpu")).await }
    });
    eventually("the spinning", || started.load(Ordering::Acquire)).await;
    for _ in 0..20 {
        assert_eq!(count(&runtime, query("select host, count(*) from cpu group by host")).await, Ok(3));
    }
    let outcome = tokio::time::timeout(WATCHDOG, spinning).await.unwrap().unwrap();
    assert!(matches!(outcome, Err(SqlError::Limit(_))), "the time limit answers although the query spins: {outcome:?}");
    assert_eq!(runtime.running(), 1, "the query still counts while it spins");
    assert_eq!(count(&runtime, query("select a from big")).await, Ok(200_000));
    stop.store(true, Ordering::Release);
    eventually("the end of the spinning", || runtime.running() == 0).await;
}

#[tokio::test]
async fn a_panic_is_an_error_of_that_query_only() {
    let panics = ScalarUDF::new_from_impl(Panics { signature: Signature::any(1, Volatility::Volatile) });
    let runtime = QueryRuntime::start_with(limits(), vec![Arc::new(panics)]).unwrap();
    for sql in ["select panics(usage) from cpu", "select panics(a) from big group by 1", "select panics(1)"] {
        let outcome = count(&runtime, query(sql)).await;
        assert!(matches!(outcome, Err(SqlError::Internal(_))), "{sql}: {outcome:?}");
    }
    assert_eq!(count(&runtime, query("select 1")).await, Ok(1));
    assert_eq!(runtime.memory_in_use(), 0);
}

#[tokio::test]
async fn many_queries_at_once() {
    let runtime = Arc::new(runtime());
    let queries = (0..64).map(|n| {
        let runtime = Arc::clone(&runtime);
        async move {
            let query = Query {
                sql: "select $n + count(*) from big where b = 3".to_owned(),
                parameters: vec![("n".to_owned(), Parameter::Integer(n))],
                schema: tables(),
            };
            let batches = collect(&runtime, query).await.unwrap();
            batches[0].column(0).as_primitive::<Int64Type>().value(0) - n
        }
    });
    let answers = futures::future::join_all(queries).await;
    assert!(answers.iter().all(|answer| *answer == 28_571), "{answers:?}");
}

#[tokio::test]
async fn too_many_queries_are_refused() {
    let runtime = runtime();
    let mut held = Vec::new();
    let refused = loop {
        match runtime.execute(query("select x.a from big x cross join cpu y")).await {
            Ok(result) => held.push(result),
            Err(error) => break error,
        }
    };
    assert_eq!((refused, held.len()), (SqlError::Busy, 128));
    drop(held);
    eventually("the end of all", || runtime.running() == 0).await;
    assert_eq!(count(&runtime, query("select 1")).await, Ok(1));
}
