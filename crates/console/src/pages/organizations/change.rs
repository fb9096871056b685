//! One organization: its members, its name, its end.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use tidegate_model::{OrganizationId, Role};
use tidegate_service::OrganizationChange;

use super::list::read;
use super::{LIST, Organization};
use crate::confirm::ConfirmPage;
use crate::failure::{Failure, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Accounts, Visit};
use crate::when::When;
use crate::{Console, respond};

/// A user with a role.
struct Member {
    id: String,
    name: String,
    role: &'static str,
    is_own: bool,
}

/// A user to be chosen.
struct Choice {
    id: String,
    name: String,
}

#[derive(Template)]
#[template(path = "organizations/detail.html")]
struct DetailPage {
    frame: Frame,
    id: String,
    name: String,
    description: String,
    created: When,
    members: Vec<Member>,
    /// Whom the visitor can see and make a member.
    users: Vec<Choice>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    Organization(id): Organization,
    uri: Uri,
) -> Result<Response, Failure> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    let done = match fields.text("done") {
        "changed" => Some("The organization is changed."),
        "added" => Some("The user has the role. Sessions that began before do not gain by it."),
        "removed" => Some("The role is taken away, and sessions of the user have ended."),
        _ => None,
    };
    detail(&console, visit, id, StatusCode::OK, done.map(|text| Notice::Good(text.to_owned())))
}

pub(super) fn detail(
    console: &Console,
    visit: Visit<Accounts>,
    id: OrganizationId,
    status: StatusCode,
    notice: Option<Notice>,
) -> Result<Response, Failure> {
    let service = &*console.service;
    let organization = service.organization(&visit.entry, id)?;
    let own = visit.entry.owner().map(|owner| owner.user);
    let mut members = Vec::new();
    for role in [Role::Owner, Role::Member] {
        members.extend(service.members(&visit.entry, id, role)?.iter().map(|user| Member {
            id: user.id.to_string(),
            name: user.name.to_string(),
            role: role.as_str(),
            is_own: Some(user.id) == own,
        }));
    }
    let users = service.users(&visit.entry)?;
    let choice = |user: &Arc<tidegate_model::User>| Choice { id: user.id.to_string(), name: user.name.to_string() };
    let page = DetailPage {
        frame: visit.frame(organization.name.to_string(), Section::Organizations).saying(notice),
        id: id.to_string(),
        name: organization.name.to_string(),
        description: organization.description.as_str().to_owned(),
        created: When::new(organization.created_at, service.now()),
        members,
        users: users.iter().map(choice).collect(),
    };
    Ok(visit.show_with(status, &page))
}

pub(super) async fn update(
    State(console): State<Arc<Console>>,
    Organization(id): Organization,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let (name, description) = match read(&fields) {
        Ok(read) => read,
        Err(wrong) => {
            let bad = Notice::Bad(sentence(&wrong));
            return detail(&console, visit, id, StatusCode::UNPROCESSABLE_ENTITY, Some(bad));
        }
    };
    let change = OrganizationChange { name: Some(name), description: Some(description) };
    console.service.update_organization(visit.entry, id, change).await?;
    Ok(respond::see(&format!("{LIST}/{id}?done=changed")))
}

pub(super) async fn ask_delete(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    Organization(id): Organization,
) -> Result<Response, Failure> {
    let organization = console.service.organization(&visit.entry, id)?;
    let buckets = console.service.visible_databases(&visit.entry, Some(id));
    let page = ConfirmPage {
        frame: visit.frame("Delete this organization?", Section::Organizations),
        from: ("Organizations", LIST.to_owned()),
        facts: vec![
            ("Name", organization.name.to_string()),
            ("ID", id.to_string()),
            ("Buckets", buckets.len().to_string()),
        ],
        warnings: Vec::new(),
        consequence: "Its buckets and API tokens go with it. What goes on there is cut off, before you see the answer. \
            This cannot be undone.",
        action: format!("{LIST}/{id}/delete"),
        fields: Vec::new(),
    };
    Ok(visit.show(&page))
}

pub(super) async fn delete(
    State(console): State<Arc<Console>>,
    Organization(id): Organization,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    console.service.delete_organization(posted.visit.entry, id).await?;
    Ok(respond::see(&format!("{LIST}?done=deleted")))
}
