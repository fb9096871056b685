//! Organizations and who belongs to them (v2 API contract §5.3).

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::{Codes, Result};
use super::records::{Member, Organization, Record};
use super::transport::Client;
use crate::management::segment;
use crate::wire::empty_if_null;

const PATH: &str = "/api/v2/orgs";

/// What an organization is given; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OrganizationChanges {
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How a user belongs to an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberRole {
    /// Reads.
    Member,
    /// Administers.
    Owner,
}

impl MemberRole {
    const fn segment(self) -> &'static str {
        match self {
            Self::Member => "members",
            Self::Owner => "owners",
        }
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(default, deserialize_with = "empty_if_null")]
    orgs: Vec<Record<Organization>>,
}

#[derive(Deserialize)]
struct Members {
    #[serde(default, deserialize_with = "empty_if_null")]
    users: Vec<Record<Member>>,
}

impl Client {
    /// Organizations with this name and this id.
    pub async fn organizations(&self, name: Option<&str>, id: Option<&str>) -> Result<Vec<Record<Organization>>> {
        let request = self.get(PATH).query(&[("org", name), ("orgID", id)]);
        let list: List = self.document(request, Codes::AnyIfUnauthorized).await?;
        Ok(list.orgs)
    }

    /// One organization.
    pub async fn organization(&self, id: &str) -> Result<Record<Organization>> {
        self.document(self.get(&path(id)?), Codes::AnyIfUnauthorized).await
    }

    /// Makes one; it needs a name.
    pub async fn create_organization(&self, new: &OrganizationChanges) -> Result<Record<Organization>> {
        self.document(self.post(PATH).json(new), Codes::AnyIfUnauthorized).await
    }

    /// Changes one.
    pub async fn update_organization(&self, id: &str, changes: &OrganizationChanges) -> Result<Record<Organization>> {
        self.document(self.patch(&path(id)?).json(changes), Codes::AnyIfUnauthorized).await
    }

    /// Deletes one.
    pub async fn delete_organization(&self, id: &str) -> Result<()> {
        self.done(self.delete(&path(id)?), Codes::AnyIfUnauthorized).await
    }

    /// Its members, or its owners.
    pub async fn members(&self, organization: &str, role: MemberRole) -> Result<Vec<Record<Member>>> {
        let list: Members =
            self.document(self.get(&members_path(organization, role)?), Codes::AnyIfUnauthorized).await?;
        Ok(list.users)
    }

    /// Lets a user belong to it.
    pub async fn add_member(&self, organization: &str, role: MemberRole, user: &str) -> Result<Member> {
        let request = self.post(&members_path(organization, role)?).json(&json!({ "id": user }));
        self.document(request, Codes::AnyIfUnauthorized).await
    }

    /// Ends a user's belonging to it.
    pub async fn remove_member(&self, organization: &str, role: MemberRole, user: &str) -> Result<()> {
        let path = format!("{}/{}", members_path(organization, role)?, segment(user)?);
        self.done(self.delete(&path), Codes::AnyIfUnauthorized).await
    }
}

fn path(id: &str) -> Result<String> {
    Ok(format!("{PATH}/{}", segment(id)?))
}

fn members_path(organization: &str, role: MemberRole) -> Result<String> {
    Ok(format!("{}/{}", path(organization)?, role.segment()))
}
