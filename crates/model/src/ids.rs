//! Typed identifiers: one type per kind of thing, so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::Randomness;

/// A text that is not an identifier of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not {expected}")]
pub struct ParseIdError {
    what: &'static str,
    expected: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $field:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The id that orders before every other.
            pub const NIL: Self = Self(Uuid::nil());

            /// A new random id (UUID version 4).
            pub fn random(randomness: &dyn Randomness) -> Self {
                let mut bytes = [0; 16];
                randomness.fill(&mut bytes);
                Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
            }

            /// The id as a UUID.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// An id from a UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            /// Accepts the hyphenated form only, of any version and in any case.
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let error = ParseIdError { what: $field, expected: "a UUID" };
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    return Err(error);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| error)
            }
        }
    };
}

uuid_id!(
    /// Owner of clusters, users and management tokens.
    AccountId, "accountId"
);
uuid_id!(
    /// Unit of isolation: databases and their tokens live in one cluster.
    ClusterId, "clusterId"
);
uuid_id!(
    /// A database token or management token.
    TokenId, "tokenId"
);
uuid_id!(
    /// A user of an account, as the Management API shows them.
    AccountUserId, "userId"
);

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// An id from its number; `None` unless it is at least 1.
            pub const fn new(number: i64) -> Option<Self> {
                if number >= 1 { Some(Self(number)) } else { None }
            }

            /// The number, at least 1.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

numeric_id!(
    /// A database, for ever: ids are never reused, renaming and undeleting keep them.
    DatabaseId
);
numeric_id!(
    /// A table, for ever and over all databases: ids are never reused, renaming and undeleting keep them.
    TableId
);

/// Why a text is not the id of something in the v2 API (contract §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseHexIdError {
    /// Not 16 bytes long.
    #[error("id must have a length of 16 bytes")]
    Length,
    /// Not all hexadecimal digits, or all of them zero.
    #[error("invalid ID")]
    Invalid,
}

/// Reads 16 hexadecimal digits of either case.
fn parse_hex_id(text: &str) -> Result<u64, ParseHexIdError> {
    if text.len() != 16 {
        return Err(ParseHexIdError::Length);
    }
    // A sign would be accepted as the first digit.
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match u64::from_str_radix(text, 16) {
        Ok(number) if digits && number != 0 => Ok(number),
        _ => Err(ParseHexIdError::Invalid),
    }
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Shown as 16 hexadecimal digits, never zero.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// A new random id that fits a signed 64-bit column.
            pub fn random(randomness: &dyn Randomness) -> Self {
                let mut bytes = [0; 8];
                randomness.fill(&mut bytes);
                Self((u64::from_be_bytes(bytes) >> 1).max(1))
            }

            /// The id with this number; `None` for zero.
            pub const fn new(number: u64) -> Option<Self> {
                if number == 0 { None } else { Some(Self(number)) }
            }

            /// The id as a number.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseHexIdError;

            fn from_str(text: &str) -> Result<Self, ParseHexIdError> {
                parse_hex_id(text).map(Self)
            }
        }
    };
}

hex_id!(
    /// The v2 name of a cluster.
    OrganizationId
);
hex_id!(
    /// A person or program that owns API tokens and may sign in.
    UserId
);
hex_id!(
    /// An API token, which the v2 API calls authorization.
    ApiTokenId
);
hex_id!(
    /// A mapping from a v1 database and retention policy to a database.
    MappingId
);
hex_id!(
    /// A session of a user who signed in.
    SessionId
);
hex_id!(
    /// Any single thing that a typed permission is about. What kind of thing, its resource type says.
    ResourceId
);

impl From<DatabaseId> for ResourceId {
    fn from(id: DatabaseId) -> Self {
        Self(id.0.unsigned_abs())
    }
}

macro_rules! resource_id_from {
    ($($id:ident)*) => {
        $(impl From<$id> for ResourceId {
            fn from(id: $id) -> Self {
                Self(id.0)
            }
        })*
    };
}

resource_id_from!(OrganizationId UserId ApiTokenId MappingId);

impl DatabaseId {
    /// The id of the database that a typed permission is about; `None` if no database can have it.
    pub fn from_resource(id: ResourceId) -> Option<Self> {
        i64::try_from(id.0).ok().and_then(Self::new)
    }
}

/// Which credential: its id among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialId {
    /// A database token or a management token.
    Token(TokenId),
    /// An API token.
    ApiToken(ApiTokenId),
    /// A session.
    Session(SessionId),
}

/// Position of a change in the catalog. Every committed change takes the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SequenceNumber(pub i64);

/// Who this server is: made once, at first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The account that owns the cluster.
    pub account: AccountId,
    /// The one cluster of this server.
    pub cluster: ClusterId,
    /// The same cluster under its v2 name.
    pub organization: OrganizationId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_is_read_in_any_case_and_shown_in_lower_case() {
        let id: TokenId = "4F0C8A52-6D1E-4B7B-9A3C-51E2D07F9B64".parse().unwrap();
        assert_eq!(id.to_string(), "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64");
    }

    #[test]
    fn uuid_of_another_form_is_refused() {
        for text in ["", "not-a-uuid", "4f0c8a526d1e4b7b9a3c51e2d07f9b64", "{4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64}"] {
            let error = text.parse::<TokenId>().unwrap_err();
            assert_eq!(error.to_string(), "tokenId is not a UUID", "{text}");
        }
    }

    #[test]
    fn hex_id_is_sixteen_digits_in_any_case() {
        let id: OrganizationId = "00000000000000FF".parse().unwrap();
        assert_eq!(id.to_string(), "00000000000000ff");
        assert_eq!("ffffffffffffffff".parse::<UserId>().unwrap().get(), u64::MAX);
        for text in ["", "ff", "00000000000000fff", "000000000000000ü"] {
            assert_eq!(text.parse::<UserId>(), Err(ParseHexIdError::Length), "{text}");
        }
        for text in ["0000000000000000", "00000000000000fg", "+0000000000000ff", "00000000000000ü"] {
            assert_eq!(text.parse::<UserId>(), Err(ParseHexIdError::Invalid), "{text}");
        }
    }

    #[test]
    fn database_keeps_its_id_as_a_resource() {
        let id = DatabaseId::new(7).unwrap();
        assert_eq!(ResourceId::from(id).to_string(), "0000000000000007");
        assert_eq!(DatabaseId::from_resource(id.into()), Some(id));
        assert_eq!(DatabaseId::from_resource("ffffffffffffffff".parse().unwrap()), None);
    }
}
