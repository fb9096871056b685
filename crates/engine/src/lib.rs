//! The write-ahead log, the in-memory buffer and the tables that queries read.
//!
//! A write takes these steps. Lines are parsed and checked against the schema without holding a lock (`prepare`), into
//! columns (`build`, `chunk`) and the bytes of a log record (`wal::payload`). Under one short lock the request is
//! checked against schema changes made meanwhile, passes its commit point, and gets its place in the log (`plan`).
//! The log thread writes and syncs all records that wait (`wal`), adds their rows to the tables (`buffer`, `table`)
//! and answers. Queries read snapshots of tables (`provider`); rows that were written again are merged by the first
//! query that needs it (`merge`).
//!
//! The names of tables are not kept here but asked for (`directory`); whatever this crate holds, it holds by table id.
//! So a table can be renamed while lines are written to it, and a deleted one keeps its rows until it is undeleted.
//!
//! Rows follow the data-plane contract §5: a row is the table, the set of its tags, and its time; writing it again sets
//! the fields that the new line names and keeps the others.

mod buffer;
mod build;
mod chunk;
mod density;
mod directory;
mod engine;
mod error;
mod merge;
mod plan;
mod prepare;
mod provider;
mod recovery;
mod schema;
mod series;
mod table;
mod wal;

#[cfg(test)]
mod tests;

pub use directory::TableDirectory;
pub use engine::{Engine, EngineOptions, WriteOutcome};
pub use error::{EngineError, RejectedLine, WriteError};
pub use prepare::{MAX_LISTED, MAX_NEW_TABLES, WriteRequest};
pub use recovery::tables_named_in_log;
