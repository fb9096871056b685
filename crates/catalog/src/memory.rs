//! What the catalog keeps in memory. Changed only after the commit of what it mirrors.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use tidegate_model::{Database, DatabaseName, SequenceNumber, Timestamp, TokenRecord};

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
    Database(Arc<Database>),
    RenamedDatabase { database: Arc<Database>, former: DatabaseName },
    Tables(TableChange),
    Nothing,
}

pub(crate) struct Memory {
    head: RwLock<Head>,
    /// The active ones, by name.
    databases: RwLock<BTreeMap<DatabaseName, Arc<Database>>>,
    tables: RwLock<TableMemory>,
    pub(crate) tokens: TokenCache,
}

impl Memory {
    pub(crate) fn new(head: Head, active: impl IntoIterator<Item = Database>, tables: TableMemory) -> Self {
        let databases = active.into_iter().map(|database| (database.name.clone(), Arc::new(database))).collect();
        Self {
            head: RwLock::new(head),
            databases: RwLock::new(databases),
            tables: RwLock::new(tables),
            tokens: TokenCache::new(CACHED_TOKENS),
        }
    }

    pub(crate) fn head(&self) -> Head {
        *self.head.read()
    }

    pub(crate) fn database(&self, name: &DatabaseName) -> Option<Arc<Database>> {
        self.databases.read().get(name).cloned()
    }

    pub(crate) fn active_databases(&self) -> Vec<Arc<Database>> {
        self.databases.read().values().cloned().collect()
    }

    /// All tables, as of the last committed change.
    pub(crate) fn tables(&self) -> RwLockReadGuard<'_, TableMemory> {
        self.tables.read()
    }

    /// Shows a committed change.
    pub(crate) fn publish(&self, head: Head, published: Published) {
        match published {
            Published::Token(record) => self.tokens.end_change(Some(record)),
            Published::Database(database) if database.deleted_at.is_none() => {
                self.databases.write().insert(database.name.clone(), database);
            }
            Published::Database(database) => {
                self.databases.write().remove(&database.name);
            }
            Published::RenamedDatabase { database, former } => {
                let mut databases = self.databases.write();
                databases.remove(&former);
                databases.insert(database.name.clone(), database);
            }
            Published::Tables(change) => self.tables.write().apply(change),
            Published::Nothing => {}
        }
        *self.head.write() = head;
    }
}
