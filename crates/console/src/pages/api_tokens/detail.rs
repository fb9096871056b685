//! One token: its status and permissions; rename it, activate or deactivate it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{ApiTokenChange, Description, Status};

use super::permissions::{self, Permitted};
use super::row::TokenRow;
use super::{LIST, TokenId};
use crate::failure::{Failure, sentence};
use crate::form::Posted;
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Accounts, Visit};
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "api_tokens/detail.html")]
struct DetailPage {
    frame: Frame,
    token: TokenRow,
    permissions: Vec<Permitted>,
    /// What stands in the field, which may be more than what is stored.
    typed: String,
}

#[derive(Template)]
#[template(path = "api_tokens/deactivate.html")]
struct DeactivatePage {
    frame: Frame,
    token: TokenRow,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    TokenId(id): TokenId,
) -> Result<Response, Failure> {
    let token = console.service.api_token(&visit.entry, id).await?;
    let row = TokenRow::new(&console.service, &token, &visit.entry);
    let frame = visit.frame(row.title.clone(), Section::ApiTokens);
    let permissions = permissions::table(&console.service, &token.permissions);
    let typed = row.description.clone();
    Ok(visit.show(&DetailPage { frame, token: row, permissions, typed }))
}

pub(super) async fn rename(
    State(console): State<Arc<Console>>,
    TokenId(id): TokenId,
    form: Posted<Accounts>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = form;
    let typed = fields.text("description");
    match Description::new(typed) {
        Ok(description) => {
            let change = ApiTokenChange { description: Some(description), status: None };
            console.service.update_api_token(visit.entry, id, change).await?;
            Ok(respond::see(&format!("{LIST}?done=renamed")))
        }
        Err(error) => {
            let token = console.service.api_token(&visit.entry, id).await?;
            let row = TokenRow::new(&console.service, &token, &visit.entry);
            let bad = Notice::Bad(sentence(&error.to_string()));
            let frame = visit.frame(row.title.clone(), Section::ApiTokens).saying(Some(bad));
            let permissions = permissions::table(&console.service, &token.permissions);
            let page = DetailPage { frame, token: row, permissions, typed: typed.to_owned() };
            Ok(visit.show_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Activates or deactivates. Before the last token that can make others is deactivated, it asks.
pub(super) async fn set_status(
    State(console): State<Arc<Console>>,
    TokenId(id): TokenId,
    form: Posted<Accounts>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = form;
    let status: Status = fields.text("status").parse().map_err(|_| Failure::Malformed)?;
    let deactivates = status == Status::Inactive;
    if deactivates && !fields.is_set("confirm") && console.service.ends_last_token_maker(&visit.entry, &[id]).await? {
        let token = console.service.api_token(&visit.entry, id).await?;
        let row = TokenRow::new(&console.service, &token, &visit.entry);
        let frame = visit.frame("Deactivate the last token that can make others?", Section::ApiTokens);
        return Ok(visit.show(&DeactivatePage { frame, token: row }));
    }
    let change = ApiTokenChange { description: None, status: Some(status) };
    console.service.update_api_token(visit.entry, id, change).await?;
    Ok(respond::see(&format!("{LIST}?done={}", if deactivates { "deactivated" } else { "activated" })))
}
