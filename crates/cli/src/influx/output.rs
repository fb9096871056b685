//! Tables and JSON (v2 API contract §6.3).

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::PrettyFormatter;

use super::error::{Error, Result};
use crate::output::one_line;

const TAB: usize = 8;

/// A table whose columns are aligned with tabs.
pub(crate) struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines, with the names of the columns first unless they are hidden.
    pub(crate) fn render(&self, hide_headers: bool) -> String {
        let header = self.columns.iter().map(|&name| name.to_owned()).collect();
        let header = (!hide_headers).then_some(header);
        let body = self.rows.iter().map(|row| row.iter().map(|cell| one_line(cell)).collect());
        let lines: Vec<Vec<String>> = header.into_iter().chain(body).collect();
        let mut widths = vec![0; self.columns.len()];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                let least = cell.chars().count() + 1;
                *width = least.next_multiple_of(TAB).max(*width);
            }
        }
        let mut text = String::new();
        for line in &lines {
            for (index, (cell, width)) in line.iter().zip(&widths).enumerate() {
                text.push_str(cell);
                if index + 1 < line.len() {
                    let tabs = width.saturating_sub(cell.chars().count()).div_ceil(TAB);
                    text.push_str(&"\t".repeat(tabs));
                }
            }
            text.push('\n');
        }
        text
    }
}

/// A list in a cell.
pub(crate) fn list_cell(items: &[String]) -> String {
    format!("[{}]", items.join(" "))
}

/// JSON with tabs; the characters that mean something in web pages are escaped, which are found in strings only.
pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b"\t"));
    value.serialize(&mut serializer).map_err(|error| Error::Text(error.to_string()))?;
    let mut text = String::from_utf8(bytes).map_err(|error| Error::Text(error.to_string()))?;
    for (character, escaped) in
        [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")]
    {
        if text.contains(character) {
            text = text.replace(character, escaped);
        }
    }
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn table(descriptions: &[&str]) -> Table {
        let mut table = Table::new(&["ID", "Description", "Last"]);
        for description in descriptions {
            table.row(vec!["0a".to_owned(), (*description).to_owned(), "x".to_owned()]);
        }
        table
    }

    #[test]
    fn cells_are_padded_to_the_next_tab_of_the_longest() {
        assert_eq!(table(&["1234567"]).render(true), "0a\t1234567\tx\n");
        assert_eq!(table(&["12345678"]).render(true), "0a\t12345678\tx\n");
        assert_eq!(table(&["12345678", "1234567", ""]).render(true), "0a\t12345678\tx\n0a\t1234567\t\tx\n0a\t\t\tx\n");
        let sixteen = table(&["1234567890123456", "1"]).render(false);
        assert_eq!(sixteen, "ID\tDescription\t\tLast\n0a\t1234567890123456\tx\n0a\t1\t\t\tx\n");
    }

    #[test]
    fn width_counts_characters() {
        assert_eq!(table(&["größe78", "x"]).render(true), "0a\tgröße78\tx\n0a\tx\tx\n");
        assert_eq!(table(&["größe789", "x"]).render(true), "0a\tgröße789\tx\n0a\tx\t\tx\n");
    }

    #[test]
    fn an_empty_last_cell_leaves_a_tab_and_no_rows_the_header() {
        let mut table = Table::new(&["Active", "Org"]);
        assert_eq!((table.render(false), table.render(true)), ("Active\tOrg\n".to_owned(), String::new()));
        table.row(vec![String::new(), String::new()]);
        assert_eq!(table.render(true), "\t\n");
    }

    #[test]
    fn cells_cannot_break_the_table() {
        assert_eq!(table(&["a\tb\nc"]).render(true), "0a\ta\\tb\\nc\tx\n");
    }

    #[test]
    fn json_is_indented_with_tabs_and_safe_in_pages() {
        let text = json(&json!({"a": [], "b": ["<x>&"], "c": {}})).unwrap();
        assert_eq!(text, "{\n\t\"a\": [],\n\t\"b\": [\n\t\t\"\\u003cx\\u003e\\u0026\"\n\t],\n\t\"c\": {}\n}\n");
        assert_eq!(json(&Option::<u8>::None).unwrap(), "null\n");
    }

    proptest! {
        /// Every column begins at the same multiple of eight in every line.
        #[test]
        fn columns_are_aligned(cells in proptest::collection::vec("[a-zäöü]{0,20}", 1..6)) {
            let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
            let text = table(&cells).render(false);
            let starts = |line: &str| {
                let mut position = 0;
                let mut starts = Vec::new();
                let mut was_tab = false;
                for c in line.chars() {
                    if was_tab && c != '\t' {
                        starts.push(position);
                    }
                    was_tab = c == '\t';
                    position = if was_tab { (position / TAB + 1) * TAB } else { position + 1 };
                }
                starts.last().copied()
            };
            let lasts: Vec<_> = text.lines().map(starts).collect();
            prop_assert!(lasts.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
        }
    }
}
