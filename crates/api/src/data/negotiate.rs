//! In which format a query is answered: the parameter, else the `Accept` header (data-plane contract §6.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use tidegate_result_format::Format;

/// The format that the client wants most. The error is for the client.
pub(super) fn format(parameter: Option<&str>, headers: &HeaderMap) -> Result<Format, String> {
    if let Some(name) = parameter {
        return named(name).ok_or_else(|| {
            format!("serde error: unknown format `{name}`, expected one of json, jsonl, csv, pretty, parquet")
        });
    }
    let values: Vec<_> =
        headers.get_all(ACCEPT).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let accept = values.join(", ");
    if accept.trim().is_empty() {
        return Ok(Format::Json);
    }
    let mut best: Option<(Format, f32)> = None;
    for (format, quality) in accept.split(',').filter_map(range) {
        // Of equals the first one counts.
        if quality > best.map_or(0.0, |(_, best)| best) {
            best = Some((format, quality));
        }
    }
    best.map(|(format, _)| format).ok_or_else(|| format!("invalid mime type ({accept})"))
}

fn named(name: &str) -> Option<Format> {
    Some(match name {
        "json" => Format::Json,
        "jsonl" | "json_lines" => Format::JsonLines,
        "csv" => Format::Csv,
        "pretty" => Format::Pretty,
        "parquet" => Format::Parquet,
        _ => return None,
    })
}

/// One range of the header, such as `text/csv;q=0.5`: its format, and how much it is wanted.
fn range(text: &str) -> Option<(Format, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let format = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "*/*" | "application/*" | "application/json" | "text/html" => Format::Json,
        "application/jsonl" => Format::JsonLines,
        "text/csv" => Format::Csv,
        "application/vnd.apache.parquet" => Format::Parquet,
        "text/plain" | "text/*" => Format::Pretty,
        _ => return None,
    };
    let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    Some((format, quality.map_or(Some(1.0), |quality| quality.parse().ok())?))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(accept: &str) -> Option<Format> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
        format(None, &headers).ok()
    }

    #[test]
    fn accept_lists_are_understood() {
        for (accept, format) in [
            ("application/json, text/plain, */*", Format::Json),
            ("application/jsonl", Format::JsonLines),
            ("text/csv;q=1", Format::Csv),
            ("image/png, text/plain", Format::Pretty),
            ("Application/Vnd.Apache.Parquet", Format::Parquet),
            ("text/plain;q=0.5, text/csv;q=0.7, */*;q=0.1", Format::Csv),
            ("text/csv;q=0, application/jsonl", Format::JsonLines),
            ("", Format::Json),
        ] {
            assert_eq!(accepted(accept), Some(format), "{accept}");
        }
        for accept in ["image/png", "text/csv;q=0", "text/csv;q=much", ",;"] {
            assert_eq!(accepted(accept), None, "{accept}");
        }
    }

    #[test]
    fn several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, HeaderValue::from_static("image/png"));
        headers.append(ACCEPT, HeaderValue::from_static("text/csv"));
        assert_eq!(format(None, &headers).ok(), Some(Format::Csv));
    }

    #[test]
    fn the_format_parameter_wins_over_accept() {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("image/png"));
        assert_eq!(format(Some("csv"), &headers).ok(), Some(Format::Csv));
        assert!(format(Some("xml"), &headers).is_err());
    }
}
