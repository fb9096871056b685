//! The list of users.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use tidegate_model::{Status, User};
use tidegate_service::Entry;

use super::LIST;
use crate::Console;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::{Frame, Notice, Section};
use crate::listing::{ListQuery, Listed};
use crate::visit::{Accounts, Visit};
use crate::when::When;

/// A user as its pages show it.
pub(super) struct UserRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_active: bool,
    /// Whether it is the visitor's own.
    pub(super) is_own: bool,
    pub(super) created: When,
}

impl UserRow {
    pub(super) fn new(console: &Console, user: &User, caller: &Entry) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.to_string(),
            is_active: user.status == Status::Active,
            is_own: caller.owner().is_some_and(|owner| owner.user == user.id),
            created: When::new(user.created_at, console.service.now()),
        }
    }
}

#[derive(Template)]
#[template(path = "users/list.html")]
struct ListPage {
    frame: Frame,
    listed: Listed<UserRow>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    uri: Uri,
) -> Result<Response, Failure> {
    let mut users = console.service.users(&visit.entry)?;
    let query = ListQuery::of(&uri);
    users.retain(|user| query.finds(&[user.name.as_str(), &user.id.to_string()]));
    match query.sort.as_str() {
        "status" => users.sort_by_key(|user| user.status),
        "created" => users.sort_by_key(|user| user.created_at),
        _ => users.sort_by_cached_key(|user| user.name.as_str().to_lowercase()),
    }
    if query.descending {
        users.reverse();
    }
    let listed = Listed::new(users, query, LIST).map(|user| UserRow::new(&console, &user, &visit.entry));
    let frame = visit.frame("Users", Section::Users).saying(notice(&uri));
    Ok(visit.show(&ListPage { frame, listed }))
}

fn notice(uri: &Uri) -> Option<Notice> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    Some(Notice::Good(
        match fields.text("done") {
            "created" => "The user is created.",
            "renamed" => "The user has another name.",
            "password" => "The user has another password. Sessions that began with the old one have ended.",
            "activated" => "The user is active.",
            "deactivated" => "The user is inactive. Its tokens and sessions can do nothing more, anywhere.",
            "deleted" => "The user is deleted. Its tokens and sessions can do nothing more, anywhere.",
            _ => return None,
        }
        .to_owned(),
    ))
}
