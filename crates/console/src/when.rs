//! Times as people read them, in UTC.

use tidegate_model::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A time to show.
pub(crate) struct When {
    /// For machines, to the microsecond.
    pub(crate) exact: String,
    /// For people, to the minute.
    pub(crate) short: String,
    /// From now, such as `in 3 days`.
    pub(crate) relative: String,
}

impl When {
    pub(crate) fn new(time: Timestamp, now: Timestamp) -> Self {
        let exact = time.to_string();
        let short = exact.get(..16).unwrap_or(&exact).replacen('T', " ", 1);
        Self { exact, short, relative: relative(time, now) }
    }
}

fn relative(time: Timestamp, now: Timestamp) -> String {
    let seconds = time.seconds_and_nanos().0.saturating_sub(now.seconds_and_nanos().0);
    let (amount, unit) = match seconds.saturating_abs() {
        ..MINUTE => return if seconds > 0 { "in a moment" } else { "just now" }.to_owned(),
        distance @ ..HOUR => (distance / MINUTE, "minute"),
        distance @ ..DAY => (distance / HOUR, "hour"),
        distance => (distance / DAY, "day"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    if seconds > 0 { format!("in {amount} {unit}{plural}") } else { format!("{amount} {unit}{plural} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_to_the_minute_and_from_now() {
        let now: Timestamp = "2026-11-24T13:40:00Z".parse().unwrap();
        for (time, short, relative) in [
            ("2026-11-24T13:40:00Z", "2026-11-24 13:40", "just now"),
            ("2026-11-24T13:40:09Z", "2026-11-24 13:40", "in a moment"),
            ("2026-11-24T13:39:00Z", "2026-11-24 13:39", "1 minute ago"),
            ("2026-11-24T11:40:00Z", "2026-11-24 11:40", "2 hours ago"),
            ("2026-11-27T13:41:00Z", "2026-11-27 13:41", "in 3 days"),
        ] {
            let when = When::new(time.parse().unwrap(), now);
            assert_eq!((when.short.as_str(), when.relative.as_str()), (short, relative), "{time}");
        }
    }
}
