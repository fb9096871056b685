//! How fast to write.

use std::str::FromStr;
use std::time::Duration;

/// Bytes in a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    bytes_per_second: f64,
}

impl Rate {
    /// How long so many bytes take.
    pub(crate) fn time_for(self, bytes: usize) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        Duration::try_from_secs_f64(f64::from(bytes) / self.bytes_per_second).unwrap_or(Duration::MAX)
    }
}

impl FromStr for Rate {
    type Err = String;

    /// Such as `5 MB / 5 min` or `100kB/s`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("rate limit {text:?} is not written like \"5 MB / 5 min\"");
        let (amount, time) = text.split_once('/').ok_or_else(wrong)?;
        let (amount, unit) = split(amount);
        let size = match unit {
            "B" => 1.0,
            "kB" => 1_000.0,
            "MB" => 1_000_000.0,
            _ => return Err(wrong()),
        };
        let (count, unit) = split(time);
        let seconds = match unit {
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            _ => return Err(wrong()),
        };
        let count = if count.is_empty() { "1" } else { count };
        let (amount, count) = (amount.parse::<f64>(), count.parse::<f64>());
        let bytes_per_second = amount.map_err(|_| wrong())? * size / (count.map_err(|_| wrong())? * seconds);
        let is_usable = bytes_per_second.is_finite() && bytes_per_second > 0.0;
        if is_usable { Ok(Self { bytes_per_second }) } else { Err(wrong()) }
    }
}

/// Number and unit.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_that_are_accepted() {
        for (text, milliseconds) in [("5 MB / 5 min", 60), ("100kB/s", 10), ("1000B/sec", 1000), ("0.5 MB/ 0.5s", 1)] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(rate.time_for(1000), Duration::from_millis(milliseconds), "{text}");
        }
    }

    #[test]
    fn rates_that_are_refused() {
        for text in ["", "5", "5 MB", "MB/s", "5 GB/s", "5 MB/h", "0 MB/s", "5 MB/0 s", "-1 MB/s", "1..2 MB/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
