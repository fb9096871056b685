//! Bodies of writes and queries: read with a limit, gunzipped with the same limit (data-plane contract §4.3).

use std::io::Read as _;

use axum::body::Body;
use axum::body::HttpBody as _;
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt as _;
use tidegate_service::{Entry, ServiceError};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::Dialect;

/// Most bytes of a body, before and after decompression.
pub(crate) const MAX_BODY: usize = 10 * 1024 * 1024;

/// Memory that the bodies of all requests together may hold, in KiB. One that finds no room is answered 503.
static BUDGET: Semaphore = Semaphore::const_new(256 * 1024);

/// A body, and the room that it takes up in the budget until it is dropped.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) budget: Room,
}

/// A part of the budget, in KiB.
#[derive(Debug, Default)]
pub(crate) struct Room(Option<SemaphorePermit<'static>>);

impl Room {
    /// Makes room for `bytes` in all; false if there is none.
    fn grow_to(&mut self, bytes: usize) -> bool {
        let held = self.0.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = bytes.div_ceil(1024).saturating_sub(held);
        let Ok(missing) = u32::try_from(missing) else { return false };
        let Ok(more) = BUDGET.try_acquire_many(missing) else { return false };
        match &mut self.0 {
            Some(room) => room.merge(more),
            None => self.0 = Some(more),
        }
        true
    }
}

/// Reads a body of at most [`MAX_BODY`] bytes as text. Ends at once when the caller's rights end.
pub(crate) async fn text(dialect: Dialect, caller: &Entry, headers: &HeaderMap, body: Body) -> Result<Text, Response> {
    let is_gzip = is_gzip(headers).map_err(|message| dialect.invalid(message))?;
    let mut budget = Room::default();
    let read = caller
        .run(collect(body, &mut budget))
        .await
        .map_err(|reason| dialect.service_error(ServiceError::ended(reason, None)))?;
    let mut bytes = read.map_err(|refusal| refusal.answer(dialect))?;
    if is_gzip {
        // Decompression takes tens of milliseconds: it must not hold up other connections.
        let plain = tokio::task::spawn_blocking(move || gunzip(&bytes)).await;
        bytes = match plain {
            Ok(Ok(plain)) => plain,
            Ok(Err(Gunzip::TooLarge)) => return Err(Refusal::TooLarge.answer(dialect)),
            Ok(Err(Gunzip::Invalid(reason))) => {
                return Err(dialect.invalid(format!("error decoding gzip stream: {reason}")));
            }
            Err(_) => return Err(dialect.invalid("error decoding gzip stream")),
        };
        if !budget.grow_to(bytes.len()) {
            return Err(Refusal::NoRoom.answer(dialect));
        }
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| dialect.invalid(format!("body content is not valid utf8: {}", error.utf8_error())))?;
    Ok(Text { text, budget })
}

/// Why a body was not read to its end.
enum Refusal {
    TooLarge,
    NoRoom,
    Broken,
}

impl Refusal {
    fn answer(self, dialect: Dialect) -> Response {
        match self {
            Self::TooLarge => {
                let message = format!("max request size ({MAX_BODY} bytes) exceeded");
                dialect.answer(StatusCode::PAYLOAD_TOO_LARGE, "request too large", message)
            }
            Self::NoRoom => {
                let message = "too many request bodies at once, send this one again";
                dialect.answer(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
            }
            Self::Broken => dialect.invalid("the body could not be read"),
        }
    }
}

async fn collect(mut body: Body, budget: &mut Room) -> Result<Vec<u8>, Refusal> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > MAX_BODY {
        return Err(Refusal::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::Broken)?.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > MAX_BODY {
            return Err(Refusal::TooLarge);
        }
        if !budget.grow_to(length) {
            return Err(Refusal::NoRoom);
        }
        if bytes.is_empty() {
            bytes.reserve_exact(announced.max(data.len()));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
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
