//! The numbered cases of the line-protocol contract, §8.

use std::collections::BTreeSet;

use super::outcomes;

/// What a line becomes.
enum Expected {
    /// Accepted, as [`super::described`] shows it.
    Point(&'static str),
    NoFields,
    /// No space, but the given rest.
    NoSpace(&'static str),
    Trailing(&'static str),
    Error(&'static str),
}
use Expected::{Error, NoFields, NoSpace, Point, Trailing};

impl Expected {
    fn outcome(&self) -> Result<String, String> {
        match self {
            Point(line) => Ok((*line).to_owned()),
            NoFields => Err("No fields were provided".to_owned()),
            NoSpace("") => Err("Expected at least one space character, got end of input".to_owned()),
            NoSpace(rest) => Err(format!("Expected at least one space character, got `{rest}`")),
            Trailing(rest) => Err(format!("Could not parse entire line. Found trailing content: `{rest}`")),
            Error(text) => Err((*text).to_owned()),
        }
    }
}

/// Number, body, and what becomes of each of its lines.
type Case = (u32, &'static str, &'static [Expected]);

const ENDS_WITH_BACKSLASH: Expected =
    Error("Measurements, tag keys and values, and field keys may not end with a backslash");
const INVALID_MEASUREMENT: Expected = Error("Invalid measurement was provided");
const NUL: Expected = Error("NUL characters are not accepted in names, tag values and strings");

const STRUCTURE: &[Case] = &[
    (1, "cpu f=1", &[Point("cpu [] [f=F1.0] -")]),
    (
        2,
        r#"cpu,host=a,region=b f=1,g=2i,h=3u,s="x",b=t 1000"#,
        &[Point("cpu [host=a, region=b] [f=F1.0, g=I2, h=U3, s=Sx, b=Btrue] 1000")],
    ),
    (3, "  cpu f=1 1  ", &[Point("cpu [] [f=F1.0] 1")]),
    (4, "cpu  f=1  1", &[Point("cpu [] [f=F1.0] 1")]),
    (5, "\tcpu f=1 1", &[Point("cpu [] [f=F1.0] 1")]),
    (6, "cpu\tf=1 1", &[NoSpace("\tf=1 1")]),
    (7, "cpu f=1\t1", &[Trailing("\t1")]),
    (8, "cpu f=1 1\t", &[Trailing("\t")]),
    (9, "cpu f=1 1\r\n", &[Point("cpu [] [f=F1.0] 1")]),
    (10, "cpu", &[NoSpace("")]),
    (11, "cpu ", &[NoFields]),
    (12, "cpu 1000", &[NoFields]),
    (13, "cpu f", &[NoFields]),
    (13, "cpu f=", &[NoFields]),
    (13, "cpu f= 1", &[NoFields]),
    (13, "cpu =1", &[NoFields]),
    (14, "cpu ,f=1", &[Point("cpu [] [,f=F1.0] -")]),
    (15, "cpu f=1,", &[Point("cpu [] [f=F1.0] -")]),
    (16, "cpu f=1, 1", &[Point("cpu [] [f=F1.0] 1")]),
    (17, "cpu f=1,,g=2", &[Point("cpu [] [f=F1.0, ,g=F2.0] -")]),
    (18, "cpu f=1,g=", &[Trailing("g=")]),
    (19, "cpu f=1 g=2 1", &[Trailing(" g=2 1")]),
    (20, "cpu f=1 1 2", &[Trailing("2")]),
    (21, "cpu f=1 1,", &[Trailing(",")]),
    (22, ",t=a f=1", &[INVALID_MEASUREMENT]),
    (23, "cpu,", &[Error("Expected tag key, got end of input")]),
    (24, "cpu, f=1", &[Error("Expected tag key, got ` f=1`")]),
    (25, "cpu,t f=1", &[Error("Tag set malformed: could not find equals sign in `t f=1`")]),
    (26, "cpu,t= f=1", &[Error("Expected tag value, got ` f=1`")]),
    (27, "cpu,=a f=1", &[Error("Expected tag key, got `=a f=1`")]),
    (28, "cpu,t=a, f=1", &[Error("Expected tag key, got ` f=1`")]),
    (29, "cpu,t=a,,u=b f=1", &[Point("cpu [t=a, ,u=b] [f=F1.0] -")]),
    (30, "cpu,t,k=a f=1", &[Point("cpu [t,k=a] [f=F1.0] -")]),
    (31, "cpu,t=a=b f=1", &[Point("cpu [t=a=b] [f=F1.0] -")]),
    (32, "cpu ,t=a f=1", &[NoFields]),
    (33, "cpu,t=a, b=1", &[Error("Expected tag key, got ` b=1`")]),
    (34, "cpu,host=a\tb f=1 1", &[NoSpace("\tb f=1 1")]),
    (35, "cpu f,g=1", &[Point("cpu [] [f,g=F1.0] -")]),
    (36, "c=pu f=1", &[Point("c=pu [] [f=F1.0] -")]),
    (37, "cpu::x,a::b=c fam::f=1", &[Point("cpu::x [a::b=c] [fam::f=F1.0] -")]),
    (38, "cpu,t=a\nf=1", &[NoSpace(""), NoSpace("")]),
    (39, "cpu f=1\n\ncpu f=2", &[Point("cpu [] [f=F1.0] -"), Point("cpu [] [f=F2.0] -")]),
    (40, "cpu f=1\nbad\ncpu f=2", &[Point("cpu [] [f=F1.0] -"), NoSpace(""), Point("cpu [] [f=F2.0] -")]),
];

const ESCAPES_AND_QUOTES: &[Case] = &[
    (41, r"c\ p\,u f=1", &[Point("c p,u [] [f=F1.0] -")]),
    (42, r"c\=pu f=1", &[Point(r"c\=pu [] [f=F1.0] -")]),
    (43, r"cpu,t=a\,b f=1", &[Point("cpu [t=a,b] [f=F1.0] -")]),
    (43, r"cpu,t=a\ b f=1", &[Point("cpu [t=a b] [f=F1.0] -")]),
    (43, r"cpu,t=a\=b f=1", &[Point("cpu [t=a=b] [f=F1.0] -")]),
    (44, r"cpu,t\ k=a f=1", &[Point("cpu [t k=a] [f=F1.0] -")]),
    (44, r"cpu,t\=k=a f=1", &[Point("cpu [t=k=a] [f=F1.0] -")]),
    (44, r"cpu,t\,k=a f=1", &[Point("cpu [t,k=a] [f=F1.0] -")]),
    (45, r"cpu f\ g=1", &[Point("cpu [] [f g=F1.0] -")]),
    (45, r"cpu f\=g=1", &[Point("cpu [] [f=g=F1.0] -")]),
    (45, r"cpu f\,g=1", &[Point("cpu [] [f,g=F1.0] -")]),
    (46, r"cpu,t=a\b f=1", &[Point(r"cpu [t=a\b] [f=F1.0] -")]),
    (47, r"cpu,t=a\\b f=1", &[Point(r"cpu [t=a\b] [f=F1.0] -")]),
    (48, r"cpu,t=a\\\b f=1", &[Point(r"cpu [t=a\\b] [f=F1.0] -")]),
    (49, r"cpu,t=a\ f=1", &[NoSpace("")]),
    (50, r"cpu,t=a\\ f=1", &[ENDS_WITH_BACKSLASH]),
    (51, r"cpu\ f=1", &[NoSpace("")]),
    (52, "cpu,t=a\\\nb f=1", &[Point("cpu [t=a\\\nb] [f=F1.0] -")]),
    (53, "cpu f=1\\\ncpu f=2", &[Trailing("\\\ncpu f=2")]),
    (54, r#""my cpu" f=1"#, &[NoFields]),
    (55, r#""my\ cpu" f=1"#, &[Point(r#""my cpu" [] [f=F1.0] -"#)]),
    (56, r#"cpu,t="a" f=1"#, &[Point(r#"cpu [t="a"] [f=F1.0] -"#)]),
    (57, r#"cpu,t="a b" f=1"#, &[NoFields]),
    (58, "cpu,t=\" f=1\ncpu f=2", &[Point("cpu [t=\"] [f=F1.0] -"), Point("cpu [] [f=F2.0] -")]),
    (59, r#"cpu "f"=1"#, &[Point(r#"cpu [] ["f"=F1.0] -"#)]),
    (60, r#"cpu f="a,b=c""#, &[Point("cpu [] [f=Sa,b=c] -")]),
    (61, r#"cpu f="a\"b""#, &[Point(r#"cpu [] [f=Sa"b] -"#)]),
    (62, r#"cpu f="a\\b""#, &[Point(r"cpu [] [f=Sa\b] -")]),
    (62, r#"cpu f="a\b""#, &[Point(r"cpu [] [f=Sa\b] -")]),
    (63, r#"cpu f="a\nb""#, &[Point(r"cpu [] [f=Sa\nb] -")]),
    (64, "cpu f=\"a\nb\" 1", &[Point("cpu [] [f=Sa\nb] 1")]),
    (65, r#"cpu f="a\\""#, &[Point(r"cpu [] [f=Sa\] -")]),
    (66, r#"cpu f="a\"""#, &[Point(r#"cpu [] [f=Sa"] -"#)]),
    (67, r#"cpu f="a\""#, &[NoFields]),
    (68, r#"cpu f="a"#, &[NoFields]),
    (68, r#"cpu f=a""#, &[NoFields]),
    (68, "cpu f='a'", &[NoFields]),
    (68, "cpu f=a", &[NoFields]),
    (69, r#"cpu f="""#, &[Point("cpu [] [f=S] -")]),
    (70, r#"cpu f="a"b 1"#, &[Trailing("b 1")]),
    (70, r#"cpu f="a"1"#, &[Trailing("1")]),
    (71, r#"cpu f="a",g="b"#, &[Trailing(r#"g="b"#)]),
    (72, "cpu f=\"1 f=2\ncpu f=3", &[NoFields]),
];

/// Number, field value, and the value or error.
const VALUES: &[(u32, &str, Expected)] = &[
    (73, "1i", Point("I1")),
    (73, "-1i", Point("I-1")),
    (73, "007i", Point("I7")),
    (74, "9223372036854775807i", Point("I9223372036854775807")),
    (74, "-9223372036854775808i", Point("I-9223372036854775808")),
    (75, "9223372036854775808i", Error("Unable to parse integer value `9223372036854775808`")),
    (75, "-9223372036854775809i", Error("Unable to parse integer value `-9223372036854775809`")),
    (76, "+1i", NoFields),
    (76, "+1", NoFields),
    (76, ".5", NoFields),
    (76, "-.5", NoFields),
    (77, "1I", Trailing("I")),
    (77, "1.0i", Trailing("i")),
    (77, "1e3i", Trailing("i")),
    (78, "1u", Point("U1")),
    (78, "18446744073709551615u", Point("U18446744073709551615")),
    (79, "18446744073709551616u", Error("Unable to parse unsigned integer value `18446744073709551616`")),
    (80, "-1u", Trailing("u")),
    (80, "1U", Trailing("U")),
    (81, "1", Point("F1.0")),
    (81, "-1", Point("F-1.0")),
    (81, "1.5", Point("F1.5")),
    (81, "-0", Point("F-0.0")),
    (81, "1e3", Point("F1000.0")),
    (81, "1E3", Point("F1000.0")),
    (81, "1e+3", Point("F1000.0")),
    (81, "1e-3", Point("F0.001")),
    (81, "1.5e3", Point("F1500.0")),
    (82, "1.", Trailing(".")),
    (82, "1e", Trailing("e")),
    (82, "1.5e", Trailing("e")),
    (82, "0x10", Trailing("x10")),
    (82, "1_000", Trailing("_000")),
    (82, "1.2.3", Trailing(".3")),
    (83, "1,000", Trailing("000")),
    (84, "NaN", NoFields),
    (84, "nan", NoFields),
    (84, "Inf", NoFields),
    (84, "inf", NoFields),
    (84, "-Inf", NoFields),
    (84, "+Inf", NoFields),
    (84, "Infinity", NoFields),
    (84, "null", NoFields),
    (84, "yes", NoFields),
    (85, "1e400", Error("Unable to parse floating-point value `1e400`")),
    (86, "-1e400", Error("Unable to parse floating-point value `-1e400`")),
    (86, "1e-400", Point("F0.0")),
    (87, "t", Point("Btrue")),
    (87, "T", Point("Btrue")),
    (87, "true", Point("Btrue")),
    (87, "True", Point("Btrue")),
    (87, "TRUE", Point("Btrue")),
    (87, "f", Point("Bfalse")),
    (87, "F", Point("Bfalse")),
    (87, "false", Point("Bfalse")),
    (87, "False", Point("Bfalse")),
    (87, "FALSE", Point("Bfalse")),
    (88, "tRUE", Trailing("RUE")),
    (88, "tr", Trailing("r")),
    (88, "truex", Trailing("x")),
    (89, r#""true""#, Point("Strue")),
    (90, "1i1", Trailing("1")),
    (90, "1u2i", Trailing("2i")),
];

/// Number, timestamp, and the timestamp or error.
const TIMESTAMPS: &[(u32, &str, Expected)] = &[
    (91, "0", Point("0")),
    (91, "-1", Point("-1")),
    (91, "9223372036854775807", Point("9223372036854775807")),
    (91, "-9223372036854775808", Point("-9223372036854775808")),
    (92, "9223372036854775808", Error("Unable to parse timestamp value `9223372036854775808`")),
    (93, "+1", Trailing(" +1")),
    (93, "1s", Trailing("s")),
    (93, "1.0", Trailing(".0")),
    (93, "1e9", Trailing("e9")),
    (94, "2024-01-01T00:00:00Z", Trailing("-01-01T00:...")),
    (95, "", Point("-")),
];

const COMMENTS_UNICODE_CONTROL: &[Case] = &[
    (96, "# comment", &[]),
    (97, "  # comment\ncpu f=1", &[Point("cpu [] [f=F1.0] -")]),
    (98, "cpu f=1 # c", &[Trailing(" # c")]),
    (99, "cpu f=1 1 # c", &[Trailing("# c")]),
    (100, "cpu f=1#c", &[Trailing("#c")]),
    (101, "cpu#x f=1", &[Point("cpu#x [] [f=F1.0] -")]),
    (102, r"\#cpu f=1", &[Point(r"\#cpu [] [f=F1.0] -")]),
    (103, "cpu,t=日本 f=\"🚀\",名=1i", &[Point("cpu [t=日本] [f=S🚀, 名=I1] -")]),
    (104, "🍭 f=1", &[Point("🍭 [] [f=F1.0] -")]),
    (105, "\u{feff}cpu f=1", &[Point("cpu [] [f=F1.0] -")]),
    (106, "cpu,t=a\0b f=1", &[NUL]),
    (107, "\0cpu f=1", &[INVALID_MEASUREMENT]),
    (108, "c\0pu f=1", &[NoSpace("\0pu f=1")]),
    (109, "cpu f=\0", &[NoFields]),
    (
        111,
        "cpu,t=\u{e9} f=1\ncpu,t=e\u{301} f=1",
        &[Point("cpu [t=\u{e9}] [f=F1.0] -"), Point("cpu [t=e\u{301}] [f=F1.0] -")],
    ),
    (112, "Cpu f=1\ncpu f=1", &[Point("Cpu [] [f=F1.0] -"), Point("cpu [] [f=F1.0] -")]),
];

fn check(cases: &[Case]) {
    for (number, body, expected) in cases {
        let expected: Vec<_> = expected.iter().map(Expected::outcome).collect();
        let actual: Vec<_> = outcomes(body).into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(actual, expected, "case {number}: {body:?}");
    }
}

#[test]
fn cases_1_to_40_structure() {
    check(STRUCTURE);
}

#[test]
fn cases_41_to_72_escapes_and_quotes() {
    check(ESCAPES_AND_QUOTES);
}

#[test]
fn cases_73_to_90_values() {
    for (number, value, expected) in VALUES {
        let body = format!("cpu f={value}");
        let expected = expected.outcome().map(|value| format!("cpu [] [f={value}] -"));
        assert_eq!(outcomes(&body), [(1, expected)], "case {number}: {body:?}");
    }
}

#[test]
fn cases_91_to_95_timestamps() {
    for (number, timestamp, expected) in TIMESTAMPS {
        let body = format!("cpu f=1 {timestamp}");
        let expected = expected.outcome().map(|timestamp| format!("cpu [] [f=F1.0] {timestamp}"));
        assert_eq!(outcomes(body.trim_end()), [(1, expected)], "case {number}: {body:?}");
    }
}

#[test]
fn cases_96_to_112_comments_unicode_control_characters() {
    check(COMMENTS_UNICODE_CONTROL);
}

#[test]
fn every_case_is_listed() {
    let bodies = [STRUCTURE, ESCAPES_AND_QUOTES, COMMENTS_UNICODE_CONTROL].into_iter().flatten();
    let numbers = bodies.map(|case| case.0).chain(VALUES.iter().chain(TIMESTAMPS).map(|case| case.0));
    // Case 110, bytes that are not UTF-8, is ruled out by the type of a body.
    let expected: BTreeSet<u32> = (1..=112).filter(|number| *number != 110).collect();
    assert_eq!(numbers.collect::<BTreeSet<u32>>(), expected);
}
