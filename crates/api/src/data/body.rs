//! Bodies of writes and queries: read with a limit, gunzipped with the same limit (data-plane contract §4.3).

use std::io::Read as _;

use axum::body::Body;
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use flate2::read::MultiGzDecoder;
use tidegate_service::{Entry, ServiceError};

use super::error::Dialect;
use crate::bounded::{self, NO_ROOM, Room, Unread};

/// Most bytes of a body, before and after decompression.
pub(crate) const MAX_BODY: usize = 10 * 1024 * 1024;

/// A body, and the room that it takes up in the budget until it is dropped.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) budget: Room,
}

/// Reads a body of at most [`MAX_BODY`] bytes as text. Ends at once when the caller's rights end.
pub(crate) async fn text(dialect: Dialect, caller: &Entry, headers: &HeaderMap, body: Body) -> Result<Text, Response> {
    let is_gzip = is_gzip(headers).map_err(|message| dialect.invalid(message))?;
    let mut budget = Room::default();
    let read = caller
        .run(bounded::collect(body, MAX_BODY, &mut budget))
        .await
        .map_err(|reason| dialect.service_error(ServiceError::ended(reason, None)))?;
    let mut bytes = read.map_err(|unread| refusal(dialect, unread))?;
    if is_gzip {
        // Decompression takes tens of milliseconds: it must not hold up other connections.
        let plain = tokio::task::spawn_blocking(move || gunzip(&bytes)).await;
        bytes = match plain {
            Ok(Ok(plain)) => plain,
            Ok(Err(Gunzip::TooLarge)) => return Err(refusal(dialect, Unread::TooLarge)),
            Ok(Err(Gunzip::Invalid(reason))) => {
                return Err(dialect.invalid(format!("error decoding gzip stream: {reason}")));
            }
            Err(_) => return Err(dialect.invalid("error decoding gzip stream")),
        };
        if !budget.grow_to(bytes.len()) {
            return Err(refusal(dialect, Unread::NoRoom));
        }
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| dialect.invalid(format!("body content is not valid utf8: {}", error.utf8_error())))?;
    Ok(Text { text, budget })
}

fn refusal(dialect: Dialect, unread: Unread) -> Response {
    match unread {
        Unread::TooLarge => {
            let message = format!("max request size ({MAX_BODY} bytes) exceeded");
            dialect.answer(StatusCode::PAYLOAD_TOO_LARGE, "request too large", message)
        }
        Unread::NoRoom => dialect.answer(StatusCode::SERVICE_UNAVAILABLE, "unavailable", NO_ROOM),
        Unread::Broken => dialect.invalid("the body could not be read"),
    }
}

/// Whether the body is compressed; the error is for the client.
fn is_gzip(headers: &HeaderMap) -> Result<bool, String> {
    let encodings: Vec<_> = headers.get_all(CONTENT_ENCODING).iter().map(|value| value.as_bytes()).collect();
    match encodings.as_slice() {
        [] | [b"identity"] => Ok(false),
        // The older name of the same.
        [b"gzip" | b"x-gzip"] => Ok(true),
        other => Err(format!("unacceptable content-encoding: {}", String::from_utf8_lossy(&other.join(&b", "[..])))),
    }
}

#[derive(Debug)]
enum Gunzip {
    TooLarge,
    Invalid(std::io::Error),
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, Gunzip> {
    let mut plain = Vec::new();
    // One byte more than allowed tells "exactly the limit" from "more".
    MultiGzDecoder::new(bytes).take(MAX_BODY as u64 + 1).read_to_end(&mut plain).map_err(Gunzip::Invalid)?;
    if plain.len() > MAX_BODY { Err(Gunzip::TooLarge) } else { Ok(plain) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn members_are_joined() {
        let two = [gzip(b"a f=1\n"), gzip(b"a f=2\n")].concat();
        assert_eq!(gunzip(&two).unwrap(), b"a f=1\na f=2\n");
    }

    #[test]
    fn the_limit_holds_after_decompression() {
        assert_eq!(gunzip(&gzip(&vec![b'#'; MAX_BODY])).unwrap().len(), MAX_BODY);
        assert!(matches!(gunzip(&gzip(&vec![b'#'; MAX_BODY + 1])), Err(Gunzip::TooLarge)));
    }

    #[test]
    fn what_is_not_gzip_is_refused() {
        for bytes in [&b"cpu f=1"[..], &gzip(b"cpu f=1")[..8]] {
            assert!(matches!(gunzip(bytes), Err(Gunzip::Invalid(_))));
        }
    }
}
