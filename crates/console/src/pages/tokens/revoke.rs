//! Revoking a token: the page behind the icon, and what comes of **Revoke token**.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{CredentialId, TokenId};
use tidegate_service::ServiceError;

use super::row::TokenRow;
use super::{Kind, TokenOfPath, done};
use crate::Console;
use crate::draining::DrainingPage;
use crate::failure::Failure;
use crate::form::Posted;
use crate::frame::{Frame, Notice};
use crate::visit::{Administrators, Visit};

#[derive(Template)]
#[template(path = "tokens/revoke.html")]
struct RevokePage {
    frame: Frame,
    kind: Kind,
    token: TokenRow,
    /// Whether it is the last active management token.
    is_last: bool,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(kind): Extension<Kind>,
    visit: Visit<Administrators>,
    TokenOfPath(id): TokenOfPath,
) -> Result<Response, Failure> {
    let page = page(&console, kind, &visit, id).await?;
    Ok(visit.show(&page))
}

async fn page(
    console: &Console,
    kind: Kind,
    visit: &Visit<Administrators>,
    id: TokenId,
) -> Result<RevokePage, Failure> {
    let token = kind.one(&console.service, &visit.entry, id).await?;
    let is_last = kind.ends_last_administrator(&console.service, &visit.entry, &[id]).await?;
    let token = TokenRow::new(&token, &visit.entry, console.service.now());
    let frame = visit.frame(format!("Revoke {}", kind.noun()), kind.section());
    Ok(RevokePage { frame, kind, token, is_last })
}

pub(super) async fn revoke(
    State(console): State<Arc<Console>>,
    Extension(kind): Extension<Kind>,
    TokenOfPath(id): TokenOfPath,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    if !fields.is_set("understood") {
        let page = page(&console, kind, &visit, id).await?;
        let frame = page.frame.saying(Some(Notice::Bad("Tick the box to say that you understand what stops.".into())));
        return Ok(visit.show_with(StatusCode::UNPROCESSABLE_ENTITY, &RevokePage { frame, ..page }));
    }
    let is_own = visit.entry.credential_id() == CredentialId::Token(id);
    let frame = visit.frame("Revoked, still draining", kind.section());
    match kind.revoke(&console.service, visit.entry, id).await {
        Ok(()) if is_own => Err(Failure::SignedOut),
        Ok(()) => Ok(done(kind, "revoked")),
        Err(ServiceError::StillDraining(_)) => Ok(DrainingPage {
            frame,
            message: "The token is revoked: no new request can use it, and that stays so. But something that it \
                started before has not ended yet.",
            action: format!("{}/{id}/revoke", kind.path()),
            fields: vec![("understood".to_owned(), "1".to_owned())],
            list: kind.title(),
            back: kind.path(),
        }
        .answer()),
        Err(error) => Err(error.into()),
    }
}
