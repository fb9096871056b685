//! What the server has done in the last hour, for the charts of the overview.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_service::{Counts, Service};

/// Between two samples.
pub(crate) const EVERY: Duration = Duration::from_secs(15);
/// An hour.
pub(crate) const MOST: usize = 240;

/// Totals since the start of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    pub(crate) writes: u64,
    pub(crate) lines: u64,
    pub(crate) queries: u64,
    pub(crate) refused: u64,
    pub(crate) revocations: u64,
}

impl Totals {
    /// What the service has counted by now.
    pub(crate) fn of(service: &Service) -> Self {
        let measured = service.measurements();
        let number = |counts: &Counts| counts.buckets.iter().map(|(_, count)| count).sum();
        Self {
            writes: number(&measured.writes.counts()),
            lines: measured.write_lines.counts().sum,
            queries: number(&measured.queries.counts()),
            refused: measured.refused_credentials.count(),
            revocations: number(&measured.revocations.counts()),
        }
    }

    /// What came after an earlier sample.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            writes: self.writes.saturating_sub(earlier.writes),
            lines: self.lines.saturating_sub(earlier.lines),
            queries: self.queries.saturating_sub(earlier.queries),
            refused: self.refused.saturating_sub(earlier.refused),
            revocations: self.revocations.saturating_sub(earlier.revocations),
        }
    }
}

/// Samples of the last hour, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<VecDeque<Totals>>);

impl History {
    /// Begins to take samples, until the service or the runtime ends.
    pub(crate) fn start(service: &Arc<Service>) -> Arc<Self> {
        let history = Arc::new(Self::default());
        history.note(Totals::of(service));
        tokio::spawn(take_samples(Arc::downgrade(service), Arc::downgrade(&history)));
        history
    }

    fn note(&self, totals: Totals) {
        let mut samples = self.0.lock();
        if samples.len() > MOST {
            samples.pop_front();
        }
        samples.push_back(totals);
    }

    /// What happened between each sample and the next, the last one being now.
    pub(crate) fn steps(&self, now: Totals) -> Vec<Totals> {
        let samples = self.0.lock();
        let later = samples.iter().copied().skip(1).chain([now]);
        samples.iter().zip(later).map(|(earlier, later)| later.since(*earlier)).collect()
    }
}

async fn take_samples(service: Weak<Service>, history: Weak<History>) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + EVERY, EVERY);
    loop {
        ticks.tick().await;
        let (Some(service), Some(history)) = (service.upgrade(), history.upgrade()) else { return };
        history.note(Totals::of(&service));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(writes: u64) -> Totals {
        Totals { writes, ..Totals::default() }
    }

    #[test]
    fn steps_are_differences_of_the_last_hour() {
        let history = History::default();
        for writes in 0..1000 {
            history.note(totals(writes));
        }
        let steps = history.steps(totals(1009));
        assert_eq!(steps.len(), MOST + 1);
        assert_eq!(steps.iter().map(|step| step.writes).collect::<Vec<_>>()[MOST - 1..], [1, 10]);
        assert_eq!(History::default().steps(totals(5)), []);
    }
}
