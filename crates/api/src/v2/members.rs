//! `/api/v2/orgs/{orgID}/members` and `…/owners` (contract §5.3). In the cloud every user of an organization is an owner,
//! and neither list can be changed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tidegate_model::{OrganizationId, Role, User as UserRecord, UserId};
use tidegate_service::{Entry, Profile, Service};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::answer;
use super::body;
use super::caller::V2Caller;
use super::description::given_id;
use super::error::{ApiError, Refused};
use super::given;
use super::links::SelfLink;
use super::parameters::{IdOfPath, IdsOfPath};
use super::refuse_in_cloud;
use super::users::User;
use crate::Cutoff;
use crate::openapi::one_of;

/// A user, and what the user is in an organization.
#[derive(Serialize, ToSchema)]
pub(super) struct Member {
    #[serde(flatten)]
    user: User,
    #[schema(schema_with = roles)]
    role: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Members {
    links: SelfLink,
    users: Vec<Member>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct AddMember {
    /// Of the user.
    #[serde(default, deserialize_with = "given::id")]
    #[schema(schema_with = given_id, required = true)]
    id: Option<UserId>,
}

fn roles() -> Object {
    one_of(&["member", "owner"])
}

impl Member {
    fn new(user: &UserRecord, role: Role) -> Self {
        Self { user: User::new(user), role: role.as_str() }
    }
}

/// Lists the members of an organization.
#[utoipa::path(get, path = "/api/v2/orgs/{orgID}/members", tag = "organizations", operation_id = "GetOrgsIDMembers",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("orgID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 200, description = "The members", body = Members), Refused<400>, Refused<404>))]
pub(super) async fn list_members(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    IdOfPath(organization): IdOfPath<OrganizationId>,
) -> Result<Response, ApiError> {
    let members = list(&service, &caller, organization, Role::Member)?;
    Ok(answer::guarded(&members, caller, cutoff))
}

/// Lists the owners of an organization.
#[utoipa::path(get, path = "/api/v2/orgs/{orgID}/owners", tag = "organizations", operation_id = "GetOrgsIDOwners",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("orgID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 200, description = "The owners", body = Members), Refused<400>, Refused<404>))]
pub(super) async fn list_owners(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    IdOfPath(organization): IdOfPath<OrganizationId>,
) -> Result<Response, ApiError> {
    let owners = list(&service, &caller, organization, Role::Owner)?;
    Ok(answer::guarded(&owners, caller, cutoff))
}

/// Makes a user a member of an organization.
#[utoipa::path(post, path = "/api/v2/orgs/{orgID}/members", tag = "organizations",
    operation_id = "PostOrgsIDMembers",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("orgID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")), request_body = AddMember,
    responses((status = 201, description = "The member", body = Member),
        Refused<400>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn add_member(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(organization): IdOfPath<OrganizationId>,
    body: Body,
) -> Result<Response, ApiError> {
    add(&service, caller, organization, Role::Member, body).await
}

/// Makes a user an owner of an organization.
#[utoipa::path(post, path = "/api/v2/orgs/{orgID}/owners", tag = "organizations", operation_id = "PostOrgsIDOwners",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("orgID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")), request_body = AddMember,
    responses((status = 201, description = "The owner", body = Member),
        Refused<400>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn add_owner(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(organization): IdOfPath<OrganizationId>,
    body: Body,
) -> Result<Response, ApiError> {
    add(&service, caller, organization, Role::Owner, body).await
}

/// Ends a membership. When this answers 204, the user's sessions can do nothing more in the organization.
#[utoipa::path(delete, path = "/api/v2/orgs/{orgID}/members/{userID}", tag = "organizations",
    operation_id = "DeleteOrgsIDMembersID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("orgID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$"),
        ("userID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 204, description = "Removed"), Refused<400>, Refused<404>))]
pub(super) async fn remove_member(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdsOfPath(organization, user): IdsOfPath<OrganizationId, UserId>,
) -> Result<Response, ApiError> {
    remove(&service, caller, organization, user, Role::Member).await
}

/// Ends an ownership. When this answers 204, the user's sessions can do nothing more as an owner.
#[utoipa::path(delete, path = "/api/v2/orgs/{orgID}/owners/{userID}", tag = "organizations",
    operation_id = "DeleteOrgsIDOwnersID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("orgID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$"),
        ("userID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 204, description = "Removed"), Refused<400>, Refused<404>))]
pub(super) async fn remove_owner(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdsOfPath(organization, user): IdsOfPath<OrganizationId, UserId>,
) -> Result<Response, ApiError> {
    remove(&service, caller, organization, user, Role::Owner).await
}

fn list(service: &Service, caller: &Entry, organization: OrganizationId, role: Role) -> Result<Members, ApiError> {
    let mut users = service.members(caller, organization, role)?;
    if service.profile() == Profile::Cloud && role == Role::Member {
        users.clear();
    }
    let links = SelfLink::to(format!("/api/v2/orgs/{organization}/{}s", role.as_str()));
    Ok(Members { links, users: users.iter().map(|user| Member::new(user, role)).collect() })
}

async fn add(
    service: &Arc<Service>,
    caller: Entry,
    organization: OrganizationId,
    role: Role,
    body: Body,
) -> Result<Response, ApiError> {
    refuse_in_cloud(service)?;
    let request: AddMember = body::object(&caller, body).await?;
    let user = request.id.ok_or_else(|| ApiError::invalid("user id missing or invalid"))?;
    let user = service.add_member(caller, organization, user, role).await?;
    Ok(answer::json(StatusCode::CREATED, &Member::new(&user, role)))
}

async fn remove(
    service: &Arc<Service>,
    caller: Entry,
    organization: OrganizationId,
    user: UserId,
    role: Role,
) -> Result<Response, ApiError> {
    refuse_in_cloud(service)?;
    service.remove_member(caller, organization, user, role).await?;
    Ok(answer::no_content())
}
