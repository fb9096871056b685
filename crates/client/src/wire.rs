//! The JSON of the management API. Members that only one product sends, or that are extensions, are optional.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use tidegate_model::{AccountId, AccountUserId, ClusterId, PlainToken, Timestamp, TokenId};
use uuid::Uuid;

/// A database (management API contract §7).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseItem {
    /// Absent from Clustered servers.
    #[serde(default, deserialize_with = "optional_text")]
    pub account_id: Option<AccountId>,
    /// Absent from Clustered servers.
    #[serde(default, deserialize_with = "optional_text")]
    pub cluster_id: Option<ClusterId>,
    /// The id; servers without our extension do not tell it.
    #[serde(default)]
    pub id: Option<i64>,
    /// The name.
    pub name: String,
    /// Most tables.
    #[serde(default)]
    pub max_tables: Option<i64>,
    /// Most columns of one table, the time column included.
    #[serde(default)]
    pub max_columns_per_table: Option<i64>,
    /// Nanoseconds; 0 or absent = for ever.
    #[serde(default)]
    pub retention_period: Option<i64>,
    /// When it was deleted, if it was.
    #[serde(default)]
    pub deleted_at: Option<ServerTime>,
}

/// A table (management API contract §§8 and 14).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableItem {
    /// The name of its database.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub database_name: String,
    /// The id; servers without our extension do not tell it when a table is created.
    #[serde(default)]
    pub id: Option<i64>,
    /// The name.
    pub name: String,
    /// The template as the server sends it; absent for the default.
    #[serde(default)]
    pub partition_template: Option<Value>,
    /// Whether Iceberg is on.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub iceberg_enabled: bool,
    /// When it was deleted, if it was.
    #[serde(default)]
    pub deleted_at: Option<ServerTime>,
}

/// A cluster (management API contract §14).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterItem {
    /// Absent from Clustered servers.
    #[serde(default, deserialize_with = "optional_text")]
    pub account_id: Option<AccountId>,
    /// Absent from Clustered servers.
    #[serde(default, deserialize_with = "optional_text")]
    pub cluster_id: Option<ClusterId>,
    /// The name.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub name: String,
    /// The host, without scheme.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub url: String,
    /// `ready` or another word.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub state: String,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<ServerTime>,
    /// A number whose meaning is not documented.
    #[serde(default)]
    pub category: Option<i64>,
}

/// A user of an account (management API contract §14).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserItem {
    /// The id.
    #[serde(deserialize_with = "text")]
    pub id: AccountUserId,
    /// Absent from Clustered servers.
    #[serde(default, deserialize_with = "optional_text")]
    pub account_id: Option<AccountId>,
    /// The first name.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub first_name: String,
    /// The last name.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub last_name: String,
    /// The email address.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub email: String,
}

/// One grant as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PermissionItem {
    /// `read` or `write`.
    pub action: String,
    /// A database name or `*`.
    pub resource: String,
}

/// A database token (management API contract §9). Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseTokenItem {
    /// Absent from Clustered servers.
    #[serde(default, deserialize_with = "optional_text")]
    pub account_id: Option<AccountId>,
    /// Absent from Clustered servers.
    #[serde(default, deserialize_with = "optional_text")]
    pub cluster_id: Option<ClusterId>,
    /// The id.
    #[serde(deserialize_with = "text")]
    pub id: TokenId,
    /// What its maker wrote beside it.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub description: String,
    /// What it may do.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub permissions: Vec<PermissionItem>,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<ServerTime>,
    /// From when on it is dead.
    #[serde(default)]
    pub expires_at: Option<ServerTime>,
    /// When it was revoked.
    #[serde(default)]
    pub revoked_at: Option<ServerTime>,
}

/// A management token (management API contract §§11 and 14). Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagementTokenItem {
    /// The id.
    #[serde(deserialize_with = "text")]
    pub id: TokenId,
    /// Absent from Clustered servers.
    #[serde(default, deserialize_with = "optional_text")]
    pub account_id: Option<AccountId>,
    /// The first characters of the token.
    #[serde(default, rename = "prefix", alias = "tokenPrefix", deserialize_with = "empty_if_null")]
    pub token_prefix: String,
    /// What its maker wrote beside it.
    #[serde(default, deserialize_with = "empty_if_null")]
    pub description: String,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<ServerTime>,
    /// Who made it.
    #[serde(default)]
    pub created_by: Option<Uuid>,
    /// From when on it is dead.
    #[serde(default)]
    pub expires_at: Option<ServerTime>,
    /// When it was revoked.
    #[serde(default)]
    pub revoked_at: Option<ServerTime>,
}

/// A token that has just been made: its record, and the secret that is told this once.
#[derive(Debug, Clone, Deserialize)]
pub struct Created<T> {
    /// The record.
    #[serde(flatten)]
    pub record: T,
    /// The secret.
    #[serde(rename = "accessToken", deserialize_with = "secret")]
    pub secret: PlainToken,
}

/// A time as a server sends it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServerTime {
    /// A time of RFC 3339.
    Known(Timestamp),
    /// Something else, such as a year of five digits: the text as it came, or a JSON value as text.
    Other(String),
}

impl ServerTime {
    /// The time, if it is one.
    pub fn known(&self) -> Option<Timestamp> {
        match self {
            Self::Known(time) => Some(*time),
            Self::Other(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for ServerTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) => text.parse().map_or(Self::Other(text), Self::Known),
            other => Self::Other(other.to_string()),
        })
    }
}

fn text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    Parsed::deserialize(deserializer).map(|Parsed(value)| value)
}

fn optional_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    Ok(Option::<Parsed<T>>::deserialize(deserializer)?.map(|Parsed(value)| value))
}

/// What a text stands for, read without copying the text: long lists hold many.
struct Parsed<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);

        impl<T: FromStr<Err: fmt::Display>> de::Visitor<'_> for Text<T> {
            type Value = Parsed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                text.parse().map(Parsed).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text(PhantomData))
    }
}

pub(crate) fn empty_if_null<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

pub(crate) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PlainToken, D::Error> {
    String::deserialize(deserializer).map(PlainToken::from_presented)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_cannot_be_read_are_kept_as_they_came() {
        let time = |json: &str| -> Option<ServerTime> { serde_json::from_str(json).unwrap() };
        let noon = Timestamp::from_micros(1_801_396_800_000_000);
        assert_eq!(time(r#""2027-01-31T12:00:00Z""#), Some(ServerTime::Known(noon)));
        assert_eq!(time("null"), None);
        for (json, text) in [
            (r#""+10000-01-01T00:00:00Z""#, "+10000-01-01T00:00:00Z"),
            (r#""""#, ""),
            (r#""so\u006fn""#, "soon"),
            ("1801396800", "1801396800"),
            (r#"{"seconds":5}"#, r#"{"seconds":5}"#),
        ] {
            assert_eq!(time(json), Some(ServerTime::Other(text.to_owned())), "{json}");
        }
        assert_eq!(ServerTime::Known(noon).known(), Some(noon));
        assert_eq!(ServerTime::Other(String::new()).known(), None);
    }

    #[test]
    fn ids_may_be_escaped_but_not_malformed() {
        let item = |id: &str| serde_json::from_str::<DatabaseTokenItem>(&format!(r#"{{"id":{id}}}"#));
        assert!(item(r#""4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64""#).is_ok());
        assert!(item(r#""\u0034f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64""#).is_ok());
        for id in [r#""4f0c""#, "4", "null", r#"["4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64"]"#] {
            assert!(item(id).is_err(), "{id}");
        }
    }
}
