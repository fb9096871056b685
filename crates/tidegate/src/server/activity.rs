//! Whether a connection is of use to anybody.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Error;
use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};

/// The requests of a connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicUsize,
    /// Every request in progress has a reference.
    in_progress: Arc<()>,
    /// How many had begun when [`Activity::has_rested`] was last asked.
    seen: AtomicUsize,
}

/// A request in progress, until this is dropped.
#[derive(Debug)]
pub(super) struct InProgress(#[expect(dead_code, reason = "it is there to be dropped")] Arc<()>);

impl Activity {
    /// Notes that a request begins.
    pub(super) fn begin(&self) -> InProgress {
        self.begun.fetch_add(1, Ordering::Relaxed);
        InProgress(self.in_progress.clone())
    }

    /// Whether a request has ever begun.
    pub(super) fn is_used(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }

    /// Whether no request is in progress, and none has begun since this was last asked. Before the first one, there is
    /// nothing to rest from.
    pub(super) fn has_rested(&self) -> bool {
        let begun = self.begun.load(Ordering::Relaxed);
        let seen = self.seen.swap(begun, Ordering::Relaxed);
        begun > 0 && begun == seen && Arc::strong_count(&self.in_progress) == 1
    }
}

/// The body of an answer, whose request is in progress until it has been sent or given up.
pub(super) fn carrying(body: Body, request: InProgress) -> Body {
    Body::new(Carrying { body, _request: request })
}

struct Carrying {
    body: Body,
    _request: InProgress,
}

impl hyper::body::Body for Carrying {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Body as _;

    use super::*;

    #[test]
    fn a_connection_rests_when_nothing_happens_between_two_questions() {
        let activity = Activity::default();
        assert!(!activity.is_used() && !activity.has_rested());
        drop(activity.begin());
        assert!(activity.is_used());
        assert!(!activity.has_rested(), "a request came and went");
        assert!(activity.has_rested());
        let request = activity.begin();
        let body = carrying(Body::from("answer"), request);
        for _ in 0..3 {
            assert!(!activity.has_rested(), "its answer is on the way");
        }
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(6), false));
        drop(body);
        assert!(activity.has_rested());
    }
}
