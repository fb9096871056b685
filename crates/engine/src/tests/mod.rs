//! The engine as its callers use it.

mod concurrent;
mod limits;
mod model;
mod query;
pub(crate) mod support;
pub(crate) mod tables;
mod write;
