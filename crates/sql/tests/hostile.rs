//! Statements that try to take the server down. Each must end in time and in little memory, with an answer that says
//! why, and without holding up anyone else.

mod common;

use common::{collect, count, query, with};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tidegate_sql::{Parameter, QueryLimits, QueryRuntime, SqlError};

/// What a hostile statement must end with.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Refused with this in the message.
    Invalid(&'static str),
    /// Stopped by a limit with this in the message.
    Limit(&'static str),
    /// Failed by itself.
    Failed,
    /// Harmless after all: it ends with a result.
    Fine,
    /// Whether it finishes in time depends on the machine: a result, or a limit.
    FineOrLimit,
    /// A result or a clear refusal; what it must not be is a fault of the server.
    Answered,
}

use End::{Answered, Failed, Fine, FineOrLimit, Invalid, Limit};

const TIME: Duration = Duration::from_secs(4);
const MEMORY: usize = 64 << 20;
/// Growth of the whole process while one statement runs: pool, batches on their way, and what the allocator keeps.
const MAX_GROWTH_KIB: usize = 500 << 10;

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

fn cases() -> Vec<(String, End)> {
    let mut cases: Vec<(String, End)> = [
        // Functions that make much of little.
        ("select length(repeat('x', 2000000000))", Limit("repeat")),
        ("select repeat('x', 2000000000) from cpu", Limit("repeat")),
        ("select repeat('x', 9223372036854775807)", Limit("repeat")),
        ("select repeat('x', a * 10000) from big", Limit("repeat")),
        ("select repeat(repeat(repeat('x', 3000), 3000), 3000)", Limit("repeat")),
        ("select length(lpad('x', 2000000000, 'y'))", Limit("lpad")),
        ("select rpad('x', 2000000000)", Limit("rpad")),
        ("select rpad('x', cast(a as int) * 100000) from big", Limit("rpad")),
        ("select array_repeat(1, 1000000000)", Limit("array_repeat")),
        ("select array_repeat(array_repeat(array_repeat(1, 5000), 5000), 5000)", Limit("array_repeat")),
        ("select array_resize([1], 1000000000, 1)", Invalid("array_resize")),
        ("select range(1000000000)", Limit("series")),
        ("select generate_series(0, 9223372036854775807)", Limit("series")),
        ("select range(a * 1000000) from big", Limit("series")),
        ("select range(0, a + 900000) from big", Limit("range")),
        (
            "select generate_series(timestamp '2000-01-01', timestamp '2030-01-01', interval '1 nanosecond')",
            Limit("series"),
        ),
        (
            "select generate_series(timestamp '2000-01-01', timestamp '2030-01-01', interval '1 month -30 days')",
            Invalid("series step"),
        ),
        ("select replace(repeat('x', 60000), 'x', repeat('y', 60000))", Limit("replace")),
        ("select regexp_replace(repeat('x', 60000), 'x*', repeat('y', 60000), 'g')", Limit("regexp_replace")),
        (
            "select regexp_replace(repeat('x', 60000), '(.*)', repeat('${1}', 30000))",
            Limit("regexp_replace"),
        ),
        ("select translate(s, 'w', '𝄞') from wide a cross join big", Limit("")),
        ("select overlay(s placing repeat('x', 60000000) from 2) from wide", Limit("")),
        ("select upper(s) from (select s from wide cross join big)", Limit("")),
        ("select upper(t) from (select t from wide cross join big)", Limit("")),
        ("select cast(t as varchar) from (select t from wide union all select t from wide)", Fine),
        ("select levenshtein(s, reverse(s)) from wide", Limit("levenshtein")),
        ("select to_char(now(), repeat('%c', 4000000))", Limit("")),
        ("select array_to_string(array_repeat(1, 100000), repeat('x', 60000))", Limit("")),
        ("select string_to_array(repeat('x', 20000000), null)", Limit("")),
        ("select array_replace_all(array_repeat(1, 50000), 1, 1)", Fine),
        // Text made in nested queries.
        ("select repeat('a', 1000) || repeat('b', 1000)", Fine),
        // Values of a fixed size.
        ("select arrow_cast(null, 'FixedSizeBinary(2000000000)')", Limit("fixed size")),
        ("select arrow_cast(null, 'FixedSizeList(2000000000, Int64)')", Limit("fixed size")),
        ("select cast(null as int[2000000000])", Invalid("fixed size")),
        // Aggregates.
        ("select string_agg(repeat('x', 1000), ',') from big", Limit("memory")),
        ("select array_agg(x.s) from wide x cross join generate_series(1, 100000)", Limit("")),
        ("select string_agg(s, ',') over () from wide", Invalid("OVER")),
        ("select array_agg(a) over (order by a) from big", Invalid("OVER")),
        ("select approx_percentile_cont(a, 0.5, 2000000000) from big", Limit("centroids")),
        ("select approx_distinct(b) from big group by a", FineOrLimit),
        ("select a, b, count(*) from big group by cube(a, b, a+1, a+2, a+3, a+4, a+5, a+6, a+7)", Limit("grouping sets")),
        ("select count(*) from (select distinct x.a, y.b from big x cross join big y)", Limit("")),
        // Joins.
        ("select count(*) from generate_series(1, 1000000) a cross join generate_series(1, 1000000) b", Limit("takes longer")),
        (
            "select count(*) from generate_series(1, 1000000) a(x) join generate_series(1, 1000000) b(y) on x + y < 0",
            Limit("takes longer"),
        ),
        ("select count(*) from big x cross join big y cross join big z", Fine),
        ("select sum(x.a + y.a * z.a) from big x cross join big y cross join big z", Limit("takes longer")),
        ("select sum(x.a * y.a) from big x join big y on x.b = y.b", Limit("takes longer")),
        ("select count(*) from big x join big y on x.b = y.b and x.a + y.a < 0", Limit("takes longer")),
        ("select x.a, y.a from big x cross join big y", Limit("rows")),
        ("select * from big x cross join big y order by x.a + y.a", Limit("memory")),
        ("select count(*) from big x where exists (select 1 from big y where y.a + x.a < 0)", Limit("")),
        ("select * from generate_series(1, 1000000000)", Limit("series")),
        ("select * from generate_series(1, (select 5))", Invalid("constants")),
        ("select * from range(0, 1000000, 0)", Invalid("")),
        ("with recursive t as (select 1 as n union all select n + 1 from t) select * from t", Invalid("RECURSIVE")),
        ("select unnest(range(1000000)), s from wide", Limit("")),
        ("select count(*) from (select unnest(range(1000000)) from big)", Limit("")),
        ("select first_value(repeat('x', 60000)) over (order by a) from big", Limit("")),
        ("select row_number() over (partition by x.b order by x.a) from big x cross join big y", Limit("")),
        ("select lag(a, 9223372036854775807) over (order by a) from big limit 1", FineOrLimit),
        ("select ntile(9223372036854775807) over (order by a) from big limit 1", FineOrLimit),
        ("select * from wide x cross join wide y cross join wide z", Limit("too wide")),
        ("select count(distinct s || cast(n as varchar)) from (select s, n from wide union all select s, n + 40 from wide)", FineOrLimit),
        ("select count(distinct repeat('ab', cast(a % 100 as int)) || cast(a as varchar)) from big", FineOrLimit),
        ("select max(s) over (order by n), min(t) over () from wide", Fine),
        ("select x.a, lead(x.a, 1000000) over (order by x.a) from big x cross join (select * from big limit 100) y", Limit("")),
        ("select sum(a) over (order by a range between 100000 preceding and 100000 following) from big", FineOrLimit),
        ("select a, (select string_agg(note, ',') from cpu, generate_series(1, 20000)) from big", Limit("")),
        ("select nth_value(a, 9223372036854775807) from big", FineOrLimit),
        ("select approx_percentile_cont(a, 0.5, 1000000 * 1000000) from big", Limit("centroids")),
        ("select a from big order by repeat('x', cast(a as int))", Limit("")),
        ("select median(x.a) from big x cross join big y", Limit("")),
        ("select array_agg(x.a) from big x cross join big y", Limit("memory")),
        ("select x.b, array_agg(y.a) from big x cross join big y group by x.b", Limit("memory")),
        ("select x.a, y.a from big x full join big y on x.b = y.b", Limit("rows")),
        ("select x.a from big x left join big y on x.a < y.a", Limit("")),
        ("select distinct x.a * 200000 + y.a from big x cross join big y", Limit("")),
        ("select x.a from big x, lateral (select y.a from big y where y.b = x.b) z", Limit("")),
        ("select count(*) from big x natural join big y natural join big z", Fine),
        ("select x.a from big x cross join big y union select x.a + 1 from big x cross join big y", Limit("")),
        ("select * from (select a from big intersect select x.a from big x cross join big y)", Limit("")),
        ("select unnest(array_repeat(s, 100)) from wide", FineOrLimit),
        ("select count(*) from (select unnest(range(a % 1000)) as n from big)", Limit("")),
        ("explain analyze select count(*) from big x join big y on x.a + y.a < 0", Limit("")),
        // Numbers at the edge.
        ("select lpad('x', -9223372036854775808), left('x', -9223372036854775808), right('x', -9223372036854775808)", Answered),
        ("select split_part('a,b', ',', -9223372036854775808)", Answered),
        ("select substr('x', -9223372036854775808, 9223372036854775807)", Answered),
        ("select substr_index('a.b', '.', -9223372036854775808)", Answered),
        ("select [1][-9223372036854775808], array_slice([1], -9223372036854775808, 9223372036854775807)", Answered),
        ("select array_repeat(1, -9223372036854775808)", Answered),
        ("select array_remove_n([1], 1, -9223372036854775808), array_replace_n([1], 1, 2, -9223372036854775808)", Answered),
        ("select abs(-9223372036854775808)", Answered),
        ("select -9223372036854775808 / -1", Answered),
        ("select -9223372036854775808 % -1", Answered),
        ("select 9223372036854775807 + 1", Answered),
        ("select sum(a * 9223372036854775) from big", Answered),
        ("select factorial(1000)", Answered),
        ("select gcd(-9223372036854775808, -9223372036854775808), lcm(9223372036854775807, 9223372036854775806)", Answered),
        ("select power(10, 400), power(9223372036854775807, 9223372036854775807)", Answered),
        ("select round(1.5, 2147483647), round(1.5, -2147483648), trunc(1.5, 2147483647)", Answered),
        ("select chr(-1)", Answered),
        ("select chr(1114112)", Answered),
        ("select to_hex(-9223372036854775808)", Answered),
        ("select to_timestamp(1e300)", Answered),
        ("select to_timestamp_seconds(9223372036854775807)", Answered),
        ("select make_date(2147483647, 12, 31)", Answered),
        ("select date_bin(interval '0 seconds', now())", Answered),
        ("select date_bin(interval '-1 month', now(), timestamp '1677-09-22')", Answered),
        ("select date_trunc('century', timestamp '1677-09-21T00:12:44')", Answered),
        ("select now() + interval '9223372036854775807 seconds'", Answered),
        ("select now() + interval '2147483647 months'", Answered),
        ("select interval '999999999999999999999 years'", Answered),
        ("select timestamp '999999-01-01'", Answered),
        ("select cast(1e300 as decimal(38, 10)), cast('1' as decimal(76, 76))", Answered),
        ("select extract(epoch from timestamp '2262-04-11T23:47:16')", Answered),
        ("select to_char(timestamp '2020-01-01', '%Q%!%')", Answered),
        ("select overlay('abc' placing 'x' from -9223372036854775808 for 9223372036854775807)", Answered),
        ("select ntile(0) over () from big limit 1", Answered),
        ("select nth_value(a, 0) over () from big limit 1", Answered),
        ("select lag(a, -9223372036854775808) over () from big limit 1", Answered),
        ("select a from big limit 9223372036854775807 offset 9223372036854775807", Answered),
        ("select a from big limit -1", Answered),
        ("select sum(a) over (rows between 9223372036854775807 preceding and 9223372036854775807 following) from big limit 1", Answered),
        ("select array_agg(a) filter (where a < 3) within group (order by a) from big", Answered),
        ("select percentile_cont(2) within group (order by a) from big", Answered),
        // Patterns.
        ("select 'x' ~ '((a{1000}){1000}){1000}'", Limit("regular expression")),
        ("select regexp_like('x', '((a{100}){100}){100}')", Limit("regular expression")),
        ("select count(*) from big where regexp_like(cast(b as varchar), concat('((a{9}){9}){', a, '}'))", Invalid("pattern")),
        ("select count(*) from cpu where note like host || '%'", Invalid("pattern")),
        ("select count(*) from cpu where note ~ '('", Invalid("regular expression")),
        ("select count(*) from wide where s ~ '(a?){50}w{500}b'", FineOrLimit),
        // Files, settings, other databases.
        ("select * from '/etc/passwd'", Invalid("not found")),
        ("select * from 'file:///etc/passwd'", Invalid("not found")),
        ("select * from read_csv('/etc/passwd')", Invalid("")),
        ("copy cpu to '/tmp/x.csv'", Invalid("COPY is not allowed")),
        ("copy (select 1) to 's3://bucket/x.csv'", Invalid("COPY is not allowed")),
        ("create external table t stored as csv location '/etc/passwd'", Invalid("CREATE EXTERNAL TABLE is not allowed")),
        ("create table t as select 1", Invalid("only SELECT")),
        ("create view v as select 1", Invalid("only SELECT")),
        ("create function f(int) returns int return $1", Invalid("only SELECT")),
        ("drop table cpu", Invalid("only SELECT")),
        ("insert into cpu values (1)", Invalid("only SELECT")),
        ("update cpu set usage = 1", Invalid("only SELECT")),
        ("delete from cpu", Invalid("only SELECT")),
        ("truncate cpu", Invalid("only SELECT")),
        ("set datafusion.execution.batch_size = 1", Invalid("only SELECT")),
        ("reset datafusion.execution.batch_size", Invalid("RESET is not allowed")),
        ("prepare p as select 1", Invalid("only SELECT")),
        ("execute p", Invalid("only SELECT")),
        ("deallocate p", Invalid("only SELECT")),
        ("begin", Invalid("only SELECT")),
        ("commit", Invalid("only SELECT")),
        ("use other", Invalid("only SELECT")),
        ("select 1 into t", Invalid("SELECT INTO")),
        ("select a from big for update", Invalid("")),
        ("with x as (insert into cpu values (1) returning *) select * from x", Invalid("")),
        ("explain insert into cpu values (1)", Invalid("EXPLAIN works on")),
        ("explain analyze delete from cpu", Invalid("EXPLAIN works on")),
        ("explain copy cpu to '/tmp/x'", Invalid("EXPLAIN works on")),
        ("explain verbose select 1", Invalid("VERBOSE")),
        ("explain explain select 1", Invalid("EXPLAIN works on")),
        ("show all", Invalid("settings")),
        ("show datafusion.execution.batch_size", Invalid("settings")),
        ("show functions", Invalid("only SELECT")),
        ("show databases", Invalid("only SELECT")),
        ("show create table cpu", Invalid("only SELECT")),
        ("select * from information_schema.df_settings", Invalid("not found")),
        ("select * from information_schema.routines", Invalid("not found")),
        ("select * from information_schema.parameters", Invalid("not found")),
        ("select * from information_schema.views", Invalid("not found")),
        ("select * from other.cpu", Invalid("not found")),
        ("select * from other.iox.cpu", Invalid("not found")),
        ("select * from \"other\".\"iox\".\"cpu\"", Invalid("not found")),
        ("select * from \"other/iox/cpu\"", Invalid("not found")),
        ("select * from datafusion.public.cpu", Invalid("not found")),
        ("select * from other.information_schema.tables", Invalid("not found")),
        ("select input_file_name() from cpu", Invalid("input_file_name")),
        ("select version()", Invalid("version")),
        ("select array_transform([1], x -> x + 1)", Invalid("")),
        ("select @@version", Invalid("")),
        ("select 1; select 2", Invalid("exactly one")),
        ("", Invalid("no SQL statement")),
        ("-- nothing", Invalid("no SQL statement")),
        ("select $missing", Invalid("$missing")),
        ("select ?", Invalid("placeholder")),
        ("select 1/0", Failed),
        ("select nosuch from cpu", Invalid("nosuch")),
        ("select * from nosuch", Invalid("nosuch")),
        ("select nosuch(1)", Invalid("nosuch")),
        ("selct 1", Invalid("")),
    ]
    .into_iter()
    .map(|(sql, end)| (sql.to_owned(), end))
    .collect();
    cases.extend(generated());
    cases
}

/// Statements that are long, deep, or double something with each step.
fn generated() -> Vec<(String, End)> {
    let chain = |first: &str, step: &str, steps: usize, last: &str| {
        let mut sql = format!("with t0 as ({first})");
        for n in 1..=steps {
            sql.push_str(&format!(", t{n} as ({})", step.replace("PREV", &format!("t{}", n - 1))));
        }
        sql + &last.replace("LAST", &format!("t{steps}"))
    };
    vec![
        (chain("select 'xy' as s", "select s || s as s from PREV", 30, " select length(s) from LAST"), Limit("")),
        (chain("select note as s from cpu", "select s || s as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select note as s from cpu", "select concat(s, s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select 'xy' as s", "select concat(s, s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select 'xy' as s", "select concat_ws(s, s, s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select 'xy' as s", "select replace(s, 'x', s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select [1] as s", "select array_concat(s, s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select [1] as s", "select make_array(s, s) as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select [1] as s", "select s || s as s from PREV", 30, " select s from LAST"), Limit("")),
        (chain("select a as s from big", "select s + s as s from PREV", 60, " select s from LAST where s > 5"), Limit("")),
        (
            chain("select a as s from big", "select case when s > 0 then s + s else s end as s from PREV", 60, " select s from LAST order by s"),
            Limit(""),
        ),
        (chain("select 1 as s", "select 1 as s from PREV a, PREV b", 40, " select count(*) from LAST"), Invalid("more than 128")),
        (chain("select 1 as s", "select * from PREV union all select * from PREV", 40, " select count(*) from LAST"), Invalid("more than 128")),
        (chain("select 1 as s", "select (select max(s) from PREV) + (select min(s) from PREV) as s", 40, " select s from LAST"), Invalid("more than 128")),
        (format!("select {}1", "1+".repeat(100_000)), Invalid("")),
        (format!("select {}1", "1+".repeat(4_000)), Invalid("operators in a row")),
        (format!("select {}1{}", "(".repeat(5_000), ")".repeat(5_000)), Invalid("")),
        (format!("select {}1{}", "(".repeat(300), ")".repeat(300)), Invalid("")),
        (format!("select {}[1]{}", "[".repeat(300), "]".repeat(300)), Invalid("")),
        (format!("select {} true", "not ".repeat(2_000)), Invalid("")),
        (format!("select {}1", "- ".repeat(2_000)), Invalid("")),
        (format!("select 1{}", "::int".repeat(2_000)), Invalid("operators in a row")),
        (format!("select {}1{}", "abs(".repeat(300), ")".repeat(300)), Invalid("")),
        (format!("{}select 1{}", "select * from (".repeat(200), ")".repeat(200)), Invalid("")),
        (
            format!("select count(*) from big where {}", (0..1_000).map(|n| format!("a = {n}")).collect::<Vec<_>>().join(" or ")),
            FineOrLimit,
        ),
        (
            format!("select count(*) from big where {}", (0..1_000).map(|n| format!("a % {n}1 = b")).collect::<Vec<_>>().join(" or ")),
            Invalid("operators in a row"),
        ),
        (
            format!("select count(*) from big where {}", (0..800).map(|n| format!("a + {n} = b")).collect::<Vec<_>>().join(" or ")),
            FineOrLimit,
        ),
        (
            format!("select count(*) from big where a in ({})", (0..25_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",")),
            FineOrLimit,
        ),
        (
            format!("select count(*) from big where a in ({})", (0..25_000).map(|n| format!("b + {n}")).collect::<Vec<_>>().join(",")),
            Invalid(""),
        ),
        (format!("select {}", vec!["a"; 25_000].join(",")) + " from big", Invalid("")),
        (format!("select {}", (0..8_000).map(|n| format!("a as a{n}")).collect::<Vec<_>>().join(",")) + " from big", FineOrLimit),
        (format!("select {}", (0..3_000).map(|n| format!("repeat('ab', cast(a as int)) as a{n}")).collect::<Vec<_>>().join(",")) + " from big", Limit("")),
        (format!("values {}", vec!["(1)"; 14_000].join(",")), Fine),
        (format!("select {}1 from big", "a + ".repeat(2_400)), FineOrLimit),
        (format!("select {}note from cpu", "note || ".repeat(2_400)), FineOrLimit),
        (format!("select 1{}", "::int".repeat(1_200)), FineOrLimit),
        (format!("select a{} from big", " is null".repeat(1_200)), FineOrLimit),
        (format!("select {}true from big", "a < 5 and b > 1 or ".repeat(600)), FineOrLimit),
        (format!("select a from big where {}true", "(a < 5 or b > 1) and ".repeat(300)), FineOrLimit),
        (format!("select [[1]]{}", "[1]".repeat(1_000)), Invalid("")),
        (format!("select note{} from cpu", " like 'x'".repeat(1_000)), Invalid("")),
        (format!("select {}a from big", "(a + ".repeat(40) + &"a * ".repeat(2_000) + &"a)".repeat(40) + " + "), FineOrLimit),
        (format!("select a from big order by {}", (0..2_000).map(|n| format!("a + {n}")).collect::<Vec<_>>().join(",")), FineOrLimit),
        (format!("select count(*) from big group by {}", (0..1_000).map(|n| format!("a % {}", n + 2)).collect::<Vec<_>>().join(",")), FineOrLimit),
        (format!("select {} from big", (0..1_000).map(|n| format!("sum(a + {n}) as s{n}")).collect::<Vec<_>>().join(",")), FineOrLimit),
        (format!("select {} from big", (0..300).map(|n| format!("sum(a) over (order by b, a + {n}) as s{n}")).collect::<Vec<_>>().join(",")), FineOrLimit),
        (format!("select 1{}", " union all select 1".repeat(800)), FineOrLimit),
        (format!("select count(*) from {}", vec!["big"; 200].join(",")), Invalid("more than 128")),
        (format!("select count(*) from {}", (0..100).map(|n| format!("big b{n}")).collect::<Vec<_>>().join(",")), Limit("")),
        (format!("select '{}' from big", "x".repeat(200_000)), FineOrLimit),
        (
            format!("with c as (select '{}' as s, a from big) select {} from c", "x".repeat(60_000), (0..1_000).map(|n| format!("s as s{n}")).collect::<Vec<_>>().join(",")),
            Limit(""),
        ),
        (format!("select '{}'", "x".repeat(300_000)), Invalid("at most")),
        (format!("select case {} end from big", (0..2_000).map(|n| format!("when a = {n} then {n}")).collect::<Vec<_>>().join(" ")), Invalid("")),
        (format!("select case {} end from big", (0..500).map(|n| format!("when a = {n} then {n}")).collect::<Vec<_>>().join(" ")), Fine),
    ]
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
        (Failed, Err(SqlError::Failed(_))) | (Fine | FineOrLimit, Ok(_)) | (FineOrLimit, Err(SqlError::Limit(_))) => true,
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_statements_end_in_time_and_memory() {
    let runtime = QueryRuntime::start(limits()).unwrap();
    count(&runtime, query("select count(*) from big")).await.unwrap();
    let (peak, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let watcher = watch_memory(&peak, &stop);
    let mut wrong = Vec::new();
    let only = std::env::var("ONLY").ok();
    for (sql, end) in cases() {
        let short: String = sql.chars().take(110).collect();
        if only.as_ref().is_some_and(|o| !sql.contains(o)) { continue; }
        let before = resident_kib();
        peak.store(before, Ordering::Relaxed);
        let t = std::time::Instant::now();
        let outcome = tokio::time::timeout(TIME * 10, count(&runtime, query(&sql))).await;
        let e = t.elapsed();
        let grown = peak.load(Ordering::Relaxed).saturating_sub(before);
        let w0 = std::time::Instant::now();
        let mut held = false;
        while runtime.running() > 0 { if w0.elapsed() > TIME*10 { held = true; break; } tokio::time::sleep(Duration::from_millis(2)).await; }
        eprintln!("{:>6} ms +{:>6} ms {:>7} KiB {short} -> {:?}", e.as_millis(), w0.elapsed().as_millis(), grown, outcome.as_ref().map(|r| r.as_ref().map_err(|e| format!("{e:?}").chars().take(150).collect::<String>())));
        if held { wrong.push(format!("{short}: holds a thread")); }
        match outcome {
            Err(_) => wrong.push(format!("{short}: did not end")),
            Ok(outcome) if !judge(end, &outcome) => wrong.push(format!("{short}: {end:?} expected, got {outcome:?}")),
            Ok(_) => {}
        }
        if grown > MAX_GROWTH_KIB {
            wrong.push(format!("{short}: memory grew by {grown} KiB"));
        }
    }
    stop.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    assert!(wrong.is_empty(), "{} cases went wrong:\n{}", wrong.len(), wrong.join("\n"));
    let _ = (collect, with, Parameter::Null);
}
