//! Measurements, tag keys, tag values and field keys.

use std::borrow::Cow;

use crate::MAX_NAME_LENGTH;
use crate::cursor::Cursor;
use crate::error::{LineError, LineErrorKind};

/// The kinds of names, which differ in where they end and in what a backslash escapes (contract §§3, 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameKind {
    Measurement,
    /// Of a tag or a field.
    Key,
    TagValue,
}

impl NameKind {
    fn ends_at(self, byte: u8) -> bool {
        match byte {
            b' ' | b'\t' | b'\n' | 0 => true,
            b',' => self != Self::Key,
            b'=' => self == Self::Key,
            _ => false,
        }
    }

    fn escapes(self, byte: u8) -> bool {
        match byte {
            b',' | b' ' | b'\\' => true,
            b'=' => self != Self::Measurement,
            _ => false,
        }
    }
}

/// Reads a name up to its unescaped end; empty if there is none.
#[inline]
pub(crate) fn name<'a>(cursor: &mut Cursor<'a>, kind: NameKind) -> Result<Cow<'a, str>, LineError> {
    let plain = cursor.take_while(|byte| byte != b'\\' && !kind.ends_at(byte));
    let name = match cursor.peek() {
        Some(b'\\') => Cow::Owned(unescaped(plain, cursor, kind)?),
        _ => Cow::Borrowed(plain),
    };
    if cursor.peek() == Some(0) && kind != NameKind::Measurement {
        return Err(cursor.error(LineErrorKind::NulCharacter));
    }
    if name.len() > MAX_NAME_LENGTH {
        return Err(cursor.error(LineErrorKind::NameTooLong));
    }
    Ok(name)
}

/// Reads on from the first backslash of a name that began with `plain`.
#[cold]
fn unescaped(plain: &str, cursor: &mut Cursor<'_>, kind: NameKind) -> Result<String, LineError> {
    let mut name = plain.to_owned();
    while cursor.eat(b'\\') {
        match cursor.peek() {
            Some(0) => return Err(cursor.error(LineErrorKind::NulCharacter)),
            Some(byte) if kind.escapes(byte) => {}
            _ => name.push('\\'),
        }
        // The character behind a backslash belongs to the name, even if it would end it.
        let escaped = cursor.rest().chars().next().map_or(0, char::len_utf8);
        name.push_str(cursor.take(escaped));
        name.push_str(cursor.take_while(|byte| byte != b'\\' && !kind.ends_at(byte)));
    }
    if name.ends_with('\\') {
        return Err(cursor.error(LineErrorKind::TrailingBackslash));
    }
    Ok(name)
}
