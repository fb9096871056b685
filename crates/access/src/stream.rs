//! Results that end together with the rights of the request that asked for them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::Stream;
use parking_lot::Mutex;

use crate::entry::Entry;
use crate::request::{EndReason, Terminate};

/// A stream whose source can be taken away from outside.
///
/// When the rights end, the source is dropped by whoever ended them, even if nobody polls the stream because the
/// client has stopped reading. From that moment on no further item comes out: the next poll yields the reason.
pub struct GuardedStream<S>(Arc<Slot<S>>);

struct Slot<S>(Mutex<State<S>>);

enum State<S> {
    Open { source: S, entry: Entry, waker: Option<Waker> },
    Ended(EndReason),
    Done,
}

impl<S: Send + 'static> GuardedStream<S> {
    /// Guards `source` by the rights behind `entry`, which is held until the stream ends.
    pub fn new(source: S, entry: Entry) -> Self {
        let request = entry.request();
        let slot = Arc::new(Slot(Mutex::new(State::Open { source, entry, waker: None })));
        // Terminates the slot at once if the rights have ended meanwhile.
        request.attach(slot.clone());
        Self(slot)
    }
}

impl<S: Send> Terminate for Slot<S> {
    fn terminate(&self, reason: EndReason) {
        let before = std::mem::replace(&mut *self.0.lock(), State::Ended(reason));
        // Source and entry are dropped without the lock held; after this the request has left its trackers.
        if let State::Open { source, entry, waker } = before {
            drop(source);
            drop(entry);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<S: Stream + Send + Unpin> Stream for GuardedStream<S> {
    type Item = Result<S::Item, EndReason>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.0.lock();
        match &mut *state {
            State::Open { source, waker, .. } => match Pin::new(source).poll_next(context) {
                Poll::Ready(Some(item)) => Poll::Ready(Some(Ok(item))),
                Poll::Ready(None) => {
                    let finished = std::mem::replace(&mut *state, State::Done);
                    drop(state);
                    drop(finished);
                    Poll::Ready(None)
                }
                Poll::Pending => {
                    *waker = Some(context.waker().clone());
                    Poll::Pending
                }
            },
            State::Ended(reason) => {
                let reason = *reason;
                *state = State::Done;
                Poll::Ready(Some(Err(reason)))
            }
            State::Done => Poll::Ready(None),
        }
    }
}

impl<S> Drop for GuardedStream<S> {
    fn drop(&mut self) {
        let rest = std::mem::replace(&mut *self.0.0.lock(), State::Done);
        drop(rest);
    }
}

impl<S> fmt::Debug for GuardedStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedStream")
    }
}
