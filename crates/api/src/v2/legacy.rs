//! `/private/legacy/authorizations` (contract §5.8): authorizations that v1 clients use with a name and a password. The
//! cloud service has none.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tidegate_model::{ApiToken, ApiTokenForm, ApiTokenId};
use tidegate_service::Service;
use utoipa::ToSchema;

use super::answer::{self, Sequence};
use super::authorization::{Authorization, CreateAuthorization, Filter, UpdateAuthorization, query};
use super::authorizations::Authorizations;
use super::body;
use super::caller::V2Caller;
use super::description::given_name;
use super::error::{ApiError, Refused};
use super::given;
use super::parameters::{IdOfPath, Parameters};
use super::refuse_in_cloud;
use super::users::Password;
use crate::Cutoff;

const PATH: &str = "/private/legacy/authorizations";

/// What is wanted of a new v1 authorization.
#[derive(Deserialize, ToSchema)]
pub(super) struct CreateLegacyAuthorization {
    #[serde(flatten)]
    authorization: CreateAuthorization,
    /// The user name of the v1 client.
    #[schema(schema_with = given_name, required = true)]
    token: Option<String>,
}

/// Lists the v1 authorizations that the caller may see, by id.
#[utoipa::path(get, path = "/private/legacy/authorizations", tag = "v1 authorizations",
    operation_id = "GetLegacyAuthorizations",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(Filter),
    responses((status = 200, description = "The authorizations", body = Authorizations<Vec<Authorization>>),
        Refused<400>, Refused<404>))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    refuse_in_cloud(&service)?;
    let id = match parameters.id("id")? {
        Some(id) => Some(id),
        // What the CLI calls it.
        None => parameters.id("authID")?,
    };
    let records = match id {
        Some(id) => vec![service.legacy_token(&caller, id).await?],
        None => service.legacy_tokens(&caller, query(&service, &parameters)?).await?,
    };
    let username = parameters.get("token");
    let records: Vec<_> =
        records.into_iter().filter(|record| username.is_none_or(|name| is_called(record, name))).collect();
    if username.is_some() && records.is_empty() {
        return Err(ApiError::not_found("authorization not found"));
    }
    let shown = records.iter().filter_map(|record| Authorization::new(&service, record, PATH).ok());
    Ok(answer::guarded(&Authorizations::new(PATH, Sequence::new(shown)), caller, cutoff))
}

fn is_called(record: &ApiToken, name: &str) -> bool {
    matches!(&record.form, ApiTokenForm::Legacy { username } if username.as_str() == name)
}

/// Creates a v1 authorization. It can be used when it has a password.
#[utoipa::path(post, path = "/private/legacy/authorizations", tag = "v1 authorizations",
    operation_id = "PostLegacyAuthorizations",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    request_body = CreateLegacyAuthorization,
    responses((status = 201, description = "The new authorization", body = Authorization),
        Refused<400>, Refused<403>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    body: Body,
) -> Result<Response, ApiError> {
    refuse_in_cloud(&service)?;
    let request: CreateLegacyAuthorization = body::object(&caller, body).await?;
    let username = given::name(request.token.as_deref(), "token required for v1 user authorization type")?;
    let request = request.authorization.read(&service, &caller)?;
    let record = service.create_legacy_token(caller, request, username).await?;
    Ok(answer::json(StatusCode::CREATED, &Authorization::new(&service, &record, PATH)?))
}

/// Shows one v1 authorization.
#[utoipa::path(get, path = "/private/legacy/authorizations/{authID}", tag = "v1 authorizations",
    operation_id = "GetLegacyAuthorizationsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("authID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 200, description = "The authorization", body = Authorization), Refused<400>, Refused<404>))]
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<ApiTokenId>,
) -> Result<Response, ApiError> {
    refuse_in_cloud(&service)?;
    let record = service.legacy_token(&caller, id).await?;
    Ok(answer::guarded(&Authorization::new(&service, &record, PATH)?, caller, cutoff))
}

/// Changes status, description or both. When this answers that an authorization is inactive, nothing goes on with it.
#[utoipa::path(patch, path = "/private/legacy/authorizations/{authID}", tag = "v1 authorizations",
    operation_id = "PatchLegacyAuthorizationsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("authID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")), request_body = UpdateAuthorization,
    responses((status = 200, description = "The authorization as it is now", body = Authorization),
        Refused<400>, Refused<404>, Refused<413>))]
pub(super) async fn update(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<ApiTokenId>,
    body: Body,
) -> Result<Response, ApiError> {
    refuse_in_cloud(&service)?;
    let request: UpdateAuthorization = body::object(&caller, body).await?;
    let record = service.update_legacy_token(caller, id, request.read()?).await?;
    Ok(answer::json(StatusCode::OK, &Authorization::new(&service, &record, PATH)?))
}

/// Deletes a v1 authorization. When this answers 204, nothing goes on with it.
#[utoipa::path(delete, path = "/private/legacy/authorizations/{authID}", tag = "v1 authorizations",
    operation_id = "DeleteLegacyAuthorizationsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("authID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 204, description = "Deleted"), Refused<400>, Refused<404>))]
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<ApiTokenId>,
) -> Result<Response, ApiError> {
    refuse_in_cloud(&service)?;
    service.delete_legacy_token(caller, id).await?;
    Ok(answer::no_content())
}

/// Sets the password. When this answers 204, nothing goes on with the old one.
#[utoipa::path(post, path = "/private/legacy/authorizations/{authID}/password", tag = "v1 authorizations",
    operation_id = "PostLegacyAuthorizationsIDPassword",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("authID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")), request_body = Password,
    responses((status = 204, description = "Set"), Refused<400>, Refused<404>, Refused<413>))]
pub(super) async fn set_password(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<ApiTokenId>,
    body: Body,
) -> Result<Response, ApiError> {
    refuse_in_cloud(&service)?;
    let password = body::object::<Password>(&caller, body).await?.read()?;
    service.set_legacy_password(caller, id, &password).await?;
    Ok(answer::no_content())
}
