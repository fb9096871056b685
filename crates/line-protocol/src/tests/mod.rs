//! Tests of the crate as a whole.

mod cases;
mod differential;
mod edges;
mod generators;
mod properties;
mod rules;

use crate::{FieldValue, Line, LineErrorKind, lines, parse};

/// The outcome of every line of a body, with its number: the line as text, or the text of its error.
fn outcomes(body: &str) -> Vec<(usize, Result<String, String>)> {
    let mut line = Line::default();
    let outcome = |text| match parse(text, &mut line) {
        Ok(()) => Ok(described(&line)),
        Err(error) => Err(error.to_string()),
    };
    let (numbers, texts): (Vec<_>, Vec<_>) = lines(body).map(|raw| (raw.number, raw.text)).unzip();
    numbers.into_iter().zip(texts.into_iter().map(outcome)).collect()
}

/// `measurement [tag=value, …] [field=type and value, …] timestamp`, unescaped.
fn described(line: &Line<'_>) -> String {
    let tags: Vec<_> = line.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let field = |value: &FieldValue<'_>| match value {
        FieldValue::Float(value) => format!("F{value:?}"),
        FieldValue::Integer(value) => format!("I{value}"),
        FieldValue::UInteger(value) => format!("U{value}"),
        FieldValue::String(value) => format!("S{value}"),
        FieldValue::Boolean(value) => format!("B{value}"),
    };
    let fields: Vec<_> = line.fields.iter().map(|(key, value)| format!("{key}={}", field(value))).collect();
    let timestamp = line.timestamp.map_or("-".to_owned(), |timestamp| timestamp.to_string());
    format!("{} [{}] [{}] {timestamp}", line.measurement, tags.join(", "), fields.join(", "))
}

/// Parses a line that must be accepted.
fn accepted(text: &str) -> Line<'_> {
    let mut line = Line::default();
    parse(text, &mut line).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    line
}

/// Parses a line that must be refused.
fn refusal(text: &str) -> LineErrorKind {
    let mut line = Line::default();
    let error = parse(text, &mut line).expect_err(text);
    assert_eq!(line, Line::default(), "nothing of a refused line may be left");
    error.kind().clone()
}
