//! `date_bin_gapfill`, `date_bin_wallclock_gapfill`, `locf`, `interpolate`.

use super::{answer, check, collect, limits, refuse, runtime, text};
use tidegate_sql::{Parameter, QueryLimits, QueryRuntime, SqlError};

const MINUTE: &str = "time >= '2023-11-14T22:13:20Z' and time < '2023-11-14T22:14:20Z'";

/// A query over the minute in bins of ten seconds.
fn minute(columns: &str, groups: &str) -> String {
    format!(
        "select date_bin_gapfill(interval '10 seconds', time) as t{columns} from cpu where {MINUTE} \
         group by t{groups} order by t{groups}"
    )
}

async fn check_minute(cases: &[(&str, &str, &str)]) {
    let statements: Vec<String> = cases.iter().map(|(columns, groups, _)| minute(columns, groups)).collect();
    let cases: Vec<(&str, &str)> =
        statements.iter().zip(cases).map(|(sql, (_, _, expected))| (sql.as_str(), *expected)).collect();
    check(&cases).await;
}

#[tokio::test]
async fn empty_bins_become_rows() {
    check_minute(&[
        (
            ", avg(f)",
            "",
            "2023-11-14T22:13:20 1.0; 2023-11-14T22:13:30 -; 2023-11-14T22:13:40 2.5; 2023-11-14T22:13:50 -; \
             2023-11-14T22:14:00 2.0; 2023-11-14T22:14:10 -",
        ),
        (
            ", count(f), count(*), sum(i)",
            "",
            "2023-11-14T22:13:20 1 1 3; 2023-11-14T22:13:30 0 1 -4; 2023-11-14T22:13:40 2 2 3; \
             2023-11-14T22:13:50 0 0 -; 2023-11-14T22:14:00 2 2 10; 2023-11-14T22:14:10 0 0 -",
        ),
        (
            ", host, max(i)",
            ", host",
            "2023-11-14T22:13:20 a 3; 2023-11-14T22:13:20 b -; 2023-11-14T22:13:20 - -; \
             2023-11-14T22:13:30 a -; 2023-11-14T22:13:30 b -4; 2023-11-14T22:13:30 - -; \
             2023-11-14T22:13:40 a 3; 2023-11-14T22:13:40 b -; 2023-11-14T22:13:40 - -; \
             2023-11-14T22:13:50 a -; 2023-11-14T22:13:50 b -; 2023-11-14T22:13:50 - -; \
             2023-11-14T22:14:00 a 5; 2023-11-14T22:14:00 b -; 2023-11-14T22:14:00 - 5; \
             2023-11-14T22:14:10 a -; 2023-11-14T22:14:10 b -; 2023-11-14T22:14:10 - -",
        ),
        (
            "",
            "",
            "2023-11-14T22:13:20; 2023-11-14T22:13:30; 2023-11-14T22:13:40; 2023-11-14T22:13:50; \
             2023-11-14T22:14:00; 2023-11-14T22:14:10",
        ),
    ])
    .await;
}

#[tokio::test]
async fn the_last_value_is_carried_on() {
    check_minute(&[
        (
            ", locf(avg(f)), avg(f)",
            "",
            "2023-11-14T22:13:20 1.0 1.0; 2023-11-14T22:13:30 1.0 -; 2023-11-14T22:13:40 2.5 2.5; \
             2023-11-14T22:13:50 2.5 -; 2023-11-14T22:14:00 2.0 2.0; 2023-11-14T22:14:10 2.0 -",
        ),
        (
            ", locf(max(s)) || '!', locf(max(b)), locf(max(host)), locf(count(*))",
            "",
            "2023-11-14T22:13:20 x! true a 1; 2023-11-14T22:13:30 ! false b 1; 2023-11-14T22:13:40 é! true b 2; \
             2023-11-14T22:13:50 é! true b 2; 2023-11-14T22:14:00 b! true a 2; 2023-11-14T22:14:10 b! true a 2",
        ),
        (
            ", locf(selector_last(f, time)['value']), locf(selector_last(f, time))['time'], \
             selector_last(f, time)['time'] is null",
            "",
            "2023-11-14T22:13:20 1.0 2023-11-14T22:13:20 false; 2023-11-14T22:13:30 1.0 2023-11-14T22:13:20 true; \
             2023-11-14T22:13:40 3.0 2023-11-14T22:13:40 false; 2023-11-14T22:13:50 3.0 2023-11-14T22:13:40 true; \
             2023-11-14T22:14:00 3.0 2023-11-14T22:14:00 false; 2023-11-14T22:14:10 3.0 2023-11-14T22:14:00 true",
        ),
    ])
    .await;
    check(&[(
        "select date_bin_gapfill(interval '20 seconds', time) as t, host, locf(sum(i)) from cpu \
         where time >= '2023-11-14T22:13:20Z' and time < '2023-11-14T22:14:20Z' and host is not null \
         group by 1, 2 order by 2, 1",
        "2023-11-14T22:13:20 a 3; 2023-11-14T22:13:40 a 3; 2023-11-14T22:14:00 a 5; \
         2023-11-14T22:13:20 b -4; 2023-11-14T22:13:40 b -4; 2023-11-14T22:14:00 b -4",
    )])
    .await;
}

#[tokio::test]
async fn values_are_interpolated() {
    check_minute(&[
        (
            ", interpolate(avg(f)), interpolate(sum(i)), interpolate(min(u))",
            "",
            "2023-11-14T22:13:20 1.0 3 7; 2023-11-14T22:13:30 1.75 -4 0; 2023-11-14T22:13:40 2.5 3 7; \
             2023-11-14T22:13:50 2.25 6 4; 2023-11-14T22:14:00 2.0 10 1; 2023-11-14T22:14:10 - - -",
        ),
        (
            ", interpolate(avg(all_null)), interpolate(selector_first(f, time)['value'])",
            "",
            "2023-11-14T22:13:20 - 1.0; 2023-11-14T22:13:30 - 2.0; 2023-11-14T22:13:40 - 3.0; \
             2023-11-14T22:13:50 - 3.0; 2023-11-14T22:14:00 - 3.0; 2023-11-14T22:14:10 - -",
        ),
        (
            ", interpolate(avg(f)) * 2, locf(avg(f))",
            "",
            "2023-11-14T22:13:20 2.0 1.0; 2023-11-14T22:13:30 3.5 1.0; 2023-11-14T22:13:40 5.0 2.5; \
             2023-11-14T22:13:50 4.5 2.5; 2023-11-14T22:14:00 4.0 2.0; 2023-11-14T22:14:10 - 2.0",
        ),
    ])
    .await;
}

#[tokio::test]
async fn ways_to_bound_the_time() {
    let count = |condition: &str| {
        format!(
            "select count(*), sum(n) from (select date_bin_gapfill(interval '10 seconds', time) as t, count(*) as n \
             from cpu where {condition} group by t)"
        )
    };
    let cases = [
        (count(MINUTE), "6 6"),
        (count("time between '2023-11-14T22:13:20Z' and '2023-11-14T22:14:20Z'"), "7 6"),
        (count("'2023-11-14T22:13:25Z' < time and '2023-11-14T22:14:00Z' > time"), "4 3"),
        (count("time > '2023-11-14T22:13:20Z' and time <= '2023-11-14T22:13:40Z' and f is not null"), "3 2"),
        (count("time = '2023-11-14T22:13:40Z'"), "1 2"),
        (
            count(
                "time >= '2023-11-14T22:13:20Z' and time >= '2023-11-14T22:13:40Z' and time < '2023-11-14T22:14:20Z'",
            ),
            "4 4",
        ),
        (count("time > '2023-11-14T22:14:20Z' and time < '2023-11-14T22:13:20Z'"), "0 -"),
        (count("time > '2020-11-14' and time < '2020-11-15'"), "0 -"),
        (
            count(
                "time >= timestamp '2023-11-14T22:13:20' and time < timestamp '2023-11-14T22:13:20' + interval '1 minute'",
            ),
            "6 6",
        ),
        (
            count("time >= to_timestamp_nanos(1700000000000000000) and time < now() and time < '2023-11-14T22:14:20Z'"),
            "6 6",
        ),
        (count(&format!("{MINUTE} and (host = 'a' or time < '2020-01-01')")), "6 3"),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(sql, expected)| (sql.as_str(), *expected)).collect();
    check(&cases).await;
}

#[tokio::test]
async fn bounds_can_be_parameters() {
    let parameters = [("from", "2023-11-14T22:13:20Z"), ("to", "2023-11-14T22:13:50Z")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), Parameter::String(value.to_owned())));
    let sql = "select date_bin_gapfill(interval '10 seconds', time) as t, avg(f) from cpu \
               where time >= $from and time < $to group by t order by t";
    let batches = collect(&runtime(), sql, parameters.to_vec()).await.unwrap();
    assert_eq!(text(&batches), "2023-11-14T22:13:20 1.0; 2023-11-14T22:13:30 -; 2023-11-14T22:13:40 2.5");
}

#[tokio::test]
async fn other_shapes_of_queries() {
    check(&[
        (
            "select t, a from (select date_bin_gapfill(interval '20 seconds', time, timestamp '2020-01-01T00:00:05') t, \
             locf(avg(f)) a from (select time, f from cpu) c where time >= '2023-11-14T22:13:20Z' and \
             time < '2023-11-14T22:14:20Z' group by 1) where a > 1 order by t",
            "2023-11-14T22:13:25 2.5; 2023-11-14T22:13:45 2.0; 2023-11-14T22:14:05 2.0",
        ),
        (
            "with c as (select time as at, f from cpu where time >= '2023-11-14T22:13:20Z') \
             select date_bin_gapfill(interval '30 seconds', at), interpolate(max(f)) from c \
             where at < '2023-11-14T22:14:20Z' group by 1 order by 1",
            "2023-11-14T22:13:00 1.0; 2023-11-14T22:13:30 3.0; 2023-11-14T22:14:00 3.0",
        ),
        (
            "select date_bin_gapfill(interval '10 seconds', time) as t, locf(avg(f)) from cpu where \
             time >= '2023-11-14T22:13:20Z' and time < '2023-11-14T22:14:20Z' group by t having count(*) = 0 order by t",
            "2023-11-14T22:13:50 2.5; 2023-11-14T22:14:10 2.0",
        ),
        (
            "select date_bin_wallclock_gapfill(interval '1 day', tz(time, 'Europe/Rome')) as t, count(*) from cpu \
             where time >= '2023-11-13T12:00:00Z' and time < '2023-11-16' group by t order by t",
            "2023-11-13T00:00:00+01:00 0; 2023-11-14T00:00:00+01:00 6; 2023-11-15T00:00:00+01:00 0; \
             2023-11-16T00:00:00+01:00 0",
        ),
        (
            "select count(*) from (select date_bin_wallclock_gapfill(interval '1 hour', tz(time, 'Europe/Rome')) as t, \
             count(*) from cpu where time >= '2023-10-28T22:00:00Z' and time < '2023-11-14T23:00:00Z' group by t)",
            "409",
        ),
        (
            "select count(*) from (select date_bin_gapfill(interval '10 seconds', time) as t from cpu where \
             time >= '2023-11-14T22:13:20Z' and time < '2023-11-14T22:14:20Z' group by t union all select time from cpu)",
            "12",
        ),
        (
            "select count(*) from (select date_bin_gapfill(interval '1 second', time) as t, i % 2, f, s, host from cpu where \
             time >= '2023-11-14T22:00:00Z' and time < '2023-11-14T23:00:00Z' group by 1, 2, 3, 4, 5)",
            "21600",
        ),
        (
            "select distinct locf(count(*)) over_all from cpu where time >= '2023-11-14T22:13:20Z' and \
             time < '2023-11-14T22:14:20Z' group by date_bin_gapfill(interval '10 seconds', time) order by 1",
            "1; 2",
        ),
    ])
    .await;
    let plan = answer(&runtime(), &format!("explain {}", minute(", avg(f)", ""))).await;
    assert!(plan.contains("GapFill: bins=6") && plan.contains("GapFillExec"), "{plan}");
}

#[tokio::test]
async fn misuse() {
    let bins = "date_bin_gapfill(interval '10 seconds', time)";
    let cases = [
        (format!("select {bins} as t from cpu group by t"), "both upper and lower time bounds"),
        (format!("select {bins} as t from cpu where time > '2023-11-14' group by t"), "missing upper time bound"),
        (format!("select {bins} as t from cpu where time < '2023-11-14' group by t"), "missing lower time bound"),
        (
            format!("select {bins} as t from cpu where time > '2023-11-14' or time < '2023-11-15' group by t"),
            "both upper and lower",
        ),
        (
            format!("select {bins} from cpu where {MINUTE}"),
            "date_bin_gapfill may only be used as a GROUP BY expression",
        ),
        (format!("select count(*) from cpu where {MINUTE} and {bins} > now()"), "may only be used as a GROUP BY"),
        (format!("select max({bins}) from cpu where {MINUTE}"), "may only be used as a GROUP BY"),
        (
            format!("select locf(f) from cpu where {MINUTE}"),
            "locf may only be used in the SELECT list of a gap-filling query",
        ),
        ("select interpolate(avg(f)) from cpu".to_owned(), "interpolate may only be used in the SELECT list"),
        ("select locf(1)".to_owned(), "locf may only be used"),
        (format!("select {bins} as t from cpu where {MINUTE} group by t having locf(avg(f)) > 1"), "may only be used"),
        (
            format!(
                "select {bins} as t, date_bin_gapfill(interval '1 minute', time) as v from cpu where {MINUTE} group by t, v"
            ),
            "DATE_BIN_GAPFILL specified more than once",
        ),
        (
            format!("select cast({bins} as varchar) as t from cpu where {MINUTE} group by t"),
            "must be a top-level expression",
        ),
        (
            format!("select {bins} as t, host from cpu where {MINUTE} group by rollup(t, host)"),
            "must be a top-level expression",
        ),
        (
            format!(
                "select date_bin_gapfill(interval '1 second', time + interval '1 hour') as t from cpu where {MINUTE} group by t"
            ),
            "requires a column as the source argument",
        ),
        (
            format!("select date_bin_gapfill(interval '1 month', time) as t from cpu where {MINUTE} group by t"),
            "gap filling does not support month intervals",
        ),
        (
            format!("select date_bin_gapfill(interval '0 seconds', time) as t from cpu where {MINUTE} group by t"),
            "longer than nothing",
        ),
        (
            format!("select date_bin_gapfill(time - time, time) as t from cpu where {MINUTE} group by t"),
            "must be a constant",
        ),
        (
            format!("select date_bin_gapfill(interval '1 second', time, time) as t from cpu where {MINUTE} group by t"),
            "must be a constant",
        ),
        (format!("select date_bin_gapfill(5, time) as t from cpu where {MINUTE} group by t"), "needs an interval"),
        (
            format!("select date_bin_gapfill(interval '1 second', f) as t from cpu where {MINUTE} group by t"),
            "needs a timestamp",
        ),
        (
            format!("select {bins} as t, locf(avg(f) + 1) from cpu where {MINUTE} group by t"),
            "locf must be called on an aggregate column in a gap-filling query",
        ),
        (
            format!("select {bins} as t, host, locf(host) from cpu where {MINUTE} group by t, host"),
            "locf must be called on an aggregate column in a gap-filling query",
        ),
        (
            format!("select {bins} as t, locf(interpolate(avg(f))) from cpu where {MINUTE} group by t"),
            "locf must be called on an aggregate column",
        ),
        (
            format!("select {bins} as t, interpolate(max(s)) from cpu where {MINUTE} group by t"),
            "unsupported data type Utf8 for interpolation gap filling",
        ),
        (
            format!("select {bins} as t, interpolate(bool_or(b)) from cpu where {MINUTE} group by t"),
            "unsupported data type Boolean",
        ),
        (format!("select {bins} as t, locf(avg(f), 1) from cpu where {MINUTE} group by t"), "takes one argument"),
        (
            format!("select {bins} as t, sum(locf(avg(f))) over () from cpu where {MINUTE} group by t"),
            "may only be used",
        ),
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|(sql, expected)| (sql.as_str(), *expected)).collect();
    refuse(&cases).await;
}

#[tokio::test]
async fn rows_that_are_made_up_are_limited() {
    let runtime = QueryRuntime::start(QueryLimits { rows: 100, ..limits() }).unwrap();
    let ask = async |interval: &str, groups: &str| {
        let sql = format!(
            "select count(*) from (select date_bin_gapfill(interval '{interval}', time) as t, count(*) from cpu \
             where {MINUTE} group by t{groups})"
        );
        answer(&runtime, &sql).await
    };
    assert_eq!(ask("1 second", "").await, "60");
    let refused = ask("1 second", ", host").await;
    assert!(refused.starts_with("Limit(") && refused.contains("more than 100 rows"), "{refused}");
    let refused = ask("500 milliseconds", "").await;
    assert!(refused.starts_with("Limit(") && refused.contains("120 bins"), "{refused}");
    let refused = ask("1 nanosecond", "").await;
    assert!(refused.starts_with("Limit(") && refused.contains("60000000000 bins"), "{refused}");
    assert_eq!(runtime.memory_in_use(), 0);
    let everything = "select date_bin_gapfill(interval '1 nanosecond', time) as t from cpu where \
                      time >= arrow_cast(-9223372036854775808, 'Timestamp(Nanosecond, None)') and time < now() group by t";
    let outcome = collect(&runtime, everything, Vec::new()).await;
    assert!(matches!(outcome, Err(SqlError::Limit(_) | SqlError::Failed(_))), "{outcome:?}");
}

/// Rows `v` with times 1.7e9 s + `seconds`, both made from the numbers `value` up to `last`.
fn generated(last: u32, seconds: &str, v: &str) -> String {
    format!(
        "(select arrow_cast(1700000000000000000 + 1000000000 * ({seconds}), 'Timestamp(Nanosecond, None)') as time, \
         {v} as v, value from generate_series(0, {last}))"
    )
}

#[tokio::test]
async fn series_longer_than_a_batch_and_more_series_than_rows_in_one() {
    let long = format!(
        "select count(*), sum(a), sum(l), max(t) from (select date_bin_gapfill(interval '1 second', time) as t, \
         interpolate(avg(v)) as a, locf(avg(v)) as l from {} where time >= '2023-11-14T22:13:20Z' and \
         time < '2023-11-16T01:59:59Z' group by t)",
        generated(49_999, "value * 2", "value")
    );
    let many = format!(
        "select count(*), count(m), sum(m), count(l), sum(l) from (select date_bin_gapfill(interval '1 second', time) as t, \
         v, max(value) as m, locf(max(value)) as l from {} where time >= '2023-11-14T22:13:20Z' and \
         time < '2023-11-14T22:13:25Z' group by t, v)",
        generated(39_999, "value / 20000 * 4", "value % 20000")
    );
    check(&[
        (&long, "99999 2499925000.5 2499900001.0 2023-11-16T01:59:58"),
        (&many, "100000 40000 799980000 100000 1399950000"),
    ])
    .await;
}

#[tokio::test]
async fn inside_of_other_parts_of_a_query() {
    let filled = format!(
        "select date_bin_gapfill(interval '10 seconds', time) as t, avg(f) as f from cpu where {MINUTE} group by t"
    );
    check(&[
        (&format!("select (select count(*) from ({filled}))"), "6"),
        (
            &format!(
                "select count(*) from cpu where date_bin(interval '10 seconds', time) in (select t from ({filled}))"
            ),
            "6",
        ),
        (
            &format!("select t, lag(f) over (order by t) from ({filled}) order by t desc limit 2"),
            "2023-11-14T22:14:10 2.0; 2023-11-14T22:14:00 -",
        ),
        (&format!("{filled} order by t desc limit 1"), "2023-11-14T22:14:10 -"),
        (&format!("select count(*) from ({filled}) x join ({filled}) y on x.t = y.t where y.f is null"), "3"),
    ])
    .await;
    let measured = answer(&runtime(), &format!("explain analyze {filled}")).await;
    assert!(measured.contains("GapFillExec"), "{measured}");
}
