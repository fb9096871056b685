//! Durations of buckets (v2 API contract §6.6).

use super::error::{Error, Result};

const SECOND: i64 = 1_000_000_000;

const UNITS: [(&str, i64); 9] = [
    ("w", 7 * 24 * 3600 * SECOND),
    ("d", 24 * 3600 * SECOND),
    ("h", 3600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];

const UNKNOWN: &str =
    "duration must be week(w), day(d), hour(h), min(m), sec(s), millisec(ms), microsec(us), or nanosec(ns)";

/// Whole seconds of a duration such as `30d` or `1w2h`. `0` needs no unit.
pub(crate) fn seconds(text: &str) -> Result<i64> {
    let wrong = |reason: &str| Error::Text(format!("failed to parse {text:?}: {reason}"));
    let nanoseconds = nanoseconds(text).map_err(wrong)?;
    if nanoseconds % SECOND != 0 {
        return Err(Error::Text(format!("retention policy {text:?} is too precise, must be divisible by 1s")));
    }
    Ok(nanoseconds / SECOND)
}

fn nanoseconds(text: &str) -> std::result::Result<i64, &'static str> {
    if text == "0" {
        return Ok(0);
    }
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at_checked(digits).ok_or(UNKNOWN)?;
        let letters = after.len() - after.trim_start_matches(char::is_alphabetic).len();
        let (unit, after) = after.split_at_checked(letters).ok_or(UNKNOWN)?;
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(UNKNOWN)?;
        if number.is_empty() {
            return Err(UNKNOWN);
        }
        let part = number.parse::<i64>().ok().and_then(|number| number.checked_mul(*size));
        total = part.and_then(|part| total.checked_add(part)).ok_or("duration is longer than 292 years")?;
        rest = after;
    }
    if text.is_empty() { Err(UNKNOWN) } else { Ok(total) }
}

/// Seconds as tables show them: `1h0m0s`.
pub(crate) fn cell(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_that_are_accepted() {
        for (text, expected) in [
            ("0", 0),
            ("0s", 0),
            ("30d", 30 * 86_400),
            ("1w2h", 7 * 86_400 + 7200),
            ("90m", 5400),
            ("1000ms", 1),
            ("1000000us", 1),
            ("1s1000000000ns", 2),
        ] {
            assert_eq!(seconds(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn durations_that_are_refused() {
        for text in ["", "30", "d", "1.5h", "-1h", "1y", "1h 2m", "h1", "1ü"] {
            let reason = seconds(text).unwrap_err().to_string();
            assert!(reason.contains("duration must be week(w), day(d), "), "{text}: {reason}");
        }
        assert!(seconds("16000w").unwrap_err().to_string().contains("longer than 292 years"));
        assert!(seconds("1ms").unwrap_err().to_string().contains("divisible by 1s"));
    }

    #[test]
    fn cells() {
        for (seconds, shown) in [(1, "1s"), (60, "1m0s"), (3600, "1h0m0s"), (30 * 86_400 + 61, "720h1m1s")] {
            assert_eq!(cell(seconds), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-zµ.ü -]{0,12}") {
            let _ = seconds(&text);
        }
    }
}
