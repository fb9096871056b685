//! Buckets (v2 API contract §5.5).

use serde::{Deserialize, Serialize};

use super::error::{Codes, Result};
use super::records::{Bucket, Record, RetentionRule};
use super::transport::Client;
use crate::management::segment;
use crate::wire::empty_if_null;

const PATH: &str = "/api/v2/buckets";

/// Which buckets a page holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BucketFilter {
    /// Most buckets of the page; the server's own choice if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How many to leave out at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The organization's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<String>,
    /// The organization's id.
    #[serde(rename = "orgID", skip_serializing_if = "Option::is_none")]
    pub org_id: Option<String>,
}

/// A bucket to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewBucket {
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name.
    pub name: String,
    /// The organization.
    #[serde(rename = "orgID")]
    pub org_id: String,
    /// How long data stays; `None` travels as `null` and means what the server likes.
    pub retention_rules: Option<Vec<RetentionRule>>,
    /// `implicit` or `explicit`.
    pub schema_type: String,
}

/// What a bucket is given; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BucketChanges {
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How long data stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_rules: Option<Vec<RetentionChange>>,
}

/// What the retention rule of a bucket is given; what is absent stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "type", rename = "expire")]
pub struct RetentionChange {
    /// In seconds; 0 = for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<i64>,
    /// Time that one shard group covers, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard_group_duration_seconds: Option<i64>,
}

impl Serialize for RetentionRule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Travelling {
            every_seconds: i64,
            #[serde(skip_serializing_if = "Option::is_none")]
            shard_group_duration_seconds: Option<i64>,
            r#type: &'static str,
        }
        let shard = Some(self.shard_group_duration_seconds).filter(|&seconds| seconds != 0);
        Travelling { every_seconds: self.every_seconds, shard_group_duration_seconds: shard, r#type: "expire" }
            .serialize(serializer)
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(default, deserialize_with = "empty_if_null")]
    buckets: Vec<Record<Bucket>>,
}

impl Client {
    /// One page of buckets.
    pub async fn buckets(&self, filter: &BucketFilter) -> Result<Vec<Record<Bucket>>> {
        let list: List = self.document(self.get(PATH).query(filter), Codes::AnyIfUnauthorized).await?;
        Ok(list.buckets)
    }

    /// Makes a bucket.
    pub async fn create_bucket(&self, new: &NewBucket) -> Result<Record<Bucket>> {
        self.document(self.post(PATH).json(new), Codes::AnyIfUnauthorized).await
    }

    /// Changes a bucket.
    pub async fn update_bucket(&self, id: &str, changes: &BucketChanges) -> Result<Record<Bucket>> {
        self.document(self.patch(&path(id)?).json(changes), Codes::AnyIfUnauthorized).await
    }

    /// Deletes a bucket.
    pub async fn delete_bucket(&self, id: &str) -> Result<()> {
        self.done(self.delete(&path(id)?), Codes::AnyIfUnauthorized).await
    }
}

fn path(id: &str) -> Result<String> {
    Ok(format!("{PATH}/{}", segment(id)?))
}
