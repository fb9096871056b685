//! Mappings of v1 databases and retention policies to buckets (v2 API contract §5.6).

use serde::{Deserialize, Serialize};

use super::error::{Codes, Result};
use super::records::{Dbrp, Record};
use super::transport::Client;
use crate::management::segment;
use crate::wire::empty_if_null;

const PATH: &str = "/api/v2/dbrps";

/// An organization by name or by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum OrganizationReference {
    /// By its name.
    #[serde(rename = "org")]
    Name(String),
    /// By its id.
    #[serde(rename = "orgID")]
    Id(String),
}

impl OrganizationReference {
    /// As a parameter of a query string.
    pub(super) fn parameter(&self) -> (&'static str, &str) {
        match self {
            Self::Name(name) => ("org", name),
            Self::Id(id) => ("orgID", id),
        }
    }
}

/// Which mappings a list holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DbrpFilter {
    /// The id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The bucket.
    #[serde(rename = "bucketID", skip_serializing_if = "Option::is_none")]
    pub bucket_id: Option<String>,
    /// The database.
    #[serde(rename = "db", skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The retention policy.
    #[serde(rename = "rp", skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<String>,
    /// Only those of statements that name no policy.
    #[serde(rename = "default", skip_serializing_if = "Option::is_none")]
    pub is_default: Option<bool>,
}

/// A mapping to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewDbrp {
    /// The bucket.
    #[serde(rename = "bucketID")]
    pub bucket_id: String,
    /// The database.
    pub database: String,
    /// The organization's id.
    #[serde(rename = "orgID")]
    pub org_id: String,
    /// The retention policy.
    pub retention_policy: String,
}

/// What a mapping is given; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DbrpChanges {
    /// Whether it is the one of statements that name no policy.
    #[serde(rename = "default", skip_serializing_if = "Option::is_none")]
    pub is_default: Option<bool>,
    /// The retention policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<String>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default, deserialize_with = "empty_if_null")]
    content: Vec<Record<Dbrp>>,
}

/// All answers but that to a creation wrap the record.
#[derive(Deserialize)]
struct Wrapped {
    content: Record<Dbrp>,
}

impl Client {
    /// The mappings of an organization.
    pub async fn dbrps(&self, organization: &OrganizationReference, filter: &DbrpFilter) -> Result<Vec<Record<Dbrp>>> {
        let request = self.get(PATH).query(filter).query(&[organization.parameter()]);
        let list: List = self.document(request, Codes::AnyIfUnauthorized).await?;
        Ok(list.content)
    }

    /// One mapping.
    pub async fn dbrp(&self, organization: &OrganizationReference, id: &str) -> Result<Record<Dbrp>> {
        let request = self.get(&path(id)?).query(&[organization.parameter()]);
        let wrapped: Wrapped = self.document(request, Codes::AnyIfUnauthorized).await?;
        Ok(wrapped.content)
    }

    /// Makes a mapping.
    pub async fn create_dbrp(&self, new: &NewDbrp) -> Result<Record<Dbrp>> {
        self.document(self.post(PATH).json(new), Codes::AnyIfUnauthorized).await
    }

    /// Changes a mapping.
    pub async fn update_dbrp(
        &self,
        organization: &OrganizationReference,
        id: &str,
        changes: &DbrpChanges,
    ) -> Result<Record<Dbrp>> {
        let request = self.patch(&path(id)?).query(&[organization.parameter()]).json(changes);
        let wrapped: Wrapped = self.document(request, Codes::AnyIfUnauthorized).await?;
        Ok(wrapped.content)
    }

    /// Deletes a mapping.
    pub async fn delete_dbrp(&self, organization: &OrganizationReference, id: &str) -> Result<()> {
        let request = self.delete(&path(id)?).query(&[organization.parameter()]);
        self.done(request, Codes::AnyIfUnauthorized).await
    }
}

fn path(id: &str) -> Result<String> {
    Ok(format!("{PATH}/{}", segment(id)?))
}
