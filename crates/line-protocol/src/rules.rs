//! Rules about the names of one line that need no schema (contract §7).

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::{LineError, LineErrorKind};
use crate::line::Line;

/// The name of the time column.
const TIME: &str = "time";

/// Up to this many names each is compared with each; more of them are hashed.
const FEW: usize = 32;

/// Checks that no name is reserved and that each is given once, to a tag or to a field.
pub(crate) fn check(line: &Line<'_>) -> Result<(), LineError> {
    let broken = reserved(line).or_else(|| {
        let few = line.tags.len() + line.fields.len() <= FEW;
        let (first, second) = if few { repeated_of_few(line) } else { repeated_of_many(line) }?;
        repetition(line, first, second)
    });
    broken.map_or(Ok(()), |kind| Err(LineError::new(0, kind)))
}

fn reserved(line: &Line<'_>) -> Option<LineErrorKind> {
    let measurement = || line.measurement.clone().into_owned();
    if line.tags.iter().any(|(key, _)| key == TIME) {
        return Some(LineErrorKind::TagNamedTime { measurement: measurement() });
    }
    if line.fields.iter().any(|(key, _)| key == TIME) {
        return Some(LineErrorKind::FieldNamedTime { measurement: measurement() });
    }
    None
}

/// The tag keys and behind them the field keys.
fn names<'l>(line: &'l Line<'_>) -> impl Iterator<Item = &'l str> {
    let tags = line.tags.iter().map(|(key, _)| Cow::as_ref(key));
    tags.chain(line.fields.iter().map(|(key, _)| Cow::as_ref(key)))
}

/// Positions of two equal names.
fn repeated_of_few(line: &Line<'_>) -> Option<(usize, usize)> {
    let mut fingerprints = [0; FEW];
    for (second, name) in names(line).enumerate() {
        let fingerprint = fingerprint(name);
        let (seen, free) = fingerprints.split_at_mut_checked(second)?;
        if seen.contains(&fingerprint)
            && let Some(first) = names(line).take(second).position(|earlier| earlier == name)
        {
            return Some((first, second));
        }
        *free.first_mut()? = fingerprint;
    }
    None
}

/// A number that is cheap to compare: equal for equal names, and mostly different for others.
fn fingerprint(name: &str) -> u64 {
    let bytes = name.as_bytes();
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_be_bytes(*last),
        _ => bytes.iter().fold(0, |packed, byte| packed << 8 | u64::from(*byte)),
    }
}

/// Positions of two equal names.
fn repeated_of_many(line: &Line<'_>) -> Option<(usize, usize)> {
    let mut seen = HashMap::with_capacity(line.tags.len() + line.fields.len());
    names(line).enumerate().find_map(|(second, name)| seen.insert(name, second).map(|first| (first, second)))
}

/// What it means that the names at two positions are equal.
fn repetition(line: &Line<'_>, first: usize, second: usize) -> Option<LineErrorKind> {
    let name = names(line).nth(second)?.to_owned();
    let field_type = |position: usize| {
        let (_, value) = line.fields.get(position.checked_sub(line.tags.len())?)?;
        Some(value.field_type())
    };
    Some(match (field_type(first), field_type(second)) {
        (_, None) => LineErrorKind::DuplicateTag(name),
        (None, Some(field_type)) => LineErrorKind::TagAndField { name, field_type },
        (Some(one), Some(other)) if one == other => LineErrorKind::DuplicateField(name),
        (Some(_), Some(_)) => LineErrorKind::ConflictingFieldTypes(name),
    })
}
