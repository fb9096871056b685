//! The catalog's tables, as the engine asks for them.

use std::fmt;
use std::sync::Arc;

use tidegate_catalog::{Catalog, RecordStatus};
use tidegate_engine::TableDirectory;
use tidegate_model::{DatabaseId, Table, TableId};

pub(crate) struct CatalogTables(pub(crate) Catalog);

impl fmt::Debug for CatalogTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CatalogTables")
    }
}

impl TableDirectory for CatalogTables {
    fn find(&self, database: DatabaseId, name: &str) -> Option<Arc<Table>> {
        self.0.table(database, name)
    }

    fn get(&self, id: TableId) -> Option<Arc<Table>> {
        self.0.table_by_id(id)
    }

    fn active(&self, database: DatabaseId) -> Vec<Arc<Table>> {
        self.0.tables(database, RecordStatus::Active)
    }

    fn count(&self, database: DatabaseId) -> usize {
        self.0.table_count(database)
    }

    fn logged_as(&self, database: DatabaseId, name: &str) -> Option<TableId> {
        self.0.table_logged_as(database, name)
    }
}
