//! Bodies that end together with the rights of the request that asked for them, wherever their bytes have got to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use tidegate_service::{Entry, GuardedStream};

use crate::Cutoff;

/// A body of these bytes. While it is on its way the entry is held, so that an end of rights finds it: the source is
/// dropped then, and what carries the answer is cut off.
pub fn guarded<S>(source: S, entry: Entry, cutoff: Cutoff) -> Body
where
    S: Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
{
    let carried = Carried { source, cutoff, is_begun: false, is_ended: false };
    let guarded = GuardedStream::new(carried, entry).map(|item| {
        item.unwrap_or_else(|reason| {
            tracing::debug!(?reason, "an answer was ended");
            Err(io::Error::from(io::ErrorKind::PermissionDenied))
        })
    });
    Body::from_stream(guarded)
}

struct Carried<S> {
    source: S,
    cutoff: Cutoff,
    /// Whether somebody has asked for bytes; nobody does for an answer to HEAD.
    is_begun: bool,
    /// Whether the carrier has learned that the answer is complete, or that it failed. Before, it may hold bytes that
    /// it has taken but not sent.
    is_ended: bool,
}

/// Whoever ends the rights drops the source. If the client has stopped reading, nobody asks for the bytes that would
/// tell it so: the carrier has to be cut off.
impl<S> Drop for Carried<S> {
    fn drop(&mut self) {
        if self.is_begun && !self.is_ended {
            self.cutoff.request();
        }
    }
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Stream for Carried<S> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.is_begun = true;
        let polled = self.source.poll_next_unpin(context);
        self.is_ended = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }
}
