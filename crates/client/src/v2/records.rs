//! The JSON of the v2 API (v2 API contract §§3 to 5). Members that a server may leave out are empty then.

use std::fmt;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tidegate_model::PlainToken;

use crate::wire::empty_if_null;

/// What this client understands of a record, and all that the server sent of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record<T> {
    /// The understood part.
    pub known: T,
    /// Every member.
    pub document: Value,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Record<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Value::deserialize(deserializer)?;
        let known = T::deserialize(&document).map_err(D::Error::custom)?;
        Ok(Self { known, document })
    }
}

/// What a permission allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// `read`
    Read,
    /// `write`
    Write,
}

impl Action {
    /// The word that travels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// One permission as it travels. Its text is that of the command line (v2 API contract §3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// `read` or `write`.
    pub action: String,
    /// What it is about.
    pub resource: Resource,
}

/// The resources of a permission.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Only this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Only those of this organization.
    #[serde(default, rename = "orgID", skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
    /// Their kind, such as `buckets`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Resource { id, org_id, kind } = &self.resource;
        write!(f, "{}:", self.action)?;
        if let Some(org) = org_id {
            write!(f, "orgs/{org}")?;
        }
        write!(f, "/{kind}")?;
        match id {
            Some(id) => write!(f, "/{id}"),
            None => Ok(()),
        }
    }
}

/// An authorization (v2 API contract §4.1), or one of v1, whose token is a user name.
#[derive(Debug, Clone, Deserialize)]
pub struct Authorization {
    /// The id.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub id: String,
    /// What its maker wrote beside it.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub description: String,
    /// The secret in the answer to its creation; afterwards what the server shows instead.
    #[serde(default = "no_token", deserialize_with = "token")]
    pub token: PlainToken,
    /// `active` or `inactive`.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub status: String,
    /// The name of its owner.
    #[serde(default, rename = "user", deserialize_with = "empty_if_null")]
    pub user_name: String,
    /// The id of its owner.
    #[serde(default, rename = "userID", deserialize_with = "empty_if_null")]
    pub user_id: String,
    /// What it may do.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub permissions: Vec<Permission>,
    /// Whether the token was chosen by somebody and may be easy to guess. Other servers do not say.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub weak: bool,
}

fn no_token() -> PlainToken {
    PlainToken::from_presented("")
}

fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PlainToken, D::Error> {
    empty_if_null(deserializer).map(|text: String| PlainToken::from_presented(text))
}

/// A user (v2 API contract §5.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct User {
    /// The id.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub id: String,
    /// The name.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub name: String,
}

/// An organization (v2 API contract §5.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Organization {
    /// The id.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub id: String,
    /// The name.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub name: String,
}

/// A member or an owner of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The user's id.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub id: String,
    /// The user's name.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub name: String,
    /// `member` or `owner`.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub role: String,
    /// `active` or `inactive`.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub status: String,
}

/// A bucket (v2 API contract §5.5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Bucket {
    /// The id.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub id: String,
    /// The name.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub name: String,
    /// The organization that it belongs to.
    #[serde(default, rename = "orgID", deserialize_with = "empty_if_null")]
    pub org_id: String,
    /// `implicit` or `explicit`; empty if the server knows no kinds.
    #[serde(default, rename = "schemaType", deserialize_with = "empty_if_null")]
    pub schema_type: String,
    /// How long data stays; no rule = for ever.
    #[serde(default, rename = "retentionRules", deserialize_with = "empty_if_null")]
    pub retention_rules: Vec<RetentionRule>,
}

/// How long data stays in a bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetentionRule {
    /// 0 = for ever.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub every_seconds: i64,
    /// Time that one shard group covers; 0 = unknown.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub shard_group_duration_seconds: i64,
}

/// A mapping of a v1 database and retention policy to a bucket (v2 API contract §5.6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Dbrp {
    /// The id.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub id: String,
    /// The database.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub database: String,
    /// The retention policy.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub retention_policy: String,
    /// The bucket.
    #[serde(default, rename = "bucketID", deserialize_with = "empty_if_null")]
    pub bucket_id: String,
    /// The organization.
    #[serde(default, rename = "orgID", deserialize_with = "empty_if_null")]
    pub org_id: String,
    /// Whether the policy is the one of statements that name none.
    #[serde(default, rename = "default", deserialize_with = "empty_if_null")]
    pub is_default: bool,
    /// Whether the server made it up from a bucket's name.
    #[serde(default, rename = "virtual", deserialize_with = "empty_if_null")]
    pub is_virtual: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_as_the_command_line_shows_them() {
        let shown = |json: &str| serde_json::from_str::<Permission>(json).unwrap().to_string();
        let cases = [
            (r#"{"action":"read","resource":{"type":"users"}}"#, "read:/users"),
            (r#"{"action":"read","resource":{"type":"users","id":"0a"}}"#, "read:/users/0a"),
            (r#"{"action":"write","resource":{"type":"buckets","orgID":"01"}}"#, "write:orgs/01/buckets"),
            (
                r#"{"action":"read","resource":{"type":"buckets","orgID":"01","id":"0a","name":"x"}}"#,
                "read:orgs/01/buckets/0a",
            ),
        ];
        for (json, expected) in cases {
            assert_eq!(shown(json), expected);
        }
    }

    #[test]
    fn records_keep_members_that_nobody_understands() {
        let record: Record<User> = serde_json::from_str(r#"{"id":"0a","name":null,"status":"active"}"#).unwrap();
        assert_eq!(record.known, User { id: "0a".to_owned(), name: String::new() });
        assert_eq!(record.document["status"], "active");
    }

    #[test]
    fn an_authorization_does_not_print_its_token() {
        let record: Authorization = serde_json::from_str(r#"{"id":"0a","token":"hunter2"}"#).unwrap();
        assert_eq!(record.token.expose(), "hunter2");
        assert!(!format!("{record:?}").contains("hunter2"));
    }
}
