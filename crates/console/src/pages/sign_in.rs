//! Signing in and out.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Extension, FromRequestParts, State};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::{get, post};
use tidegate_api::{Encrypted, Peer};
use tidegate_model::PlainToken;
use tidegate_service::{Service, ServiceError};

use crate::cookie::Jar;
use crate::failure::{Failure, sentence};
use crate::form::{Fields, Posted, PostedByVisitor};
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Anybody, Visit};
use crate::{Console, cookie, origin, respond};

const OVERVIEW: &str = "/console";

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/console/sign-in", get(show).post(sign_in)).route("/console/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    form_secret: String,
    username: String,
    /// Where to go afterwards.
    then: String,
    /// Whether the token is asked for rather than name and password.
    by_token: bool,
    /// Whether nobody has set up this server yet.
    is_new: bool,
}

/// Somebody who may have no session: the secret that a form of theirs must carry, from the cookie that they have or are
/// given.
pub(super) struct Visitor {
    pub(super) secret: PlainToken,
    is_new: bool,
    encrypted: bool,
}

impl FromRequestParts<Arc<Console>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Failure> {
        let encrypted = cookie::is_encrypted(&parts.extensions);
        // Only a text of our own making: it is written into the page and into a header.
        let known =
            cookie::find(&parts.headers, Jar::Visitor, encrypted).filter(PlainToken::is_generated_without_prefix);
        let is_new = known.is_none();
        let secret = known.unwrap_or_else(|| console.service.form_secret());
        Ok(Self { secret, is_new, encrypted })
    }
}

impl Visitor {
    /// The page, with the cookie that its form needs.
    pub(super) fn show(&self, status: StatusCode, page: &impl Template) -> Response {
        let mut response = respond::page(status, page);
        if let Some(cookie) = cookie::set(Jar::Visitor, &self.secret, self.encrypted).filter(|_| self.is_new) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

async fn show(State(console): State<Arc<Console>>, visitor: Visitor, uri: Uri) -> Response {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    let ended = fields.is_set("ended").then(|| {
        Notice::Warning("Your session has ended: it was not used for long, or what it stood on was revoked.".to_owned())
    });
    let ended = ended.or_else(|| fields.is_set("out").then(|| Notice::Good("You are signed out.".to_owned())));
    visitor.show(
        StatusCode::OK,
        &SignInPage {
            frame: Frame::new("Sign in", Section::None, None).saying(ended),
            form_secret: visitor.secret.expose().to_owned(),
            username: String::new(),
            then: origin::own_path(fields.text("then")).unwrap_or_default().to_owned(),
            by_token: fields.text("by") == "token",
            is_new: console.service.setup_allowed(),
        },
    )
}

async fn sign_in(
    State(console): State<Arc<Console>>,
    Extension(Peer(peer)): Extension<Peer>,
    encrypted: Option<Extension<Encrypted>>,
    headers: HeaderMap,
    visitor: Visitor,
    form: PostedByVisitor,
) -> Result<Response, Failure> {
    let PostedByVisitor(fields) = form;
    let then = origin::own_path(fields.text("then")).unwrap_or(OVERVIEW);
    let by_token = fields.text("by") == "token";
    match begin(&console.service, &fields, by_token, peer.ip()).await {
        Ok(key) => {
            if let Some(before) = cookie::find(&headers, Jar::Session, encrypted.is_some()) {
                console.service.forget_console_session(&before);
            }
            Ok(begun(&key, then, encrypted.is_some()))
        }
        Err(error @ ServiceError::Internal) => Err(error.into()),
        Err(error) => {
            let text = match error {
                ServiceError::Unauthenticated if by_token => "This token does not open the console.".to_owned(),
                ServiceError::Unauthenticated => "Wrong user name or password.".to_owned(),
                other => sentence(&other.to_string()),
            };
            Ok(visitor.show(
                StatusCode::UNPROCESSABLE_ENTITY,
                &SignInPage {
                    frame: Frame::new("Sign in", Section::None, None).saying(Some(Notice::Bad(text))),
                    form_secret: visitor.secret.expose().to_owned(),
                    username: fields.text("username").to_owned(),
                    then: then.to_owned(),
                    by_token,
                    is_new: console.service.setup_allowed(),
                },
            ))
        }
    }
}

async fn begin(
    service: &Arc<Service>,
    fields: &Fields,
    by_token: bool,
    peer: std::net::IpAddr,
) -> Result<PlainToken, ServiceError> {
    if by_token {
        let token = PlainToken::from_presented(fields.text("token").trim());
        return service.sign_in_with_token(&token, peer).await;
    }
    let password = PlainToken::from_presented(fields.text("password"));
    service.sign_in_to_console(fields.text("username"), &password, peer).await
}

/// Gives the browser the key of a session that has just begun. Whatever key it had before is replaced.
fn begun(key: &PlainToken, then: &str, encrypted: bool) -> Response {
    let mut response = respond::see(then);
    let cookies = [cookie::set(Jar::Session, key, encrypted), cookie::clear(Jar::Visitor, encrypted)];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

async fn sign_out(
    State(console): State<Arc<Console>>,
    encrypted: Option<Extension<Encrypted>>,
    form: Posted<Anybody>,
) -> Result<Response, Failure> {
    let Visit { entry, key, .. } = form.visit;
    console.service.sign_out_of_console(&key, entry).await?;
    let mut response = respond::see("/console/sign-in?out=1");
    if let Some(cleared) = cookie::clear(Jar::Session, encrypted.is_some()) {
        response.headers_mut().append(SET_COOKIE, cleared);
    }
    Ok(response)
}
