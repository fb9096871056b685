//! SQL functions for time series on rows that were written over HTTP.

use super::support::api::Fresh;
use serde_json::json;

const ROWS: &str = "cpu,host=a usage=1,n=3i,total=8u,on=true,note=\"x\" 1700000000000000000\n\
                    cpu,host=b usage=2.5,n=-4i,total=9u,on=false,note=\"y\" 1700000010000000000\n\
                    cpu,host=a usage=4 1700000040000000000";

#[tokio::test]
async fn selectors_zones_and_gaps() {
    let fresh = Fresh::start().await;
    fresh.api.create_database("plant").await;
    let token = fresh.api.create_token(&[("read", "plant"), ("write", "plant")]).await.text;
    fresh.api.write(&token, "plant", ROWS).await.expect_status(204);

    let selected = fresh
        .api
        .rows(
            &token,
            "plant",
            "SELECT selector_last(usage, time)['value'] AS usage, selector_min(n, time)['time'] AS at, \
             selector_max(host, time)['value'] AS host, selector_first(total, time) AS total, \
             selector_last(\"on\", time)['value'] AS \"on\", selector_max(note, time)['value'] AS note FROM cpu",
        )
        .await;
    let total = json!({"value": 8, "time": "2023-11-14T22:13:20"});
    let expected =
        json!([{"usage": 4.0, "at": "2023-11-14T22:13:30", "host": "b", "total": total, "on": false, "note": "y"}]);
    assert_eq!(json!(selected), expected);

    let filled = fresh
        .api
        .rows(
            &token,
            "plant",
            "SELECT date_bin_wallclock_gapfill(INTERVAL '10 seconds', tz(time, 'Europe/Rome')) AS t, count(*) AS n, \
             interpolate(avg(usage)) AS line, locf(selector_last(note, time)['value']) AS note FROM cpu \
             WHERE time >= '2023-11-14T22:13:20Z' AND time < '2023-11-14T22:14:10Z' GROUP BY t ORDER BY t",
        )
        .await;
    let row = |second: &str, n: u32, line: f64, note: &str| json!({"t": format!("2023-11-14T23:{second}+01:00"), "n": n, "line": line, "note": note});
    let expected = json!([
        row("13:20", 1, 1.0, "x"),
        row("13:30", 1, 2.5, "y"),
        row("13:40", 0, 3.0, "y"),
        row("13:50", 0, 3.5, "y"),
        row("14:00", 1, 4.0, "y"),
    ]);
    assert_eq!(json!(filled), expected);

    for (sql, status, reason) in [
        ("SELECT tz(time, 'Nope/X') FROM cpu", 400, "TZ requires a valid timezone string"),
        ("SELECT date_bin_gapfill(INTERVAL '1 day', time) AS t FROM cpu GROUP BY t", 400, "time bounds"),
        (
            "SELECT date_bin_gapfill(INTERVAL '1 nanosecond', time) AS t FROM cpu \
             WHERE time > '2023-01-01' AND time < '2024-01-01' GROUP BY t",
            422,
            "use longer bins",
        ),
    ] {
        let answer = fresh.api.query(&token, "plant", sql).await.expect_status(status);
        assert!(answer.body.contains(reason), "{}", answer.body);
    }
}
