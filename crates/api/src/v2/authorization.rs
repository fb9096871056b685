//! An authorization as it is asked for and as it is shown (contract §§4.1 and 4.2), also one of a v1 user (§5.8).

use serde::{Deserialize, Serialize};
use tidegate_model::{
    ApiToken, ApiTokenChange, ApiTokenForm, OrganizationId, PlainToken, Timestamp, TypedPermissions, UserId,
};
use tidegate_service::{ApiTokenQuery, ApiTokenRequest, Entry, Service};
use utoipa::{IntoParams, ToSchema};

use super::description::{given_id, given_id_or_empty, given_text_or_null, id as id_schema};
use super::error::ApiError;
use super::given;
use super::parameters::Parameters;
use super::permission::{GivenPermission, Permission, requested, resolved, statuses, statuses_or_null};

/// Stands for the secret, which is known to nobody any more.
const REDACTED: &str = "redacted";

/// An authorization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorization {
    #[schema(schema_with = id_schema)]
    id: String,
    /// The secret in the answer that creates it, `redacted` in every other; of a v1 user the name.
    token: String,
    #[schema(schema_with = statuses)]
    status: &'static str,
    description: String,
    #[serde(rename = "orgID")]
    #[schema(schema_with = id_schema)]
    org_id: String,
    /// Name of the organization.
    org: String,
    #[serde(rename = "userID")]
    #[schema(schema_with = id_schema)]
    user_id: String,
    /// Name of the user.
    user: String,
    permissions: Vec<Permission>,
    links: Links,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    updated_at: String,
    /// From when on it is dead; absent = never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    expires_at: Option<String>,
    /// True if somebody chose the token, so that it may be easy to guess; else absent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    weak: bool,
}

#[derive(Serialize, ToSchema)]
struct Links {
    #[serde(rename = "self")]
    this: String,
    user: String,
}

/// What is wanted of a new authorization.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateAuthorization {
    /// `active` if absent.
    #[schema(schema_with = statuses_or_null, required = false)]
    status: Option<String>,
    #[schema(schema_with = given_text_or_null, required = false)]
    description: Option<String>,
    /// The organization in which it holds.
    #[serde(default, rename = "orgID", deserialize_with = "given::id_or_zero")]
    #[schema(schema_with = given_id, required = true)]
    org_id: Option<OrganizationId>,
    /// The owner; the caller's user if absent.
    #[serde(default, rename = "userID", deserialize_with = "given::id")]
    #[schema(schema_with = given_id, required = false)]
    user_id: Option<UserId>,
    #[schema(value_type = Vec<GivenPermission>, required = true, min_items = 1)]
    permissions: Option<Vec<GivenPermission>>,
    /// RFC 3339; absent = never expires.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// What to change of an authorization.
#[derive(Deserialize, ToSchema)]
pub(super) struct UpdateAuthorization {
    #[schema(schema_with = statuses_or_null, required = false)]
    status: Option<String>,
    #[schema(schema_with = given_text_or_null, required = false)]
    description: Option<String>,
}

/// Which authorizations are wanted. All conditions must hold; an empty value is none.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read from the query string")]
pub(super) struct Filter {
    /// Only those of this user.
    #[param(rename = "userID", schema_with = given_id_or_empty, required = false)]
    user_id: Option<String>,
    /// The same by name, unless `userID` is given.
    user: Option<String>,
    /// Only those of this organization.
    #[param(rename = "orgID", schema_with = given_id_or_empty, required = false)]
    org_id: Option<String>,
    /// The same by name, unless `orgID` is given.
    org: Option<String>,
    /// Only the one with this value.
    token: Option<String>,
    /// Only this one; nothing else counts then.
    #[param(schema_with = given_id_or_empty, required = false)]
    id: Option<String>,
}

impl Authorization {
    /// Fails if the user or the organization is gone, with the error that says so. `path` is where such authorizations
    /// are found.
    pub(super) fn new(service: &Service, record: &ApiToken, path: &str) -> Result<Self, ApiError> {
        let user = service.user_name(record.user).ok_or_else(|| ApiError::not_found("user not found"))?;
        let organization = service
            .organization_name(record.organization)
            .ok_or_else(|| ApiError::not_found("organization not found"))?;
        let (token, weak) = match &record.form {
            ApiTokenForm::Token { weak } => (REDACTED.to_owned(), *weak),
            ApiTokenForm::Legacy { username } => (username.to_string(), false),
        };
        Ok(Self {
            id: record.id.to_string(),
            token,
            status: record.status.as_str(),
            description: record.description.as_str().to_owned(),
            org_id: record.organization.to_string(),
            org: organization.to_string(),
            user_id: record.user.to_string(),
            user: user.to_string(),
            permissions: record.permissions.iter().map(|permission| Permission::new(service, permission)).collect(),
            links: Links { this: format!("{path}/{}", record.id), user: format!("/api/v2/users/{}", record.user) },
            created_at: record.created_at.to_string(),
            updated_at: record.updated_at.to_string(),
            expires_at: record.expires_at.as_ref().map(Timestamp::to_string),
            weak,
        })
    }

    /// The one answer in which the secret is shown.
    pub(super) fn with_secret(self, secret: &PlainToken) -> Self {
        Self { token: secret.expose().to_owned(), ..self }
    }
}

impl CreateAuthorization {
    /// The checks of contract §4.3 that come before any right is looked at, in their order.
    pub(super) fn read(self, service: &Service, caller: &Entry) -> Result<ApiTokenRequest, ApiError> {
        let requested = requested(self.permissions)?;
        let organization = self.org_id.ok_or_else(|| ApiError::invalid("org id required: invalid ID"))?;
        let status = given::status(self.status)?.unwrap_or_default();
        let description = given::description(self.description)?.unwrap_or_default();
        let invalid = |error| ApiError::invalid(format!("expiresAt is {error}"));
        let expires_at = self.expires_at.map(|text| text.parse().map_err(invalid)).transpose()?;
        let permissions: TypedPermissions = resolved(service, caller, requested, organization)?;
        Ok(ApiTokenRequest { organization, user: self.user_id, status, description, permissions, expires_at })
    }
}

impl UpdateAuthorization {
    pub(super) fn read(self) -> Result<ApiTokenChange, ApiError> {
        Ok(ApiTokenChange { status: given::status(self.status)?, description: given::description(self.description)? })
    }
}

/// Which user and organization a list is about. Names are looked up without a permission.
pub(super) fn query(service: &Service, parameters: &Parameters) -> Result<ApiTokenQuery, ApiError> {
    let (user, organization) = (parameters.id("userID")?, parameters.id("orgID")?);
    let user = match (user, parameters.get("user")) {
        (None, Some(name)) => Some(service.find_user(name).ok_or_else(|| ApiError::not_found("user not found"))?),
        (id, _) => id,
    };
    let organization = match (organization, parameters.get("org")) {
        (None, Some(name)) => Some(organization_named(service, name)?),
        (id, _) => id,
    };
    Ok(ApiTokenQuery { user, organization, digest: None })
}

pub(super) fn organization_named(service: &Service, name: &str) -> Result<OrganizationId, ApiError> {
    let unknown = || ApiError::not_found(format!("organization name \"{name}\" not found"));
    service.find_organization(name).ok_or_else(unknown)
}
