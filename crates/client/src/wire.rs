//! The JSON of the management API. Members that only one product sends, or that are extensions, are optional.

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use tidegate_model::{AccountId, ClusterId, PlainToken, Timestamp, TokenId, UserId};
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
    #[serde(default, deserialize_with = "optional_text")]
    pub deleted_at: Option<Timestamp>,
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
    #[serde(default, deserialize_with = "optional_text")]
    pub deleted_at: Option<Timestamp>,
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
    #[serde(default, deserialize_with = "optional_text")]
    pub created_at: Option<Timestamp>,
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
    pub id: UserId,
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
    #[serde(default, deserialize_with = "optional_text")]
    pub created_at: Option<Timestamp>,
    /// From when on it is dead.
    #[serde(default, deserialize_with = "optional_text")]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, deserialize_with = "optional_text")]
    pub revoked_at: Option<Timestamp>,
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
    #[serde(default, deserialize_with = "optional_text")]
    pub created_at: Option<Timestamp>,
    /// Who made it.
    #[serde(default)]
    pub created_by: Option<Uuid>,
    /// From when on it is dead.
    #[serde(default, deserialize_with = "optional_text")]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, deserialize_with = "optional_text")]
    pub revoked_at: Option<Timestamp>,
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

fn text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

fn optional_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
}

fn empty_if_null<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PlainToken, D::Error> {
    String::deserialize(deserializer).map(PlainToken::from_presented)
}
