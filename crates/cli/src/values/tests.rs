use proptest::prelude::*;

use super::*;

fn nanos(text: &str) -> Result<i64, String> {
    retention(text).map(Retention::nanos)
}

#[test]
fn edge_21_retention_periods_that_are_accepted() {
    let cases = [
        ("1mo", 30 * DAY),
        ("1m", MINUTE),
        ("1mo1m", 30 * DAY + MINUTE),
        ("1m1mo", 30 * DAY + MINUTE),
        ("30d30d", 60 * DAY),
        ("2.5d", 60 * HOUR),
        ("0d", 0),
        ("0s", 0),
        ("0", 0),
        ("0.0y", 0),
        ("1w", 7 * DAY),
        ("1y", 365 * DAY),
        ("292y", 292 * 365 * DAY),
        ("0.000000001s", 1),
        ("9223372036.854775807s", i64::MAX),
    ];
    for (text, expected) in cases {
        assert_eq!(nanos(text), Ok(expected), "{text}");
    }
}

#[test]
fn edge_21_retention_periods_that_are_refused() {
    for text in [
        "",
        "-1d",
        "+1d",
        "1 d",
        " 1d",
        "1d ",
        "1D",
        "300y",
        "1",
        "d",
        "1.d",
        ".5d",
        "1..5d",
        "1.5.5d",
        "1x",
        "1d1",
        "00",
        "infinite",
        "1e3s",
        "9223372036.854775808s",
        "99999999999999999999d",
        "0.0000000001s",
        "١d",
    ] {
        assert!(nanos(text).is_err(), "{text}");
    }
}

#[test]
fn edge_22_retention_cells() {
    let cases = [
        (0, "infinite"),
        (HOUR, "1h"),
        (24 * HOUR, "1d"),
        (36 * HOUR, "1d12h"),
        (30 * DAY, "30d"),
        (90 * MINUTE, "1h30m"),
        (1, "1ns"),
    ];
    for (nanos, cell) in cases {
        assert_eq!(retention_cell(nanos), cell);
    }
}

#[test]
fn errors_show_units_and_examples_that_are_valid_there() {
    for (error, units) in [(nanos("10").unwrap_err(), &RETENTION_UNITS), (go_duration("10").unwrap_err(), &GO_UNITS)] {
        assert_eq!(error, format!("needs numbers with the units {}, such as {}", units.names, units.examples));
    }
    assert!(RETENTION_UNITS.examples.split(" or ").all(|example| nanos(example).is_ok()));
    assert!(GO_UNITS.examples.split(" or ").all(|example| go_duration(example).is_ok()));
}

#[test]
fn time_limits_as_go_writes_them() {
    let cases = [
        ("1m0s", Duration::from_secs(60)),
        ("300ms", Duration::from_millis(300)),
        ("1h1.5s", Duration::from_millis(3_601_500)),
        ("7µs", Duration::from_micros(7)),
        ("9ns", Duration::from_nanos(9)),
    ];
    for (text, expected) in cases {
        assert_eq!(go_duration(text), Ok(expected), "{text}");
    }
    for text in ["", "0", "0s", "10", "-1s", "1d", "s"] {
        assert!(go_duration(text).is_err(), "{text}");
    }
}

#[test]
fn edge_10_forms_of_times() {
    let cases = [
        ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00.000000Z"),
        ("2027-01-31T14:00:00+02:00", "2027-01-31T12:00:00.000000Z"),
        ("2027-01-31T14:00:00+0200", "2027-01-31T12:00:00.000000Z"),
        ("2027-01-31T10:30:00-0130", "2027-01-31T12:00:00.000000Z"),
        ("2027-01-31T12:00:00.123456789Z", "2027-01-31T12:00:00.123456Z"),
    ];
    for (text, shown) in cases {
        assert_eq!(time(text).unwrap().to_string(), shown, "{text}");
    }
    for text in ["", "2027-01-31", "2027-01-31 12:00:00Z", "2027-01-31T12:00:00", "+0200", "é0200", "tomorrow"] {
        assert!(time(text).is_err(), "{text}");
    }
}

#[test]
fn edge_23_limits() {
    let shown =
        |tables, columns| limits(tables, columns).map(|limits| (limits.max_tables, limits.max_columns_per_table));
    assert_eq!(shown(None, None), Ok((500, 250)));
    assert_eq!(shown(Some(0), Some(0)), Ok((500, 250)));
    assert_eq!(shown(Some(7), Some(9)), Ok((7, 9)));
    assert!(shown(Some(-1), None).is_err());
    assert!(shown(None, Some(-1)).is_err());
    assert_eq!(shown(None, Some(1001)).unwrap_err(), "--max-columns must be between 1 and 1000");
    assert_eq!(shown(Some(1 << 31), None).unwrap_err(), "--max-tables must be between 1 and 2147483647");
}

fn parts(tags: &[&str], buckets: &[&str], formats: &[&str]) -> Result<Vec<TemplatePart>, String> {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    template(owned(tags), owned(buckets), owned(formats))
        .map(|template| template.map_or_else(Vec::new, |template| template.parts().to_vec()))
}

#[test]
fn edge_25_tags_and_buckets_need_a_time_format() {
    assert!(parts(&["a"], &[], &[]).is_err());
    assert!(parts(&[], &["a,5"], &[]).is_err());
    assert_eq!(parts(&[], &[], &[]), Ok(vec![]));
    assert_eq!(parts(&[], &[], &["%Y"]), Ok(vec![TemplatePart::Time("%Y".to_owned())]));
}

#[test]
fn edge_26_buckets_are_split_at_the_last_comma() {
    let expected = TemplatePart::Bucket { tag: "a,b".to_owned(), buckets: 10 };
    assert_eq!(parts(&[], &["a,b,10"], &["%Y"]).unwrap()[0], expected);
    for text in ["a,0", "a,x", "a", "a,", ",5", "a,100000", "a,-1", "a,+5", "a, 5"] {
        assert!(parts(&[], &[text], &["%Y"]).is_err(), "{text}");
    }
}

#[test]
fn edge_27_too_many_repeated_and_reserved_keys() {
    assert!(parts(&["a", "b", "c", "d", "e", "f", "g"], &[], &["%Y"]).is_ok());
    assert!(parts(&["a", "b", "c", "d", "e", "f", "g", "h"], &[], &["%Y"]).is_err());
    assert!(parts(&["a"], &["a,5"], &["%Y"]).is_err());
    assert!(parts(&["time"], &[], &["%Y"]).is_err());
}

#[test]
fn edge_28_time_formats_that_are_refused() {
    for format in ["%Y-%m-%d %H", "%m", ""] {
        assert!(parts(&[], &[], &[format]).is_err(), "{format}");
    }
    let twice = parts(&[], &[], &["%Y", "%Y"]);
    assert_eq!(twice.unwrap_err(), "--template-timeformat can be given only once");
}

proptest! {
    /// The value is the exact sum of its parts, or refused when that does not fit.
    #[test]
    fn retention_is_an_exact_sum(pairs in prop::collection::vec((0_u64..=u64::MAX >> 20, 0_usize..RETENTION_UNITS.sizes.len()), 1..6)) {
        let text: String = pairs.iter().map(|(number, unit)| format!("{number}{}", RETENTION_UNITS.sizes[*unit].0)).collect();
        let exact: i128 = pairs.iter().map(|(number, unit)| i128::from(*number) * i128::from(RETENTION_UNITS.sizes[*unit].1)).sum();
        match i64::try_from(exact) {
            Ok(expected) => prop_assert_eq!(nanos(&text), Ok(expected)),
            Err(_) => prop_assert!(nanos(&text).is_err()),
        }
    }

    /// No input makes the parsers panic, and nothing but zero becomes "for ever".
    #[test]
    fn any_text_is_refused_or_read(text in "[0-9.a-zµ +-]{0,12}|.{0,8}") {
        if nanos(&text) == Ok(0) {
            prop_assert!(!text.contains(|c: char| ('1'..='9').contains(&c)), "{}", text);
        }
        let _ = go_duration(&text);
        let _ = time(&text);
    }

    /// What a cell shows can be typed in again, nanoseconds aside.
    #[test]
    fn cells_can_be_typed_in(seconds in 1_i64..=i64::MAX / SECOND) {
        prop_assert_eq!(nanos(&retention_cell(seconds * SECOND)), Ok(seconds * SECOND));
    }
}
