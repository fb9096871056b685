//! What can go wrong.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The log could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The operating system refused.
    #[error("cannot use {}: {source}; check that the data directory is there and writable", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A log file does not hold what was written to it.
    #[error("{} is damaged at byte {offset}: {reason}; restore the data directory from a backup", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The log has rows of a table that the table directory does not know.
    #[error(
        "{} holds rows of {table}, which the catalog does not know; restore catalog.sqlite and wal from one backup",
        path.display()
    )]
    UnknownTable {
        /// The file.
        path: PathBuf,
        /// The table as the log calls it, by id or by name, and its database.
        table: String,
    },
    /// A newer version of the server wrote the log.
    #[error("{} has format version {found}, this server knows up to {known}; use a newer server", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this server reads.
        known: u32,
    },
}

impl EngineError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn corrupt(path: &Path, offset: u64, reason: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), offset, reason: reason.into() }
    }
}

/// A line that was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedLine {
    /// Number of its first physical line in the body, from 1.
    pub number: usize,
    /// At most its first 20 bytes, cut on a character boundary.
    pub excerpt: String,
    /// Why, in the contract's words.
    pub message: String,
    /// Whether a limit on tables or columns is the reason.
    pub limit: bool,
}

/// Nothing of a request was acknowledged.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The body has no point.
    #[error("incoming write was empty")]
    Empty,
    /// Nothing was written: every line is bad, or one is and partial writes are not accepted (then the
    /// first ten are listed). At most [`MAX_LISTED`](crate::MAX_LISTED) lines are listed.
    #[error("no line was written, {} refused; correct them and send them again", .0.len())]
    Rejected(Vec<RejectedLine>),
    /// Good lines name tables that do not exist, here in order of first use. Nothing was written, and the commit point
    /// was not reached: create the tables and write again.
    #[error("{} table(s) do not exist; create them and write again", .0.len())]
    TablesMissing(Vec<Arc<str>>),
    /// The caller withdrew the request at its commit point; nothing was written.
    #[error("the write was withdrawn before it took effect")]
    Aborted,
    /// An earlier write to the log failed, or the log is closed.
    #[error("the server takes no writes since its log failed; check the disk, then restart the server")]
    ReadOnly,
    /// The log could not be written; whether the rows survive a restart is unknown.
    #[error("cannot write the log: {0}; check the disk, then restart the server")]
    Io(Arc<io::Error>),
    /// The body is larger than one log record may be; nothing was written.
    #[error("the body is larger than {limit} bytes; split it")]
    TooLarge {
        /// Most bytes in one body.
        limit: usize,
    },
}
