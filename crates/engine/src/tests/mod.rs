//! The engine as its callers use it.

mod by_id;
mod concurrent;
mod limits;
mod model;
mod query;
mod recovery;
pub(crate) mod support;
pub(crate) mod tables;
mod write;
