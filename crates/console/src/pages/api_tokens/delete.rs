//! Deleting a token: the page behind the icon, and what comes of **Confirm**.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::CredentialId;
use tidegate_service::ServiceError;

use super::row::TokenRow;
use super::{LIST, TokenId};
use crate::failure::Failure;
use crate::form::Posted;
use crate::frame::{Frame, Section};
use crate::visit::{Accounts, Visit};
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "api_tokens/delete.html")]
struct DeletePage {
    frame: Frame,
    token: TokenRow,
    /// Whether it is the last one that can make others.
    is_last: bool,
}

#[derive(Template)]
#[template(path = "api_tokens/draining.html")]
struct DrainingPage {
    frame: Frame,
    id: String,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    TokenId(id): TokenId,
) -> Result<Response, Failure> {
    let token = console.service.api_token(&visit.entry, id).await?;
    let is_last = console.service.ends_last_token_maker(&visit.entry, &[id]).await?;
    let row = TokenRow::new(&console.service, &token, &visit.entry);
    let frame = visit.frame("Delete API token", Section::ApiTokens);
    Ok(visit.show(&DeletePage { frame, token: row, is_last }))
}

pub(super) async fn delete(
    State(console): State<Arc<Console>>,
    TokenId(id): TokenId,
    form: Posted<Accounts>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = form;
    let is_own = visit.entry.credential_id() == CredentialId::ApiToken(id);
    let frame = visit.frame("Revoked, still draining", Section::ApiTokens);
    // A repeated deletion waits for the same requests, and finds no token once they have ended.
    let is_repeated = fields.is_set("again");
    match console.service.delete_api_token(visit.entry, id).await {
        Ok(()) if is_own => Err(Failure::SignedOut),
        Ok(()) => Ok(respond::see(&format!("{LIST}?done=deleted"))),
        Err(ServiceError::ApiTokenNotFound) if is_repeated => Ok(respond::see(&format!("{LIST}?done=deleted"))),
        Err(ServiceError::StillDraining(_)) => {
            Ok(respond::page(StatusCode::SERVICE_UNAVAILABLE, &DrainingPage { frame, id: id.to_string() }))
        }
        Err(error) => Err(error.into()),
    }
}
