//! Tables, JSON and safe text (influxctl contract §5).

use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent, presets};
use serde::{Serialize, Serializer};
use tidegate_client::ServerTime;
use tidegate_model::TokenKind;

use crate::error::{Error, Result};

/// How `--format` wants results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
}

/// Which side the cells of a column lean to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table with a header, and perhaps a last row below a border of its own.
#[derive(Debug, Default)]
pub struct ListTable {
    header: Vec<String>,
    alignments: Vec<Align>,
    rows: Vec<Vec<String>>,
    footer: Option<Vec<String>>,
}

impl ListTable {
    pub(crate) fn new(columns: impl IntoIterator<Item = (String, Align)>) -> Self {
        let (header, alignments) = columns.into_iter().unzip();
        Self { header, alignments, rows: Vec::new(), footer: None }
    }

    /// A table whose columns all hold text.
    pub fn of_texts(columns: &[&str]) -> Self {
        Self::new(columns.iter().map(|&name| (name.to_owned(), Align::Left)))
    }

    /// Adds a row with a cell for each column.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn footer(&mut self, cells: Vec<String>) {
        self.footer = Some(cells);
    }

    /// The table as text, whole lines. No cell can break out of its line.
    pub fn render(&self) -> String {
        let mut table = empty_table();
        table.set_header(self.header.iter().map(|name| one_line(name)));
        for cells in self.rows.iter().chain(&self.footer) {
            table.add_row(cells.iter().map(|cell| one_line(cell)));
        }
        for (column, &alignment) in table.column_iter_mut().zip(&self.alignments) {
            column.set_cell_alignment(match alignment {
                Align::Left => CellAlignment::Left,
                Align::Right => CellAlignment::Right,
            });
        }
        let text = table.to_string();
        let mut lines: Vec<&str> = text.lines().collect();
        let border = lines.first().copied().unwrap_or_default();
        if self.rows.is_empty() && self.footer.is_none() {
            // The border below the header is already the last one.
            lines.pop();
        }
        if self.footer.is_some() && !self.rows.is_empty() {
            lines.insert(lines.len().saturating_sub(2), border);
        }
        finish(&lines)
    }
}

/// A table of one thing: keys and values, no header.
pub fn detail_table(rows: &[(&str, String)]) -> String {
    let mut table = empty_table();
    for (key, value) in rows {
        table.add_row([one_line(key), one_line(value)]);
    }
    if let Some(keys) = table.column_mut(0) {
        keys.set_cell_alignment(CellAlignment::Right);
    }
    finish(&table.to_string().lines().collect::<Vec<_>>())
}

fn empty_table() -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::ASCII_FULL_CONDENSED)
        .set_style(TableComponent::HeaderLines, '-')
        .set_style(TableComponent::MiddleHeaderIntersections, '+')
        .set_style(TableComponent::LeftHeaderIntersection, '+')
        .set_style(TableComponent::RightHeaderIntersection, '+')
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn finish(lines: &[&str]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
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
pub(crate) fn one_line(text: &str) -> String {
    if !text.contains(is_deceptive) {
        return text.to_owned();
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
    fn list_table_has_the_documented_shape() {
        let mut table = ListTable::new([("ID".to_owned(), Align::Right), ("DATABASE NAME".to_owned(), Align::Left)]);
        table.row(vec!["1204".to_owned(), "plant7".to_owned()]);
        table.row(vec!["7".to_owned(), "größe".to_owned()]);
        assert_eq!(
            table.render(),
            "+------+---------------+\n\
             |   ID | DATABASE NAME |\n\
             +------+---------------+\n\
             | 1204 | plant7        |\n\
             |    7 | größe         |\n\
             +------+---------------+\n"
        );
    }

    #[test]
    fn empty_list_table_is_borders_and_header() {
        let table = ListTable::of_texts(&["ID", "DESCRIPTION"]);
        assert_eq!(table.render(), "+----+-------------+\n| ID | DESCRIPTION |\n+----+-------------+\n");
    }

    #[test]
    fn footer_stands_between_borders() {
        let mut table = ListTable::new([("bar".to_owned(), Align::Right), ("line".to_owned(), Align::Left)]);
        table.row(vec!["4.5".to_owned(), "L1".to_owned()]);
        table.footer(vec!["TOTAL".to_owned(), "1 ROWS".to_owned()]);
        assert_eq!(
            table.render(),
            "+-------+--------+\n\
             |   bar | line   |\n\
             +-------+--------+\n\
             |   4.5 | L1     |\n\
             +-------+--------+\n\
             | TOTAL | 1 ROWS |\n\
             +-------+--------+\n"
        );
    }

    #[test]
    fn detail_table_has_the_documented_shape() {
        let rows = [("id", "4f0c".to_owned()), ("expires at", String::new())];
        assert_eq!(
            detail_table(&rows),
            "+------------+------+\n|         id | 4f0c |\n| expires at |      |\n+------------+------+\n"
        );
    }

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
