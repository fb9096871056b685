//! `tz` and `date_bin_wallclock`.

use super::{answer, check, collect, refuse, runtime, text};
use tidegate_sql::{Parameter, SqlError};

#[tokio::test]
async fn the_same_instant_by_another_clock() {
    check(&[
        ("select tz(time) from cpu order by time limit 1", "2023-11-14T22:13:20Z"),
        ("select tz(time, 'Europe/Rome') from cpu order by time limit 1", "2023-11-14T23:13:20+01:00"),
        ("select tz(timestamp '2023-07-14T22:13:20', 'Europe/Rome')", "2023-07-15T00:13:20+02:00"),
        (
            "select tz(tz(time, 'Europe/Rome'), 'America/New_York') from cpu order by time limit 1",
            "2023-11-14T17:13:20-05:00",
        ),
        ("select tz(time, '+05:30') from cpu order by time limit 1", "2023-11-15T03:43:20+05:30"),
        ("select arrow_typeof(tz(time, 'Asia/Tokyo')) from cpu limit 1", "Timestamp(ns, \"Asia/Tokyo\")"),
        ("select tz(null, 'Asia/Tokyo')", "-"),
        ("select count(*) from cpu where tz(time, 'Asia/Tokyo') = tz(time)", "6"),
        (
            "select tz(cast(time as timestamp(0)), 'Asia/Tokyo') from cpu order by time limit 1",
            "2023-11-15T07:13:20+09:00",
        ),
    ])
    .await;
}

#[tokio::test]
async fn bad_zones() {
    refuse(&[
        ("select tz(time, 'Nope/X') from cpu", "TZ requires a valid timezone string, got \"Nope/X\""),
        ("select tz(time, '') from cpu", "TZ requires a valid timezone string, got \"\""),
        ("select tz(time, '+99:99') from cpu", "TZ requires a valid timezone string"),
        ("select tz(time, '../../etc/passwd') from cpu", "TZ requires a valid timezone string"),
        ("select tz(time, null) from cpu", "`tz` needs the name"),
        ("select tz(time, s) from cpu", "`tz` needs the name"),
        ("select tz('2023-11-14', 'UTC')", "`tz` needs a timestamp"),
        ("select tz(12)", "`tz` needs a timestamp"),
        ("select tz()", "`tz`"),
        ("select tz(time, 'UTC', 'UTC') from cpu", "`tz` takes"),
    ])
    .await;
}

#[tokio::test]
async fn a_zone_can_be_a_parameter() {
    let ask = async |zone: &str| {
        let parameters = vec![("zone".to_owned(), Parameter::String(zone.to_owned()))];
        collect(&runtime(), "select tz(time, $zone) from cpu order by time limit 1", parameters).await
    };
    assert_eq!(text(&ask("Asia/Tokyo").await.unwrap()), "2023-11-15T07:13:20+09:00");
    assert!(matches!(ask("Asia/Rome").await, Err(SqlError::Invalid(_))));
}

#[tokio::test]
async fn bins_by_the_clock_on_the_wall() {
    check(&[
        (
            "select date_bin_wallclock(interval '1 day', tz(time, 'Europe/Rome')) as t, count(*) from cpu group by t",
            "2023-11-14T00:00:00+01:00 6",
        ),
        (
            "select date_bin_wallclock(interval '20 seconds', tz(time, 'Asia/Kolkata')) as t, count(*) from cpu \
             group by t order by t",
            "2023-11-15T03:43:20+05:30 2; 2023-11-15T03:43:40+05:30 2; 2023-11-15T03:44:00+05:30 2",
        ),
        (
            "select date_bin_wallclock(interval '1 month', tz(time, 'America/New_York')) from cpu limit 1",
            "2023-11-01T00:00:00-04:00",
        ),
        (
            "select date_bin_wallclock(interval '1 day', tz(time, 'Europe/Rome'), timestamp '2000-01-01T06:00:00') \
             from cpu limit 1",
            "2023-11-14T06:00:00+01:00",
        ),
        (
            "select date_bin_wallclock(interval '1 day', tz(time, 'Europe/Rome'), '2000-01-01T06:00:00') \
             from cpu limit 1",
            "2023-11-14T06:00:00+01:00",
        ),
        ("select date_bin_wallclock(interval '1 hour', time) from cpu limit 1", "2023-11-14T22:00:00"),
        ("select date_bin_wallclock(interval '1 hour', null)", "-"),
        (
            "select date_bin_wallclock(interval '2 hours', tz(timestamp '2023-03-26T01:30:00', 'Europe/Rome'))",
            "2023-03-26T03:00:00+02:00",
        ),
    ])
    .await;
}

#[tokio::test]
async fn bins_that_cannot_be() {
    refuse(&[
        ("select date_bin_wallclock(interval '0 seconds', time) from cpu", "longer than nothing"),
        ("select date_bin_wallclock(interval '-1 month', time) from cpu", "longer than nothing"),
        ("select date_bin_wallclock(interval '1 month 1 day', time) from cpu", "months together with days"),
        ("select date_bin_wallclock(null, time) from cpu", "needs an interval"),
        ("select date_bin_wallclock(time - time, time) from cpu", "must be a constant"),
        ("select date_bin_wallclock(interval '1 day', f) from cpu", "needs a timestamp"),
        ("select date_bin_wallclock(interval '1 day', time, tz(time)) from cpu", "without a time zone"),
        ("select date_bin_wallclock(interval '1 day', time, time) from cpu", "must be a constant"),
        ("select date_bin_wallclock(interval '1 day', time, 5) from cpu", "without a time zone"),
        ("select date_bin_wallclock(interval '1 day') from cpu", "date_bin_wallclock"),
    ])
    .await;
    let far = answer(&runtime(), "select date_bin_wallclock(interval '7 days', timestamp '1677-09-22')").await;
    assert!(far.contains("outside of the years 1677 to 2262"), "{far}");
}
