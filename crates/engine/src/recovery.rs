//! From the log to tables in memory, at start.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use tidegate_model::{DatabaseId, Table};

use crate::buffer::{Buffer, TableRows};
use crate::directory::TableDirectory;
use crate::error::EngineError;
use crate::plan::Plan;
use crate::schema::TableSchema;
use crate::series::SeriesHasher;
use crate::wal::payload::{LoggedTable, decode};
use crate::wal::{RecordError, read};

/// Brings the rows of a record into plan and buffer.
pub(crate) fn apply(
    payload: &[u8],
    directory: &dyn TableDirectory,
    plan: &mut Plan,
    buffer: &Buffer,
    hasher: &SeriesHasher,
) -> Result<(), RecordError> {
    let decoded = decode(payload)?;
    let database = decoded.database;
    let mut rows: Vec<TableRows> = Vec::new();
    for (logged, chunk) in decoded.chunks {
        let table = resolve(directory, database, &logged)?;
        let known = plan.table(table.id).unwrap_or_else(|| TableSchema::base(table.partition_template.as_ref()));
        let schema = known
            .union(chunk.schema())
            .map_err(|error| RecordError::Damaged(format!("table '{}': {error}", table.name)))?;
        let chunk = chunk.sharing(&schema);
        let summary = hasher.summary(&chunk);
        plan.set(table.id, &schema);
        match rows.last_mut().filter(|last| last.table == table.id) {
            Some(last) => {
                last.schema = schema;
                last.chunks.push((chunk, summary));
            }
            None => rows.push(TableRows { table: table.id, schema, chunks: vec![(chunk, summary)] }),
        }
    }
    for table in buffer.append(rows) {
        table.settle();
    }
    Ok(())
}

fn resolve(
    directory: &dyn TableDirectory,
    database: DatabaseId,
    logged: &LoggedTable,
) -> Result<Arc<Table>, RecordError> {
    let id = match logged {
        LoggedTable::Id(id) => Some(*id),
        LoggedTable::Name(name) => directory.logged_as(database, name),
    };
    id.and_then(|id| directory.get(id))
        .filter(|table| table.database == database)
        .ok_or_else(|| RecordError::UnknownTable(format!("{logged} of database {database}")))
}

/// The tables that records of the log's first version call by name, for those who must give them ids before the log
/// can be opened. Such rows were never checked against a partition template, so their tables must get none.
///
/// Changes nothing. A last write that was never acknowledged is left out, as when the log is opened; a directory that
/// does not exist has no tables.
///
/// # Errors
/// As [`Engine::open`](crate::Engine::open), apart from tables that are not known.
pub fn tables_named_in_log(directory: &Path) -> Result<BTreeSet<(DatabaseId, String)>, EngineError> {
    let mut tables = BTreeSet::new();
    match directory.try_exists() {
        Ok(true) => {}
        Ok(false) => return Ok(tables),
        Err(error) => return Err(EngineError::io(directory, error)),
    }
    read(directory, |record| {
        let decoded = decode(record)?;
        for (logged, _) in decoded.chunks {
            if let LoggedTable::Name(name) = logged {
                tables.insert((decoded.database, name));
            }
        }
        Ok(())
    })?;
    Ok(tables)
}
