//! `selector_first`, `selector_last`, `selector_min`, `selector_max`.

use super::{check, refuse};

#[tokio::test]
async fn the_whole_table() {
    check(&[
        ("select selector_first(f, time) from cpu", "{value: 1.0, time: 2023-11-14T22:13:20}"),
        ("select selector_first(i, time)['value'], selector_first(i, time)['time'] from cpu", "3 2023-11-14T22:13:20"),
        ("select selector_first(u, time) from cpu", "{value: 7, time: 2023-11-14T22:13:20}"),
        ("select selector_first(b, time) from cpu", "{value: true, time: 2023-11-14T22:13:20}"),
        ("select selector_first(s, time) from cpu", "{value: x, time: 2023-11-14T22:13:20}"),
        ("select selector_first(host, time) from cpu", "{value: a, time: 2023-11-14T22:13:20}"),
        ("select selector_last(f, time) from cpu", "{value: 3.0, time: 2023-11-14T22:14:00}"),
        ("select selector_last(i, time) from cpu", "{value: 5, time: 2023-11-14T22:14:00}"),
        ("select selector_last(u, time) from cpu", "{value: 1, time: 2023-11-14T22:14:00}"),
        ("select selector_last(b, time) from cpu", "{value: true, time: 2023-11-14T22:14:00}"),
        ("select selector_last(s, time) from cpu", "{value: b, time: 2023-11-14T22:14:00}"),
        ("select selector_last(host, time) from cpu", "{value: a, time: 2023-11-14T22:14:00}"),
        ("select selector_min(f, time) from cpu", "{value: 1.0, time: 2023-11-14T22:13:20}"),
        ("select selector_min(i, time) from cpu", "{value: -4, time: 2023-11-14T22:13:30}"),
        ("select selector_min(u, time) from cpu", "{value: 0, time: 2023-11-14T22:13:30}"),
        ("select selector_min(b, time) from cpu", "{value: false, time: 2023-11-14T22:13:30}"),
        ("select selector_min(s, time) from cpu where s <> ''", "{value: a, time: 2023-11-14T22:14:00}"),
        ("select selector_min(host, time) from cpu", "{value: a, time: 2023-11-14T22:13:20}"),
        ("select selector_max(f, time) from cpu", "{value: 3.0, time: 2023-11-14T22:13:40}"),
        ("select selector_max(i, time) from cpu", "{value: 5, time: 2023-11-14T22:14:00}"),
        ("select selector_max(u, time) from cpu", "{value: 18446744073709551615, time: 2023-11-14T22:13:40}"),
        ("select selector_max(b, time) from cpu", "{value: true, time: 2023-11-14T22:13:20}"),
        ("select selector_max(s, time) from cpu", "{value: é, time: 2023-11-14T22:13:40}"),
        ("select selector_max(host, time) from cpu", "{value: b, time: 2023-11-14T22:13:30}"),
    ])
    .await;
}

#[tokio::test]
async fn groups() {
    check(&[
        (
            "select host, selector_first(f, time)['value'] as v, selector_first(f, time)['time'] as t from cpu \
             group by host order by host",
            "a 1.0 2023-11-14T22:13:20; b 2.0 2023-11-14T22:13:40; - 3.0 2023-11-14T22:14:00",
        ),
        (
            "select host, selector_max(s, time)['value'], selector_min(i, time)['value'] from cpu \
             group by host order by host",
            "a é 3; b - -4; - a 5",
        ),
        (
            "select date_bin(interval '20 seconds', time) as t, selector_last(f, time)['value'], \
             selector_max(host, time)['value'] from cpu group by t order by t",
            "2023-11-14T22:13:20 1.0 b; 2023-11-14T22:13:40 3.0 b; 2023-11-14T22:14:00 3.0 a",
        ),
        (
            "select b, selector_last(i, time)['value'] as v from cpu group by rollup(b) order by b, v",
            "false 5; true 5; - 3; - 5",
        ),
    ])
    .await;
}

#[tokio::test]
async fn rows_without_value_or_time_are_passed_over() {
    check(&[
        ("select selector_first(all_null, time) is null from cpu", "true"),
        ("select selector_max(all_null, time)['value'], selector_max(all_null, time)['time'] from cpu", "- -"),
        ("select selector_min(f, time)['value'] from cpu where false", "-"),
        ("select host, selector_last(f, time)['time'] from cpu where false group by host", ""),
        ("select selector_max(f, case when f < 3 then time end)['value'] from cpu", "2.0"),
        ("select selector_first(f, null)['value'] from cpu", "-"),
        ("select selector_first(null, time) is null from cpu", "true"),
        (
            "select selector_last(b, time) from cpu where b is null or not b",
            "{value: false, time: 2023-11-14T22:14:00}",
        ),
    ])
    .await;
}

#[tokio::test]
async fn ties() {
    check(&[
        (
            "select selector_first(f, time)['value'] from (values (2.0, now()), (9.0, now()), (4.0, now())) v(f, time)",
            "9.0",
        ),
        (
            "select selector_last(f, time)['value'] from (values (2.0, now()), (9.0, now()), (4.0, now())) v(f, time)",
            "9.0",
        ),
        (
            "select selector_min(s, time)['time'], selector_max(s, time)['time'] from (values \
             ('x', timestamp '2020-01-02'), ('x', timestamp '2020-01-01'), ('x', timestamp '2020-01-03')) v(s, time)",
            "2020-01-01T00:00:00 2020-01-01T00:00:00",
        ),
    ])
    .await;
}

#[tokio::test]
async fn other_types_of_values_and_times() {
    check(&[
        ("select selector_max(cast(i as int), time)['value'] from cpu", "5"),
        ("select selector_min(time, time)['value'] from cpu", "2023-11-14T22:13:20"),
        (
            "select arrow_typeof(selector_min(f, arrow_cast(time, 'Timestamp(Second, Some(\"Europe/Rome\"))'))['time']) \
             from cpu",
            "Timestamp(ns, \"Europe/Rome\")",
        ),
        ("select arrow_typeof(selector_min(host, time)['value']) from cpu", "Utf8"),
    ])
    .await;
}

#[tokio::test]
async fn inside_of_other_parts_of_a_query() {
    check(&[
        ("select selector_last(f, time) filter (where host = 'b')['value'] from cpu", "2.0"),
        ("select selector_max(distinct i, time)['value'] from cpu", "5"),
        ("select selector_first(f, time order by f desc)['value'] from cpu", "1.0"),
        ("select host from cpu group by host having selector_max(f, time)['value'] > 2 order by host", "a; -"),
        (
            "select i, selector_last(i, time) over (order by time, i)['value'] from cpu where host = 'a' order by time",
            "3 3; 3 3; 5 5",
        ),
        (
            "select s.m['value'] from (select host, selector_max(f, time) as m from cpu group by host) s order by host",
            "3.0; 2.0; 3.0",
        ),
    ])
    .await;
}

#[tokio::test]
async fn misuse() {
    refuse(&[
        ("select selector_first(f) from cpu", "selector_first"),
        ("select selector_first() from cpu", "selector_first"),
        ("select selector_first(f, time, 3) from cpu", "selector_first"),
        ("select selector_last(f, s) from cpu", "needs a timestamp"),
        ("select selector_last(f, 12) from cpu", "needs a timestamp"),
        ("select selector_last([f], time) from cpu", "cannot select"),
        ("select selector_last(selector_first(f, time), time) from cpu", ""),
        ("select selector_last(f, time) ignore nulls from cpu", "NULLS are not permitted"),
        ("select selector_min(f, time)['nosuch'] from cpu", "nosuch"),
        (
            "select selector_last(f, time) over (order by time rows between 1 preceding and current row) from cpu",
            "selector_last",
        ),
    ])
    .await;
}
