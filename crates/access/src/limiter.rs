//! Slows down those who guess. It never changes an answer: it delays wrong ones, and the checks of passwords that follow
//! upon them.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const BUCKETS: usize = 4096;
/// Sustained rate of wrong answers that is not delayed, per address (IPv6: per /64).
const INTERVAL: Duration = Duration::from_millis(100);
/// Wrong answers in a row that are not delayed.
const BURST: u64 = 20;
const LONGEST_DELAY: Duration = Duration::from_secs(1);
/// Answers that are held back at the same moment; beyond it they go out at once, so that guessing cannot fill memory.
const MOST_WAITING: usize = 1024;

/// A generic cell rate algorithm over a fixed table, so that memory is bounded. Two addresses that share a bucket
/// share their delay, which is harmless: a right token is never delayed, and a right password by a second.
#[derive(Debug)]
pub struct FailureLimiter {
    start: Instant,
    hasher: RandomState,
    /// When the bucket will have forgotten all its failures, in nanoseconds after `start`.
    forgotten_at: Box<[AtomicU64]>,
    waiting: AtomicUsize,
}

impl FailureLimiter {
    /// A limiter that has seen no failure.
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            hasher: RandomState::new(),
            forgotten_at: std::iter::repeat_with(AtomicU64::default).take(BUCKETS).collect(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Notes a wrong credential from this peer, and holds the answer back if there were many.
    pub async fn failed(&self, peer: IpAddr) {
        self.hold_back(self.note(peer, Instant::now())).await;
    }

    /// Waits as long as the wrong credentials ask for that have come from this peer so far.
    pub async fn wait(&self, peer: IpAddr) {
        self.hold_back(self.debt(peer, Instant::now())).await;
    }

    async fn hold_back(&self, delay: Duration) {
        if delay.is_zero() || self.waiting.load(Ordering::Relaxed) >= MOST_WAITING {
            return;
        }
        let _waiting = Waiting::new(&self.waiting);
        tokio::time::sleep(delay).await;
    }

    fn note(&self, peer: IpAddr, now: Instant) -> Duration {
        let Some(forgotten_at) = self.bucket(peer) else { return Duration::ZERO };
        let now = self.nanos_at(now);
        let interval = nanos(INTERVAL);
        let ceiling = now.saturating_add(interval * BURST).saturating_add(nanos(LONGEST_DELAY));
        let add = |at: u64| Some(at.max(now).saturating_add(interval).min(ceiling));
        let before = forgotten_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).unwrap_or(now);
        delay(add(before).unwrap_or(now), now)
    }

    fn debt(&self, peer: IpAddr, now: Instant) -> Duration {
        let forgotten_at = self.bucket(peer).map(|bucket| bucket.load(Ordering::Relaxed)).unwrap_or_default();
        delay(forgotten_at, self.nanos_at(now))
    }

    fn bucket(&self, peer: IpAddr) -> Option<&AtomicU64> {
        let hash = self.hasher.hash_one(PeerNetwork::of(peer));
        self.forgotten_at.get(usize::try_from(hash).unwrap_or(usize::MAX) % BUCKETS)
    }

    fn nanos_at(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.start))
    }
}

/// How long to wait if all failures will be forgotten at this time, both in nanoseconds.
fn delay(forgotten_at: u64, now: u64) -> Duration {
    Duration::from_nanos(forgotten_at.saturating_sub(now).saturating_sub(nanos(INTERVAL) * BURST))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What counts as one peer: an address, of IPv6 its /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerNetwork(u64);

impl PeerNetwork {
    /// The network of an address. An IPv4 address is the same one when it is written as IPv6.
    pub fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V4(address) => Self(u64::from(address.to_bits())),
            IpAddr::V6(address) => Self((address.to_bits() >> 64) as u64),
        }
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_is_free_and_then_delays_grow_up_to_the_longest() {
        let start = Instant::now();
        let limiter = FailureLimiter::new(start);
        let delays: Vec<_> = (0..60).map(|_| limiter.note(address("192.0.2.1"), start)).collect();
        assert!(delays[..20].iter().all(Duration::is_zero));
        assert_eq!(delays[20], INTERVAL);
        assert!(delays.is_sorted());
        assert_eq!(delays[59], LONGEST_DELAY);
    }

    #[test]
    fn failures_are_forgotten() {
        let start = Instant::now();
        let limiter = FailureLimiter::new(start);
        for _ in 0..100 {
            limiter.note(address("192.0.2.1"), start);
        }
        assert_eq!(limiter.note(address("192.0.2.1"), start + Duration::from_secs(60)), Duration::ZERO);
    }

    #[test]
    fn waiting_adds_nothing() {
        let start = Instant::now();
        let (limiter, peer) = (FailureLimiter::new(start), address("192.0.2.1"));
        assert_eq!(limiter.debt(peer, start), Duration::ZERO);
        for _ in 0..20 {
            limiter.note(peer, start);
            assert_eq!(limiter.debt(peer, start), Duration::ZERO);
        }
        for _ in 0..20 {
            let noted = limiter.note(peer, start);
            for _ in 0..3 {
                assert_eq!(limiter.debt(peer, start), noted);
            }
        }
        assert_eq!(limiter.debt(peer, start), LONGEST_DELAY);
        assert_eq!(limiter.debt(peer, start + LONGEST_DELAY / 2), LONGEST_DELAY / 2);
        assert_eq!(limiter.debt(peer, start + LONGEST_DELAY), Duration::ZERO);
    }

    #[test]
    fn one_ipv6_network_is_one_peer() {
        let start = Instant::now();
        let limiter = FailureLimiter::new(start);
        for number in 0..20 {
            limiter.note(address(&format!("2001:db8::{number}")), start);
        }
        assert!(!limiter.note(address("2001:db8::ffff"), start).is_zero());
        assert_eq!(limiter.note(address("2001:db8:0:1::1"), start), Duration::ZERO);
    }
}
