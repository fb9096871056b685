//! `/api/v2/signin` and `/api/v2/signout` (contract §5.8).

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::response::Response;
use chrono::{DateTime, Utc};
use tidegate_model::Timestamp;
use tidegate_service::Service;

use super::answer;
use super::error::ApiError;
use crate::credential::{self, Presented, SESSION_COOKIE};
use crate::{Encrypted, Peer, origin};

/// Signs in with user name and password. The answer's cookie holds the key of the session.
#[utoipa::path(post, path = "/api/v2/signin", tag = "sessions", operation_id = "PostSignin",
    security(("password" = [])),
    responses((status = 204, description = "Signed in",
        headers(("Set-Cookie" = String, description = "The key of the session")))))]
pub(super) async fn sign_in(
    State(service): State<Arc<Service>>,
    Extension(Peer(peer)): Extension<Peer>,
    encrypted: Option<Extension<Encrypted>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Presented::Basic { user, password } = credential::from_headers(&headers) else {
        return Err(service.missing_credential(peer.ip()).await.into());
    };
    // Nobody is signed in by a page of somebody else.
    if origin::is_foreign(&method, &uri, &headers) {
        return Err(service.missing_credential(peer.ip()).await.into());
    };
    let session = service.sign_in(&user, &password, peer.ip()).await?;
    let mut cookie = format!(
        "{SESSION_COOKIE}={}; Path=/api/; Expires={}; HttpOnly; SameSite=Strict",
        session.key.expose(),
        http_date(session.expires_at)
    );
    if encrypted.is_some() {
        cookie.push_str("; Secure");
    }
    let mut response = answer::no_content();
    let value = HeaderValue::try_from(cookie).map_err(|_| ApiError::unauthorized())?;
    response.headers_mut().insert(SET_COOKIE, value);
    Ok(response)
}

/// Ends the session of the cookie. When this answers 204, nothing goes on in it.
#[utoipa::path(post, path = "/api/v2/signout", tag = "sessions", operation_id = "PostSignout",
    security(("session" = [])),
    responses((status = 204, description = "Signed out")))]
pub(super) async fn sign_out(
    State(service): State<Arc<Service>>,
    Extension(Peer(peer)): Extension<Peer>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let entry = match credential::session_key(&method, &uri, &headers) {
        Some(key) => service.enter_session(&key, peer.ip()).await?,
        None => return Err(service.missing_credential(peer.ip()).await.into()),
    };
    service.sign_out(entry).await?;
    Ok(answer::no_content())
}

/// The form of times in headers, such as `Wed, 25 Nov 2026 10:00:00 GMT`.
fn http_date(time: Timestamp) -> String {
    let time = DateTime::<Utc>::from_timestamp_micros(time.micros()).unwrap_or(DateTime::<Utc>::MAX_UTC);
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_headers() {
        let time = "2026-11-25T10:00:09.5Z".parse().unwrap();
        assert_eq!(http_date(time), "Wed, 25 Nov 2026 10:00:09 GMT");
    }
}
