//! Tables of text.

use std::borrow::Cow;
use std::iter::repeat_n;

use unicode_width::UnicodeWidthStr as _;

use super::one_line;

/// Which side the cells of a column lean to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table with a header, and perhaps a last row below a border of its own.
#[derive(Debug, Default)]
pub(crate) struct ListTable {
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
    pub(crate) fn of_texts(columns: &[&str]) -> Self {
        Self::new(columns.iter().map(|&name| (name.to_owned(), Align::Left)))
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn footer(&mut self, cells: Vec<String>) {
        self.footer = Some(cells);
    }

    pub(crate) fn render(&self) -> String {
        let header = shown(&self.header);
        let rows: Vec<Vec<Cell<'_>>> = self.rows.iter().map(|cells| shown(cells)).collect();
        let footer = self.footer.as_ref().map(|cells| shown(cells));
        let mut drawing = Drawing::new(&self.alignments, rows.iter().chain([&header]).chain(&footer));
        drawing.border();
        drawing.row(&header);
        drawing.border();
        for row in &rows {
            drawing.row(row);
        }
        if !rows.is_empty() {
            drawing.border();
        }
        if let Some(footer) = footer {
            drawing.row(&footer);
            drawing.border();
        }
        drawing.text
    }
}

/// A table of one thing: keys and values, no header.
pub(crate) fn detail_table(rows: &[(&str, String)]) -> String {
    let rows: Vec<[Cell<'_>; 2]> = rows.iter().map(|(key, value)| [Cell::new(key), Cell::new(value)]).collect();
    let mut drawing = Drawing::new(&[Align::Right, Align::Left], &rows);
    drawing.border();
    for row in &rows {
        drawing.row(row);
    }
    drawing.border();
    drawing.text
}

/// Text for one place in a table.
struct Cell<'a> {
    text: Cow<'a, str>,
    /// In places of a terminal.
    width: usize,
}

impl<'a> Cell<'a> {
    fn new(text: &'a str) -> Self {
        let text = one_line(text);
        let width = if text.is_ascii() { text.len() } else { text.width() };
        Self { text, width }
    }
}

fn shown(texts: &[String]) -> Vec<Cell<'_>> {
    texts.iter().map(|text| Cell::new(text)).collect()
}

/// A table that is drawn line by line.
struct Drawing {
    columns: Vec<(Align, usize)>,
    border: String,
    text: String,
}

impl Drawing {
    /// `rows` are all that will be drawn. Each has as many cells as there are columns.
    fn new<'a, R: AsRef<[Cell<'a>]> + 'a>(alignments: &[Align], rows: impl IntoIterator<Item = &'a R>) -> Self {
        let mut columns: Vec<(Align, usize)> = alignments.iter().map(|&alignment| (alignment, 0)).collect();
        for row in rows {
            for ((_, width), cell) in columns.iter_mut().zip(row.as_ref()) {
                *width = cell.width.max(*width);
            }
        }
        let mut border = "+".to_owned();
        for &(_, width) in &columns {
            border.extend(repeat_n('-', width + 2));
            border.push('+');
        }
        border.push('\n');
        Self { columns, border, text: String::new() }
    }

    fn border(&mut self) {
        self.text.push_str(&self.border);
    }

    fn row(&mut self, cells: &[Cell<'_>]) {
        self.text.push('|');
        for (&(alignment, width), cell) in self.columns.iter().zip(cells) {
            let padding = repeat_n(' ', width.saturating_sub(cell.width));
            self.text.push(' ');
            match alignment {
                Align::Left => {
                    self.text.push_str(&cell.text);
                    self.text.extend(padding);
                }
                Align::Right => {
                    self.text.extend(padding);
                    self.text.push_str(&cell.text);
                }
            }
            self.text.push_str(" |");
        }
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
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
    fn wide_and_combining_characters_take_their_places() {
        let mut table = ListTable::new([("n".to_owned(), Align::Right)]);
        for cell in ["日本", "e\u{301}", "abc"] {
            table.row(vec![cell.to_owned()]);
        }
        assert_eq!(table.render(), "+------+\n|    n |\n+------+\n| 日本 |\n|    e\u{301} |\n|  abc |\n+------+\n");
    }
}
