//! Generated points and texts, and the canonical rendering of a point.

use std::borrow::Cow;
use std::collections::HashSet;

use proptest::collection::vec;
use proptest::num::f64::{NEGATIVE, NORMAL, SUBNORMAL, ZERO};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::{FieldValue, Line};

/// Points that the line protocol can carry.
pub(super) fn point() -> impl Strategy<Value = Line<'static>> {
    let measurement = name().prop_map(|name| if name.starts_with('#') { format!("m{name}") } else { name });
    let tags = vec((name(), name()), 0..40);
    let fields = vec((name(), field_value()), 1..40);
    (measurement, tags, fields, option::of(any::<i64>())).prop_map(|(measurement, mut tags, mut fields, timestamp)| {
        let mut seen = HashSet::from(["time".to_owned()]);
        fields.retain(|(key, _)| seen.insert(key.clone()));
        tags.retain(|(key, _)| seen.insert(key.clone()));
        Line {
            measurement: measurement.into(),
            tags: tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            fields: fields.into_iter().map(|(key, value)| (key.into(), value)).collect(),
            timestamp,
        }
    })
}

/// Names and tag values: not empty, no control character that cannot be escaped, no backslash at the end.
fn name() -> impl Strategy<Value = String> {
    let special = select(vec![',', '=', ' ', '\\', '"', '#', '\r', 'n', 't', 'é', '🚀']);
    let ordinary = any::<char>().prop_map(|c| if matches!(c, '\0' | '\t' | '\n') { 'z' } else { c });
    let character = prop_oneof![4 => special, 2 => proptest::char::range('a', 'f'), 1 => ordinary];
    vec(character, 1..12).prop_map(|characters| {
        let mut name: String = characters.into_iter().collect();
        if name.ends_with('\\') || name == "time" {
            name.push('x');
        }
        name
    })
}

fn field_value() -> impl Strategy<Value = FieldValue<'static>> {
    let special = select(vec!['"', '\\', '\n', ',', '=', ' ', '\t', '\r', '#']);
    let ordinary = any::<char>().prop_map(|c| if c == '\0' { 'z' } else { c });
    let string = vec(prop_oneof![special, ordinary], 0..20).prop_map(|text| text.into_iter().collect::<String>());
    prop_oneof![
        (NORMAL | SUBNORMAL | ZERO | NEGATIVE).prop_map(FieldValue::Float),
        any::<i64>().prop_map(FieldValue::Integer),
        any::<u64>().prop_map(FieldValue::UInteger),
        string.prop_map(|text| FieldValue::String(Cow::Owned(text))),
        any::<bool>().prop_map(FieldValue::Boolean),
    ]
}

/// Bodies made of the pieces that matter to the grammar, mostly nearly valid.
pub(super) fn body() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => select(vec!["cpu", "m,t=a f=1", "f=1", "f=\"", "\",", "\" 1\n", "t=a", "g=2i 1", "é=🚀", "time=1"]),
        4 => select(vec![" ", ",", "=", "\"", "\\", "\n", "  ", "\t", "\\ ", "\\,", "\\=", "\\\\", "\\\"", "\r\n", "#"]),
        2 => select(vec!["0", "1", "-", "+", ".", ".5", "e", "E3", "i", "u", "1i", "2u", "99999999999999999999", "e400"]),
        1 => select(vec!["t", "true", "True", "F", "FALSE", "nan", "\0", "\r", "\u{feff}", "a", "日"]),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Lines that are valid up to one piece that is put somewhere, or removed.
pub(super) fn nearly_valid_line() -> impl Strategy<Value = String> {
    let piece = select(vec!["", "", " ", ",", "=", "\"", "\\", "1", "i", "e9", ".", "\t", "x", "\\\\"]);
    (point(), piece, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(point, piece, place, remove)| {
        let mut characters: Vec<char> = rendered(&point).chars().collect();
        let place = place.index(characters.len());
        if remove {
            characters.remove(place);
        }
        let (before, after) = characters.split_at(place);
        before.iter().copied().chain(piece.chars()).chain(after.iter().copied()).collect()
    })
}

/// The canonical form of a line: everything that may be escaped is, and strings are quoted.
pub(super) fn rendered(line: &Line<'_>) -> String {
    let mut text = escaped(&line.measurement, &[',', ' ', '\\']);
    for (key, value) in &line.tags {
        text += &format!(",{}={}", escaped(key, NAME_ESCAPES), escaped(value, NAME_ESCAPES));
    }
    let fields = line.fields.iter().map(|(key, value)| format!("{}={}", escaped(key, NAME_ESCAPES), literal(value)));
    text += &format!(" {}", fields.collect::<Vec<_>>().join(","));
    if let Some(timestamp) = line.timestamp {
        text += &format!(" {timestamp}");
    }
    text
}

const NAME_ESCAPES: &[char] = &[',', '=', ' ', '\\'];

fn escaped(text: &str, escapes: &[char]) -> String {
    let mut written = String::new();
    for character in text.chars() {
        if escapes.contains(&character) {
            written.push('\\');
        }
        written.push(character);
    }
    written
}

fn literal(value: &FieldValue<'_>) -> String {
    match value {
        FieldValue::Float(value) => format!("{value:e}"),
        FieldValue::Integer(value) => format!("{value}i"),
        FieldValue::UInteger(value) => format!("{value}u"),
        FieldValue::String(value) => format!("\"{}\"", escaped(value, &['"', '\\'])),
        FieldValue::Boolean(value) => value.to_string(),
    }
}
