use super::*;
use proptest::prelude::*;

fn bins(interval: (i32, i32, i64), origin: i64, zone: Option<&str>) -> Bins {
    let (months, days, nanoseconds) = interval;
    let stride = Stride::new(IntervalMonthDayNano { months, days, nanoseconds }).unwrap();
    Bins { stride, origin, zone: zone.map(|zone| zone.parse().unwrap()) }
}

fn at(text: &str) -> i64 {
    text.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_nanos_opt().unwrap()
}

fn text(time: i64) -> String {
    DateTime::from_timestamp_nanos(time).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

const MINUTES: i64 = 60 * SECOND;
const ROME: Option<&str> = Some("Europe/Rome");

#[test]
fn where_bins_start() {
    let cases = [
        ((0, 0, 10 * MINUTES), None, "2023-11-14T22:13:20Z", "2023-11-14T22:10:00Z"),
        ((0, 0, 10 * MINUTES), None, "1960-01-01T00:09:59Z", "1960-01-01T00:00:00Z"),
        ((0, 1, 0), ROME, "2023-11-14T22:13:20Z", "2023-11-13T23:00:00Z"),
        ((0, 1, 0), ROME, "2023-11-14T23:00:00Z", "2023-11-14T23:00:00Z"),
        ((0, 1, 0), ROME, "2023-07-14T22:13:20Z", "2023-07-14T22:00:00Z"),
        ((1, 0, 0), ROME, "2023-11-14T22:13:20Z", "2023-10-31T23:00:00Z"),
        ((1, 0, 0), ROME, "1969-05-31T22:13:20Z", "1969-04-30T23:00:00Z"),
        ((12, 0, 0), None, "2023-11-14T22:13:20Z", "2023-01-01T00:00:00Z"),
        // Put forward on 2023-03-26 at 01:00Z, from 02:00 to 03:00.
        ((0, 0, 2 * HOUR), ROME, "2023-03-26T00:59:59Z", "2023-03-25T23:00:00Z"),
        ((0, 0, 2 * HOUR), ROME, "2023-03-26T01:30:00Z", "2023-03-26T01:00:00Z"),
        ((0, 0, 2 * HOUR), ROME, "2023-03-26T02:00:00Z", "2023-03-26T02:00:00Z"),
        // Put back on 2023-10-29 at 01:00Z, from 03:00 to 02:00.
        ((0, 0, HOUR), ROME, "2023-10-29T00:30:00Z", "2023-10-29T00:00:00Z"),
        ((0, 0, HOUR), ROME, "2023-10-29T01:30:00Z", "2023-10-29T01:00:00Z"),
        ((0, 0, 3 * HOUR), ROME, "2023-10-29T01:30:00Z", "2023-10-28T22:00:00Z"),
        // A whole day was left out.
        ((0, 1, 0), Some("Pacific/Apia"), "2011-12-30T10:30:00Z", "2011-12-30T10:00:00Z"),
        ((0, 1, 0), Some("+05:30"), "2023-11-14T22:13:20Z", "2023-11-14T18:30:00Z"),
    ];
    for (interval, zone, time, expected) in cases {
        let start = bins(interval, 0, zone).start(at(time)).unwrap();
        assert_eq!(text(start), expected, "{interval:?} {zone:?} {time}");
    }
}

#[test]
fn an_origin_moves_bins() {
    let origin = at("2000-01-31T06:00:00Z");
    let cases = [
        ((0, 1, 0), None, "2023-11-14T05:59:59Z", "2023-11-13T06:00:00Z"),
        ((0, 1, 0), ROME, "2023-11-14T05:00:00Z", "2023-11-14T05:00:00Z"),
        ((1, 0, 0), None, "2023-03-01T00:00:00Z", "2023-02-28T06:00:00Z"),
        ((1, 0, 0), None, "1999-12-31T06:00:00Z", "1999-12-31T06:00:00Z"),
    ];
    for (interval, zone, time, expected) in cases {
        let start = bins(interval, origin, zone).start(at(time)).unwrap();
        assert_eq!(text(start), expected, "{interval:?} {zone:?} {time}");
    }
}

#[test]
fn days_of_23_and_25_hours() {
    let days = |from: &str, to: &str| -> Vec<String> {
        let runs = bins((0, 1, 0), 0, ROME).between(at(from), at(to)).unwrap();
        runs.into_iter().flat_map(Run::starts).map(text).collect()
    };
    let spring = ["2023-03-24T23:00:00Z", "2023-03-25T23:00:00Z", "2023-03-26T22:00:00Z"];
    assert_eq!(days("2023-03-25T12:00:00Z", "2023-03-27T12:00:00Z"), spring);
    let autumn = ["2023-10-27T22:00:00Z", "2023-10-28T22:00:00Z", "2023-10-29T23:00:00Z"];
    assert_eq!(days("2023-10-28T12:00:00Z", "2023-10-30T12:00:00Z"), autumn);
}

#[test]
fn impossible_bins() {
    for (months, days, nanoseconds) in
        [(0, 0, 0), (0, 0, -1), (-1, 0, 0), (1, 1, 0), (0, -1, DAY), (0, i32::MAX, 0), (0, 0, i64::MIN), (1, 0, -5)]
    {
        assert!(Stride::new(IntervalMonthDayNano { months, days, nanoseconds }).is_err());
    }
    let far = bins((0, 0, i64::MAX), 0, None);
    assert!(far.start(i64::MIN).is_err());
    assert!(bins((i32::MAX, 0, 0), 0, None).start(-1).is_err());
    assert!(bins((0, 0, 1), 0, ROME).start(i64::MAX).is_err());
    assert!(bins((1, 0, 0), 0, None).between(0, 1).is_err());
}

proptest! {
    /// Every bin that a time can be in is among those that fill a gap around it.
    #[test]
    fn gaps_are_filled_with_bins_that_times_have(
        zone in prop::sample::select(vec![
            None, ROME, Some("Australia/Lord_Howe"), Some("America/St_Johns"), Some("Pacific/Apia"), Some("-03:00"),
        ]),
        stride in prop::sample::select(vec![
            15 * MINUTES, 30 * MINUTES, HOUR, 90 * MINUTES, 7 * HOUR, DAY, 7 * DAY,
        ]),
        origin in prop::sample::select(vec![0, 20 * MINUTES, -5 * HOUR]),
        from in 1_300_000_000i64..1_700_000_000,
        length in 0i64..40 * 86_400,
        inside in prop::collection::vec(0.0..=1.0f64, 1..50),
    ) {
        let bins = bins((0, 0, stride), origin, zone);
        let (from, to) = (from * SECOND, (from + length) * SECOND);
        let starts: Vec<i64> = bins.between(from, to).unwrap().into_iter().flat_map(Run::starts).collect();
        prop_assert_eq!(starts.first().copied(), Some(bins.start(from).unwrap()));
        prop_assert!(starts.is_sorted_by(|one, next| one < next));
        prop_assert!(starts.iter().all(|start| *start <= to));
        for start in &starts {
            prop_assert_eq!(bins.start(*start).unwrap(), *start);
        }
        for part in inside {
            let time = from + ((to - from) as f64 * part) as i64;
            let start = bins.start(time).unwrap();
            prop_assert!(start <= time);
            // What the clock shows twice can belong to a bin from before `from`.
            prop_assert!(start < from || starts.binary_search(&start).is_ok(), "{} {}", text(time), text(start));
        }
    }

    #[test]
    fn nothing_panics(
        (months, days, nanoseconds) in any::<(i32, i32, i64)>(),
        origin in any::<i64>(),
        time in any::<i64>(),
        to in any::<i64>(),
    ) {
        if let Ok(stride) = Stride::new(IntervalMonthDayNano { months, days, nanoseconds }) {
            for zone in [None, Some("Europe/Rome".parse().unwrap())] {
                let bins = Bins { stride, origin, zone };
                let _ = bins.start(time);
                let _ = bins.between(time.min(to), time.max(to));
            }
        }
    }
}
