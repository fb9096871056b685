//! `/api/v2/orgs` (contract §5.3).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tidegate_model::{Organization, OrganizationId, Role, UserId};
use tidegate_service::{Entry, OrganizationChange, Service};
use utoipa::{IntoParams, ToSchema};

use super::answer;
use super::authorization::organization_named;
use super::body;
use super::caller::V2Caller;
use super::description::{given_name, given_name_or_null, given_text_or_null, id as id_schema};
use super::error::{ApiError, Refused};
use super::given;
use super::paging::{Page, PageLinks, Paged, Paging};
use super::parameters::{IdOfPath, Parameters};
use crate::Cutoff;

const PATH: &str = "/api/v2/orgs";

/// An organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Org {
    #[schema(schema_with = id_schema)]
    id: String,
    name: String,
    description: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    updated_at: String,
    links: OrgLinks,
}

#[derive(Serialize, ToSchema)]
struct OrgLinks {
    #[serde(rename = "self")]
    this: String,
    logs: String,
    members: String,
    owners: String,
    secrets: String,
    labels: String,
    buckets: String,
    tasks: String,
    dashboards: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Orgs {
    links: PageLinks,
    orgs: Vec<Org>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct CreateOrg {
    /// Unique, 1 to 255 bytes.
    #[schema(schema_with = given_name, required = true)]
    name: Option<String>,
    #[schema(schema_with = given_text_or_null, required = false)]
    description: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct UpdateOrg {
    #[schema(schema_with = given_name_or_null, required = false)]
    name: Option<String>,
    #[schema(schema_with = given_text_or_null, required = false)]
    description: Option<String>,
}

/// Which organizations are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read from the query string")]
pub(super) struct Filter {
    /// Only the one with this name.
    org: Option<String>,
    /// Only this one. What is no id is ignored.
    #[param(rename = "orgID")]
    org_id: Option<String>,
    /// Only those to which this user belongs. What is no id is ignored.
    #[param(rename = "userID")]
    user_id: Option<String>,
}

impl Org {
    pub(super) fn new(organization: &Organization) -> Self {
        let below = |rest: &str| format!("{PATH}/{}/{rest}", organization.id);
        let name = organization.name.as_str();
        let of =
            |kind: &str| format!("/api/v2/{kind}?{}", serde_urlencoded::to_string([("org", name)]).unwrap_or_default());
        Self {
            id: organization.id.to_string(),
            name: name.to_owned(),
            description: organization.description.as_str().to_owned(),
            created_at: organization.created_at.to_string(),
            updated_at: organization.updated_at.to_string(),
            links: OrgLinks {
                this: format!("{PATH}/{}", organization.id),
                logs: below("logs"),
                members: below("members"),
                owners: below("owners"),
                secrets: below("secrets"),
                labels: below("labels"),
                buckets: of("buckets"),
                tasks: of("tasks"),
                dashboards: of("dashboards"),
            },
        }
    }
}

/// Lists the organizations that the caller may see, by id. One that the caller asks for but may not see is left out.
#[utoipa::path(get, path = "/api/v2/orgs", tag = "organizations", operation_id = "GetOrgs",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(Filter, Paging),
    responses((status = 200, description = "The organizations", body = Orgs), Refused<400>, Refused<404>))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let page = Page::of(&parameters)?;
    let mut organizations = service.organizations(&caller);
    if let Some(id) = wanted(&service, &parameters)? {
        organizations.retain(|organization| organization.id == id);
    }
    if let Some(user) = parameters.id_if_well_formed::<UserId>("userID") {
        organizations.retain(|organization| belongs_to(&service, &caller, user, organization.id));
    }
    let Paged { records, links } = page.cut(organizations, |organization| organization.id.get(), PATH, &parameters);
    let orgs = Orgs { links, orgs: records.iter().map(|organization| Org::new(organization)).collect() };
    Ok(answer::guarded(&orgs, caller, cutoff))
}

/// The one organization that is asked for. It exists, but perhaps the caller may not see it.
fn wanted(service: &Service, parameters: &Parameters) -> Result<Option<OrganizationId>, ApiError> {
    if let Some(id) = parameters.id_if_well_formed("orgID") {
        let unknown = || ApiError::not_found("organization not found");
        return service.organization_name(id).map(|_| Some(id)).ok_or_else(unknown);
    }
    parameters.get("org").map(|name| organization_named(service, name)).transpose()
}

fn belongs_to(service: &Service, caller: &Entry, user: UserId, organization: OrganizationId) -> bool {
    [Role::Member, Role::Owner].into_iter().any(|role| {
        let members = service.members(caller, organization, role);
        members.is_ok_and(|members| members.iter().any(|member| member.id == user))
    })
}

/// Creates an organization. The caller's user becomes its owner.
#[utoipa::path(post, path = "/api/v2/orgs", tag = "organizations", operation_id = "PostOrgs",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    request_body = CreateOrg,
    responses((status = 201, description = "The new organization", body = Org),
        Refused<400>, Refused<403>, Refused<413>, Refused<422>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    body: Body,
) -> Result<Response, ApiError> {
    let request: CreateOrg = body::object(&caller, body).await?;
    let name = given::name(request.name.as_deref(), "org name is empty")?;
    let description = given::description(request.description)?.unwrap_or_default();
    let organization = service.create_organization(caller, name, description).await?;
    Ok(answer::json(StatusCode::CREATED, &Org::new(&organization)))
}

/// Shows one organization.
#[utoipa::path(get, path = "/api/v2/orgs/{orgID}", tag = "organizations", operation_id = "GetOrgsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("orgID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 200, description = "The organization", body = Org), Refused<400>, Refused<404>))]
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<OrganizationId>,
) -> Result<Response, ApiError> {
    let organization = service.organization(&caller, id)?;
    Ok(answer::guarded(&Org::new(&organization), caller, cutoff))
}

/// Changes name, description or both.
#[utoipa::path(patch, path = "/api/v2/orgs/{orgID}", tag = "organizations", operation_id = "PatchOrgsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("orgID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")), request_body = UpdateOrg,
    responses((status = 200, description = "The organization as it is now", body = Org),
        Refused<400>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn update(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<OrganizationId>,
    body: Body,
) -> Result<Response, ApiError> {
    let request: UpdateOrg = body::object(&caller, body).await?;
    let name = request.name.map(|name| given::name(Some(&name), "org name is empty")).transpose()?;
    let change = OrganizationChange { name, description: given::description(request.description)? };
    let organization = service.update_organization(caller, id, change).await?;
    Ok(answer::json(StatusCode::OK, &Org::new(&organization)))
}

/// Deletes an organization with its buckets and authorizations. When this answers 204, nothing goes on in it.
#[utoipa::path(delete, path = "/api/v2/orgs/{orgID}", tag = "organizations", operation_id = "DeleteOrgsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("orgID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 204, description = "Deleted"), Refused<400>, Refused<403>, Refused<404>))]
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<OrganizationId>,
) -> Result<Response, ApiError> {
    service.delete_organization(caller, id).await?;
    Ok(answer::no_content())
}
