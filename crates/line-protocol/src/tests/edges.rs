//! Line ends, runs of backslashes, lengths and numbers at their limits.

use std::borrow::Cow;

use super::{accepted, outcomes, refusal};
use crate::{FieldValue, Line, LineErrorKind, MAX_NAME_LENGTH, MAX_STRING_LENGTH, RawLine, excerpt, lines, parse};

const MIB: usize = 1024 * 1024;

fn split(body: &str) -> Vec<(usize, &str)> {
    lines(body).map(|RawLine { number, text }| (number, text)).collect()
}

#[test]
fn line_ends() {
    assert_eq!(split("a f=1\r\nb f=1\nc f=1\r\n"), [(1, "a f=1"), (2, "b f=1"), (3, "c f=1")]);
    assert_eq!(split("a f=1\r\r\nb f=1"), [(1, "a f=1\r"), (2, "b f=1")], "only one is dropped");
    assert_eq!(split("a f=1\r"), [(1, "a f=1\r")], "not before a newline");
    assert_eq!(split("a f=\"x\r\ny\r\"\r\nb f=1"), [(1, "a f=\"x\r\ny\r\""), (3, "b f=1")]);
    assert_eq!(split("a f=1\n\tb f=1\n"), [(1, "a f=1"), (2, "b f=1")]);
    for blank in ["", "\n", "\r\n", "\r\n\r\n", "\n\n\n", " \t ", "  \r\n\t\n", "\u{feff}", "\u{feff}\r\n"] {
        assert_eq!(split(blank), [], "{blank:?}");
    }
}

#[test]
fn only_one_byte_order_mark_is_skipped_and_only_at_the_start() {
    assert_eq!(split("\u{feff}\u{feff}a f=1\n\u{feff}b f=1"), [(1, "\u{feff}a f=1"), (2, "\u{feff}b f=1")]);
}

#[test]
fn comments_hide_no_line() {
    assert_eq!(split("# x=\"\na f=1\nb f=2"), [(2, "a f=1"), (3, "b f=2")]);
    assert_eq!(split("# x \\\na f=1"), [(2, "a f=1")]);
    assert_eq!(split("# x\r\n \t# y\r\na f=1"), [(3, "a f=1")]);
    assert_eq!(split("a f=1\n#"), [(1, "a f=1")]);
    assert_eq!(split(&"#".repeat(10 * MIB)), []);
    assert_eq!(split(&"#\n".repeat(5 * MIB)), []);
}

#[test]
fn indentation_does_not_make_a_quote_of_a_tag_special() {
    assert_eq!(split("  a,t=x=\" f=1\nb f=1"), [(1, "a,t=x=\" f=1"), (2, "b f=1")]);
}

#[test]
fn numbers_count_physical_lines() {
    let body = "\n# comment\na f=1\n\na f=\"x\ny\nz\"\nbad\na,t=x\\\ny f=1\nbad\n";
    let numbers: Vec<_> = outcomes(body).into_iter().map(|(number, outcome)| (number, outcome.is_ok())).collect();
    assert_eq!(numbers, [(3, true), (5, true), (8, false), (9, true), (11, false)]);
}

#[test]
fn a_backslash_ends_the_body() {
    assert_eq!(split("a f=1\\"), [(1, "a f=1\\")]);
    for (text, expected) in [
        ("a\\", LineErrorKind::TrailingBackslash),
        ("a,t\\", LineErrorKind::TrailingBackslash),
        ("a,t=a\\", LineErrorKind::TrailingBackslash),
        ("a f\\", LineErrorKind::TrailingBackslash),
        ("a f=1,g\\", LineErrorKind::TrailingBackslash),
        ("a f=\\", LineErrorKind::NoFields),
        ("a f=\"\\", LineErrorKind::NoFields),
        ("a f=1\\", LineErrorKind::TrailingContent("\\".to_owned())),
    ] {
        assert_eq!(refusal(text), expected, "{text:?}");
    }
}

#[test]
fn runs_of_backslashes_before_separators() {
    for run in 1..=6 {
        let written = "\\".repeat(run);
        if run % 2 == 0 {
            // All of them are escaped, and the separator then ends a name that ends with a backslash.
            for line in ["a#,t=b f=1", "a# f=1", "a,t#=b f=1", "a,t=b# f=1", "a,t=b#,u=c f=1", "a f#=1"] {
                assert_eq!(refusal(&line.replace('#', &written)), LineErrorKind::TrailingBackslash, "{run} in {line}");
            }
        } else {
            // The last one escapes the separator.
            let kept = "\\".repeat(run / 2);
            let measurement = format!("a{written},t=b f=1");
            assert_eq!(accepted(&measurement).measurement, format!("a{kept},t=b"));
            let key = format!("a,t{written}=b=c f=1");
            assert_eq!(accepted(&key).tags[0].0, format!("t{kept}=b"));
            let value = format!("a,t=b{written}, f=1");
            assert_eq!(refusal(&value.replace(' ', "")), LineErrorKind::ExpectedSpace(crate::Rest::new("")));
            assert_eq!(accepted(&value).tags[0].1, format!("b{kept},"));
            let field = format!("a f{written}=g=1");
            assert_eq!(accepted(&field).fields[0].0, format!("f{kept}=g"));
        }
    }
}

#[test]
fn runs_of_backslashes_before_the_closing_quote() {
    for run in 1..=6 {
        let text = format!("a f=\"{}\"", "\\".repeat(run));
        if run % 2 == 0 {
            assert_eq!(accepted(&text).fields[0].1, FieldValue::String("\\".repeat(run / 2).into()));
        } else {
            assert_eq!(refusal(&text), LineErrorKind::NoFields);
        }
    }
}

#[test]
fn a_blank_behind_an_unescaped_backslash_joins_the_tag_value() {
    assert_eq!(accepted(r"cpu,t=a\  f=1").tags[0].1, "a ");
}

#[test]
fn nul_is_refused_everywhere() {
    for text in
        ["a,\0t=b f=1", "a,t\0=b f=1", "a,t=\0 f=1", "a,t=b\\\0 f=1", "a \0=1", "a f\0=1", "a f=\"\0\"", "a f=1,g\0=2"]
    {
        assert_eq!(refusal(text), LineErrorKind::NulCharacter, "{text:?}");
    }
    assert_eq!(refusal("a\\\0 f=1"), LineErrorKind::NulCharacter);
    assert_eq!(refusal("a f=1\0"), LineErrorKind::TrailingContent("\0".to_owned()));
    assert_eq!(refusal("a f=1 1\0"), LineErrorKind::TrailingContent("\0".to_owned()));
}

#[test]
fn blanks_and_one_comma_may_end_a_line() {
    assert_eq!(accepted("a f=1  "), accepted("a f=1"));
    assert_eq!(accepted("a f=1,g=2,"), accepted("a f=1,g=2"));
    assert_eq!(accepted("a f=1,g=2,  3"), accepted("a f=1,g=2 3"));
    assert_eq!(refusal("a f=1,,"), LineErrorKind::TrailingContent(",".to_owned()));
    assert_eq!(refusal("a f=1 \t"), LineErrorKind::TrailingContent(" \t".to_owned()));
}

#[test]
fn names_of_the_longest_length() {
    let longest = "n".repeat(MAX_NAME_LENGTH);
    let escaped = format!("{}\\ ", "n".repeat(MAX_NAME_LENGTH - 1));
    let wide = format!("{}é", "n".repeat(MAX_NAME_LENGTH - 2));
    for place in ["# f=1", "a,#=b f=1", "a,t=# f=1", "a #=1"] {
        for name in [&longest, &escaped, &wide] {
            accepted(&place.replace('#', name));
            let text = place.replace('#', &format!("n{name}"));
            assert_eq!(refusal(&text).to_string(), "String is greater than 64KB", "{place}");
        }
    }
}

#[test]
fn strings_of_the_longest_length() {
    let longest = "s".repeat(MAX_STRING_LENGTH);
    let escaped = "\\\"".repeat(MAX_STRING_LENGTH);
    let wide = format!("{}é", "s".repeat(MAX_STRING_LENGTH - 2));
    for string in [&longest, &escaped, &wide] {
        let line = format!("a f=\"{string}\"");
        assert!(matches!(&accepted(&line).fields[0].1, FieldValue::String(text) if text.len() == MAX_STRING_LENGTH));
        let text = format!("a f=\"s{string}\"");
        assert_eq!(refusal(&text).to_string(), "String is greater than 1MB");
    }
}

#[test]
fn a_line_of_ten_mebibytes_is_read_in_one_pass() {
    let filled = |before: &str, pattern: &str, after: &str| {
        let body = format!("{before}{}{after}", pattern.repeat(10 * MIB / pattern.len()));
        let outcomes = outcomes(&body);
        assert_eq!(outcomes.len(), 1, "{before}{pattern}{after}");
        outcomes[0].1.is_ok()
    };
    assert!(filled("a f=", "0", "1.5 1"));
    assert!(filled("a f=", "0", "1i 1"));
    assert!(!filled("a f=1", "0", ".5 1"));
    assert!(filled("a f=0.", "0", "1 1"));
    assert!(!filled("a f=1e", "9", " 1"));
    assert!(!filled("a f=1 ", "9", ""));
    assert!(filled("a", " ", "f=1"));
    assert!(!filled("", "n", " f=1"));
    assert!(!filled("", "\\", " f=1"));
    assert!(!filled("a", ",t=b", ""));
    assert!(!filled("a ", "f=1,", ""));
    assert!(!filled("a f=\"", "\\", "x\""));
    assert!(!filled("a f=\"", "\\\"", ""));
    assert!(!filled("a f=\"", "\n", ""));
}

#[test]
fn floats_agree_with_the_standard_library() {
    let long = ["9".repeat(300), "1".repeat(1_000) + "e-900", format!("0.{}1", "0".repeat(1_000)), "0".repeat(1_000)];
    for text in [
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "9007199254740993",
        "9007199254740992.5000000000000000000000000000000000001",
        "0.1",
        "-0.0",
        "123456789012345678901234567890",
        "0e99999999999999999999",
        "1e-99999999999999999999",
        "0.000e+0000000000000000000000000000001",
    ]
    .into_iter()
    .chain(long.iter().map(String::as_str))
    {
        let line = format!("a f={text}");
        let FieldValue::Float(float) = accepted(&line).fields[0].1 else { panic!("{text} is not a float") };
        assert_eq!(float.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
    for text in ["1.7976931348623159e308", "1e309", "-1e99999999999999999999", &"9".repeat(400)] {
        assert_eq!(refusal(&format!("a f={text}")), LineErrorKind::FloatOutOfRange(text.to_owned()));
    }
}

#[test]
fn names_and_strings_borrow_unless_escaped() {
    let line = accepted(r#"a,t=b f="x",g="c:\dir""#);
    assert!(matches!(line.measurement, Cow::Borrowed("a")));
    assert!(matches!(line.tags[0], (Cow::Borrowed("t"), Cow::Borrowed("b"))));
    assert!(matches!(line.fields[0], (Cow::Borrowed("f"), FieldValue::String(Cow::Borrowed("x")))));
    assert!(matches!(line.fields[1].1, FieldValue::String(Cow::Borrowed(r"c:\dir"))));
}

#[test]
fn a_line_is_reused() {
    let mut line = Line::default();
    parse("a,t=b,u=c f=1,g=2,h=3 7", &mut line).unwrap();
    let room = (line.tags.capacity(), line.fields.capacity());
    parse("b f=\"x\"", &mut line).unwrap();
    assert_eq!(line, accepted("b f=\"x\""), "nothing of the line before is left");
    assert_eq!((line.tags.capacity(), line.fields.capacity()), room);
}

#[test]
fn errors_know_where() {
    for (text, offset) in [
        ("  ,t=b f=1", 2),
        ("a,t=b", 5),
        ("a,t=b,u f=1", 6),
        ("a,t= f=1", 4),
        ("a,日=b,=c f=1", 8),
        ("a f=x", 2),
        ("a f=1,g=x", 6),
        ("a f=1,g=9223372036854775808i", 8),
        ("a f=1 1x", 7),
        ("a f=1,f=1", 0),
    ] {
        let error = parse(text, &mut Line::default()).unwrap_err();
        assert_eq!(error.offset(), offset, "{text:?}: {error}");
    }
}

#[test]
fn trailing_content_is_cut_by_characters() {
    assert_eq!(refusal("a f=1é日本語 56789"), LineErrorKind::TrailingContent("é日本語 56789".to_owned()));
    assert_eq!(refusal("a f=1é日本語 567890"), LineErrorKind::TrailingContent("é日本語 56789...".to_owned()));
}

#[test]
fn excerpts_end_on_a_character() {
    assert_eq!(excerpt(""), "");
    assert_eq!(excerpt("12345678901234567890"), "12345678901234567890");
    assert_eq!(excerpt("123456789012345678901"), "12345678901234567890");
    assert_eq!(excerpt("1234567890123456789é"), "1234567890123456789");
    assert_eq!(excerpt("123456789012345678é"), "123456789012345678é");
}
