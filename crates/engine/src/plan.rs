//! The schemas that writers are checked against.
//!
//! They are ahead of what queries see: a table is known here from the moment its first record has its place in the
//! log, and visible once that record is durable.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_model::{DatabaseId, DatabaseLimits};

use crate::prepare::PreparedTable;
use crate::schema::TableSchema;

/// Tables by database and name.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    databases: HashMap<DatabaseId, HashMap<Arc<str>, Arc<TableSchema>>>,
}

/// The schema has moved since the lines were checked, so that they must be checked again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Moved;

impl Plan {
    /// The schema of a table.
    pub(crate) fn table(&self, database: DatabaseId, name: &str) -> Option<Arc<TableSchema>> {
        self.databases.get(&database)?.get(name).map(Arc::clone)
    }

    /// The highest id of a database that has tables.
    pub(crate) fn highest_database(&self) -> Option<DatabaseId> {
        self.databases.keys().max_by_key(|id| id.get()).copied()
    }

    /// How many tables a database has.
    pub(crate) fn table_count(&self, database: DatabaseId) -> usize {
        self.databases.get(&database).map_or(0, HashMap::len)
    }

    /// Makes sure that what was prepared still fits, and brings the schemas in it up to date. Changes nothing here.
    pub(crate) fn revalidate(
        &self,
        database: DatabaseId,
        limits: DatabaseLimits,
        tables: &mut [PreparedTable],
    ) -> Result<(), Moved> {
        let known = self.databases.get(&database);
        let mut new_tables = 0;
        for table in tables {
            let current = known.and_then(|tables| tables.get(&table.name));
            match (current, &table.base) {
                (None, _) => new_tables += 1,
                (Some(current), Some(base)) if Arc::ptr_eq(current, base) => {}
                (Some(current), _) => {
                    let next = current.union(&table.schema).map_err(|_| Moved)?;
                    let grows = next.columns().len() > current.columns().len();
                    if grows && next.columns().len() > limits.max_columns_per_table as usize {
                        return Err(Moved);
                    }
                    table.schema = next;
                }
            }
        }
        if new_tables > 0 && self.table_count(database) + new_tables > limits.max_tables as usize {
            return Err(Moved);
        }
        Ok(())
    }

    /// Sets the schema of a table.
    pub(crate) fn set(&mut self, database: DatabaseId, name: &Arc<str>, schema: &Arc<TableSchema>) {
        self.databases.entry(database).or_default().insert(Arc::clone(name), Arc::clone(schema));
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::prepare::{Prepared, prepare};
    use crate::series::SeriesHasher;
    use crate::tests::support::{database, request};

    fn prepared(plan: &Mutex<Plan>, body: &str, limits: DatabaseLimits) -> Prepared {
        let mut request = request(body);
        request.limits = limits;
        let prepared = prepare(&request, plan, &SeriesHasher::default()).unwrap();
        assert!(prepared.rejected.is_empty(), "{:?}", prepared.rejected);
        prepared
    }

    fn commit(plan: &Mutex<Plan>, mut prepared: Prepared, limits: DatabaseLimits) -> Result<(), Moved> {
        let mut plan = plan.lock();
        plan.revalidate(database(), limits, &mut prepared.tables)?;
        for table in prepared.tables {
            plan.set(database(), &table.name, &table.schema);
        }
        Ok(())
    }

    #[test]
    fn what_was_prepared_before_a_change_is_checked_again() {
        let limits = DatabaseLimits { max_tables: 3, max_columns_per_table: 4 };
        let plan = Mutex::new(Plan::default());
        let float = prepared(&plan, "m f=1", limits);
        let same = prepared(&plan, "m f=2,g=1", limits);
        let integer = prepared(&plan, "m f=1i", limits);
        let wide = prepared(&plan, "m a=1,b=1", limits);
        let tables = prepared(&plan, "x f=1\ny f=1\nz f=1", limits);

        assert_eq!(commit(&plan, float, limits), Ok(()));
        assert_eq!(commit(&plan, integer, limits), Err(Moved), "another type");
        assert_eq!(commit(&plan, same, limits), Ok(()), "compatible");
        assert_eq!(commit(&plan, wide, limits), Err(Moved), "f, g, time, a and b are too many");
        assert_eq!(commit(&plan, tables, limits), Err(Moved), "m, x, y and z are too many");

        let columns: Vec<String> = plan.lock().table(database(), "m").unwrap().names().map(String::from).collect();
        assert_eq!(columns, ["f", "g", "time"]);
        assert_eq!(plan.lock().table_count(database()), 1, "what was refused left nothing");
    }

    #[test]
    fn both_additions_are_kept() {
        let limits = DatabaseLimits::default();
        let plan = Mutex::new(Plan::default());
        let first = prepared(&plan, "m a=1", limits);
        let second = prepared(&plan, "m b=1", limits);
        commit(&plan, first, limits).unwrap();
        commit(&plan, second, limits).unwrap();
        let schema = plan.lock().table(database(), "m").unwrap();
        assert_eq!(schema.names().collect::<Vec<_>>(), ["a", "b", "time"]);
    }
}
