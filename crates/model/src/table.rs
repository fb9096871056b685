//! Tables and their names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{DatabaseId, PartitionTemplate, TableId, Timestamp};

/// A name that an administrator may give to a table: 1 to 4096 bytes without control characters, case-sensitive
/// (management API contract §8), and neither `.` nor `..`, which cannot be part of an address. Tables that a write creates
/// can have these as well, and control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName(Arc<str>);

/// Why a text cannot be given to a table as its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableNameError {
    /// Empty or longer than 4096 bytes.
    #[error("table name must have 1 to 4096 bytes, this one has {0}")]
    Length(usize),
    /// Contains a control character.
    #[error("table name must not contain control characters; character number {0} is one")]
    Control(usize),
    /// `.` or `..`, which every client takes for a step in the path.
    #[error("table name must not be '.' or '..', which cannot be part of an address")]
    Dots,
}

impl TableName {
    /// Longest name, in bytes.
    pub const MAX_LENGTH: usize = 4096;

    /// What holds for the name of every table, however it is created.
    pub fn check_length(text: &str) -> Result<(), TableNameError> {
        let fits = (1..=Self::MAX_LENGTH).contains(&text.len());
        if fits { Ok(()) } else { Err(TableNameError::Length(text.len())) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TableName {
    type Err = TableNameError;

    fn from_str(text: &str) -> Result<Self, TableNameError> {
        Self::check_length(text)?;
        if matches!(text, "." | "..") {
            return Err(TableNameError::Dots);
        }
        match text.chars().position(char::is_control) {
            Some(position) => Err(TableNameError::Control(position)),
            None => Ok(Self(text.into())),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<TableName> for Arc<str> {
    fn from(name: TableName) -> Self {
        name.0
    }
}

/// What a caller gives to create a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTable {
    /// Its name, unique among the active tables of its database and their former names.
    pub name: TableName,
    /// How it is partitioned; `None` takes over the database's template.
    pub partition_template: Option<PartitionTemplate>,
}

/// A table as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its id, for ever.
    pub id: TableId,
    /// The database that it belongs to.
    pub database: DatabaseId,
    /// Its name. A former name still reaches it until it is deleted.
    pub name: Arc<str>,
    /// How it is partitioned; `None` is the default, by day. The tags that it names are columns from the start.
    pub partition_template: Option<PartitionTemplate>,
    /// Most columns, the time column included: the database's limit when the table was created.
    pub max_columns: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was deleted (softly); `None` while it is active.
    pub deleted_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "x".repeat(4096);
        for name in ["press", " ", "a b", "a/b", "_x", "温度", "🦀", "\"quoted\"", longest.as_str()] {
            assert_eq!(name.parse::<TableName>().unwrap().as_str(), name);
        }
        assert_eq!("".parse::<TableName>(), Err(TableNameError::Length(0)));
        assert_eq!("x".repeat(4097).parse::<TableName>(), Err(TableNameError::Length(4097)));
        assert_eq!("é\u{7f}".parse::<TableName>(), Err(TableNameError::Control(1)));
        assert_eq!("..".parse::<TableName>(), Err(TableNameError::Dots));
        assert_eq!("a\nb".parse::<TableName>(), Err(TableNameError::Control(1)));
    }
}
