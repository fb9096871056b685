//! `/api/v2/users` and `/api/v2/me` (contract §5.4).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tidegate_model::{PlainToken, User as UserRecord, UserId};
use tidegate_service::{Entry, Service, UserChange};
use utoipa::{IntoParams, ToSchema};

use super::answer;
use super::body;
use super::caller::V2Caller;
use super::description::{given_id_or_empty, given_name, given_name_or_null, id as id_schema};
use super::error::{ApiError, Refused};
use super::given;
use super::links::SelfLink;
use super::paging::{Page, PageLinks, Paged, Paging};
use super::parameters::{IdOfPath, Parameters};
use super::permission::{statuses, statuses_or_null};
use super::refuse_in_cloud;
use crate::Cutoff;

const PATH: &str = "/api/v2/users";

/// A user.
#[derive(Serialize, ToSchema)]
pub(super) struct User {
    #[schema(schema_with = id_schema)]
    id: String,
    name: String,
    #[schema(schema_with = statuses)]
    status: &'static str,
    links: SelfLink,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Users {
    links: PageLinks,
    users: Vec<User>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct CreateUser {
    /// Unique, 1 to 255 bytes.
    #[schema(schema_with = given_name, required = true)]
    name: Option<String>,
    /// `active` if absent.
    #[schema(schema_with = statuses_or_null, required = false)]
    status: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct UpdateUser {
    #[schema(schema_with = given_name_or_null, required = false)]
    name: Option<String>,
    #[schema(schema_with = statuses_or_null, required = false)]
    status: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct Password {
    /// At least 8 bytes.
    #[schema(value_type = String, required = true, min_length = 8, max_length = 1024)]
    password: Option<String>,
}

/// Which user is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read from the query string")]
pub(super) struct Filter {
    /// Only this one; an empty value counts as none.
    #[param(schema_with = given_id_or_empty, required = false)]
    id: Option<String>,
    /// Only the one with this name; an empty value counts as none.
    name: Option<String>,
}

impl User {
    pub(super) fn new(user: &UserRecord) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.to_string(),
            status: user.status.as_str(),
            links: SelfLink::to(format!("{PATH}/{}", user.id)),
        }
    }
}

impl Password {
    pub(super) fn read(self) -> Result<PlainToken, ApiError> {
        let password = self.password.ok_or_else(|| ApiError::invalid("password is required"))?;
        Ok(PlainToken::from_presented(password))
    }
}

/// Lists the users that the caller may see: first the caller's own, then the others by id.
#[utoipa::path(get, path = "/api/v2/users", tag = "users", operation_id = "GetUsers",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(Filter, Paging),
    responses((status = 200, description = "The users", body = Users), Refused<400>, Refused<404>))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let (page, id) = (Page::of(&parameters)?, parameters.id("id")?);
    let unknown = || ApiError::not_found("user not found");
    let users = match (id, parameters.get("name")) {
        (None, None) => service.users(&caller)?,
        (id, name) => {
            let named = name.map(|name| service.find_user(name).ok_or_else(unknown)).transpose()?;
            let user = service.user(&caller, id.or(named).ok_or_else(unknown)?)?;
            if name.is_some_and(|name| name != user.name.as_str()) {
                return Err(unknown());
            }
            vec![user]
        }
    };
    let Paged { records, links } = page.cut(users, |user| user.id.get(), PATH, &parameters);
    let users = Users { links, users: records.iter().map(|user| User::new(user)).collect() };
    Ok(answer::guarded(&users, caller, cutoff))
}

/// Creates a user, who has no password yet.
#[utoipa::path(post, path = "/api/v2/users", tag = "users", operation_id = "PostUsers",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    request_body = CreateUser,
    responses((status = 201, description = "The new user", body = User), Refused<400>, Refused<413>, Refused<422>))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    body: Body,
) -> Result<Response, ApiError> {
    let request: CreateUser = body::object(&caller, body).await?;
    let name = given::name(request.name.as_deref(), "user name is empty")?;
    let status = given::status(request.status)?.unwrap_or_default();
    let user = service.create_user(caller, name, status).await?;
    Ok(answer::json(StatusCode::CREATED, &User::new(&user)))
}

/// Shows one user.
#[utoipa::path(get, path = "/api/v2/users/{userID}", tag = "users", operation_id = "GetUsersID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("userID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 200, description = "The user", body = User), Refused<400>, Refused<404>))]
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<UserId>,
) -> Result<Response, ApiError> {
    let user = service.user(&caller, id)?;
    Ok(answer::guarded(&User::new(&user), caller, cutoff))
}

/// Changes name, status or both. When this answers that a user is inactive, the user's tokens and sessions can do
/// nothing more, anywhere.
#[utoipa::path(patch, path = "/api/v2/users/{userID}", tag = "users", operation_id = "PatchUsersID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("userID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")), request_body = UpdateUser,
    responses((status = 200, description = "The user as it is now", body = User),
        Refused<400>, Refused<404>, Refused<413>, Refused<422>))]
pub(super) async fn update(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<UserId>,
    body: Body,
) -> Result<Response, ApiError> {
    let request: UpdateUser = body::object(&caller, body).await?;
    let name = request.name.map(|name| given::name(Some(&name), "user name is empty")).transpose()?;
    let change = UserChange { name, status: given::status(request.status)? };
    let user = service.update_user(caller, id, change).await?;
    Ok(answer::json(StatusCode::OK, &User::new(&user)))
}

/// Deletes a user. When this answers 204, the user's tokens and sessions can do nothing more, anywhere.
#[utoipa::path(delete, path = "/api/v2/users/{userID}", tag = "users", operation_id = "DeleteUsersID",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("userID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")),
    responses((status = 204, description = "Deleted"), Refused<400>, Refused<404>))]
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<UserId>,
) -> Result<Response, ApiError> {
    service.delete_user(caller, id).await?;
    Ok(answer::no_content())
}

/// Sets a user's password. When this answers 204, the user's sessions have ended.
#[utoipa::path(post, path = "/api/v2/users/{userID}/password", tag = "users", operation_id = "PostUsersIDPassword",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    params(("userID" = String, Path, pattern = "^(?!0{16}$)[0-9A-Fa-f]{16}$")), request_body = Password,
    responses((status = 204, description = "Set"), Refused<400>, Refused<404>, Refused<413>))]
pub(super) async fn set_password(
    State(service): State<Arc<Service>>,
    V2Caller(caller): V2Caller,
    IdOfPath(id): IdOfPath<UserId>,
    body: Body,
) -> Result<Response, ApiError> {
    refuse_in_cloud(&service)?;
    let password = body::object::<Password>(&caller, body).await?.read()?;
    service.set_password(caller, id, &password).await?;
    Ok(answer::no_content())
}

/// Shows the caller's own user.
#[utoipa::path(get, path = "/api/v2/me", tag = "users", operation_id = "GetMe",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    responses((status = 200, description = "The user", body = User)))]
pub(super) async fn me(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    V2Caller(caller): V2Caller,
) -> Result<Response, ApiError> {
    let user = own(&service, &caller)?;
    Ok(answer::guarded(&user, caller, cutoff))
}

fn own(service: &Service, caller: &Entry) -> Result<User, ApiError> {
    Ok(User::new(&*service.me(caller)?))
}
