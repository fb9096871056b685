//! Every vector of the management API contract §10.3, and its edge cases 34 and 35.

use proptest::prelude::*;

use super::*;

/// 2026-03-09T00:00:00Z.
const DAY: i64 = 1_773_014_400_000_000_000;

fn template(parts: Vec<TemplatePart>) -> PartitionTemplate {
    PartitionTemplate::new(parts).unwrap()
}

fn time(format: &str) -> TemplatePart {
    TemplatePart::Time(format.into())
}

fn tag(key: &str) -> TemplatePart {
    TemplatePart::Tag(key.into())
}

fn hashed(key: &str, buckets: u32) -> TemplatePart {
    TemplatePart::Bucket { tag: key.into(), buckets }
}

/// The rendering of one tag value.
fn tag_part(value: &str) -> String {
    let key = template(vec![tag("t"), time("%Y")]).key(DAY, |_| Some(value));
    key.strip_suffix("|2026").unwrap().to_owned()
}

#[test]
fn edge_34_bucket_numbers() {
    let long = "D".repeat(500);
    for (value, buckets, number) in [
        ("", 16, 0),
        ("abc", 128, 122),
        ("abcdefg", 5, 4),
        ("ananas", 10, 5),
        ("foo", 10, 6),
        ("iceberg", 16, 9),
        ("bananas", 10, 1),
        ("plátanos", 100, 98),
        ("%50", 10, 9),
        ("!", 10, 8),
        ("dev-0042", 16, 7),
        (&long, 16, 6),
        ("weld1", 100, 74),
        ("weld1", 500, 474),
        ("cnc", 50, 34),
    ] {
        assert_eq!(bucket(value, buckets), number, "{value}");
    }
}

#[test]
fn edge_34_keys() {
    let template = template(vec![time("%Y-%m"), tag("site"), tag("line"), hashed("device", 16)]);
    for (site, line, device, key) in [
        (Some("north"), Some("L1"), Some("dev-0042"), "2026-03|north|L1|7"),
        (None, Some("L1"), None, "2026-03|!|L1|!"),
        (None, None, None, "2026-03|!|!|!"),
        (Some(""), Some(""), Some(""), "2026-03|^|^|0"),
        (Some("north|east"), Some("100%"), Some("!"), "2026-03|north%7Ceast|100%25|4"),
        (Some("Zürich"), Some("a b"), Some("dev-0043"), "2026-03|Z%C3%BCrich|a b|12"),
        (Some("a#b^c"), Some("x/y"), Some("dev-0044"), "2026-03|a%23b%5Ec|x/y|8"),
    ] {
        let row = |name: &str| match name {
            "site" => site,
            "line" => line,
            "device" => device,
            _ => None,
        };
        assert_eq!(template.key(DAY, row), key);
    }
}

#[test]
fn edge_34_long_values_are_cut() {
    let s = |count: usize| "S".repeat(count);
    for count in [199, 200] {
        assert_eq!(tag_part(&s(count)), s(count));
    }
    for (value, part) in [
        (s(201), s(199) + "#"),
        (s(5000), s(199) + "#"),
        (s(197) + "%", s(197) + "%25"),
        (s(198) + "%", s(198) + "#"),
        (s(199) + "é", s(199) + "#"),
        // Two code points that are one character to people.
        (s(198) + "e\u{301}", s(198) + "#"),
        (s(192) + "e\u{301}x", s(192) + "e%CC%81x"),
        (s(193) + "e\u{301}x", s(193) + "#"),
        ("e".to_owned() + &"\u{301}".repeat(40), "#".to_owned()),
    ] {
        assert_eq!(tag_part(&value), part, "{value}");
    }
}

#[test]
fn edge_34_encoding() {
    assert_eq!(tag_part("\u{0}\t\u{1f}\u{7f} ~/=\\\""), "%00%09%1F%7F ~/=\\\"");
    assert_eq!(tag_part("|!^#%"), "%7C%21%5E%23%25");
    assert_eq!(tag_part("é🦀"), "%C3%A9%F0%9F%A6%80");
}

#[test]
fn edge_34_times() {
    const NANOS_OF_DAY: i64 = 86_400_000_000_000;
    for (nanos, format, part) in [
        (DAY, "%Y", "2026"),
        (DAY, "%d.%m.%Y", "09.03.2026"),
        (DAY + NANOS_OF_DAY - 1, "%Y-%m-%d", "2026-03-09"),
        (DAY, "y%Y%%", "y2026%25"),
        (DAY, "%%Y%Y", "%25Y2026"),
        (DAY, "Jahr #%Y", "Jahr %232026"),
        (0, "%Y-%m-%d", "1970-01-01"),
        (-1, "%Y-%m-%d", "1969-12-31"),
        (i64::MIN, "%Y-%m-%d", "1677-09-21"),
        (i64::MAX, "%Y-%m-%d", "2262-04-11"),
    ] {
        assert_eq!(template(vec![time(format)]).key(nanos, |_| None), part, "{nanos} {format}");
    }
    let long = "x".repeat(250) + "%Y";
    assert_eq!(template(vec![time(&long)]).key(DAY, |_| None), "x".repeat(199) + "#");
}

fn any_template() -> impl Strategy<Value = PartitionTemplate> {
    let parts = prop::collection::vec((any::<bool>(), 1..=PartitionTemplate::MAX_BUCKETS), 0..8);
    (parts, any::<prop::sample::Index>(), ".{0,300}").prop_map(|(kinds, position, literal)| {
        let named = |(n, (is_bucket, buckets)): (usize, (bool, u32))| {
            let name = n.to_string();
            if is_bucket { TemplatePart::Bucket { tag: name, buckets } } else { TemplatePart::Tag(name) }
        };
        let mut parts: Vec<_> = kinds.into_iter().enumerate().map(named).collect();
        let format = literal.replace(['%', '|'], "") + "%Y-%m";
        parts.insert(position.index(parts.len() + 1), TemplatePart::Time(format));
        template(parts)
    })
}

proptest! {
    #[test]
    fn edge_35_keys_are_short_and_their_parts_can_be_counted(
        template in any_template(),
        time in any::<i64>(),
        values in prop::collection::vec(prop::option::of("(.|[|!^#%]|e\u{301}){0,300}"), 8),
    ) {
        let row = |name: &str| name.parse::<usize>().ok().and_then(|n| values.get(n)).and_then(Option::as_deref);
        let key = template.key(time, row);
        prop_assert!(key.len() <= 1607, "{}", key.len());
        prop_assert_eq!(key.matches('|').count(), template.parts().len() - 1);
        prop_assert!(key.is_ascii() && key.split('|').all(|part| !part.is_empty() && part.len() <= 200));
    }

    /// What is not cut can be read back, so that different values never share a partition by accident.
    #[test]
    fn edge_35_short_values_keep_their_differences(a in "[ -~é]{0,30}", b in "[ -~é]{0,30}") {
        prop_assert_eq!(a == b, tag_part(&a) == tag_part(&b));
    }
}
