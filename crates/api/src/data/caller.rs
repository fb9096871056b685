//! Who reads or writes data: a database token or an API token in the `Authorization` header, or elsewhere where v1 and v2
//! clients put it.

use std::sync::Arc;

use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use tidegate_model::PlainToken;
use tidegate_service::{Door, Entry, Profile, Service, ServiceError};

use super::error::Dialect;
use super::parameters::CredentialParameters;
use crate::Peer;
use crate::credential::{self, Presented, Scheme};

/// What a path takes beside a token in the header.
#[derive(Debug)]
pub(crate) enum Otherwise {
    Nothing,
    /// User name and password, in the header or in these parameters, which count only if the header holds no
    /// credential.
    Passwords(CredentialParameters),
    /// The cookie of a session, if the header holds no credential; with what tells whether it may count.
    Session(Method, Uri),
}

/// Lets a request in.
pub(crate) async fn enter(
    service: &Arc<Service>,
    dialect: Dialect,
    peer: Peer,
    headers: &HeaderMap,
    otherwise: Otherwise,
) -> Result<Entry, Response> {
    let peer = peer.0.ip();
    let as_token = async |token: PlainToken| Ok(service.enter(&token, Door::Data, peer).await?);
    let with_password = async |user: &str, password: PlainToken| match service.profile() {
        Profile::SelfHosted => service.enter_with_password(user, &password, peer).await,
        Profile::Cloud => as_token(password).await,
    };
    let entered = match (credential::from_headers(headers), otherwise) {
        (Presented::Token(Scheme::Token, token), Otherwise::Passwords(_)) => as_token(without_user(&token)).await,
        (Presented::Token(_, token), _) => as_token(token).await,
        (Presented::Basic { user, password }, Otherwise::Passwords(_)) => with_password(&user, password).await,
        (Presented::Basic { password, .. }, _) => as_token(password).await,
        (malformed_or_missing, otherwise) => match otherwise {
            Otherwise::Passwords(CredentialParameters { u, p: Some(password) }) if !password.is_empty() => {
                with_password(&u.unwrap_or_default(), PlainToken::from_presented(password)).await
            }
            Otherwise::Session(method, uri) if let Some(key) = credential::session_key(&method, &uri, headers) => {
                service.enter_session(&key, peer).await.map_err(ServiceError::from)
            }
            _ if matches!(malformed_or_missing, Presented::Malformed) => return Err(dialect.malformed_credential()),
            _ => Err(service.missing_credential(peer).await.into()),
        },
    };
    entered.map_err(|error| dialect.service_error(error))
}

/// v1 clients may put a user name and a colon before the token. It does not matter.
fn without_user(token: &PlainToken) -> PlainToken {
    let text = token.expose();
    PlainToken::from_presented(text.split_once(':').map_or(text, |(_, token)| token))
}
