//! One line.

use std::borrow::Cow;

use crate::cursor::Cursor;
use crate::error::{LineError, LineErrorKind, Rest};
use crate::name::{NameKind, name};
use crate::{rules, value};

/// One parsed line. Names and values are unescaped and borrow from the body unless an escape was present.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Line<'a> {
    /// The table.
    pub measurement: Cow<'a, str>,
    /// Tag keys and values in the order written. No key occurs twice or is `time`.
    pub tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Field keys and values in the order written, at least one. No key occurs twice, is a tag key or is `time`.
    pub fields: Vec<(Cow<'a, str>, FieldValue<'a>)>,
    /// As written, in the precision of the request. Without it the time of receipt applies.
    pub timestamp: Option<i64>,
}

/// Value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue<'a> {
    /// `1.5`; always finite.
    Float(f64),
    /// `1i`
    Integer(i64),
    /// `1u`
    UInteger(u64),
    /// `"text"`
    String(Cow<'a, str>),
    /// `true`
    Boolean(bool),
}

/// Type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// 64-bit floating point number.
    Float,
    /// Signed 64-bit integer.
    Integer,
    /// Unsigned 64-bit integer.
    UInteger,
    /// Text.
    String,
    /// Truth value.
    Boolean,
}

impl FieldValue<'_> {
    /// The type of this value.
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::Float(_) => FieldType::Float,
            Self::Integer(_) => FieldType::Integer,
            Self::UInteger(_) => FieldType::UInteger,
            Self::String(_) => FieldType::String,
            Self::Boolean(_) => FieldType::Boolean,
        }
    }
}

impl FieldType {
    /// The name that error texts and column listings use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::UInteger => "uinteger",
            Self::String => "string",
            Self::Boolean => "boolean",
        }
    }
}

/// Parses one line, as [`crate::lines`] yields it, into `line`, reusing its allocations.
///
/// # Errors
///
/// The first syntax error from left to right or, in a line without one, a broken rule about names. `line` is empty
/// after an error.
pub fn parse<'a>(text: &'a str, line: &mut Line<'a>) -> Result<(), LineError> {
    clear(line);
    let outcome = read(text, line).and_then(|()| rules::check(line));
    if outcome.is_err() {
        clear(line);
    }
    outcome
}

fn clear(line: &mut Line<'_>) {
    line.measurement = Cow::Borrowed("");
    line.tags.clear();
    line.fields.clear();
    line.timestamp = None;
}

fn read<'a>(text: &'a str, line: &mut Line<'a>) -> Result<(), LineError> {
    let mut cursor = Cursor::new(text);
    cursor.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n'));
    line.measurement = measurement(&mut cursor)?;
    tags(&mut cursor, &mut line.tags)?;
    if skip_spaces(&mut cursor) == 0 {
        return Err(cursor.error(LineErrorKind::ExpectedSpace(Rest::new(cursor.rest()))));
    }
    fields(&mut cursor, &mut line.fields)?;
    line.timestamp = timestamp(&mut cursor)?;
    if cursor.rest().is_empty() { Ok(()) } else { Err(trailing_content(&cursor)) }
}

fn measurement<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, LineError> {
    if cursor.peek() == Some(b'#') {
        return Err(cursor.error(LineErrorKind::InvalidMeasurement));
    }
    let measurement = name(cursor, NameKind::Measurement)?;
    if measurement.is_empty() {
        return Err(cursor.error(LineErrorKind::InvalidMeasurement));
    }
    Ok(measurement)
}

fn tags<'a>(cursor: &mut Cursor<'a>, tags: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Result<(), LineError> {
    while cursor.eat(b',') {
        let start = *cursor;
        let key = name(cursor, NameKind::Key)?;
        if key.is_empty() {
            return Err(cursor.error(LineErrorKind::ExpectedTagKey(Rest::new(cursor.rest()))));
        }
        if !cursor.eat(b'=') {
            return Err(start.error(LineErrorKind::ExpectedEqualsSign(Rest::new(start.rest()))));
        }
        let value = name(cursor, NameKind::TagValue)?;
        if value.is_empty() {
            return Err(cursor.error(LineErrorKind::ExpectedTagValue(Rest::new(cursor.rest()))));
        }
        tags.push((key, value));
    }
    Ok(())
}

/// Reads fields up to the first that is not valid, which becomes trailing content unless it is the first of all.
fn fields<'a>(cursor: &mut Cursor<'a>, fields: &mut Vec<(Cow<'a, str>, FieldValue<'a>)>) -> Result<(), LineError> {
    loop {
        let start = *cursor;
        match field(cursor)? {
            Some(field) => fields.push(field),
            None if fields.is_empty() => return Err(start.error(LineErrorKind::NoFields)),
            None => {
                *cursor = start;
                return Ok(());
            }
        }
        if !cursor.eat(b',') {
            return Ok(());
        }
    }
}

fn field<'a>(cursor: &mut Cursor<'a>) -> Result<Option<(Cow<'a, str>, FieldValue<'a>)>, LineError> {
    let key = name(cursor, NameKind::Key)?;
    if key.is_empty() || !cursor.eat(b'=') {
        return Ok(None);
    }
    Ok(value::value(cursor)?.map(|value| (key, value)))
}

/// Reads the timestamp and the spaces around it. Spaces without a timestamp are skipped only at the end.
fn timestamp(cursor: &mut Cursor<'_>) -> Result<Option<i64>, LineError> {
    let start = *cursor;
    if skip_spaces(cursor) == 0 {
        return Ok(None);
    }
    let timestamp = value::timestamp(cursor)?;
    if timestamp.is_some() {
        skip_spaces(cursor);
    } else if !cursor.rest().is_empty() {
        *cursor = start;
    }
    Ok(timestamp)
}

fn skip_spaces(cursor: &mut Cursor<'_>) -> usize {
    cursor.take_while(|byte| byte == b' ').len()
}

fn trailing_content(cursor: &Cursor<'_>) -> LineError {
    const SHOWN: usize = 10;
    let rest = cursor.rest();
    let shown = match rest.char_indices().nth(SHOWN) {
        Some((length, _)) => format!("{}...", rest.get(..length).unwrap_or_default()),
        None => rest.to_owned(),
    };
    cursor.error(LineErrorKind::TrailingContent(shown))
}
