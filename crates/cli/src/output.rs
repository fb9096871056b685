//! Tables, JSON and safe text (influxctl contract §5).

mod table;

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use tidegate_client::ServerTime;
use tidegate_model::TokenKind;

use crate::error::{Error, Result};
pub(crate) use table::{Align, ListTable, detail_table};

/// How `--format` wants results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
}

/// Pretty JSON with one newline at its end.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value).map_err(|error| Error::Failed(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

/// A time as JSON shows it: `{"seconds": …, "nanos": …}`, without `nanos` when zero. What is no time stays the text that
/// came: left out it would look unset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonTime<'a>(pub(crate) &'a ServerTime);

impl Serialize for JsonTime<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Parts {
            seconds: i64,
            #[serde(skip_serializing_if = "is_zero")]
            nanos: i64,
        }
        match self.0 {
            ServerTime::Known(time) => {
                let (seconds, nanos) = time.seconds_and_nanos();
                Parts { seconds, nanos }.serialize(serializer)
            }
            ServerTime::Other(text) => text.serialize(serializer),
        }
    }
}

fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// A time as tables show it; blank when unset.
pub(crate) fn time_cell(time: Option<&ServerTime>) -> String {
    match time {
        Some(ServerTime::Known(time)) => time.to_rfc3339_seconds(),
        Some(ServerTime::Other(text)) => text.clone(),
        None => String::new(),
    }
}

/// The text on one line, without characters that would steer a terminal or make the text look like another one.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    // Nearly all texts can be told by a quick look at their bytes.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain || !text.contains(is_deceptive) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if is_deceptive(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// Control characters, and those that Unicode calls format characters and line or paragraph separators: they cannot be
/// seen, and some of them change the order of the others.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with everything that looks like a token cut down to its visible prefix. Login tokens are mostly JSON Web
/// Tokens, which begin with an encoded `{"` and hold points.
pub(crate) fn without_tokens(text: &str) -> String {
    const SHORTEST_SECRET: usize = 16;
    const JSON_WEB_TOKEN: &str = "eyJ";
    let prefixes = [TokenKind::Database.prefix(), TokenKind::Management.prefix(), "M.V1.", JSON_WEB_TOKEN];
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, prefix)) =
        prefixes.iter().filter_map(|prefix| Some((rest.find(prefix)?, *prefix))).min_by_key(|&(start, _)| start)
    {
        let belongs = |c: char| {
            c.is_ascii_alphanumeric()
                || matches!(c, '_' | '-' | '+' | '/' | '=')
                || (c == '.' && prefix == JSON_WEB_TOKEN)
        };
        let (before, found) = rest.split_at(start);
        let secret = found.strip_prefix(prefix).unwrap_or(found);
        let end = secret.find(|c| !belongs(c)).unwrap_or(secret.len());
        let (hidden, after) = secret.split_at(end);
        shown.push_str(before);
        shown.push_str(prefix);
        shown.push_str(if end >= SHORTEST_SECRET { "…" } else { hidden });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use tidegate_model::Timestamp;

    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut table = ListTable::of_texts(&["DESCRIPTION"]);
        table.row(vec!["a\nb\u{1b}[31m".to_owned()]);
        assert!(table.render().contains(r"| a\nb\u{1b}[31m |"), "{}", table.render());
    }

    #[test]
    fn characters_that_hide_or_reorder_others_are_shown() {
        for c in
            "\u{ad}\u{61c}\u{200b}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{e0041}"
                .chars()
        {
            assert_eq!(one_line(&format!("a{c}b")), format!("a\\u{{{:x}}}b", u32::from(c)));
        }
        assert_eq!(one_line("größe שלום 日本 \u{1f980}"), "größe שלום 日本 \u{1f980}");
        let rows = [("name", "x\u{202e}y".to_owned())];
        assert!(detail_table(&rows).contains(r"| x\u{202e}y |"), "{}", detail_table(&rows));
    }

    #[test]
    fn json_times_omit_zero_nanos() {
        let shown =
            |micros| serde_json::to_string(&JsonTime(&ServerTime::Known(Timestamp::from_micros(micros)))).unwrap();
        assert_eq!(shown(1_767_605_412_118_000), r#"{"seconds":1767605412,"nanos":118000000}"#);
        assert_eq!(shown(1_000_000), r#"{"seconds":1}"#);
    }

    #[test]
    fn tokens_are_cut_out_of_messages() {
        let secret = "Abcdefghijklmnopqrstuvwxyz-_0123456789";
        for prefix in ["apiv1_", "mgmt1_", "M.V1."] {
            let shown = without_tokens(&format!("bad '{prefix}{secret}' and {prefix}{secret}"));
            assert_eq!(shown, format!("bad '{prefix}…' and {prefix}…"));
        }
        assert_eq!(without_tokens("M.V1.q7Za"), "M.V1.q7Za");
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLV8";
        assert_eq!(without_tokens(&format!("bad \"{jwt}\", {jwt}: no")), "bad \"eyJ…\", eyJ…: no");
        assert_eq!(without_tokens("eyJ is short, and eyJ... too"), "eyJ is short, and eyJ... too");
    }
}
