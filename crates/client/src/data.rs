//! Writing line protocol and querying with SQL.

use std::fmt;

use bytes::{Bytes, BytesMut};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::{Value, json};
use tidegate_model::DatabaseName;

use crate::connection::Connection;
use crate::error::{Error, Result};

/// The header with names and kinds of all columns.
const COLUMNS: &str = "x-tidegate-columns";

/// The unit of timestamps in written lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// `ns`
    #[default]
    Nanoseconds,
    /// `us`
    Microseconds,
    /// `ms`
    Milliseconds,
    /// `s`
    Seconds,
}

impl Precision {
    /// The word that the write endpoints know.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        }
    }
}

/// One row of a query's answer: columns in the query's order. Columns that are null in this row are missing
/// (data-plane contract §6.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub Vec<(String, Value)>);

/// What a column holds, as the server tells it (`X-Tidegate-Columns`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// Timestamps, as text in ISO 8601.
    Time,
    /// Numbers.
    Number,
    /// Text.
    String,
    /// `true` and `false`.
    Boolean,
    /// Anything else.
    #[serde(other)]
    Other,
}

/// A column of a query's answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
}

/// The whole answer to a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueryAnswer {
    /// All columns in the query's order; `None` from servers that do not tell them.
    pub columns: Option<Vec<Column>>,
    /// The rows in the query's order.
    pub rows: Vec<Row>,
    /// Bytes of the answer's body.
    pub bytes: u64,
}

/// Client of the data endpoints.
#[derive(Debug, Clone)]
pub struct DataClient {
    connection: Connection,
}

impl DataClient {
    /// A client that sends the connection's credential, which must be a database token.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Writes lines. Success means that the server keeps all of them.
    pub async fn write(&self, database: &DatabaseName, precision: Precision, lines: Bytes) -> Result<()> {
        let request = self
            .connection
            .request(Method::POST, "/api/v2/write")
            .query(&[("bucket", database.as_str()), ("precision", precision.as_str())])
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(lines);
        self.connection.send(request).await.map(drop)
    }

    /// Runs one SQL statement and returns all of its rows, or an error if the answer broke off before its end.
    ///
    /// The statement travels in the body, because addresses end up in logs.
    pub async fn query_sql(&self, database: &DatabaseName, statement: &str) -> Result<QueryAnswer> {
        let body = json!({ "db": database.as_str(), "q": statement, "format": "jsonl" });
        let request = self.connection.request(Method::POST, "/api/v3/query_sql").json(&body);
        let sent = self.connection.send(request).await;
        let mut response = sent.map_err(|error| without_route(error, database))?;
        let columns = response.headers().get(COLUMNS).and_then(|header| serde_json::from_slice(header.as_bytes()).ok());
        let mut rows = Vec::new();
        let mut bytes: u64 = 0;
        let mut pending = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.connection.failed(error))? {
            bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            pending.extend_from_slice(&chunk);
            // A chunk that ends no line can only make the pending line longer.
            if let Some(end) = chunk.iter().rposition(|&byte| byte == b'\n') {
                let complete = pending.split_to(pending.len() - (chunk.len() - end - 1));
                self.read_rows(&complete, &mut rows)?;
            }
        }
        self.read_rows(&pending, &mut rows)?;
        Ok(QueryAnswer { columns, rows, bytes })
    }

    fn read_rows(&self, lines: &[u8], rows: &mut Vec<Row>) -> Result<()> {
        for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let row = serde_json::from_slice(line)
                .map_err(|_| self.connection.unexpected(format!("row {} is not a JSON object", rows.len() + 1)))?;
            rows.push(row);
        }
        Ok(())
    }
}

/// A server that has the route says that it does not find the database (data-plane contract §6.3); one without the route
/// cannot.
fn without_route(error: Error, database: &DatabaseName) -> Error {
    let is_missing = match &error {
        Error::Refused { status: 404, message, .. } => {
            let forms = [
                format!("query error: database not found: {database}"),
                format!("database not found: {database}"),
                format!("database \"{database}\" not found"),
            ];
            !forms.contains(message)
        }
        _ => matches!(error.status(), Some(405 | 501)),
    };
    if is_missing { Error::Unsupported { feature: "SQL over HTTP" } } else { error }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Columns;

        impl<'de> Visitor<'de> for Columns {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Row, A::Error> {
                let mut columns = Vec::new();
                while let Some(column) = map.next_entry()? {
                    columns.push(column);
                }
                Ok(Row(columns))
            }
        }

        deserializer.deserialize_map(Columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_the_order_of_their_columns() {
        let row: Row = serde_json::from_str(r#"{"z":1,"a":"x","m":2.5}"#).unwrap();
        let names: Vec<&str> = row.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["z", "a", "m"]);
    }

    #[test]
    fn a_missing_route_is_told_from_a_missing_database_of_any_name() {
        let refused = |message: &str| {
            let error = Error::Refused { status: 404, message: message.to_owned(), lines: Vec::new() };
            without_route(error, &"o".parse().unwrap())
        };
        for message in ["query error: database not found: o", "database not found: o", "database \"o\" not found"] {
            assert!(refused(message).is_not_found(), "{message}");
        }
        for message in ["not found", "Not found", "database not found: other", "no such page: o"] {
            assert!(matches!(refused(message), Error::Unsupported { .. }), "{message}");
        }
    }

    #[test]
    fn columns_have_a_name_and_a_kind() {
        let columns: Vec<Column> =
            serde_json::from_str(r#"[["t","time"],["\u00f6","boolean"],["x","later"]]"#).unwrap();
        let told: Vec<(&str, ColumnKind)> = columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
        assert_eq!(told, [("t", ColumnKind::Time), ("ö", ColumnKind::Boolean), ("x", ColumnKind::Other)]);
    }
}
