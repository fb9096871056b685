//! Properties of every point and every text.

use proptest::collection::vec;
use proptest::prelude::*;

use super::generators::{body, nearly_valid_line, point, rendered};
use crate::{FieldValue, Line, lines, parse};

/// Names that have no canonical form: a tab or newline in them was kept together with its backslash.
fn has_canonical_form(line: &Line<'_>) -> bool {
    let tags = line.tags.iter().flat_map(|(key, value)| [key, value]);
    let names = tags.chain(line.fields.iter().map(|(key, _)| key)).chain([&line.measurement]);
    names.into_iter().all(|name| !name.contains(['\t', '\n']))
}

/// What holds for any body: positions are sound, and an accepted line survives being rendered and parsed again.
fn check_body(body: &str) -> Result<(), TestCaseError> {
    let mut line = Line::default();
    let mut last_number = 0;
    for raw in lines(body) {
        prop_assert!(raw.number > last_number && raw.number <= 1 + body.matches('\n').count());
        last_number = raw.number;
        prop_assert!(body.contains(raw.text) && !raw.text.is_empty());
        match parse(raw.text, &mut line) {
            Ok(()) => {
                prop_assert!(!line.measurement.is_empty() && !line.fields.is_empty());
                if has_canonical_form(&line) {
                    let text = rendered(&line);
                    let mut again = Line::default();
                    prop_assert_eq!(parse(&text, &mut again), Ok(()), "{:?}", text);
                    prop_assert_eq!(&again, &line);
                }
            }
            Err(error) => {
                prop_assert!(raw.text.is_char_boundary(error.offset()) && !error.to_string().is_empty());
                prop_assert_eq!(&line, &Line::default());
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn rendered_points_are_read_back(points in vec(point(), 1..4)) {
        // The line ends before keep the first name from starting with a byte order mark.
        let texts: Vec<_> = points.iter().map(rendered).collect();
        let body = format!("\n{}\r\n", texts.join("\n"));
        let split: Vec<_> = lines(&body).map(|raw| raw.text).collect();
        prop_assert_eq!(&split, &texts);
        let mut line = Line::default();
        for (text, point) in split.into_iter().zip(&points) {
            prop_assert_eq!(parse(text, &mut line), Ok(()), "{:?}", text);
            prop_assert_eq!(&line, point);
        }
    }

    #[test]
    fn any_text_is_accepted_or_refused(body in any::<String>()) {
        check_body(&body)?;
    }

    #[test]
    fn any_sequence_of_pieces_is_accepted_or_refused(body in body()) {
        check_body(&body)?;
    }

    #[test]
    fn damaged_lines_are_accepted_or_refused(line in nearly_valid_line()) {
        check_body(&line)?;
    }

    #[test]
    fn every_finite_float_is_read_exactly(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        for written in [format!("a f={float}"), format!("a f={float:e}"), format!("a f={float:.20}")] {
            let mut line = Line::default();
            prop_assert_eq!(parse(&written, &mut line), Ok(()));
            let std: f64 = written.trim_start_matches("a f=").parse().unwrap();
            prop_assert!(matches!(line.fields[0].1, FieldValue::Float(read) if read.to_bits() == std.to_bits()));
        }
    }

    #[test]
    fn decimals_of_any_length_agree_with_the_standard_library(
        text in "-?[0-9]{1,40}(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?"
    ) {
        let std: f64 = text.parse().unwrap();
        let written = format!("a f={text}");
        let mut line = Line::default();
        prop_assert_eq!(parse(&written, &mut line).is_ok(), std.is_finite());
        if std.is_finite() {
            prop_assert!(matches!(line.fields[0].1, FieldValue::Float(read) if read.to_bits() == std.to_bits()));
        }
    }
}
