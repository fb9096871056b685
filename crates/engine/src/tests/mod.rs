//! The engine as its callers use it.

mod concurrent;
mod limits;
mod model;
mod query;
pub(crate) mod support;
mod write;
