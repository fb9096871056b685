//! The cluster of this server and its users: extensions of the Management API (contract §§11, 14).

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Serialize;
use tidegate_service::{Entry, Service};
use utoipa::ToSchema;
use uuid::Uuid;

use super::caller::Caller;
use super::error::{ManagementError, Refused};
use super::forms::{PathForm, Placed};
use crate::{Cutoff, respond};

/// A contract with a customer: the sample of the contract has this number for it.
const CATEGORY: i32 = 1;

/// A cluster.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cluster {
    /// Absent in the Clustered form.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Uuid, required = false)]
    cluster_id: Option<Uuid>,
    name: String,
    /// Host and port without scheme, as the request named them; absent if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    url: Option<String>,
    /// Always `ready`.
    state: &'static str,
    /// RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
    category: i32,
}

/// A person who logs in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    id: Uuid,
    first_name: String,
    last_name: String,
    email: String,
    role: String,
}

/// The host that the client believes to speak to.
pub(super) struct Authority(Option<String>);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Authority {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
        Ok(Self(parts.uri.authority().map(ToString::to_string).or(header)))
    }
}

async fn this_cluster(
    service: &Service,
    caller: &Entry,
    form: PathForm,
    authority: Authority,
) -> Result<Placed<Cluster>, ManagementError> {
    let record = service.cluster(caller).await?;
    Ok(form.in_account(Cluster {
        cluster_id: form.cluster_id(),
        name: record.name,
        url: authority.0,
        state: "ready",
        created_at: record.created_at.to_string(),
        category: CATEGORY,
    }))
}

/// Lists the clusters of the account: this one.
#[utoipa::path(get, path = "/clusters", tag = "clusters", operation_id = "GetClusters",
    security(("management_token" = [])),
    responses((status = 200, description = "The cluster", body = Vec<Cluster>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    form: PathForm,
    authority: Authority,
) -> Result<Response, ManagementError> {
    let cluster = this_cluster(&service, &caller, form, authority).await?;
    Ok(respond::guarded_json(&[cluster], caller, cutoff))
}

/// Shows the cluster.
#[utoipa::path(get, path = "/clusters/{clusterId}", tag = "clusters", operation_id = "GetCluster",
    security(("management_token" = [])), params(("clusterId" = Uuid, Path)),
    responses((status = 200, description = "The cluster", body = Cluster), Refused<400>, Refused<404>))]
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(cutoff): Extension<Cutoff>,
    Caller(caller): Caller,
    form: PathForm,
    authority: Authority,
) -> Result<Response, ManagementError> {
    let cluster = this_cluster(&service, &caller, form, authority).await?;
    Ok(respond::guarded_json(&cluster, caller, cutoff))
}

/// Lists the people who may log in. There are none yet.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "GetUsers", security(("management_token" = [])),
    responses((status = 200, description = "The users", body = Vec<User>)))]
pub(super) async fn users(Extension(cutoff): Extension<Cutoff>, Caller(caller): Caller) -> Response {
    let users: [Placed<User>; 0] = [];
    respond::guarded_json(&users, caller, cutoff)
}
