//! The requests that stand on one right: those of a credential, or those on a database.

use std::sync::Arc;

use parking_lot::Mutex;
use slab::Slab;
use tidegate_barrier::{Closed, Observation, Word};
use tokio::sync::Notify;

use crate::Drain;
use crate::request::{EndReason, Request};
use crate::rights::Rights;

/// Counts and finds the requests that stand on one right, and ends them when the right ends.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    word: Word,
    requests: Mutex<Slab<Arc<Request>>>,
    emptied: Notify,
}

/// A request's place in a tracker.
#[derive(Debug)]
pub(crate) struct Membership {
    tracker: Arc<Tracker>,
    key: usize,
}

impl Tracker {
    /// Counts a request in, unless the right has ended.
    pub(crate) fn join(self: &Arc<Self>, request: &Arc<Request>) -> Result<Membership, Closed> {
        self.word.join()?;
        let key = self.requests.lock().insert(request.clone());
        let membership = Membership { tracker: self.clone(), key };
        // The scan of a revocation may have come between counting and listing: then nobody would end this request.
        if self.word.observe().closed {
            return Err(Closed);
        }
        Ok(membership)
    }

    pub(crate) fn observe(&self) -> Observation {
        self.word.observe()
    }

    /// Ends the right for good: no request joins any more, and those in flight are ended unless they are committing.
    pub(crate) fn close(self: &Arc<Self>, reason: EndReason) -> Drain {
        self.word.close();
        for request in self.snapshot() {
            request.end(reason);
        }
        Drain::of_tracker(self.clone())
    }

    /// Ends the requests that `rights`, which must be in force already, no longer cover.
    pub(crate) fn narrow(&self, rights: &Rights) -> Drain {
        self.word.advance();
        let uncovered: Vec<_> = self.snapshot().into_iter().filter(|request| !request.is_covered_by(rights)).collect();
        for request in &uncovered {
            request.end(EndReason::Narrowed);
        }
        Drain::of_requests(uncovered)
    }

    /// Ends all requests in flight, and lets later ones join.
    pub(crate) fn end_all(&self, reason: EndReason) -> Drain {
        let requests = self.snapshot();
        for request in &requests {
            request.end(reason);
        }
        Drain::of_requests(requests)
    }

    /// Resolves when the tracker is closed and every request has left.
    pub(crate) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.word.observe().joined == 0 {
                return;
            }
            emptied.await;
        }
    }

    // A copy, so that requests are ended without the lock held: ending one can make it leave at once.
    fn snapshot(&self) -> Vec<Arc<Request>> {
        self.requests.lock().iter().map(|(_, request)| request.clone()).collect()
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let removed = self.tracker.requests.lock().try_remove(self.key);
        if self.tracker.word.leave() {
            self.tracker.emptied.notify_waiters();
        }
        drop(removed);
    }
}
