//! What the catalog keeps in memory. Changed only after the commit of what it mirrors.

use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use tidegate_model::{SequenceNumber, Timestamp, TokenRecord};

use crate::records::{RecordChange, Records};
use crate::table_memory::{TableChange, TableMemory};
use crate::token_cache::TokenCache;

const CACHED_TOKENS: usize = 16_384;

/// The newest committed state, as the `catalog_head` row has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Head {
    pub(crate) sequence: SequenceNumber,
    pub(crate) clock_mark: Option<Timestamp>,
}

/// What a committed change leaves behind for memory to show.
pub(crate) enum Published {
    Token(Arc<TokenRecord>),
    /// Shown all at once.
    Records(Vec<RecordChange>),
    Tables(TableChange),
    Nothing,
}

impl From<RecordChange> for Published {
    fn from(change: RecordChange) -> Self {
        Self::Records(vec![change])
    }
}

pub(crate) struct Memory {
    head: RwLock<Head>,
    records: RwLock<Records>,
    tables: RwLock<TableMemory>,
    pub(crate) tokens: TokenCache,
}

impl Memory {
    pub(crate) fn new(head: Head, records: Records, tables: TableMemory) -> Self {
        Self {
            head: RwLock::new(head),
            records: RwLock::new(records),
            tables: RwLock::new(tables),
            tokens: TokenCache::new(CACHED_TOKENS),
        }
    }

    pub(crate) fn head(&self) -> Head {
        *self.head.read()
    }

    /// Databases, users, organizations, members and mappings, as of the last committed change.
    pub(crate) fn records(&self) -> RwLockReadGuard<'_, Records> {
        self.records.read()
    }

    /// All tables, as of the last committed change.
    pub(crate) fn tables(&self) -> RwLockReadGuard<'_, TableMemory> {
        self.tables.read()
    }

    /// Shows a committed change.
    pub(crate) fn publish(&self, head: Head, published: Published) {
        match published {
            Published::Token(record) => self.tokens.end_change(Some(record)),
            Published::Records(changes) => {
                let mut records = self.records.write();
                changes.into_iter().for_each(|change| records.apply(change));
            }
            Published::Tables(change) => self.tables.write().apply(change),
            Published::Nothing => {}
        }
        *self.head.write() = head;
    }
}
