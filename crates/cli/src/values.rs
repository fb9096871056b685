//! Values on the command line: durations, retention periods, times, partition templates.

use std::str::FromStr;
use std::time::Duration;

use tidegate_model::{
    DatabaseLimits, DatabaseLimitsError, ParseIdError, PartitionTemplate, PartitionTemplateError, Retention,
    TemplatePart, Timestamp,
};

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The units that a flag knows, and how its errors tell them.
struct Units {
    sizes: &'static [(&'static str, i64)],
    names: &'static str,
    examples: &'static str,
}

const RETENTION_UNITS: Units = Units {
    sizes: &[("s", SECOND), ("m", MINUTE), ("h", HOUR), ("d", DAY), ("w", 7 * DAY), ("mo", 30 * DAY), ("y", 365 * DAY)],
    names: "s, m, h, d, w, mo and y",
    examples: "30d or 2h30m",
};

const GO_UNITS: Units = Units {
    sizes: &[
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("μs", 1_000),
        ("ms", 1_000_000),
        ("s", SECOND),
        ("m", MINUTE),
        ("h", HOUR),
    ],
    names: "ns, us, ms, s, m and h",
    examples: "10s or 1m30s",
};

/// An id. The name of the flag or argument stands beside the error.
pub(crate) fn id<T: FromStr<Err = ParseIdError>>(text: &str) -> Result<T, &'static str> {
    text.parse().map_err(|_| "is not a UUID")
}

/// A retention period (influxctl contract §9): numbers with units, added up. Zero keeps data for ever.
pub fn retention(text: &str) -> Result<Retention, String> {
    let nanos = if text == "0" { 0 } else { sum(text, &RETENTION_UNITS)? };
    Retention::from_nanos(nanos).ok_or_else(|| "must not be negative".to_owned())
}

/// A time limit as Go writes it, such as `1m30s`. Must be more than zero.
pub(crate) fn go_duration(text: &str) -> Result<Duration, String> {
    let nanos = sum(text, &GO_UNITS)?;
    match u64::try_from(nanos) {
        Ok(nanos) if nanos > 0 => Ok(Duration::from_nanos(nanos)),
        _ => Err("must be more than zero".to_owned()),
    }
}

fn sum(text: &str, units: &Units) -> Result<i64, String> {
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    let mut total: i64 = 0;
    let mut any_digit_set = false;
    let mut rest = text;
    while !rest.is_empty() {
        let number = leading(rest, |c| c.is_ascii_digit() || c == '.');
        rest = rest.strip_prefix(number).unwrap_or_default();
        let unit = leading(rest, char::is_alphabetic);
        rest = rest.strip_prefix(unit).unwrap_or_default();
        let (_, nanos) = units
            .sizes
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(|| format!("needs numbers with the units {}, such as {}", units.names, units.examples))?;
        any_digit_set |= number.contains(|c| ('1'..='9').contains(&c));
        let part = scaled(number, *nanos)?;
        total = total.checked_add(part).ok_or_else(too_long)?;
    }
    if total == 0 && any_digit_set {
        return Err("is less than one nanosecond".to_owned());
    }
    Ok(total)
}

fn leading(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    text.split(|c| !belongs(c)).next().unwrap_or_default()
}

/// A decimal number times a unit, exact, rounded down to the nanosecond.
fn scaled(number: &str, unit: i64) -> Result<i64, String> {
    const FRACTION_DIGITS: usize = 18;
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err("has a number that ends in a point".to_owned()),
        None => (number, "0"),
    };
    if whole.is_empty() || fraction.contains('.') {
        return Err("needs numbers such as 30 or 2.5".to_owned());
    }
    let whole: i64 = whole.parse().map_err(|_| too_long())?;
    // Further digits are worth less than a nanosecond in every unit.
    let kept: String = fraction.chars().chain(std::iter::repeat('0')).take(FRACTION_DIGITS).collect();
    let kept: i128 = kept.parse().map_err(|_| too_long())?;
    let fraction_nanos = kept * i128::from(unit) / 1_000_000_000_000_000_000;
    let whole_nanos = i128::from(whole) * i128::from(unit);
    i64::try_from(whole_nanos + fraction_nanos).map_err(|_| too_long())
}

fn too_long() -> String {
    "is longer than 9223372036854775807 nanoseconds (about 292 years)".to_owned()
}

/// A retention period as tables show it: largest units first, no zero parts.
pub(crate) fn retention_cell(nanos: i64) -> String {
    if nanos == 0 {
        return "infinite".to_owned();
    }
    let mut rest = nanos;
    let mut text = String::new();
    for (unit, size) in [("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND), ("ns", 1)] {
        let count = rest / size;
        rest %= size;
        if count != 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    text
}

/// A time of RFC 3339; offsets may lack their colon, as `date` prints them.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let with_colon = match text.split_at_checked(text.len().saturating_sub(5)) {
        Some((start, offset)) if offset.starts_with(['+', '-']) && is_digits(offset.get(1..)) => {
            match offset.split_at_checked(3) {
                Some((hours, minutes)) => format!("{start}{hours}:{minutes}"),
                None => text.to_owned(),
            }
        }
        _ => text.to_owned(),
    };
    with_colon.parse::<Timestamp>().map_err(|error| error.to_string())
}

fn is_digits(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Limits as given by `--max-tables` and `--max-columns`; zero or absent means the default of this command.
pub(crate) fn limits(max_tables: Option<i64>, max_columns: Option<i64>) -> Result<DatabaseLimits, String> {
    const TABLES: i64 = 500;
    const COLUMNS: i64 = 250;
    let or_default = |given: Option<i64>, default| given.filter(|&number| number != 0).unwrap_or(default);
    DatabaseLimits::new(or_default(max_tables, TABLES), or_default(max_columns, COLUMNS)).map_err(|error| match error {
        DatabaseLimitsError::Tables => format!("--max-tables must be between 1 and {}", i32::MAX),
        DatabaseLimitsError::Columns => format!("--max-columns must be between 1 and {}", DatabaseLimits::MOST_COLUMNS),
        other => other.to_string(),
    })
}

/// A partition template from its flags: tags, then buckets, then the time. `None` when no flag is given.
pub(crate) fn template(
    tags: Vec<String>,
    buckets: Vec<String>,
    time_formats: Vec<String>,
) -> Result<Option<PartitionTemplate>, String> {
    let any_tag = !tags.is_empty() || !buckets.is_empty();
    let format = match <[String; 1]>::try_from(time_formats) {
        Ok([format]) => format,
        Err(several) if !several.is_empty() => return Err("--template-timeformat can be given only once".to_owned()),
        Err(_) if any_tag => {
            return Err("--template-tag and --template-tag-bucket need --template-timeformat".to_owned());
        }
        Err(_) => return Ok(None),
    };
    let mut parts: Vec<TemplatePart> = tags.into_iter().map(TemplatePart::Tag).collect();
    for text in &buckets {
        parts.push(bucket(text)?);
    }
    parts.push(TemplatePart::Time(format));
    PartitionTemplate::new(parts).map(Some).map_err(|error| match error {
        PartitionTemplateError::Buckets => {
            format!("--template-tag-bucket needs a number between 1 and {}", PartitionTemplate::MAX_BUCKETS)
        }
        other => other.to_string(),
    })
}

fn bucket(text: &str) -> Result<TemplatePart, String> {
    text.rsplit_once(',')
        .filter(|(_, number)| is_digits(Some(number)))
        .and_then(|(tag, number)| Some(TemplatePart::Bucket { tag: tag.to_owned(), buckets: number.parse().ok()? }))
        .ok_or_else(|| format!("--template-tag-bucket {text:?} is not KEY,NUMBER"))
}

#[cfg(test)]
mod tests;
