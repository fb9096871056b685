//! Which SQL may run, and within what limits.
//!
//! A statement is parsed first, and only reading statements go on. Each query gets a session of its own that knows the
//! tables of one database and nothing else: no files, no other database, no settings. Planning and execution run on
//! threads of their own, under limits on time, memory and rows; functions whose results can grow beyond any input are
//! measured before they compute, or are not offered.

mod catalog;
mod error;
mod functions;
mod gap_fill;
mod guard;
mod information_schema;
mod lanes;
mod limits;
mod plan;
mod runtime;
mod session;
mod statement;
mod stream;
mod work;

pub use error::SqlError;
pub use limits::QueryLimits;
pub use runtime::QueryRuntime;
pub use stream::{BatchStream, QueryResult};

use datafusion::catalog::SchemaProvider;
use std::sync::Arc;

/// One query: its text, its parameters, and the tables it may read.
#[derive(Debug)]
pub struct Query {
    /// One SQL statement.
    pub sql: String,
    /// Values for `$name` placeholders, by name without the `$`. Unused ones are ignored; of two with one name the last
    /// counts.
    pub parameters: Vec<(String, Parameter)>,
    /// The tables of the database: `t`, `iox.t` and `public.iox.t` name the same one.
    pub schema: Arc<dyn SchemaProvider>,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    /// SQL null.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A number without sign or fraction.
    UInteger(u64),
    /// A number without fraction.
    Integer(i64),
    /// A number with a fraction; infinities and NaN are refused.
    Float(f64),
    /// Text.
    String(String),
}

impl Parameter {
    fn size(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            _ => 8,
        }
    }
}
