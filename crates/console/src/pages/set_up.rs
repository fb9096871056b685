//! The first page of a new server: the first user, organization, bucket and token.

use std::net::SocketAddr;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Extension, FromRequest, FromRequestParts as _, Request, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use tidegate_api::Peer;
use tidegate_model::{DatabaseName, Name, PlainToken, ResourceId, Retention};
use tidegate_service::{Door, Profile, ServiceError, SetUp, SetupAuthority, SetupRequest};

use super::sign_in::Visitor;
use crate::cookie::Jar;
use crate::failure::{Failure, sentence};
use crate::form::{Fields, PostedByVisitor};
use crate::frame::{Frame, Notice, Section};
use crate::{Console, cookie, origin, respond};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/console/set-up", get(show).post(set_up))
}

/// What was filled in, but for what is secret.
#[derive(Default)]
struct Typed {
    username: String,
    organization: String,
    bucket: String,
}

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUpPage {
    frame: Frame,
    form_secret: String,
    typed: Typed,
    /// Whether a management token must prove that this is the owner of the server.
    needs_token: bool,
}

#[derive(Template)]
#[template(path = "set_up_done.html")]
struct DonePage {
    frame: Frame,
    secret: PlainToken,
    user: String,
    organization: String,
    bucket: String,
    next: String,
}

/// Whether the request is one that may set up this server without a token.
struct IsLocal(bool);

impl IsLocal {
    fn of(parts: &Parts, peer: SocketAddr) -> Self {
        Self(origin::is_this_machine(peer, &parts.uri, &parts.headers))
    }
}

async fn show(
    State(console): State<Arc<Console>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Result<Response, Failure> {
    open(&console)?;
    let (mut parts, _) = request.into_parts();
    let IsLocal(is_local) = IsLocal::of(&parts, peer);
    let visitor = Visitor::from_request_parts(&mut parts, &console).await?;
    let page = page(&visitor, &console, Typed::default(), is_local);
    Ok(visitor.show(StatusCode::OK, &page))
}

/// Set-up is for new servers only, and in the cloud profile for none.
fn open(console: &Console) -> Result<(), Failure> {
    let is_open = console.service.setup_allowed() && console.service.profile() == Profile::SelfHosted;
    if is_open { Ok(()) } else { Err(Failure::NotFound) }
}

fn page(visitor: &Visitor, console: &Console, typed: Typed, is_local: bool) -> SetUpPage {
    SetUpPage {
        frame: Frame::new("Set up this server", Section::None, None),
        form_secret: visitor.secret.expose().to_owned(),
        typed,
        needs_token: !is_local && !console.service.allows_remote_setup(),
    }
}

async fn set_up(
    State(console): State<Arc<Console>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Result<Response, Failure> {
    open(&console)?;
    let (mut parts, body) = request.into_parts();
    let IsLocal(is_local) = IsLocal::of(&parts, peer);
    let visitor = Visitor::from_request_parts(&mut parts, &console).await?;
    let encrypted = cookie::is_encrypted(&parts.extensions);
    let PostedByVisitor(fields) = PostedByVisitor::from_request(Request::from_parts(parts, body), &console).await?;
    match make(&console, &fields, is_local, peer).await {
        Ok(done) => done_page(&console, done, peer, encrypted).await,
        Err(error) => {
            let typed = Typed {
                username: fields.text("username").to_owned(),
                organization: fields.text("organization").to_owned(),
                bucket: fields.text("bucket").to_owned(),
            };
            let page = page(&visitor, &console, typed, is_local);
            let frame = page.frame.saying(Some(Notice::Bad(error)));
            Ok(visitor.show(StatusCode::UNPROCESSABLE_ENTITY, &SetUpPage { frame, ..page }))
        }
    }
}

/// Does it, or says what is wrong.
async fn make(console: &Arc<Console>, fields: &Fields, is_local: bool, peer: SocketAddr) -> Result<SetUp, String> {
    let name = |field: &str, what: &str| {
        fields.text(field).trim().parse::<Name>().map_err(|error| sentence(&format!("{what}: {error}")))
    };
    let database: DatabaseName =
        fields.text("bucket").trim().parse().map_err(|error| sentence(&format!("bucket: {error}")))?;
    let password = fields.secret("password").ok_or("Choose a password, so that you can sign in.")?;
    if fields.text("password") != fields.text("password_again") {
        return Err("The two passwords differ.".to_owned());
    }
    let request = SetupRequest {
        username: name("username", "user name")?,
        password: Some(password),
        organization: name("organization", "organization")?,
        database,
        retention: Retention::FOREVER,
        token: None,
    };
    let wrong = |error: ServiceError| match error {
        ServiceError::Unauthenticated => "This is no management token of this server.".to_owned(),
        other => sentence(&other.to_string()),
    };
    let authority = match fields.secret("management_token") {
        Some(token) => {
            let entered = console.service.enter(&token, Door::Management, peer.ip()).await;
            SetupAuthority::Management(entered.map_err(|error| wrong(error.into()))?)
        }
        None if is_local => SetupAuthority::Local,
        None => SetupAuthority::Remote,
    };
    console.service.set_up(request, authority).await.map_err(wrong)
}

/// Shows the token, and signs in with it.
async fn done_page(
    console: &Arc<Console>,
    done: SetUp,
    peer: SocketAddr,
    encrypted: bool,
) -> Result<Response, Failure> {
    let key = console.service.sign_in_with_token(&done.token, peer.ip()).await?;
    let page = DonePage {
        frame: Frame::new("This server is set up", Section::None, None),
        secret: done.token,
        user: done.user.name.to_string(),
        organization: done.organization.name.to_string(),
        bucket: done.database.name.to_string(),
        next: format!("/console/first-line?bucket={}", ResourceId::from(done.database.id)),
    };
    let mut response = respond::page(StatusCode::OK, &page);
    let cookies = [cookie::set(Jar::Session, &key, encrypted), cookie::clear(Jar::Visitor, encrypted)];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
