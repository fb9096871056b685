//! What v2 servers have and this one has not (contract §5.7): the answer says what to use instead.

use axum::response::{IntoResponse as _, Response};

use super::caller::V2Caller;
use super::error::{ApiError, Refused};

/// Flux queries do not exist here.
#[utoipa::path(post, path = "/api/v2/query", tag = "v2 server", operation_id = "PostQuery",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    responses(Refused<501>))]
pub(super) async fn query(V2Caller(_caller): V2Caller) -> Response {
    ApiError::not_implemented("this server has no Flux: query with SQL at /api/v3/query_sql").into_response()
}

/// Rows cannot be deleted one by one here.
#[utoipa::path(post, path = "/api/v2/delete", tag = "v2 server", operation_id = "PostDelete",
    security(("api_token" = []), ("api_token_scheme" = []), ("session" = [])),
    responses(Refused<501>))]
pub(super) async fn delete(V2Caller(_caller): V2Caller) -> Response {
    let instead = "set the retention of the bucket, or delete the table or the bucket";
    ApiError::not_implemented(format!("this server does not delete single rows: {instead}")).into_response()
}
