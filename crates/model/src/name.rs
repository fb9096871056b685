//! Database names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Name of a database: 1 to 64 of `A–Z a–z 0–9 _ - /`, no leading `_`, case-sensitive
/// (management API contract §7). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatabaseName(Arc<str>);

/// Why a text cannot be a database name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseNameError {
    /// Empty or longer than 64 bytes.
    #[error("database name must have 1 to 64 characters, this one has {0}")]
    Length(usize),
    /// Contains something other than ASCII letters, digits, `_`, `-` and `/`.
    #[error(
        "database name may contain only ASCII letters, digits, '_', '-' and '/'; character number {0} is not allowed"
    )]
    Character(usize),
    /// Starts with `_`.
    #[error("database name must not start with '_', which is reserved for the system")]
    Reserved,
}

impl DatabaseName {
    /// Longest name, in bytes.
    pub const MAX_LENGTH: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatabaseName {
    type Err = DatabaseNameError;

    fn from_str(text: &str) -> Result<Self, DatabaseNameError> {
        if text.is_empty() || text.len() > Self::MAX_LENGTH {
            return Err(DatabaseNameError::Length(text.chars().count()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
        if let Some(position) = text.chars().position(|c| !allowed(c)) {
            return Err(DatabaseNameError::Character(position));
        }
        if text.starts_with('_') {
            return Err(DatabaseNameError::Reserved);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AsRef<str> for DatabaseName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_names() {
        let longest = "x".repeat(64);
        for name in ["a", "A", "a/b", "/", "-", "0", "a_b-c/d", "telegraf/autogen", longest.as_str()] {
            assert_eq!(name.parse::<DatabaseName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn invalid_names() {
        let cases = [
            ("", DatabaseNameError::Length(0)),
            (&"x".repeat(65), DatabaseNameError::Length(65)),
            (&format!("{}ü", "x".repeat(63)), DatabaseNameError::Length(64)),
            ("a.b", DatabaseNameError::Character(1)),
            ("a b", DatabaseNameError::Character(1)),
            ("a@b", DatabaseNameError::Character(1)),
            ("é", DatabaseNameError::Character(0)),
            ("_x", DatabaseNameError::Reserved),
            ("*", DatabaseNameError::Character(0)),
        ];
        for (name, error) in cases {
            assert_eq!(name.parse::<DatabaseName>().unwrap_err(), error, "{name}");
        }
    }
}
