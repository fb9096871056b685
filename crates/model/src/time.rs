//! Points in time, and where they come from.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};

/// A point in time in UTC, to the microsecond (the precision of token times in every dialect).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a date and time of RFC 3339, such as 2027-01-31T12:00:00Z")]
pub struct ParseTimestampError;

impl Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// From microseconds since 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Whole seconds since 1970, and the nanoseconds after them.
    pub const fn seconds_and_nanos(self) -> (i64, i64) {
        (self.0.div_euclid(1_000_000), self.0.rem_euclid(1_000_000) * 1_000)
    }

    /// Nanoseconds since 1970; saturates outside 1677 to 2262.
    pub const fn nanos(self) -> i64 {
        self.0.saturating_mul(1_000)
    }

    fn rfc3339(self, format: SecondsFormat) -> String {
        // Every timestamp comes from a clock or from the parser below; both stay inside chrono's range.
        let time = DateTime::<Utc>::from_timestamp_micros(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        time.to_rfc3339_opts(format, true)
    }

    /// RFC 3339 in UTC, whole seconds: the form of command line tables.
    pub fn to_rfc3339_seconds(self) -> String {
        self.rfc3339(SecondsFormat::Secs)
    }
}

/// RFC 3339 in UTC with `Z` and six digits (management API contract §4).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339(SecondsFormat::Micros))
    }
}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// RFC 3339 with 0 to 9 digits of fraction and any offset, in the years 0 to 9999 of UTC. Digits beyond the sixth are cut off, so an
    /// expiry is never later than what was asked for.
    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        let fraction = text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
        let separator = text.as_bytes().get(10);
        if fraction > 9 || !matches!(separator, Some(b'T' | b't')) {
            return Err(ParseTimestampError);
        }
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| ParseTimestampError)?;
        // An offset can lead out of the years that RFC 3339 can show.
        if !(0..=9999).contains(&time.to_utc().year()) {
            return Err(ParseTimestampError);
        }
        Ok(Self(time.timestamp_micros()))
    }
}

/// Where the current time comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(Utc::now().timestamp_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_are_accepted() {
        let cases = [
            ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00.000000Z"),
            ("2027-01-31T14:00:00+02:00", "2027-01-31T12:00:00.000000Z"),
            ("2027-01-31T12:00:00.123456789Z", "2027-01-31T12:00:00.123456Z"),
            ("2027-01-31t12:00:00.5z", "2027-01-31T12:00:00.500000Z"),
        ];
        for (text, shown) in cases {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn forms_that_are_refused() {
        for text in [
            "",
            "2027-01-31",
            "2027-01-31 12:00:00Z",
            "2027-01-31T12:00:00",
            "tomorrow",
            "2027-13-01T00:00:00Z",
            "2027-01-31T12:00:00.1234567890Z",
            "2027-01-31T12:00:00+0100",
            "9999-12-31T23:59:59-00:01",
            "0000-01-01T00:00:00+00:01",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(ParseTimestampError), "{text}");
        }
    }

    #[test]
    fn seconds_and_nanos_before_1970() {
        assert_eq!(Timestamp::from_micros(-1).seconds_and_nanos(), (-1, 999_999_000));
    }
}
