//! The web console: see and cut access in a browser.
//!
//! Pages are rendered on the server and call the use cases of [`tidegate_service`] directly. No rule about who may do what
//! lives here: what the service refuses, a page shows.
//!
//! # How a page is made
//!
//! 1. A module below `pages` has a `routes()` and one handler for each route. A handler takes a [`visit::Visit`] (to look)
//!    or a [`form::Posted`] (to change), whose parameter says for whom the page is: [`visit::Anybody`],
//!    [`visit::Administrators`] (management tokens and operators: what the Management API serves) or
//!    [`visit::Accounts`] (users and API tokens: what the v2 API serves). Both enter with the credential behind the
//!    session anew; `Posted` also refuses forms that are not one of our own pages, so there is no other way to a form.
//! 2. The handler gives `visit.entry` to use cases and uses `?` on their errors: [`failure::Failure`] becomes a redirect
//!    to the sign-in page or an error page with the navigation around it. Where a form should keep what was typed, the
//!    handler matches the error itself and shows the form with `Notice::Bad`.
//! 3. It fills an askama template that extends `layout.html` and has a field `frame`, made by `visit.frame(title,
//!    section)`, and answers `visit.show(&page)`: the body then ends with the rights of the visitor. A change consumes
//!    `visit.entry`; it answers [`respond::see`] (redirect, with a closed-set `done` word for the notice) or, to show a
//!    secret once, [`respond::page`].
//! 4. Templates import the macros of `ui.html`: `ui::form_secret(frame)` in every form that posts, `ui::icon("trash")`
//!    (symbols in `sprite.html`), `ui::time(when)`, and for lists `ui::search`, `ui::column` and `ui::pager` over a
//!    [`listing::Listed`]. `api_tokens/list.html` is the example to follow.
//! 5. Its section is listed in [`frame::Section`], and its routes in the table of `tests/console/routes.rs`, which calls
//!    each of them without a session, with one of the wrong kind, and without the form's secret.
//!
//! There is no inline script or style: the Content-Security-Policy refuses them. What depends on the script must also
//! work without it, copy buttons and live numbers excepted.

mod assets;
mod chart;
mod confirm;
mod cookie;
mod draining;
mod expiry;
mod failure;
mod form;
mod frame;
mod history;
mod listing;
mod number;
mod origin;
mod pages;
mod respond;
mod retention;
mod secret;
mod shield;
mod visit;
mod when;

use std::sync::Arc;

use axum::{Router, middleware};
use tidegate_service::Service;

use history::History;

/// What all pages share.
#[derive(Debug)]
pub(crate) struct Console {
    pub(crate) service: Arc<Service>,
    pub(crate) history: Arc<History>,
}

/// The console over one service, at `/` and below `/console`. The listener must put [`tidegate_api::Peer`] into every
/// request. Must be called on a tokio runtime, on which it takes samples of what the service measures.
pub fn router(service: Arc<Service>) -> Router {
    let history = History::start(&service);
    let console = Arc::new(Console { service, history });
    pages::routes()
        .layer(middleware::from_fn_with_state(console.clone(), shield::shield))
        .with_state(console)
        .merge(assets::routes())
}
