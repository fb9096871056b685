//! Waiting until ended rights can have no further effect.

use std::sync::Arc;
use std::time::Duration;

use crate::request::Request;
use crate::tracker::Tracker;

/// What has to leave before an end of rights is final. Holds no lock.
#[derive(Debug, Default)]
#[must_use = "the rights have ended for good only when the drain has finished"]
pub struct Drain {
    trackers: Vec<Arc<Tracker>>,
    requests: Vec<Arc<Request>>,
}

impl Drain {
    /// A drain with nothing to wait for.
    pub fn nothing() -> Self {
        Self::default()
    }

    pub(crate) fn of_tracker(tracker: Arc<Tracker>) -> Self {
        Self { trackers: vec![tracker], requests: Vec::new() }
    }

    pub(crate) fn of_requests(requests: Vec<Arc<Request>>) -> Self {
        Self { trackers: Vec::new(), requests }
    }

    /// One that waits for what all of these wait for.
    pub fn all(drains: impl IntoIterator<Item = Self>) -> Self {
        drains.into_iter().fold(Self::nothing(), |mut all, drain| {
            all.trackers.extend(drain.trackers);
            all.requests.extend(drain.requests);
            all
        })
    }

    /// Resolves when nothing that the old rights started can still have an effect.
    pub async fn finished(&self) {
        for tracker in &self.trackers {
            tracker.emptied().await;
        }
        for request in &self.requests {
            request.finished().await;
        }
    }

    /// Whether the drain finished within `bound`.
    pub async fn finished_within(&self, bound: Duration) -> bool {
        tokio::time::timeout(bound, self.finished()).await.is_ok()
    }
}
