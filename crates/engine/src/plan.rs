//! The schemas that writers are checked against.
//!
//! They are ahead of what queries see: a table is known here from the moment its first record has its place in the
//! log, and its rows are visible once that record is durable.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_model::{DatabaseId, TableId};

use crate::directory::TableDirectory;
use crate::prepare::Prepared;
use crate::schema::TableSchema;

/// The tables that rows were ever written to.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    tables: HashMap<TableId, Arc<TableSchema>>,
}

/// Tables have changed since the lines were checked, so that they must be checked again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Moved;

impl Plan {
    /// The schema of a table; `None` until rows are written to it.
    pub(crate) fn table(&self, id: TableId) -> Option<Arc<TableSchema>> {
        self.tables.get(&id).map(Arc::clone)
    }

    /// Makes sure that what was prepared still fits, and brings the schemas in it up to date. Changes nothing here.
    pub(crate) fn revalidate(
        &self,
        database: DatabaseId,
        directory: &dyn TableDirectory,
        prepared: &mut Prepared,
    ) -> Result<(), Moved> {
        for (name, id) in &prepared.names {
            if directory.find(database, name).is_none_or(|table| table.id != *id) {
                return Err(Moved);
            }
        }
        for rows in &mut prepared.tables {
            let Some(current) = self.tables.get(&rows.table.id) else { continue };
            if Arc::ptr_eq(current, &rows.base) {
                continue;
            }
            let next = current.union(&rows.schema).map_err(|_| Moved)?;
            let grows = next.columns().len() > current.columns().len();
            if grows && next.columns().len() > rows.table.max_columns as usize {
                return Err(Moved);
            }
            rows.schema = next;
        }
        Ok(())
    }

    /// Sets the schema of a table.
    pub(crate) fn set(&mut self, table: TableId, schema: &Arc<TableSchema>) {
        self.tables.insert(table, Arc::clone(schema));
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::prepare::prepare;
    use crate::series::SeriesHasher;
    use crate::tests::support::{database, request};
    use crate::tests::tables::{Tables, table};

    /// The tables `m` and `n`, of at most four columns, and a plan without any.
    fn two_tables() -> (Tables, Mutex<Plan>) {
        let tables = Tables::default();
        for (id, name) in [(7, "m"), (8, "n")] {
            tables.insert(table(id, database().id, name, None, 4));
        }
        (tables, Mutex::default())
    }

    fn prepared(tables: &Tables, plan: &Mutex<Plan>, body: &str) -> Prepared {
        let prepared = prepare(&request(body), tables, plan, &SeriesHasher::default()).unwrap();
        assert!(prepared.rejected.is_empty(), "{:?}", prepared.rejected);
        prepared
    }

    fn commit(tables: &Tables, plan: &Mutex<Plan>, mut prepared: Prepared) -> Result<(), Moved> {
        let mut plan = plan.lock();
        plan.revalidate(database().id, tables, &mut prepared)?;
        for rows in prepared.tables {
            plan.set(rows.table.id, &rows.schema);
        }
        Ok(())
    }

    fn columns(plan: &Mutex<Plan>, id: i64) -> Vec<String> {
        let schema = plan.lock().table(TableId::new(id).unwrap()).unwrap();
        schema.names().map(String::from).collect()
    }

    #[test]
    fn what_was_prepared_before_a_change_is_checked_again() {
        let (tables, plan) = two_tables();
        let float = prepared(&tables, &plan, "m f=1");
        let same = prepared(&tables, &plan, "m f=2,g=1");
        let integer = prepared(&tables, &plan, "m f=1i");
        let wide = prepared(&tables, &plan, "n h=1\nm a=1,b=1");

        assert_eq!(commit(&tables, &plan, float), Ok(()));
        assert_eq!(commit(&tables, &plan, integer), Err(Moved), "another type");
        assert_eq!(commit(&tables, &plan, same), Ok(()), "compatible");
        assert_eq!(commit(&tables, &plan, wide), Err(Moved), "f, g, time, a and b are too many");

        assert_eq!(columns(&plan, 7), ["f", "g", "time"]);
        assert_eq!(plan.lock().tables.len(), 1, "what was refused left nothing");
    }

    #[test]
    fn both_additions_are_kept() {
        let (tables, plan) = two_tables();
        let first = prepared(&tables, &plan, "m a=1");
        let second = prepared(&tables, &plan, "m b=1");
        commit(&tables, &plan, first).unwrap();
        commit(&tables, &plan, second).unwrap();
        assert_eq!(columns(&plan, 7), ["a", "b", "time"]);
    }

    #[test]
    fn a_name_must_still_reach_the_table_that_was_prepared_for() {
        let (tables, plan) = two_tables();
        let (m, n) = (TableId::new(7).unwrap(), TableId::new(8).unwrap());
        let prepare_both = || prepared(&tables, &plan, "m f=1\nn f=1");

        let renamed = prepare_both();
        tables.rename(m, "o");
        assert_eq!(commit(&tables, &plan, renamed), Ok(()), "the former name reaches it");

        let deleted = prepare_both();
        tables.delete(n);
        assert_eq!(commit(&tables, &plan, deleted), Err(Moved));

        tables.undelete(n);
        let replaced = prepare_both();
        tables.delete(n);
        tables.insert(table(9, database().id, "n", None, 4));
        assert_eq!(commit(&tables, &plan, replaced), Err(Moved), "another table has the name");
        assert_eq!(commit(&tables, &plan, prepare_both()), Ok(()));
        assert_eq!(columns(&plan, 9), ["f", "time"]);
    }
}
