//! Token records in memory, bounded, and never older than what is committed.
//!
//! A reader that misses takes a [`Ticket`], reads SQLite and offers what it read. The writer announces the token it
//! is about to change *before* it commits, and gives the new record after. In between, that token is in no cache and
//! every reader goes to SQLite; an offer whose ticket is older than the announcement is dropped.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tidegate_model::{TokenId, TokenRecord};

/// Two generations: records move to `recent` when used, and `older` is dropped as a whole when `recent` is full.
struct State {
    recent: HashMap<TokenId, Arc<TokenRecord>>,
    older: HashMap<TokenId, Arc<TokenRecord>>,
    /// The token that a change under way may have changed on disk already.
    changing: Option<TokenId>,
    /// Counts announcements and ends of changes.
    epoch: u64,
}

pub(crate) struct TokenCache {
    state: Mutex<State>,
    generation_size: usize,
}

/// Proof of when a look-up missed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(u64);

#[derive(Debug)]
pub(crate) enum Lookup {
    Hit(Arc<TokenRecord>),
    Miss(Ticket),
}

impl TokenCache {
    /// A cache of at most `capacity` records.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { recent: HashMap::new(), older: HashMap::new(), changing: None, epoch: 0 };
        Self { state: Mutex::new(state), generation_size: capacity / 2 }
    }

    pub(crate) fn look_up(&self, id: TokenId) -> Lookup {
        let mut state = self.state.lock();
        if let Some(record) = state.recent.get(&id) {
            return Lookup::Hit(record.clone());
        }
        if let Some(record) = state.older.remove(&id) {
            self.insert(&mut state, record.clone());
            return Lookup::Hit(record);
        }
        Lookup::Miss(Ticket(state.epoch))
    }

    /// Keeps what was read after a miss, unless a change began or ended since.
    pub(crate) fn offer(&self, ticket: Ticket, record: Arc<TokenRecord>) {
        let mut state = self.state.lock();
        if ticket.0 == state.epoch && state.changing != Some(record.id) {
            self.insert(&mut state, record);
        }
    }

    /// Must be called before the change of this token can be seen in SQLite.
    pub(crate) fn begin_change(&self, id: TokenId) {
        let mut state = self.state.lock();
        state.epoch += 1;
        state.changing = Some(id);
        state.recent.remove(&id);
        state.older.remove(&id);
    }

    /// The change has been committed (with the record that is now true), or has not happened.
    pub(crate) fn end_change(&self, committed: Option<Arc<TokenRecord>>) {
        let mut state = self.state.lock();
        state.epoch += 1;
        state.changing = None;
        if let Some(record) = committed {
            self.insert(&mut state, record);
        }
    }

    fn insert(&self, state: &mut State, record: Arc<TokenRecord>) {
        if state.recent.len() >= self.generation_size {
            state.older = std::mem::take(&mut state.recent);
        }
        state.recent.insert(record.id, record);
    }
}

#[cfg(test)]
mod tests;
