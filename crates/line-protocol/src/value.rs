//! Field values and timestamps.

use std::borrow::Cow;

use memchr::memchr3;

use crate::MAX_STRING_LENGTH;
use crate::cursor::Cursor;
use crate::error::{LineError, LineErrorKind};
use crate::line::FieldValue;

/// Reads the longest value that the text starts with; `None` if it starts with none.
#[inline]
pub(crate) fn value<'a>(cursor: &mut Cursor<'a>) -> Result<Option<FieldValue<'a>>, LineError> {
    match cursor.peek() {
        Some(b'-' | b'0'..=b'9') => number(cursor),
        Some(b'"') => Ok(string(cursor)?.map(FieldValue::String)),
        _ => Ok(boolean(cursor).map(FieldValue::Boolean)),
    }
}

/// Reads a timestamp; `None` if there is none.
pub(crate) fn timestamp(cursor: &mut Cursor<'_>) -> Result<Option<i64>, LineError> {
    let length = integer_length(cursor.rest().as_bytes());
    if length == 0 {
        return Ok(None);
    }
    let start = *cursor;
    let digits = cursor.take(length);
    match digits.parse() {
        Ok(timestamp) => Ok(Some(timestamp)),
        Err(_) => Err(start.error(LineErrorKind::TimestampOutOfRange(digits.to_owned()))),
    }
}

#[inline]
fn number<'a>(cursor: &mut Cursor<'a>) -> Result<Option<FieldValue<'a>>, LineError> {
    let start = *cursor;
    let bytes = start.rest().as_bytes();
    let length = integer_length(bytes);
    if length == 0 {
        return Ok(None);
    }
    let value = match bytes.get(length) {
        Some(b'i') => {
            let digits = cursor.take(length);
            cursor.take(1);
            let out_of_range = |_| start.error(LineErrorKind::IntegerOutOfRange(digits.to_owned()));
            FieldValue::Integer(digits.parse().map_err(out_of_range)?)
        }
        Some(b'u') if !bytes.starts_with(b"-") => {
            let digits = cursor.take(length);
            cursor.take(1);
            let out_of_range = |_| start.error(LineErrorKind::UnsignedIntegerOutOfRange(digits.to_owned()));
            FieldValue::UInteger(digits.parse().map_err(out_of_range)?)
        }
        _ => {
            let digits = cursor.take(float_length(bytes, length));
            let finite = fast_float2::parse(digits).ok().filter(|float: &f64| float.is_finite());
            let out_of_range = || start.error(LineErrorKind::FloatOutOfRange(digits.to_owned()));
            FieldValue::Float(finite.ok_or_else(out_of_range)?)
        }
    };
    Ok(Some(value))
}

/// Length of `[-]digits` at the start, zero if there is none.
fn integer_length(bytes: &[u8]) -> usize {
    let sign = usize::from(bytes.starts_with(b"-"));
    match digits_length(bytes, sign) {
        0 => 0,
        digits => sign + digits,
    }
}

/// Length of the float that starts with an integer of the given length: a fraction and an exponent count only if
/// they have digits.
fn float_length(bytes: &[u8], integer: usize) -> usize {
    let mut length = integer;
    if bytes.get(length) == Some(&b'.') {
        match digits_length(bytes, length + 1) {
            0 => return length,
            digits => length += 1 + digits,
        }
    }
    if let Some(b'e' | b'E') = bytes.get(length) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        match digits_length(bytes, length + 1 + sign) {
            0 => {}
            digits => length += 1 + sign + digits,
        }
    }
    length
}

fn digits_length(bytes: &[u8], from: usize) -> usize {
    let bytes = bytes.get(from..).unwrap_or_default();
    bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len())
}

fn boolean(cursor: &mut Cursor<'_>) -> Option<bool> {
    const SPELLINGS: [(&str, bool); 10] = [
        ("true", true),
        ("True", true),
        ("TRUE", true),
        ("t", true),
        ("T", true),
        ("false", false),
        ("False", false),
        ("FALSE", false),
        ("f", false),
        ("F", false),
    ];
    let (spelling, value) = SPELLINGS.into_iter().find(|(spelling, _)| cursor.rest().starts_with(spelling))?;
    cursor.take(spelling.len());
    Some(value)
}

/// Reads a quoted string; `None` if the closing quote is missing. Only `\"` and `\\` are escapes.
fn string<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>, LineError> {
    let start = *cursor;
    cursor.take(1);
    let Some((length, escapes)) = quoted_length(cursor)? else {
        *cursor = start;
        return Ok(None);
    };
    if length - escapes > MAX_STRING_LENGTH {
        return Err(start.error(LineErrorKind::StringTooLong));
    }
    let written = cursor.take(length);
    cursor.take(1);
    Ok(Some(if escapes == 0 { Cow::Borrowed(written) } else { Cow::Owned(without_escapes(written, length - escapes)) }))
}

/// Finds the closing quote: how many bytes are before it, and how many of them are the backslashes of escapes.
fn quoted_length(cursor: &Cursor<'_>) -> Result<Option<(usize, usize)>, LineError> {
    let bytes = cursor.rest().as_bytes();
    let (mut length, mut escapes) = (0, 0);
    loop {
        let ahead = bytes.get(length..).unwrap_or_default();
        let Some(found) = memchr3(b'"', b'\\', 0, ahead) else { return Ok(None) };
        length += found;
        match (ahead.get(found), ahead.get(found + 1)) {
            (Some(b'"'), _) => return Ok(Some((length, escapes))),
            (Some(b'\\'), Some(b'"' | b'\\')) => {
                escapes += 1;
                length += 2;
            }
            (Some(b'\\'), _) => length += 1,
            _ => {
                let mut at_nul = *cursor;
                at_nul.take(length);
                return Err(at_nul.error(LineErrorKind::NulCharacter));
            }
        }
    }
}

fn without_escapes(written: &str, capacity: usize) -> String {
    let mut text = String::with_capacity(capacity);
    let mut rest = written;
    while let Some((before, behind)) = rest.split_once('\\') {
        text.push_str(before);
        // Any other backslash stands for itself.
        let escaped = if behind.starts_with(['"', '\\']) { 1 } else { 0 };
        let (character, behind) = behind.split_at_checked(escaped).unwrap_or((behind, ""));
        text.push_str(if character.is_empty() { "\\" } else { character });
        rest = behind;
    }
    text.push_str(rest);
    text
}
