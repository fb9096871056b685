//! What a query can end with, and how DataFusion's errors map onto it.

use datafusion::error::DataFusionError;
use thiserror::Error;

/// Why a query gave no result, or no further result. The variants say which answer the edge gives.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SqlError {
    /// The statement is not one that may run: syntax, an unknown table, column or function, a refused statement or
    /// function, a missing parameter. Nothing was computed. Answer: 400.
    #[error("{0}")]
    Invalid(String),
    /// A limit on time, memory, rows or the size of a value was reached. Answer: 422.
    #[error("{0}")]
    Limit(String),
    /// Too many queries run at once, or they hold all the memory there is for queries. Answer: 503.
    #[error("the server is busy with other queries; try again shortly")]
    Busy,
    /// The query itself failed while it ran, for example by dividing by zero. Answer: 400.
    #[error("{0}")]
    Failed(String),
    /// A fault of the server. Answer: 500.
    #[error("{0}")]
    Internal(String),
}

/// An error of our own that travels through DataFusion.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Limit(String),
    #[error("the query was stopped")]
    Stopped,
}

impl Refusal {
    pub(crate) fn invalid(message: impl Into<String>) -> DataFusionError {
        DataFusionError::External(Box::new(Self::Invalid(message.into())))
    }

    pub(crate) fn limit(message: impl Into<String>) -> DataFusionError {
        DataFusionError::External(Box::new(Self::Limit(message.into())))
    }

    pub(crate) fn stopped() -> DataFusionError {
        DataFusionError::External(Box::new(Self::Stopped))
    }
}

/// Facts about the query that DataFusion's error alone does not carry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorContext {
    /// The memory share of one query, bytes.
    pub(crate) memory_per_query: usize,
    /// Whether memory was refused because all queries together hold too much.
    pub(crate) total_memory_exhausted: bool,
}

impl ErrorContext {
    pub(crate) fn explain(self, error: &DataFusionError) -> SqlError {
        match error {
            DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => self.explain(inner),
            DataFusionError::Shared(inner) => self.explain(inner),
            DataFusionError::Collection(errors) => errors
                .first()
                .map_or_else(|| SqlError::Internal("the query failed without a reason".into()), |e| self.explain(e)),
            DataFusionError::External(inner) => explain_external(self, inner.as_ref()),
            DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
                arrow::error::ArrowError::ExternalError(inner) => explain_external(self, inner.as_ref()),
                arrow::error::ArrowError::MemoryError(_) => self.out_of_memory(),
                other => SqlError::Failed(other.to_string()),
            },
            DataFusionError::ResourcesExhausted(_) => self.out_of_memory(),
            DataFusionError::SQL(inner, _) => SqlError::Invalid(inner.to_string()),
            DataFusionError::SchemaError(inner, _) => SqlError::Invalid(inner.to_string()),
            DataFusionError::Plan(_) | DataFusionError::NotImplemented(_) | DataFusionError::Configuration(_) => {
                SqlError::Invalid(error.strip_backtrace())
            }
            DataFusionError::Execution(_) => SqlError::Failed(error.strip_backtrace()),
            DataFusionError::ExecutionJoin(_) => SqlError::Internal("a part of the query stopped unexpectedly".into()),
            DataFusionError::Internal(message) => SqlError::Internal(first_line(message)),
            _ => SqlError::Internal("the query failed inside the server".into()),
        }
    }

    fn out_of_memory(self) -> SqlError {
        if self.total_memory_exhausted {
            return SqlError::Busy;
        }
        SqlError::Limit(format!(
            "the query needs more than its {} MiB of memory; narrow the time range or aggregate earlier",
            self.memory_per_query >> 20
        ))
    }
}

fn explain_external(context: ErrorContext, error: &(dyn std::error::Error + Send + Sync + 'static)) -> SqlError {
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return match refusal {
            Refusal::Invalid(message) => SqlError::Invalid(message.clone()),
            Refusal::Limit(message) => SqlError::Limit(message.clone()),
            Refusal::Stopped => SqlError::Limit("the query was stopped by a limit".into()),
        };
    }
    match error.downcast_ref::<DataFusionError>() {
        Some(inner) => context.explain(inner),
        None => SqlError::Internal("the query failed inside the server".into()),
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
