//! Equal rights once in memory, however many credentials have them.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::rights::Rights;

#[derive(Debug, Default)]
pub(crate) struct Interner {
    sets: Mutex<Sets>,
}

#[derive(Debug, Default)]
struct Sets {
    known: HashSet<Arc<Rights>>,
    sweep_at: usize,
}

const FIRST_SWEEP: usize = 1024;

impl Interner {
    /// The shared copy of `rights`.
    pub(crate) fn intern(&self, rights: Rights) -> Arc<Rights> {
        let mut sets = self.sets.lock();
        if let Some(shared) = sets.known.get(&rights) {
            return shared.clone();
        }
        if sets.known.len() >= sets.sweep_at.max(FIRST_SWEEP) {
            // Nobody can take a new share meanwhile: that needs the lock.
            sets.known.retain(|shared| Arc::strong_count(shared) > 1);
            sets.sweep_at = sets.known.len() * 2;
        }
        let shared = Arc::new(rights);
        sets.known.insert(shared.clone());
        shared
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.sets.lock().known.len()
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::{Action, Grant};

    use super::*;

    fn set(name: &str) -> Rights {
        Rights::Names([Grant { action: Action::Read, resource: name.parse().unwrap() }].into_iter().collect())
    }

    #[test]
    fn equal_sets_share_memory() {
        let interner = Interner::default();
        assert!(Arc::ptr_eq(&interner.intern(set("a")), &interner.intern(set("a"))));
        assert!(!Arc::ptr_eq(&interner.intern(set("a")), &interner.intern(set("b"))));
    }

    #[test]
    fn sets_that_nobody_holds_are_forgotten() {
        let interner = Interner::default();
        for number in 0..10 * FIRST_SWEEP {
            interner.intern(set(&format!("d{number}")));
        }
        assert!(interner.len() <= FIRST_SWEEP + 1, "{} sets are kept", interner.len());
    }
}
