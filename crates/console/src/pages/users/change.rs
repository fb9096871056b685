//! One user: rename, password, status, deletion.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{Name, Status, UserId};
use tidegate_service::{Entry, UserChange};

use super::list::UserRow;
use super::{LIST, User};
use crate::confirm::ConfirmPage;
use crate::failure::{Failure, sentence};
use crate::form::Posted;
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Accounts, Visit};
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "users/detail.html")]
struct DetailPage {
    frame: Frame,
    user: UserRow,
}

fn row(console: &Console, caller: &Entry, id: UserId) -> Result<UserRow, Failure> {
    let user = console.service.user(caller, id)?;
    Ok(UserRow::new(console, &user, caller))
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    User(id): User,
) -> Result<Response, Failure> {
    detail(&console, visit, id, StatusCode::OK, None)
}

fn detail(
    console: &Console,
    visit: Visit<Accounts>,
    id: UserId,
    status: StatusCode,
    notice: Option<Notice>,
) -> Result<Response, Failure> {
    let user = row(console, &visit.entry, id)?;
    let frame = visit.frame(user.name.clone(), Section::Users).saying(notice);
    Ok(visit.show_with(status, &DetailPage { frame, user }))
}

pub(super) async fn rename(
    State(console): State<Arc<Console>>,
    User(id): User,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let name: Name = match fields.text("name").trim().parse() {
        Ok(name) => name,
        Err(error) => return refuse(&console, visit, id, format!("{error}")),
    };
    let change = UserChange { name: Some(name), status: None };
    console.service.update_user(visit.entry, id, change).await?;
    Ok(respond::see(&format!("{LIST}?done=renamed")))
}

fn refuse(console: &Console, visit: Visit<Accounts>, id: UserId, text: String) -> Result<Response, Failure> {
    detail(console, visit, id, StatusCode::UNPROCESSABLE_ENTITY, Some(Notice::Bad(sentence(&text))))
}

pub(super) async fn set_password(
    State(console): State<Arc<Console>>,
    User(id): User,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let Some(password) = fields.secret("password") else {
        return refuse(&console, visit, id, "type the new password".to_owned());
    };
    if fields.text("password") != fields.text("password_again") {
        return refuse(&console, visit, id, "the two passwords differ".to_owned());
    }
    console.service.set_password(visit.entry, id, &password).await?;
    Ok(respond::see(&format!("{LIST}?done=password")))
}

/// Activates at once; before it deactivates, it asks.
pub(super) async fn set_status(
    State(console): State<Arc<Console>>,
    User(id): User,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let status: Status = fields.text("status").parse().map_err(|_| Failure::Malformed)?;
    let deactivates = status == Status::Inactive;
    if deactivates && !fields.is_set("confirm") {
        let consequence = "Its API tokens and sessions are refused until it is activated again. What they are doing is \
            cut off, before you see the answer.";
        let fields = vec![("confirm", "1".to_owned()), ("status", "inactive".to_owned())];
        return ask(&console, visit, id, "Deactivate this user?", consequence, "status", fields);
    }
    let change = UserChange { name: None, status: Some(status) };
    console.service.update_user(visit.entry, id, change).await?;
    Ok(respond::see(&format!("{LIST}?done={}", if deactivates { "deactivated" } else { "activated" })))
}

pub(super) async fn ask_delete(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    User(id): User,
) -> Result<Response, Failure> {
    let consequence = "Its API tokens and sessions are refused from now on, also if a user of the same name is created \
        later. What they are doing is cut off, before you see the answer. This cannot be undone.";
    ask(&console, visit, id, "Delete this user?", consequence, "delete", Vec::new())
}

fn ask(
    console: &Console,
    visit: Visit<Accounts>,
    id: UserId,
    title: &str,
    consequence: &'static str,
    verb: &str,
    fields: Vec<(&'static str, String)>,
) -> Result<Response, Failure> {
    let user = row(console, &visit.entry, id)?;
    let warnings = if user.is_own {
        vec!["This is the user on whose behalf you have signed in: your session ends with it.".to_owned()]
    } else {
        Vec::new()
    };
    let page = ConfirmPage {
        frame: visit.frame(title, Section::Users),
        from: ("Users", LIST.to_owned()),
        facts: vec![("Name", user.name), ("ID", user.id)],
        warnings,
        consequence,
        action: format!("{LIST}/{id}/{verb}"),
        fields,
    };
    Ok(visit.show(&page))
}

pub(super) async fn delete(
    State(console): State<Arc<Console>>,
    User(id): User,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    console.service.delete_user(posted.visit.entry, id).await?;
    Ok(respond::see(&format!("{LIST}?done=deleted")))
}
