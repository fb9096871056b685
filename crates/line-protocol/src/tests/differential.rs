//! Agreement with the published InfluxDB parser, apart from the differences that the crate documents.

use influxdb_line_protocol::{Error, FieldValue as TheirValue, ParsedLine, parse_lines, split_lines};
use proptest::collection::vec;
use proptest::prelude::*;

use super::generators::{body, nearly_valid_line, point, rendered};
use crate::{FieldValue, Line, LineError, LineErrorKind, lines, parse};

type Theirs<'a> = Result<ParsedLine<'a>, Error>;

/// Compares both parsers on one line as [`lines`] yields it.
fn check_line(text: &str) -> Result<(), TestCaseError> {
    let mut line = Line::default();
    let ours = parse(text, &mut line);
    let mut theirs: Vec<Theirs<'_>> = parse_lines(text).collect();
    prop_assert_eq!(theirs.len(), 1, "{:?}", text);
    match (ours, theirs.remove(0)) {
        (Ok(()), Ok(theirs)) => check_values(&line, &theirs),
        (Ok(()), Err(error)) => {
            prop_assert!(only_we_accept(&error), "{:?}: {:?}", text, error);
            Ok(())
        }
        (Err(error), Ok(theirs)) => {
            prop_assert!(only_we_refuse(&error, &theirs), "{:?}: {}", text, error);
            Ok(())
        }
        (Err(ours), Err(theirs)) => {
            // A NUL is where we stop, and they may find something else behind it.
            let one_reason = text.contains('\0') || one_reason(ours.kind(), &theirs);
            prop_assert!(one_reason, "{:?}: {} / {}", text, ours, theirs);
            Ok(())
        }
    }
}

fn check_values(ours: &Line<'_>, theirs: &ParsedLine<'_>) -> Result<(), TestCaseError> {
    prop_assert_eq!(&ours.measurement, theirs.series.measurement.as_str());
    let their_tags = theirs.series.tag_set.iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()));
    let our_tags = ours.tags.iter().map(|(key, value)| (&**key, &**value));
    prop_assert!(our_tags.eq(their_tags), "{:?} / {:?}", ours, theirs);
    prop_assert_eq!(ours.fields.len(), theirs.field_set.len());
    for ((our_key, our_value), (their_key, their_value)) in ours.fields.iter().zip(&theirs.field_set) {
        prop_assert_eq!(our_key, their_key.as_str());
        let equal = match (our_value, their_value) {
            (FieldValue::Float(ours), TheirValue::F64(theirs)) => ours.to_bits() == theirs.to_bits(),
            (FieldValue::Integer(ours), TheirValue::I64(theirs)) => ours == theirs,
            (FieldValue::UInteger(ours), TheirValue::U64(theirs)) => ours == theirs,
            (FieldValue::String(ours), TheirValue::String(theirs)) => ours == theirs.as_str(),
            (FieldValue::Boolean(ours), TheirValue::Boolean(theirs)) => ours == theirs,
            _ => false,
        };
        prop_assert!(equal, "{:?} / {:?}", our_value, their_value);
    }
    prop_assert_eq!(ours.timestamp, theirs.timestamp);
    Ok(())
}

/// Blanks, or one comma behind two or more fields, at the end.
fn only_we_accept(error: &Error) -> bool {
    let Error::CannotParseEntireLine { trailing_content } = error else { return false };
    let behind_comma = trailing_content.strip_prefix(',').unwrap_or(trailing_content);
    let timestamp = behind_comma.trim_matches(' ');
    timestamp.is_empty() || (trailing_content.starts_with(',') && timestamp.parse::<i64>().is_ok())
}

/// NUL, floats that overflow, and the rules about names.
fn only_we_refuse(error: &LineError, theirs: &ParsedLine<'_>) -> bool {
    match error.kind() {
        LineErrorKind::NulCharacter
        | LineErrorKind::DuplicateTag(_)
        | LineErrorKind::DuplicateField(_)
        | LineErrorKind::ConflictingFieldTypes(_)
        | LineErrorKind::TagAndField { .. }
        | LineErrorKind::TagNamedTime { .. }
        | LineErrorKind::FieldNamedTime { .. } => true,
        LineErrorKind::FloatOutOfRange(_) => {
            theirs.field_set.iter().any(|(_, value)| matches!(value, TheirValue::F64(float) if float.is_infinite()))
        }
        _ => false,
    }
}

/// Whether both refuse a line for the same reason, as far as the older parser names one.
fn one_reason(ours: &LineErrorKind, theirs: &Error) -> bool {
    match ours {
        LineErrorKind::InvalidMeasurement => matches!(theirs, Error::MeasurementValueInvalid),
        LineErrorKind::NoFields => matches!(theirs, Error::FieldSetMissing),
        LineErrorKind::TrailingBackslash => matches!(theirs, Error::EndsWithBackslash),
        LineErrorKind::TrailingContent(_) => matches!(theirs, Error::CannotParseEntireLine { .. }),
        LineErrorKind::IntegerOutOfRange(_) => matches!(theirs, Error::IntegerValueInvalid { .. }),
        LineErrorKind::UnsignedIntegerOutOfRange(_) => matches!(theirs, Error::UIntegerValueInvalid { .. }),
        LineErrorKind::TimestampOutOfRange(_) => matches!(theirs, Error::TimestampValueInvalid { .. }),
        _ => true,
    }
}

/// A body without what the two split differently: comments, carriage returns, byte order marks and indented lines.
fn plain(body: &str) -> String {
    let mut plain = body.replace(['#', '\r', '\u{feff}'], "");
    while plain.starts_with([' ', '\t']) || plain.contains("\n ") || plain.contains("\n\t") {
        plain = plain.trim_start().replace("\n ", "\n").replace("\n\t", "\n");
    }
    plain
}

fn check_split(body: &str) -> Result<(), TestCaseError> {
    let ours: Vec<_> = lines(body).map(|raw| raw.text).collect();
    let theirs: Vec<_> = split_lines(body)
        .map(|line| line.trim_start_matches([' ', '\t', '\n']))
        .filter(|line| !line.is_empty())
        .collect();
    prop_assert_eq!(ours, theirs);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn bodies_are_split_alike(bodies in vec(body(), 1..4)) {
        check_split(&plain(&bodies.join("\n")))?;
    }

    #[test]
    fn sequences_of_pieces_are_parsed_alike(body in body()) {
        for raw in lines(&plain(&body)) {
            check_line(raw.text)?;
        }
    }

    #[test]
    fn damaged_lines_are_parsed_alike(line in nearly_valid_line()) {
        for raw in lines(&plain(&line)) {
            check_line(raw.text)?;
        }
    }

    #[test]
    fn valid_points_are_parsed_alike(point in point()) {
        let text = rendered(&point);
        for raw in lines(&plain(&text)) {
            check_line(raw.text)?;
        }
    }
}
