//! Giving and taking roles.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use tidegate_model::{OrganizationId, Role, UserId};

use super::{LIST, Organization};
use crate::confirm::ConfirmPage;
use crate::failure::Failure;
use crate::form::{Fields, Posted};
use crate::frame::Section;
use crate::visit::{Accounts, Visit};
use crate::{Console, respond};

fn named(fields: &Fields) -> Result<(UserId, Role), Failure> {
    let user = fields.text("user").parse().map_err(|_| Failure::Malformed)?;
    let role = fields.text("role").parse().map_err(|_| Failure::Malformed)?;
    Ok((user, role))
}

pub(super) async fn add(
    State(console): State<Arc<Console>>,
    Organization(id): Organization,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    let (user, role) = named(&posted.fields)?;
    console.service.add_member(posted.visit.entry, id, user, role).await?;
    Ok(respond::see(&format!("{LIST}/{id}?done=added")))
}

/// First asks, then takes the role away.
pub(super) async fn remove(
    State(console): State<Arc<Console>>,
    Organization(id): Organization,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let (user, role) = named(&fields)?;
    if !fields.is_set("confirm") {
        return ask(&console, visit, id, user, role);
    }
    let is_own = visit.entry.owner().is_some_and(|owner| owner.user == user);
    console.service.remove_member(visit.entry, id, user, role).await?;
    Ok(respond::see(&if is_own { LIST.to_owned() } else { format!("{LIST}/{id}?done=removed") }))
}

fn ask(
    console: &Console,
    visit: Visit<Accounts>,
    id: OrganizationId,
    user: UserId,
    role: Role,
) -> Result<Response, Failure> {
    let organization = console.service.organization(&visit.entry, id)?;
    let members = console.service.members(&visit.entry, id, role)?;
    let member = members.iter().find(|member| member.id == user).ok_or(Failure::NotFound)?;
    let page = ConfirmPage {
        frame: visit.frame("Take this role away?", Section::Organizations),
        from: ("Organization", format!("{LIST}/{id}")),
        facts: vec![
            ("User", member.name.to_string()),
            ("Role", role.as_str().to_owned()),
            ("Organization", organization.name.to_string()),
        ],
        warnings: Vec::new(),
        consequence: "The sessions of the user end. If it is the user's last role there, the user's API tokens of the \
            organization become inactive. What they are doing is cut off, before you see the answer.",
        action: format!("{LIST}/{id}/members/remove"),
        fields: vec![("user", user.to_string()), ("role", role.as_str().to_owned()), ("confirm", "1".to_owned())],
    };
    Ok(visit.show(&page))
}
