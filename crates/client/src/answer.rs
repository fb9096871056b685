//! Reading answers.

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Listing;
use crate::connection::Connection;
use crate::error::{Error, RefusedLine, Result};

const REFUSAL_LIMIT: usize = 64 * 1024;
const DOCUMENT_LIMIT: usize = 1024 * 1024 * 1024;

/// The whole answer as one JSON document.
pub(crate) async fn document<T: DeserializeOwned>(connection: &Connection, response: Response) -> Result<T> {
    let body = whole(connection, response).await?;
    serde_json::from_slice(&body).map_err(|error| undocumented(connection, &error))
}

/// The whole answer as a JSON array, without records that are not as documented.
pub(crate) async fn listing<T: DeserializeOwned>(connection: &Connection, response: Response) -> Result<Listing<T>> {
    let body = whole(connection, response).await?;
    Listing::parse(&body).map_err(|error| undocumented(connection, &error))
}

async fn whole(connection: &Connection, response: Response) -> Result<Bytes> {
    read(response, DOCUMENT_LIMIT)
        .await
        .map_err(|error| connection.failed(error))?
        .ok_or_else(|| connection.unexpected("more than 1 GiB"))
}

/// The library's own message can repeat what it read, and that can be a secret.
fn undocumented(connection: &Connection, error: &serde_json::Error) -> Error {
    connection.unexpected(format!("not the documented JSON (line {}, column {})", error.line(), error.column()))
}

/// The server's reason for a refusal, in any of its dialects (management API contract §4, data-plane contract §§4.5, 6.3).
pub(crate) async fn refusal(response: Response) -> Error {
    let status = response.status();
    let body = read(response, REFUSAL_LIMIT).await.ok().flatten().unwrap_or_default();
    let (message, lines) = reason_of(&body).unwrap_or_else(|| {
        (status.canonical_reason().unwrap_or("the server gives no reason").to_lowercase(), Vec::new())
    });
    Error::Refused { status: status.as_u16(), message, lines }
}

/// The body, or `None` if it is longer than `limit` bytes.
pub(crate) async fn read(mut response: Response, limit: usize) -> reqwest::Result<Option<Bytes>> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len().saturating_add(chunk.len()) > limit {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.freeze()))
}

/// The reason as one text, and the refused lines that it names.
fn reason_of(body: &[u8]) -> Option<(String, Vec<RefusedLine>)> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        let is_page = text.starts_with('<');
        return (!text.is_empty() && !is_page).then(|| (text.to_owned(), Vec::new()));
    };
    let reason = value.get("message").or_else(|| value.get("error"))?.as_str()?;
    if reason.is_empty() {
        return None;
    }
    let lines: Vec<RefusedLine> = match value.get("data") {
        Some(Value::Array(lines)) => lines.iter().filter_map(line_of_member).collect(),
        Some(line) => line_of_member(line).into_iter().collect(),
        None => return Some((reason.to_owned(), reason.lines().filter_map(line_of_text).collect())),
    };
    let told: Vec<String> = lines.iter().map(|line| format!("line {}: {}", line.number, line.reason)).collect();
    Some((if told.is_empty() { reason.to_owned() } else { format!("{reason}: {}", told.join("; ")) }, lines))
}

/// A refused line as v3 tells it (data-plane contract §4.5).
fn line_of_member(line: &Value) -> Option<RefusedLine> {
    let number = line.get("line_number")?.as_u64()?;
    let reason = line.get("error_message")?.as_str()?.to_owned();
    Some(RefusedLine { number, reason })
}

/// A refused line as v2 tells it: a line of its own in the message.
fn line_of_text(text: &str) -> Option<RefusedLine> {
    let (number, reason) = text.strip_prefix("line ")?.split_once(": ")?;
    Some(RefusedLine { number: number.parse().ok()?, reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_every_dialect() {
        let cases = [
            (r#"{"code":404,"message":"not found"}"#, Some("not found")),
            (r#"{"code":"invalid","message":"missing bucket value"}"#, Some("missing bucket value")),
            (r#"{"error":"query error: x"}"#, Some("query error: x")),
            (
                r#"{"error":"partial write","data":[{"error_message":"bad","line_number":2,"original_line":"x"}]}"#,
                Some("partial write: line 2: bad"),
            ),
            (
                r#"{"error":"line protocol parsing error","data":{"error_message":"bad","line_number":1}}"#,
                Some("line protocol parsing error: line 1: bad"),
            ),
            ("Error during planning", Some("Error during planning")),
            ("<html>502</html>", None),
            ("", None),
            (r#"{"code":500}"#, None),
            (r#"{"message":""}"#, None),
            ("[]", None),
        ];
        for (body, reason) in cases {
            assert_eq!(reason_of(body.as_bytes()).map(|(message, _)| message).as_deref(), reason, "{body}");
        }
        assert_eq!(reason_of(&[0xff]), None);
    }

    #[test]
    fn refused_lines_of_every_dialect() {
        let cases: [(&str, &[(u64, &str)]); 6] = [
            (
                r#"{"code":"invalid","line":2,"message":"nothing was written, errors encountered on line(s):\nline 2: bad: x\nline 5: worse"}"#,
                &[(2, "bad: x"), (5, "worse")],
            ),
            (
                r#"{"error":"partial write","data":[{"error_message":"bad","line_number":2},{"error_message":"x"}]}"#,
                &[(2, "bad")],
            ),
            (r#"{"error":"failed","data":{"error_message":"bad","line_number":7}}"#, &[(7, "bad")]),
            (r#"{"message":"on line 3: bad"}"#, &[]),
            (r#"{"message":"line x: bad\nline -1: bad"}"#, &[]),
            ("line 3: this is no JSON", &[]),
        ];
        for (body, expected) in cases {
            let (_, lines) = reason_of(body.as_bytes()).unwrap();
            let lines: Vec<(u64, &str)> = lines.iter().map(|line| (line.number, line.reason.as_str())).collect();
            assert_eq!(lines, expected, "{body}");
        }
    }
}
