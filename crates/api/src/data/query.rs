//! `GET` and `POST /api/v3/query_sql` (data-plane contract §6).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::{Action, DatabaseName};
use tidegate_result_format::{Encoder, Format, describe_columns};
use tidegate_service::{BatchStream, Entry, Parameter, QueryRequest, QueryTimer, Service, ServiceError};
use utoipa::{IntoParams, ToSchema};

use super::body;
use super::caller::{Otherwise, enter};
use super::description::{ContentEncoding, Rows, formats, formats_or_null};
use super::error::{Dialect, V3Refused};
use super::negotiate;
use crate::{Cutoff, Peer, carrier};

const DIALECT: Dialect = Dialect::V3;

/// Names and kinds of the columns, since rows leave out nulls.
pub(super) const COLUMNS: &str = "x-tidegate-columns";
/// Clients and proxies refuse answers with long headers, so longer descriptions are left out.
const LONGEST_COLUMNS: usize = 8 * 1024;

/// A query.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct SqlQuery {
    /// The database.
    #[schema(value_type = String, required = true)]
    db: Option<String>,
    /// One SQL statement.
    #[schema(value_type = String, required = true)]
    q: Option<String>,
    /// By the Accept header if absent.
    #[schema(schema_with = formats_or_null, required = false)]
    format: Option<String>,
    /// Values for the placeholders of the statement, by name.
    #[schema(value_type = Option<Object>)]
    params: Option<Value>,
}

/// The same in a query string.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct QueryParameters {
    /// The database.
    #[param(value_type = String, required = true)]
    db: Option<String>,
    /// One SQL statement.
    #[param(value_type = String, required = true)]
    q: Option<String>,
    /// By the Accept header if absent.
    #[param(schema_with = formats)]
    format: Option<String>,
    /// A JSON object with values for the placeholders of the statement, by name.
    params: Option<String>,
}

/// Runs one SQL statement.
#[utoipa::path(get, path = "/api/v3/query_sql", tag = "query", operation_id = "QuerySql",
    security(("database_token" = []), ("database_token_scheme" = []), ("database_token_basic" = [])),
    params(QueryParameters),
    responses(Rows, V3Refused<400>, V3Refused<401>, V3Refused<403>, V3Refused<404>, V3Refused<422>, V3Refused<500>,
        V3Refused<503>))]
pub(super) async fn query_sql_get(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    Extension(cutoff): Extension<Cutoff>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let entry = enter(&service, DIALECT, peer, &headers, Otherwise::Nothing).await?;
    let query = query.ok_or_else(|| DIALECT.invalid("missing query parameters 'db' and 'q'"))?;
    let invalid = |error: &dyn std::fmt::Display| DIALECT.invalid(format!("serde error: {error}"));
    let QueryParameters { db, q, format, params } =
        serde_urlencoded::from_str(&query).map_err(|error| invalid(&error))?;
    let params = params
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| DIALECT.invalid(format!("serde json error: {error}")))?;
    let mut answer = run(&service, entry, cutoff, &headers, SqlQuery { db, q, format, params }, "serde error").await?;
    if method == Method::HEAD {
        // Nobody reads a body that would hold the entry until the head is sent: it could come after the end of rights.
        answer.headers_mut().remove(COLUMNS);
    }
    Ok(answer)
}

/// Runs one SQL statement.
#[utoipa::path(post, path = "/api/v3/query_sql", tag = "query", operation_id = "QuerySqlPost",
    security(("database_token" = []), ("database_token_scheme" = []), ("database_token_basic" = [])),
    params(ContentEncoding), request_body = SqlQuery,
    responses(Rows, V3Refused<400>, V3Refused<401>, V3Refused<403>, V3Refused<404>, V3Refused<413>, V3Refused<422>,
        V3Refused<500>, V3Refused<503>))]
pub(super) async fn query_sql_post(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    Extension(cutoff): Extension<Cutoff>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Response> {
    let entry = enter(&service, DIALECT, peer, &headers, Otherwise::Nothing).await?;
    let body::Text { text, budget } = body::text(DIALECT, &entry, &headers, body).await?;
    // A list would be read as the members of the object in their order.
    if !text.trim_start().starts_with('{') {
        return Err(DIALECT.invalid("serde json error: the body must be a JSON object"));
    }
    let query = serde_json::from_str(&text).map_err(|error| DIALECT.invalid(format!("serde json error: {error}")))?;
    drop((text, budget));
    run(&service, entry, cutoff, &headers, query, "serde json error").await
}

async fn run(
    service: &Arc<Service>,
    entry: Entry,
    cutoff: Cutoff,
    headers: &HeaderMap,
    query: SqlQuery,
    prefix: &str,
) -> Result<Response, Response> {
    let missing = |field: &str| DIALECT.invalid(format!("{prefix}: missing field `{field}`"));
    let db = query.db.ok_or_else(|| missing("db"))?;
    let sql = query.q.ok_or_else(|| missing("q"))?;
    let format = negotiate::format(query.format.as_deref(), headers).map_err(|message| DIALECT.invalid(message))?;
    let parameters = parameters(query.params).map_err(|message| DIALECT.invalid(message))?;
    let database: DatabaseName =
        db.parse().map_err(|error: tidegate_model::DatabaseNameError| DIALECT.invalid(error.to_string()))?;
    let permit = service.permit(&entry, Action::Read, &database).map_err(|forbidden| DIALECT.forbidden(forbidden))?;
    let results =
        service.query(entry, permit, QueryRequest { sql, parameters }).await.map_err(|error| match error {
            ServiceError::DatabaseNotFound(name) => {
                let message = format!("query error: database not found: {name}");
                DIALECT.answer(StatusCode::NOT_FOUND, "not found", message)
            }
            other => DIALECT.service_error(other),
        })?;
    let columns = describe_columns(&results.schema);
    let encoder = Encoder::new(format, results.schema).map_err(|error| DIALECT.invalid(error.to_string()))?;
    let encoded = Encoded { batches: results.batches, encoder: Some(encoder), _timer: results.timer };
    let mut response = stream(encoded, results.entry, format, cutoff);
    if columns.len() <= LONGEST_COLUMNS
        && let Ok(columns) = HeaderValue::from_str(&columns)
    {
        response.headers_mut().insert(COLUMNS, columns);
    }
    Ok(response)
}

/// The results as a body that ends when the rights of the request end. An error in mid-stream breaks the connection
/// or resets the HTTP/2 stream, so that a client never takes a part for the whole.
fn stream(encoded: Encoded, entry: Entry, format: Format, cutoff: Cutoff) -> Response {
    // Encoding happens inside the guard: no byte leaves it after the rights have ended.
    let mut response = Response::new(carrier::guarded(encoded, entry, cutoff));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    response
}

struct Encoded {
    batches: BatchStream,
    /// Gone when the last bytes have been handed out.
    encoder: Option<Encoder>,
    _timer: QueryTimer,
}

impl Stream for Encoded {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let this = &mut *self;
            let Some(encoder) = &mut this.encoder else { return Poll::Ready(None) };
            let bytes = match this.batches.poll_next_unpin(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(batch))) => encoder.batch(&batch).map_err(std::io::Error::other),
                Poll::Ready(Some(Err(error))) => Err(std::io::Error::other(error)),
                Poll::Ready(None) => {
                    let last = encoder.finish().map_err(std::io::Error::other);
                    this.encoder = None;
                    last
                }
            };
            match bytes {
                // An empty frame would say nothing.
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Err(error) => {
                    tracing::debug!("a query failed after its first rows were sent");
                    this.encoder = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

/// Values for placeholders. The error is for the client.
fn parameters(params: Option<Value>) -> Result<Vec<(String, Parameter)>, String> {
    let members = match params {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err("serde json error: params must be a JSON object".to_owned()),
    };
    let scalar = |kind: &str| {
        format!(
            "serde json error: JSON {kind} are not supported as query parameters. \
             Expected null, boolean, number, or string."
        )
    };
    members
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Null => Parameter::Null,
                Value::Bool(value) => Parameter::Boolean(value),
                Value::String(value) => Parameter::String(value),
                Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                    (Some(value), _) => Parameter::UInteger(value),
                    (None, Some(value)) => Parameter::Integer(value),
                    (None, None) => Parameter::Float(number.as_f64().unwrap_or(f64::NAN)),
                },
                Value::Array(_) => return Err(scalar("arrays")),
                Value::Object(_) => return Err(scalar("objects")),
            };
            Ok((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_scalars() {
        let read = |text: &str| parameters(Some(serde_json::from_str(text).unwrap())).ok();
        let list = read(r#"{"a":null,"b":true,"c":1,"d":-1,"e":1.5,"f":"x"}"#).unwrap();
        assert_eq!(list.len(), 6);
        for text in [r#"{"a":[]}"#, r#"{"a":{}}"#, "[]", "1"] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
