//! `/api/v2/authorizations` (contract §4).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use tidegate_model::{ApiTokenId, PlainToken};
use tidegate_service::{ApiTokenQuery, Service};
use utoipa::ToSchema;

use super::answer::{self, Sequence};
use super::authorization::{Authorization, CreateAuthorization, Filter, UpdateAuthorization, query};
use super::body;
use super::caller::V2Caller;
use super::error::{ApiError, Refused};
use super::links::SelfLink;
use super::parameters::{IdOfPath, Parameters};
use crate::Cutoff;

const PATH: &str = "/api/v2/authorizations";

#[derive(Serialize, ToSchema)]
pub(super) struct Authorizations<T> {
    links: SelfLink,
    authorizations: T,
}

impl<T> Authorizations<T> {
    pub(super) fn new(path: &'static str, authorizations: T) -> Self {
        Self { links: SelfLink::to(path), authorizations }
    }
}

/// Lists the authorizations that the caller may see, by id. There are no pages.
#[utoipa::path(get, path = "/api/v2/authorizations", tag = "authorizations", operation_id = "GetAuthorizations",
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
    let records = match parameters.id("id")? {
        Some(id) => vec![service.api_token(&caller, id).await?],
        None => {
            let digest = parameters.get("token").map(|token| PlainToken::from_presented(token).digest());
            service.api_tokens(&caller, ApiTokenQuery { digest, ..query(&service, &parameters)? }).await?
        }
    };
    let shown = records.iter().filter_map(|record| Authorization::new(&service, record, PATH).ok());
    Ok(answer::guarded(&Authorizations::new(PATH, Sequence::new(shown)), caller, cutoff))
}

/// Creates an authorization. The answer is the only place where its token is shown.
#[utoipa::path(post, path = "/api/v2/authorizations", tag = "authorizations", operation_id = "PostAuthorizations",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    request_body = CreateAuthorization,
    responses((status = 201, description = "The new authorization", body = Authorization),
        Refused<400>, Refused<403>, Refused<413>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    body: Body,
) -> Result<Response, ApiError> {
    let request: CreateAuthorization = body::object(&caller, body).await?;
    let request = request.read(&service, &caller)?;
    let created = service.create_api_token(caller, request).await?;
    let shown = Authorization::new(&service, &created.record, PATH)?.with_secret(&created.token);
    Ok(answer::json(StatusCode::CREATED, &shown))
}

/// Shows one authorization.
#[utoipa::path(get, path = "/api/v2/authorizations/{authID}", tag = "authorizations",
    operation_id = "GetAuthorizationsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("authID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 200, description = "The authorization", body = Authorization), Refused<400>, Refused<404>))]
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<ApiTokenId>,
) -> Result<Response, ApiError> {
    let record = service.api_token(&caller, id).await?;
    Ok(answer::guarded(&Authorization::new(&service, &record, PATH)?, caller, cutoff))
}

/// Changes status, description or both. When this answers that an authorization is inactive, its token can do nothing
/// more, anywhere.
#[utoipa::path(patch, path = "/api/v2/authorizations/{authID}", tag = "authorizations",
    operation_id = "PatchAuthorizationsID",
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
    let request: UpdateAuthorization = body::object(&caller, body).await?;
    let record = service.update_api_token(caller, id, request.read()?).await?;
    Ok(answer::json(StatusCode::OK, &Authorization::new(&service, &record, PATH)?))
}

/// Deletes an authorization. When this answers 204, its token can do nothing more, anywhere. 503 means that it is
/// deleted for good but something that it started has not ended yet: repeat the request to wait for the rest.
#[utoipa::path(delete, path = "/api/v2/authorizations/{authID}", tag = "authorizations",
    operation_id = "DeleteAuthorizationsID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("authID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 204, description = "Deleted"), Refused<400>, Refused<404>))]
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<ApiTokenId>,
) -> Result<Response, ApiError> {
    service.delete_api_token(caller, id).await?;
    Ok(answer::no_content())
}
