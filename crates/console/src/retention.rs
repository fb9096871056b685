//! How long rows are kept: as people say it, and as a part of a form.

use tidegate_model::Retention;

use crate::form::Fields;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Units from the largest, in nanoseconds. The last one measures every period.
const UNITS: [(&str, i64); 7] = [
    ("year", 365 * DAY),
    ("week", 7 * DAY),
    ("day", DAY),
    ("hour", HOUR),
    ("minute", MINUTE),
    ("second", SECOND),
    ("nanosecond", 1),
];
/// What a form offers; the others show only for a period that needs them.
const OFFERED: usize = 5;

/// Such as `30 days`, or `Forever`.
pub(crate) fn in_words(retention: Retention) -> String {
    if retention == Retention::FOREVER {
        return "Forever".to_owned();
    }
    let (amount, unit) = split(retention);
    format!("{amount} {unit}{}", if amount == 1 { "" } else { "s" })
}

/// How many of the largest unit of which it is a whole number.
fn split(retention: Retention) -> (i64, &'static str) {
    let fits = UNITS.iter().find(|(_, nanos)| retention.nanos() % nanos == 0);
    fits.map_or((retention.nanos(), "nanosecond"), |(unit, nanos)| (retention.nanos() / nanos, unit))
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetentionFields {
    pub(crate) is_forever: bool,
    /// As it was typed.
    pub(crate) amount: String,
    unit: String,
}

impl RetentionFields {
    /// What the fields `keep`, `amount` and `unit` say.
    pub(crate) fn of(fields: &Fields) -> Self {
        Self {
            is_forever: fields.text("keep") == "forever",
            amount: fields.text("amount").trim().to_owned(),
            unit: fields.text("unit").to_owned(),
        }
    }

    /// Filled in with a period.
    pub(crate) fn with(retention: Retention) -> Self {
        if retention == Retention::FOREVER {
            return Self { is_forever: true, amount: String::new(), unit: "day".to_owned() };
        }
        let (amount, unit) = split(retention);
        Self { is_forever: false, amount: amount.to_string(), unit: unit.to_owned() }
    }

    /// The period that is meant.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn period(&self) -> Result<Retention, &'static str> {
        if self.is_forever {
            return Ok(Retention::FOREVER);
        }
        let amount: i64 = self
            .amount
            .parse()
            .ok()
            .filter(|amount| *amount > 0)
            .ok_or("Say how long rows are kept, in whole numbers from 1, or choose to retain them forever.")?;
        let unit = UNITS.iter().find(|(unit, _)| *unit == self.unit).ok_or("Choose a unit from the list.")?;
        let nanos =
            amount.checked_mul(unit.1).ok_or("Rows cannot be kept for longer than 292 years, except forever.")?;
        Retention::from_nanos(nanos).ok_or("Choose a period from 1.")
    }

    /// The units to choose from, each with whether it is chosen.
    pub(crate) fn units(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let is_chosen = |unit: &str| unit == self.unit;
        let units = UNITS.iter().enumerate().map(move |(at, (unit, _))| (at, *unit, is_chosen(unit)));
        units.filter(|(at, _, is_chosen)| *at < OFFERED || *is_chosen).map(|(_, unit, is_chosen)| (unit, is_chosen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(encoded: &str) -> RetentionFields {
        RetentionFields::of(&Fields::parse(encoded).unwrap())
    }

    #[test]
    fn periods_in_words() {
        for (nanos, words) in [
            (0, "Forever"),
            (365 * DAY, "1 year"),
            (30 * DAY, "30 days"),
            (14 * DAY, "2 weeks"),
            (90 * MINUTE, "90 minutes"),
            (DAY + 1, "86400000000001 nanoseconds"),
        ] {
            assert_eq!(in_words(Retention::from_nanos(nanos).unwrap()), words);
        }
    }

    #[test]
    fn a_period_is_read_as_it_is_filled_in() {
        for nanos in [0, 1, SECOND, 90 * MINUTE, 30 * DAY, 365 * DAY, i64::MAX] {
            let retention = Retention::from_nanos(nanos).unwrap();
            assert_eq!(RetentionFields::with(retention).period(), Ok(retention), "{nanos}");
        }
    }

    #[test]
    fn forms() {
        assert_eq!(of("keep=forever&amount=x").period(), Ok(Retention::FOREVER));
        assert_eq!(of("keep=period&amount=2&unit=hour").period(), Ok(Retention::from_nanos(2 * HOUR).unwrap()));
        for wrong in [
            "",
            "keep=period&amount=0&unit=day",
            "keep=period&amount=-1&unit=day",
            "keep=period&amount=1.5&unit=day",
            "keep=period&amount=1&unit=month",
            "keep=period&amount=999999&unit=year",
        ] {
            assert!(of(wrong).period().is_err(), "{wrong}");
        }
    }

    #[test]
    fn odd_units_show_only_where_they_are_needed() {
        assert_eq!(of("keep=forever&unit=day").units().count(), OFFERED);
        assert!(
            RetentionFields::with(Retention::from_nanos(1).unwrap()).units().any(|unit| unit == ("nanosecond", true))
        );
    }
}
