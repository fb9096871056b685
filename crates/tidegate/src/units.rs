//! Durations and sizes as people write them.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A length of time: whole numbers with the units `ms`, `s`, `m`, `h` or `d`, added up, such as `1m30s`. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Span(pub(crate) Duration);

/// An amount of memory in bytes: a whole number, perhaps with the unit `KiB`, `MiB` or `GiB`. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(pub(crate) usize);

/// A text that is not a quantity of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub(crate) struct UnitError {
    text: String,
    expected: &'static str,
}

impl FromStr for Span {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        milliseconds(text)
            .filter(|total| *total > 0)
            .map(|total| Self(Duration::from_millis(total)))
            .ok_or_else(|| UnitError { text: text.to_owned(), expected: "a duration, such as 500ms, 1m30s or 7d" })
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let unit_length = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, remaining) = after.split_at_checked(unit_length)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60 * 1000,
            "h" => 60 * 60 * 1000,
            "d" => 24 * 60 * 60 * 1000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(factor)?)?;
        rest = remaining;
    }
    Some(total)
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        bytes(text)
            .filter(|bytes| *bytes > 0)
            .map(Self)
            .ok_or_else(|| UnitError { text: text.to_owned(), expected: "a size, such as 512MiB or 2GiB" })
    }
}

fn bytes(text: &str) -> Option<usize> {
    let (number, unit) = split_number(text)?;
    let shift = match unit {
        "" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    number.checked_mul(1 << shift).and_then(|bytes| usize::try_from(bytes).ok())
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

impl TryFrom<String> for Span {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Self, UnitError> {
        text.parse()
    }
}

impl TryFrom<String> for Size {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Self, UnitError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_add_up() {
        for (text, milliseconds) in
            [("500ms", 500), ("5s", 5000), ("1m30s", 90_000), ("1h", 3_600_000), ("1s1ms", 1001), ("7d", 604_800_000)]
        {
            assert_eq!(text.parse(), Ok(Span(Duration::from_millis(milliseconds))), "{text}");
        }
    }

    #[test]
    fn other_durations_are_refused() {
        for text in
            ["", "0s", "5", "s", "-5s", "5 s", "1.5s", "5w", "99999999999999999999s", "18446744073709551615h", "5sé"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        for (text, bytes) in [("1", 1), ("64KiB", 65_536), ("512MiB", 536_870_912), ("2GiB", 2_147_483_648)] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "0", "0GiB", "MiB", "1 GiB", "1GB", "1gib", "-1", "99999999999999GiB", "1é"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
