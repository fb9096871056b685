//! The unit of timestamps.

/// Unit in which the timestamps of a request are written (data-plane contract §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Nanoseconds, the unit of stored times.
    #[default]
    Nanosecond,
    /// Microseconds.
    Microsecond,
    /// Milliseconds.
    Millisecond,
    /// Seconds.
    Second,
    /// Decided for each line by the size of its timestamp.
    Auto,
}

/// A precision that the endpoint does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown variant `{text}`, expected one of {}`s`, `second`, `millisecond`, `ms`, `microsecond`, `u`, `us`, `n`, `nanosecond`, `ns`",
    if *.auto { "`auto`, " } else { "" }
)]
pub struct PrecisionError {
    text: String,
    auto: bool,
}

/// A timestamp that 64-bit nanoseconds cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("timestamp, {timestamp}, out of range for precision: {precision:?}")]
pub struct TimestampError {
    timestamp: i64,
    precision: Precision,
}

const NANOS_PER_MICROSECOND: i64 = 1_000;
const NANOS_PER_MILLISECOND: i64 = 1_000_000;
const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl Precision {
    /// Reads the `precision` parameter of `/write` and `/api/v2/write`.
    ///
    /// # Errors
    ///
    /// Any other spelling, also the empty text, upper case, `m`, `h` and `auto`.
    pub fn parse_v1_v2(text: &str) -> Result<Self, PrecisionError> {
        Self::unit(text).ok_or_else(|| PrecisionError { text: text.to_owned(), auto: false })
    }

    /// Reads the `precision` parameter of `/api/v3/write_lp`, which also knows `auto`.
    ///
    /// # Errors
    ///
    /// Any other spelling, also the empty text, upper case, `m` and `h`.
    pub fn parse_v3(text: &str) -> Result<Self, PrecisionError> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        Self::unit(text).ok_or_else(|| PrecisionError { text: text.to_owned(), auto: true })
    }

    fn unit(text: &str) -> Option<Self> {
        match text {
            "n" | "ns" | "nanosecond" => Some(Self::Nanosecond),
            "u" | "us" | "microsecond" => Some(Self::Microsecond),
            "ms" | "millisecond" => Some(Self::Millisecond),
            "s" | "second" => Some(Self::Second),
            _ => None,
        }
    }

    /// Converts a timestamp in this unit to nanoseconds.
    ///
    /// # Errors
    ///
    /// The result does not fit into 64 bits. For [`Precision::Auto`] that is `i64::MIN` alone.
    pub fn to_nanos(self, timestamp: i64) -> Result<i64, TimestampError> {
        let error = TimestampError { timestamp, precision: self };
        let nanos_per_unit = match self {
            Self::Auto => nanos_per_guessed_unit(timestamp.checked_abs().ok_or(error)?),
            _ => self.nanos_per_unit(),
        };
        timestamp.checked_mul(nanos_per_unit).ok_or(error)
    }

    /// Rounds the time of receipt, in nanoseconds, down to this unit. [`Precision::Auto`] keeps nanoseconds.
    pub fn floor_now(self, now_nanos: i64) -> i64 {
        now_nanos.saturating_sub(now_nanos.rem_euclid(self.nanos_per_unit()))
    }

    fn nanos_per_unit(self) -> i64 {
        match self {
            Self::Nanosecond | Self::Auto => 1,
            Self::Microsecond => NANOS_PER_MICROSECOND,
            Self::Millisecond => NANOS_PER_MILLISECOND,
            Self::Second => NANOS_PER_SECOND,
        }
    }
}

fn nanos_per_guessed_unit(magnitude: i64) -> i64 {
    match magnitude / 1_000_000_000 {
        ..5 => NANOS_PER_SECOND,
        5..5_000 => NANOS_PER_MILLISECOND,
        5_000..5_000_000 => NANOS_PER_MICROSECOND,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (texts, precision) in [
            (["ns", "n", "nanosecond"].as_slice(), Precision::Nanosecond),
            (&["us", "u", "microsecond"], Precision::Microsecond),
            (&["ms", "millisecond"], Precision::Millisecond),
            (&["s", "second"], Precision::Second),
        ] {
            for text in texts {
                assert_eq!(Precision::parse_v1_v2(text), Ok(precision));
                assert_eq!(Precision::parse_v3(text), Ok(precision));
            }
        }
        assert_eq!(Precision::parse_v3("auto"), Ok(Precision::Auto));
        for text in ["", "m", "h", "S", "NS", "Auto", "seconds", " s", "µs"] {
            assert!(Precision::parse_v1_v2(text).is_err(), "{text:?}");
            assert!(Precision::parse_v3(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn refusals_list_what_the_endpoint_knows() {
        let known = "`s`, `second`, `millisecond`, `ms`, `microsecond`, `u`, `us`, `n`, `nanosecond`, `ns`";
        let v2 = |text| Precision::parse_v1_v2(text).unwrap_err().to_string();
        let v3 = |text| Precision::parse_v3(text).unwrap_err().to_string();
        assert_eq!(v2("m"), format!("unknown variant `m`, expected one of {known}"));
        assert_eq!(v2("auto"), format!("unknown variant `auto`, expected one of {known}"));
        assert_eq!(v3(""), format!("unknown variant ``, expected one of `auto`, {known}"));
    }

    #[test]
    fn conversion_is_checked() {
        assert_eq!(Precision::Nanosecond.to_nanos(i64::MIN), Ok(i64::MIN));
        assert_eq!(Precision::Microsecond.to_nanos(-7), Ok(-7_000));
        assert_eq!(Precision::Millisecond.to_nanos(1), Ok(1_000_000));
        assert_eq!(Precision::Second.to_nanos(9_223_372_036), Ok(9_223_372_036_000_000_000));
        for (precision, timestamp, text) in [
            (Precision::Second, 9_223_372_037, "timestamp, 9223372037, out of range for precision: Second"),
            (Precision::Second, -9_223_372_037, "timestamp, -9223372037, out of range for precision: Second"),
            (
                Precision::Millisecond,
                1 << 62,
                "timestamp, 4611686018427387904, out of range for precision: Millisecond",
            ),
            (
                Precision::Microsecond,
                i64::MIN,
                "timestamp, -9223372036854775808, out of range for precision: Microsecond",
            ),
            (Precision::Auto, i64::MIN, "timestamp, -9223372036854775808, out of range for precision: Auto"),
        ] {
            assert_eq!(precision.to_nanos(timestamp).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn auto_takes_the_unit_from_the_size() {
        const G: i64 = 1_000_000_000;
        for (timestamp, unit) in [
            (0, G),
            (5 * G - 1, G),
            (5 * G, 1_000_000),
            (5_000 * G - 1, 1_000_000),
            (5_000 * G, 1_000),
            (5_000_000 * G - 1, 1_000),
            (5_000_000 * G, 1),
            (i64::MAX, 1),
        ] {
            assert_eq!(Precision::Auto.to_nanos(timestamp), Ok(timestamp * unit), "{timestamp}");
            assert_eq!(Precision::Auto.to_nanos(-timestamp), Ok(-timestamp * unit), "-{timestamp}");
        }
    }

    #[test]
    fn time_of_receipt_is_rounded_down() {
        let now = 1_700_000_000_123_456_789;
        assert_eq!(Precision::Nanosecond.floor_now(now), now);
        assert_eq!(Precision::Auto.floor_now(now), now);
        assert_eq!(Precision::Microsecond.floor_now(now), 1_700_000_000_123_456_000);
        assert_eq!(Precision::Millisecond.floor_now(now), 1_700_000_000_123_000_000);
        assert_eq!(Precision::Second.floor_now(now), 1_700_000_000_000_000_000);
        assert_eq!(Precision::Second.floor_now(-1), -1_000_000_000);
    }
}
