//! Users, organizations and who belongs to which (v2 API contract §§5.3 and 5.4).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{ClusterId, Description, OrganizationId, Timestamp, UserId};

/// Name of a user, of an organization, or of a legacy credential: 1 to 255 bytes without control characters, case-sensitive. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text cannot be a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is nothing but blanks.
    #[error("name is empty")]
    Empty,
    /// Longer than 255 bytes.
    #[error("name must have at most 255 bytes, this one has {0}")]
    TooLong(usize),
    /// A control character, such as a line feed.
    #[error("name must not contain control characters")]
    Control,
}

impl Name {
    /// Longest name, in bytes.
    pub const MAX_LENGTH: usize = 255;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.trim().is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(NameError::TooLong(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(NameError::Control);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a user or an API token can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Status {
    /// It can.
    #[default]
    Active,
    /// It is refused until somebody sets it active again.
    Inactive,
}

/// The word is neither `active` nor `inactive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid status: must be active or inactive")]
pub struct StatusError;

impl Status {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(word: &str) -> Result<Self, StatusError> {
        match word {
            "active" => Ok(Self::Active),
            "inactive" => Ok(Self::Inactive),
            _ => Err(StatusError),
        }
    }
}

/// A user as the catalog keeps it. The hash of the password is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Never given out twice, also after deletion.
    pub id: UserId,
    /// Unique among the users that exist.
    pub name: Name,
    /// An inactive user's tokens and sessions are refused.
    pub status: Status,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An organization, which is a cluster under its v2 name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Never given out twice.
    pub id: OrganizationId,
    /// The same record as the Management API names it.
    pub cluster: ClusterId,
    /// Unique among the organizations that exist.
    pub name: Name,
    /// Free text.
    pub description: Description,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a user is in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads what the organization has.
    Member,
    /// Reads and writes it.
    Owner,
}

impl Role {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Owner => "owner",
        }
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(word: &str) -> Result<Self, RoleError> {
        match word {
            "member" => Ok(Self::Member),
            "owner" => Ok(Self::Owner),
            _ => Err(RoleError),
        }
    }
}

/// The word names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("role must be member or owner")]
pub struct RoleError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "my-user", "Zoë & co", &"x".repeat(255)] {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
        }
        assert_eq!("".parse::<Name>(), Err(NameError::Empty));
        assert_eq!("  ".parse::<Name>(), Err(NameError::Empty));
        assert_eq!("x".repeat(256).parse::<Name>(), Err(NameError::TooLong(256)));
        assert_eq!("a\nb".parse::<Name>(), Err(NameError::Control));
    }

    #[test]
    fn words_are_exact() {
        assert_eq!("inactive".parse(), Ok(Status::Inactive));
        assert_eq!("Active".parse::<Status>(), Err(StatusError));
        assert_eq!("owner".parse(), Ok(Role::Owner));
        assert!("Owner".parse::<Role>().is_err());
    }
}
