//! What the service counts and times of itself. Holds numbers only, so it cannot hold a token, a name or a query.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Nanoseconds.
const TOKEN_CHECKS: &[u64] = &[250, 500, 1_000, 2_500, 5_000, 10_000, 100_000, 1_000_000];
/// Nanoseconds, from 1 ms to 30 s.
const WORK: &[u64] = &[
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
];
const LINES: &[u64] = &[1, 10, 100, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000];
const BYTES: &[u64] = &[100, 1_000, 10_000, 100_000, 1_000_000, 5_000_000, 10_000_000, 50_000_000];

/// Everything that is measured since the start.
#[derive(Debug)]
pub struct Measurements {
    /// How long it took to find out who is calling, and to refuse or let in; nanoseconds. The delay of those who
    /// guess is not part of it.
    pub token_checks: Histogram,
    /// Requests without a usable credential, counted before the delay of those who guess: they may hang up meanwhile.
    pub refused_credentials: Counter,
    /// How long writes took that were stored, from parsing to the sync of the log; nanoseconds.
    pub writes: Histogram,
    /// Lines of such writes that were stored.
    pub write_lines: Histogram,
    /// Bytes of line protocol of such writes, after decompression.
    pub write_bytes: Histogram,
    /// How long queries took until their last row was handed out, or until they failed or were ended; nanoseconds.
    pub queries: Histogram,
    /// How long revocations took until nothing of the token was left; nanoseconds.
    pub revocations: Histogram,
}

impl Default for Measurements {
    fn default() -> Self {
        Self {
            token_checks: Histogram::new(TOKEN_CHECKS),
            refused_credentials: Counter::default(),
            writes: Histogram::new(WORK),
            write_lines: Histogram::new(LINES),
            write_bytes: Histogram::new(BYTES),
            queries: Histogram::new(WORK),
            revocations: Histogram::new(WORK),
        }
    }
}

impl Measurements {
    /// Counts a write that was stored.
    pub(crate) fn write_of(&self, start: Instant, lines: usize, bytes: usize) {
        self.writes.observe_since(start);
        self.write_lines.observe(u64::try_from(lines).unwrap_or(u64::MAX));
        self.write_bytes.observe(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

/// Counts events. Never waits.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What has been counted so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts values by their size. Never waits, so that it can stand in every request's way.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a [`Histogram`] has counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// Inclusive upper bounds with the number of values between each and the one before; `None` = no bound.
    pub buckets: Vec<(Option<u64>, u64)>,
    /// All values together; wraps around.
    pub sum: u64,
}

impl Histogram {
    /// Counts nothing yet. `bounds` ascend.
    fn new(bounds: &'static [u64]) -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(bounds.len() + 1).collect();
        Self { bounds, counts, sum: AtomicU64::default() }
    }

    /// Counts a value.
    pub fn observe(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Counts the nanoseconds since `start`.
    pub(crate) fn observe_since(&self, start: Instant) {
        self.observe(nanoseconds(start.elapsed()));
    }

    /// What has been counted so far. Values that come meanwhile may be in one part and not yet in the other.
    pub fn counts(&self) -> Counts {
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Counts { buckets: bounds.zip(counts).collect(), sum: self.sum.load(Ordering::Relaxed) }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_up_to_and_including_the_bound() {
        let histogram = Histogram::new(&[10, 20]);
        for value in [0, 10, 11, 20, 21, 1_000] {
            histogram.observe(value);
        }
        let expected = Counts { buckets: vec![(Some(10), 2), (Some(20), 2), (None, 2)], sum: 1_062 };
        assert_eq!(histogram.counts(), expected);
    }

    #[test]
    fn bounds_ascend() {
        for bounds in [TOKEN_CHECKS, WORK, LINES, BYTES] {
            assert!(bounds.is_sorted_by(|a, b| a < b), "{bounds:?}");
        }
    }
}
