//! One token: what it may do, and changes to that.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{Description, PermissionSet, TokenRecord};
use tidegate_service::{ServiceError, TokenChange};

use super::create::names;
use super::grants::{self, GridRow};
use super::row::TokenRow;
use super::{Kind, TokenOfPath, done};
use crate::Console;
use crate::draining::DrainingPage;
use crate::failure::{Failure, mendable, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice};
use crate::visit::{Administrators, Visit};

#[derive(Template)]
#[template(path = "tokens/edit.html")]
struct EditPage {
    frame: Frame,
    kind: Kind,
    token: TokenRow,
    /// What stands in the field, which may be more than what is stored.
    description: String,
    grid: Vec<GridRow>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(kind): Extension<Kind>,
    visit: Visit<Administrators>,
    TokenOfPath(id): TokenOfPath,
) -> Result<Response, Failure> {
    let token = kind.one(&console.service, &visit.entry, id).await?;
    let page = page(&console, kind, &visit, &token, (token.description.as_str(), &token.permissions)).await?;
    Ok(visit.show(&page))
}

/// The page with this description and these grants in its form.
async fn page(
    console: &Console,
    kind: Kind,
    visit: &Visit<Administrators>,
    token: &TokenRecord,
    (description, permissions): (&str, &PermissionSet),
) -> Result<EditPage, Failure> {
    let row = TokenRow::new(token, &visit.entry, console.service.now());
    Ok(EditPage {
        frame: visit.frame(row.title.clone(), kind.section()),
        kind,
        token: row,
        description: description.to_owned(),
        grid: grants::grid(&names(&console.service, visit).await?, permissions),
    })
}

/// Saves the description and the grants of a database token.
pub(super) async fn save(
    State(console): State<Arc<Console>>,
    Extension(kind): Extension<Kind>,
    TokenOfPath(id): TokenOfPath,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let permissions = grants::ticked(&fields)?;
    let token = kind.one(&console.service, &visit.entry, id).await?;
    let typed = fields.text("description").trim();
    let page = page(&console, kind, &visit, &token, (typed, &permissions)).await?;
    let again = visit.again();
    let refused = match change(typed, permissions, &token, &fields) {
        Err(text) => text,
        Ok(change) => match console.service.update_token(visit.entry, id, change).await {
            Ok(_) => return Ok(done(kind, "saved")),
            Err(ServiceError::StillDraining(_)) => return Ok(draining(page.frame, kind, &token, &fields)),
            Err(error) => mendable(error)?,
        },
    };
    let frame = page.frame.saying(Some(Notice::Bad(refused)));
    again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &EditPage { frame, ..page }).await
}

/// What the form changes. Grants that stay as they are, are left out, unless the form is sent to wait for the end of what
/// the old ones started.
fn change(
    description: &str,
    permissions: PermissionSet,
    token: &TokenRecord,
    fields: &Fields,
) -> Result<TokenChange, String> {
    if description.is_empty() {
        return Err("Describe what the token is for.".to_owned());
    }
    let is_same = grants::are_same(&permissions, &token.permissions) && !fields.is_set("again");
    let description = Description::new(description).map_err(|error| sentence(&error.to_string()))?;
    Ok(TokenChange { description: Some(description), permissions: (!is_same).then_some(permissions) })
}

fn draining(frame: Frame, kind: Kind, token: &TokenRecord, fields: &Fields) -> Response {
    let kept = fields.iter().filter(|(name, _)| ["description", "grant"].contains(name));
    let again = [("again".to_owned(), "1".to_owned())];
    DrainingPage {
        frame: Frame { title: "Saved, still draining".to_owned(), ..frame },
        message: "The change is stored: no new request can use a permission that was taken away. But something that \
            one of them started before has not ended yet.",
        action: format!("{}/{}", kind.path(), token.id),
        fields: kept.map(|(name, value)| (name.to_owned(), value.to_owned())).chain(again).collect(),
        list: kind.title(),
        back: kind.path(),
    }
    .answer()
}
