//! The atomic word on which requests join and revocations close.
//!
//! A credential's rights end through one 64-bit word: a *closed* bit, a *generation* and the number of requests
//! that have *joined*. Because joining and closing act on the same word, there is no moment at which a request has
//! passed the check but is not yet counted, or is counted although the word was already closed:
//!
//! - [`Word::join`] succeeds only on an open word, and in the same step counts the request.
//! - [`Word::close`] makes every later join fail, and tells how many requests it still has to wait for.
//! - [`Word::advance`] starts a new generation, so that a request can notice that rights changed after it read them.
//!
//! The protocol is checked under every interleaving with `loom` (see the tests of this crate).

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

const CLOSED: u64 = 1 << 63;
const GENERATION_SHIFT: u32 = 32;
const GENERATION_MASK: u64 = 0x7fff_ffff;
const JOINED_MASK: u64 = 0xffff_ffff;

/// The word. It starts open, in generation 0, with no request joined.
#[derive(Debug)]
pub struct Word(AtomicU64);

/// Which edition of the rights was in force. Only equality means anything; numbers wrap after 2³¹ changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(u32);

/// The word was closed: nothing may join any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// What the word held at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// Whether nothing may join any more.
    pub closed: bool,
    /// The edition of the rights.
    pub generation: Generation,
    /// Requests that have joined and not left.
    pub joined: u32,
}

impl Observation {
    fn of(word: u64) -> Self {
        // Both parts are masked to at most 32 bits, so the casts lose nothing.
        Self {
            closed: word & CLOSED != 0,
            generation: Generation(((word >> GENERATION_SHIFT) & GENERATION_MASK) as u32),
            joined: (word & JOINED_MASK) as u32,
        }
    }
}

impl Word {
    /// An open word.
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts a request in, unless the word is closed. Every success needs one [`Word::leave`].
    pub fn join(&self) -> Result<Generation, Closed> {
        let mut word = self.0.load(Ordering::SeqCst);
        loop {
            if word & CLOSED != 0 {
                return Err(Closed);
            }
            // INVARIANT: fewer than 2³² requests are in flight, so the count never runs into the generation.
            match self.0.compare_exchange_weak(word, word + 1, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return Ok(Observation::of(word).generation),
                Err(current) => word = current,
            }
        }
    }

    /// Counts a request out. True if the word is closed and this was the last request to leave.
    pub fn leave(&self) -> bool {
        let before = self.0.fetch_sub(1, Ordering::SeqCst);
        debug_assert!(before & JOINED_MASK != 0, "a request left that had not joined");
        before & CLOSED != 0 && before & JOINED_MASK == 1
    }

    /// Closes the word for good, and returns what it held just before.
    pub fn close(&self) -> Observation {
        Observation::of(self.0.fetch_or(CLOSED, Ordering::SeqCst))
    }

    /// Starts a new generation. Call it after the new rights are in place.
    pub fn advance(&self) {
        let mut word = self.0.load(Ordering::SeqCst);
        loop {
            let generation = ((word >> GENERATION_SHIFT) + 1) & GENERATION_MASK;
            let next = (word & (CLOSED | JOINED_MASK)) | (generation << GENERATION_SHIFT);
            match self.0.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(current) => word = current,
            }
        }
    }

    /// What the word holds now.
    pub fn observe(&self) -> Observation {
        Observation::of(self.0.load(Ordering::SeqCst))
    }
}

impl Default for Word {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod loom_tests;
