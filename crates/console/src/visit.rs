//! Who asks for a page.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::ACCEPT;
use axum::http::request::Parts;
use axum::response::Response;
use tidegate_api::{Cutoff, Peer};
use tidegate_model::PlainToken;
use tidegate_service::{ConsoleEntry, ConsoleUse, Entry};

use crate::cookie::Jar;
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::{Console, cookie, origin, respond};

/// What a session reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What a management token does.
    Administration,
    /// What a user or an API token does.
    Account,
    /// Both: an operator's token.
    Everything,
}

impl Reach {
    /// Databases, database tokens, management tokens.
    pub(crate) fn administers(self) -> bool {
        self != Self::Account
    }

    /// API tokens, users, organizations.
    pub(crate) fn has_account(self) -> bool {
        self != Self::Administration
    }
}

/// Whom the navigation is for.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    /// Shown beside "sign out".
    pub(crate) name: String,
    pub(crate) reach: Reach,
    /// For every form.
    pub(crate) form_secret: PlainToken,
}

/// For whom a page is.
pub(crate) trait Audience: Send + Sync + 'static {
    /// Whether it is for somebody with this reach.
    fn admits(reach: Reach) -> bool;
}

/// Anybody with a session.
pub(crate) enum Anybody {}
/// Management tokens and operators.
pub(crate) enum Administrators {}
/// Users, API tokens and operators.
pub(crate) enum Accounts {}

impl Audience for Anybody {
    fn admits(_: Reach) -> bool {
        true
    }
}

impl Audience for Administrators {
    fn admits(reach: Reach) -> bool {
        reach.administers()
    }
}

impl Audience for Accounts {
    fn admits(reach: Reach) -> bool {
        reach.has_account()
    }
}

/// A request of somebody with a session, let in by the credential behind it.
pub(crate) struct Visit<W> {
    pub(crate) entry: Entry,
    pub(crate) viewer: Viewer,
    /// The key of the session.
    pub(crate) key: PlainToken,
    /// Where clients reach this server, as the browser does.
    pub(crate) url: String,
    peer: IpAddr,
    cutoff: Cutoff,
    audience: PhantomData<W>,
}

impl<W: Audience> FromRequestParts<Arc<Console>> for Visit<W> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Failure> {
        let visit = Self::enter(parts, console).await.ok_or(Failure::SignedOut)?;
        if W::admits(visit.viewer.reach) { Ok(visit) } else { Err(Failure::WrongKind) }
    }
}

impl<W> Visit<W> {
    /// Lets in whoever has a session, for whomever the page is.
    pub(crate) async fn enter(parts: &Parts, console: &Console) -> Option<Self> {
        let encrypted = cookie::is_encrypted(&parts.extensions);
        let key = cookie::find(&parts.headers, Jar::Session, encrypted)?;
        let peer = parts.extensions.get::<Peer>()?.0;
        let used = if wants_json(parts) { ConsoleUse::Watching } else { ConsoleUse::Acting };
        let entered = console.service.enter_console(&key, peer.ip(), used).await.ok()?;
        let viewer = viewer(console, &entered);
        let cutoff = parts.extensions.get::<Cutoff>().cloned().unwrap_or_default();
        let url = origin::url(&parts.uri, &parts.headers, encrypted);
        let (entry, peer) = (entered.entry, peer.ip());
        Some(Self { entry, viewer, key, url, peer, cutoff, audience: PhantomData })
    }

    /// What it takes to enter again, for those who do more than one thing, or show a page after a change.
    pub(crate) fn again(&self) -> Again {
        Again { key: self.key.clone(), peer: self.peer, cutoff: self.cutoff.clone() }
    }

    /// What is around a page.
    pub(crate) fn frame(&self, title: impl Into<String>, section: Section) -> Frame {
        Frame::new(title, section, Some(self.viewer.clone()))
    }

    /// A page that ends with the rights of the visitor, also on its way.
    pub(crate) fn show(self, page: &impl askama::Template) -> Response {
        self.show_with(StatusCode::OK, page)
    }

    /// As [`Visit::show`], with another status.
    pub(crate) fn show_with(self, status: StatusCode, page: &impl askama::Template) -> Response {
        respond::guarded(respond::page(status, page), self.entry, self.cutoff)
    }

    /// JSON for the script; it ends with the rights of the visitor as well.
    pub(crate) fn data(self, data: &impl serde::Serialize) -> Response {
        respond::guarded(axum::response::IntoResponse::into_response(axum::Json(data)), self.entry, self.cutoff)
    }
}

/// Somebody who has entered and will do so again.
#[derive(Clone)]
pub(crate) struct Again {
    key: PlainToken,
    peer: IpAddr,
    cutoff: Cutoff,
}

impl Again {
    /// A further entry.
    ///
    /// # Errors
    /// [`Failure::SignedOut`] if what the session stands on has ended meanwhile.
    pub(crate) async fn enter(&self, console: &Console) -> Result<Entry, Failure> {
        let entered = console.service.enter_console(&self.key, self.peer, ConsoleUse::Acting).await;
        entered.map(|entered| entered.entry).map_err(|_| Failure::SignedOut)
    }

    /// A page after a change, or after one that was refused.
    ///
    /// # Errors
    /// As [`Again::enter`].
    pub(crate) async fn show(
        &self,
        console: &Console,
        status: StatusCode,
        page: &impl askama::Template,
    ) -> Result<Response, Failure> {
        let entry = self.enter(console).await?;
        Ok(respond::guarded(respond::page(status, page), entry, self.cutoff.clone()))
    }
}

/// Whether the script asks, for news.
pub(crate) fn wants_json(asked: &Parts) -> bool {
    asked.headers.get(ACCEPT).is_some_and(|accept| accept == "application/json")
}

fn viewer(console: &Console, entered: &ConsoleEntry) -> Viewer {
    let user = console.service.me(&entered.entry).ok();
    let reach = match (entered.is_administrator, &user) {
        (true, None) => Reach::Administration,
        (true, Some(_)) => Reach::Everything,
        (false, _) => Reach::Account,
    };
    let name = user.map_or_else(|| "Management token".to_owned(), |user| user.name.to_string());
    Viewer { name, reach, form_secret: entered.form_secret.clone() }
}
