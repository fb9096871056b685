//! The part of a form that says when a token dies.

use tidegate_model::Timestamp;

use crate::form::Fields;

const DAY: i64 = 24 * 60 * 60 * 1_000_000;
/// Periods to choose from, in days.
const PERIODS: [(i64, &str); 6] =
    [(1, "1 day"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "1 year"), (730, "2 years")];
const AT: &str = "at";

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Expiry {
    /// Empty = never; a number of days; or `at` the time in the other field.
    period: String,
    /// `2027-01-31T12:00`, in UTC.
    at: String,
}

impl Expiry {
    /// What the fields `expires` and `expires_at` say.
    pub(crate) fn of(fields: &Fields) -> Self {
        Self { period: fields.text("expires").to_owned(), at: fields.text("expires_at").to_owned() }
    }

    /// The time that is meant; `Ok(None)` = never.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn time(&self, now: Timestamp) -> Result<Option<Timestamp>, &'static str> {
        if self.period.is_empty() {
            return Ok(None);
        }
        if self.period == AT {
            let at = self.at.get(..16).filter(|minutes| self.at.starts_with(minutes)).unwrap_or_default();
            return format!("{at}:00Z").parse().map(Some).map_err(|_| "Choose the day and time of the expiry.");
        }
        let days = self.period.parse::<i64>().ok().filter(|days| PERIODS.iter().any(|(period, _)| period == days));
        let days = days.ok_or("Choose an expiry from the list.")?;
        Ok(Some(Timestamp::from_micros(now.micros().saturating_add(days.saturating_mul(DAY)))))
    }

    /// The choices, each with its value and whether it is chosen.
    pub(crate) fn choices(&self) -> Vec<(String, &'static str, bool)> {
        let periods = PERIODS.iter().map(|(days, text)| (days.to_string(), *text));
        let all = [(String::new(), "Never")].into_iter().chain(periods).chain([(AT.to_owned(), "At a time …")]);
        all.map(|(value, text)| (value.clone(), text, value == self.period)).collect()
    }

    /// The chosen time, as it was typed.
    pub(crate) fn at(&self) -> &str {
        &self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let now: Timestamp = "2026-11-24T13:40:00Z".parse().unwrap();
        let time = |encoded: &str| Expiry::of(&Fields::parse(encoded).unwrap()).time(now);
        assert_eq!(time(""), Ok(None));
        assert_eq!(time("expires="), Ok(None));
        assert_eq!(time("expires=&expires_at=2027-01-31T12:00"), Ok(None));
        assert_eq!(time("expires=7"), Ok(Some("2026-12-01T13:40:00Z".parse().unwrap())));
        let at = Ok(Some("2027-01-31T12:00:00Z".parse().unwrap()));
        assert_eq!(time("expires=at&expires_at=2027-01-31T12:00"), at);
        assert_eq!(time("expires=at&expires_at=2027-01-31T12:00:30"), at);
        for wrong in [
            "expires=8",
            "expires=-7",
            "expires=x",
            "expires=at",
            "expires=at&expires_at=tomorrow",
            "expires=at&expires_at=%C3%A4%C3%A4",
        ] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
