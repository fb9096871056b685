//! The answer of a query: annotated CSV, shown as tables (v2 API contract §6.7).

use std::fmt::Write as _;

use csv::StringRecord;

use crate::output::one_line;

/// What stands behind a column's name, and how wide such columns are at least.
const KINDS: [(&str, &str, usize); 6] = [
    ("boolean", "bool", 12),
    ("long", "int", 26),
    ("unsignedLong", "uint", 27),
    ("double", "float", 28),
    ("string", "string", 22),
    ("dateTime", "time", 30),
];

/// One column that is shown.
struct Column {
    /// Where it stands in the answer.
    position: usize,
    header: String,
    kind: &'static str,
    width: usize,
}

/// The rows of one table; all have the same columns and the same group.
#[derive(Default)]
struct Table {
    result: String,
    number: String,
    rows: Vec<StringRecord>,
}

/// What the rows above a table say of its columns.
#[derive(Default)]
struct Annotations {
    groups: StringRecord,
    kinds: StringRecord,
    defaults: StringRecord,
    names: StringRecord,
}

/// Shows all tables of an answer.
pub(crate) fn render(answer: &[u8]) -> Result<String, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(answer);
    let mut shown = Shown::default();
    let mut annotations = Annotations::default();
    let mut table = Table::default();
    let mut expects_names = true;
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let first = record.get(0).unwrap_or_default();
        if first.starts_with('#') {
            if !expects_names {
                shown.add(&annotations, &std::mem::take(&mut table));
                annotations = Annotations::default();
                expects_names = true;
            }
            match first {
                "#group" => annotations.groups = record,
                "#datatype" => annotations.kinds = record,
                "#default" => annotations.defaults = record,
                _ => {}
            }
        } else if expects_names {
            if let (Some("error"), Some(_)) = (record.get(1), record.get(2)) {
                return Err(error_of(reader.records().next()));
            }
            annotations.names = record;
            expects_names = false;
        } else {
            let result = annotations.cell(&record, "result");
            let number = annotations.cell(&record, "table");
            if (&table.result, &table.number) != (&result, &number) {
                shown.add(&annotations, &std::mem::take(&mut table));
                (table.result, table.number) = (result, number);
            }
            table.rows.push(record);
        }
    }
    shown.add(&annotations, &table);
    Ok(shown.text)
}

/// A query that fails after its answer has begun says so in a table of its own.
fn error_of(record: Option<csv::Result<StringRecord>>) -> String {
    let message = record.and_then(Result::ok).and_then(|record| record.get(1).map(str::to_owned));
    message.unwrap_or_else(|| "the query failed without a reason".to_owned())
}

impl Annotations {
    /// The cell of the column with this name, or the column's default.
    fn cell(&self, record: &StringRecord, name: &str) -> String {
        let position = self.names.iter().position(|other| other == name);
        position.map(|position| self.cell_at(record, position).to_owned()).unwrap_or_default()
    }

    fn cell_at<'a>(&'a self, record: &'a StringRecord, position: usize) -> &'a str {
        let cell = record.get(position).filter(|cell| !cell.is_empty());
        cell.or_else(|| self.defaults.get(position)).unwrap_or_default()
    }

    fn is_key(&self, position: usize) -> bool {
        self.groups.get(position) == Some("true")
    }

    /// The columns that are shown: those of the group first.
    fn columns(&self) -> Vec<Column> {
        let shown = self
            .names
            .iter()
            .enumerate()
            .filter(|(position, name)| *position > 0 && !matches!(*name, "result" | "table"));
        let mut columns: Vec<Column> = shown
            .map(|(position, name)| {
                let kind = self.kinds.get(position).and_then(|kind| kind.split(':').next()).unwrap_or_default();
                let known = KINDS.iter().find(|(word, ..)| *word == kind);
                let &(_, kind, least) = known.unwrap_or(&("", "invalid", 10));
                let header = format!("{}:{kind}", one_line(name));
                let width = header.chars().count().max(least);
                Column { position, header, kind, width }
            })
            .collect();
        columns.sort_by_key(|column| !self.is_key(column.position));
        columns
    }
}

/// What has been shown so far.
#[derive(Default)]
struct Shown {
    text: String,
    result: Option<String>,
}

impl Shown {
    fn add(&mut self, annotations: &Annotations, table: &Table) {
        if table.rows.is_empty() {
            return;
        }
        if self.result.as_ref() != Some(&table.result) {
            // Writing to a string cannot fail.
            let _ = writeln!(self.text, "Result: {}", one_line(&table.result));
            self.result = Some(table.result.clone());
        }
        let mut columns = annotations.columns();
        let keys = columns.iter().filter(|column| annotations.is_key(column.position));
        let keys: Vec<String> =
            keys.map(|column| one_line(annotations.names.get(column.position).unwrap_or_default())).collect();
        let _ = writeln!(self.text, "Table: keys: [{}]", keys.join(", "));
        let cells: Vec<Vec<String>> = table
            .rows
            .iter()
            .map(|row| {
                let cell = |column: &Column| shown_cell(annotations.cell_at(row, column.position), column.kind);
                columns.iter().map(cell).collect()
            })
            .collect();
        for row in &cells {
            for (column, cell) in columns.iter_mut().zip(row) {
                column.width = column.width.max(cell.chars().count());
            }
        }
        let headers: Vec<String> = columns.iter().map(|column| column.header.clone()).collect();
        let dashes: Vec<String> = columns.iter().map(|column| "-".repeat(column.width)).collect();
        for line in [&headers, &dashes].into_iter().chain(&cells) {
            let padded: Vec<String> = line
                .iter()
                .zip(&columns)
                .map(|(cell, column)| format!("{cell:>width$}", width = column.width))
                .collect();
            let _ = writeln!(self.text, "{}", padded.join("  "));
        }
    }
}

/// Times have nine digits of fraction, so that they align.
fn shown_cell(cell: &str, kind: &str) -> String {
    let time = if kind == "time" { chrono::DateTime::parse_from_rfc3339(cell).ok() } else { None };
    match time {
        Some(time) => time.to_utc().format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string(),
        None => one_line(cell),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &str = "#group,false,false,true,false,false\r\n\
        #datatype,string,long,string,dateTime:RFC3339,double\r\n\
        #default,_result,,,,\r\n\
        ,result,table,line,_time,bar\r\n\
        ,,0,L1,2026-03-01T08:00:00Z,4.5\r\n\
        ,,0,L1,2026-03-01T08:01:00.25Z,\r\n\
        ,,1,L2,2026-03-01T08:00:00Z,120\r\n\
        \r\n\
        #group,false,false,false\r\n\
        #datatype,string,long,boolean\r\n\
        #default,other,,\r\n\
        ,result,table,größe\r\n\
        ,,0,true\r\n";

    #[test]
    fn tables_have_the_documented_shape() {
        let shown = render(ANSWER.as_bytes()).unwrap();
        let expected = "\
Result: _result
Table: keys: [line]
           line:string                      _time:time                     bar:float
----------------------  ------------------------------  ----------------------------
                    L1  2026-03-01T08:00:00.000000000Z                           4.5
                    L1  2026-03-01T08:01:00.250000000Z                              \n\
Table: keys: [line]
           line:string                      _time:time                     bar:float
----------------------  ------------------------------  ----------------------------
                    L2  2026-03-01T08:00:00.000000000Z                           120
Result: other
Table: keys: []
  größe:bool
------------
        true
";
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_empty_answer_shows_nothing() {
        assert_eq!(render(b"").unwrap(), "");
        assert_eq!(render(b"\r\n").unwrap(), "");
    }

    #[test]
    fn a_column_is_as_wide_as_its_longest_cell() {
        let answer = ",result,table,a\r\n,r,0,\"a cell of more than ten, quoted\"\r\n";
        let shown = render(answer.as_bytes()).unwrap();
        assert!(shown.ends_with(&format!("\n{}\na cell of more than ten, quoted\n", "-".repeat(31))), "{shown}");
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in "(#(group|datatype|default))?[a-z0-9,\"\n#]{0,60}") {
            let _ = render(answer.as_bytes());
        }
    }

    #[test]
    fn a_query_that_fails_late_is_an_error() {
        let answer = format!(
            "{ANSWER}\r\n#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,out of memory,897\r\n"
        );
        assert_eq!(render(answer.as_bytes()).unwrap_err(), "out of memory");
    }
}
