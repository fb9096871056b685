//! Deleting several tokens at once, each with its own outcome.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::join_all;
use tidegate_model::{ApiTokenId, CredentialId};
use tidegate_service::ServiceError;

use super::LIST;
use super::row::TokenRow;
use crate::failure::{Failure, sentence};
use crate::form::Posted;
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Accounts, Again};
use crate::{Console, respond};

/// As many as a page of the list can have.
const MOST: usize = 100;

#[derive(Template)]
#[template(path = "api_tokens/bulk_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    tokens: Vec<TokenRow>,
    is_last: bool,
}

#[derive(Template)]
#[template(path = "api_tokens/bulk_done.html")]
struct DonePage {
    frame: Frame,
    outcomes: Vec<Outcome>,
    has_draining: bool,
}

/// What became of one of them.
struct Outcome {
    id: String,
    title: String,
    class: &'static str,
    text: String,
    is_draining: bool,
}

/// First shows what would be deleted; once that is confirmed, deletes it.
pub(super) async fn delete(State(console): State<Arc<Console>>, form: Posted<Accounts>) -> Result<Response, Failure> {
    let Posted { visit, fields } = form;
    let ids: Result<Vec<ApiTokenId>, _> = fields.all("id").map(str::parse).collect();
    let mut ids = ids.map_err(|_| Failure::Malformed)?;
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(respond::see(LIST));
    }
    if ids.len() > MOST {
        return Err(Failure::Malformed);
    }
    let mut tokens = Vec::new();
    for id in &ids {
        // One that is gone already has an outcome of its own below.
        if let Ok(token) = console.service.api_token(&visit.entry, *id).await {
            tokens.push(TokenRow::new(&console.service, &token, &visit.entry));
        }
    }
    if !fields.is_set("confirm") {
        let is_last = console.service.ends_last_token_maker(&visit.entry, &ids).await?;
        let frame = visit.frame("Delete API tokens", Section::ApiTokens);
        return Ok(visit.show(&ConfirmPage { frame, tokens, is_last }));
    }
    let frame = visit.frame("Deleted API tokens", Section::ApiTokens);
    let (again, own) = (visit.again(), visit.entry.credential_id());
    // Nobody waits for this request any more.
    drop(visit);
    let (last, first): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| own == CredentialId::ApiToken(*id));
    let title = |id: ApiTokenId| {
        let known = tokens.iter().find(|token| token.id == id.to_string());
        known.map_or_else(|| "(unknown)".to_owned(), |token| token.title.clone())
    };
    let mut outcomes = join_all(first.into_iter().map(|id| delete_one(&console, &again, id, title(id)))).await;
    for id in last {
        // With it this session ends.
        outcomes.push(delete_one(&console, &again, id, title(id)).await);
    }
    let undone = outcomes.iter().filter(|outcome| outcome.class != "good").count();
    let notice = match undone {
        0 => Notice::Good(format!("All {} are deleted. They can do nothing more, anywhere.", outcomes.len())),
        _ => Notice::Warning(format!("{} of {} need attention.", undone, outcomes.len())),
    };
    let has_draining = outcomes.iter().any(|outcome| outcome.is_draining);
    let page = DonePage { frame: frame.saying(Some(notice)), outcomes, has_draining };
    Ok(respond::page(StatusCode::OK, &page))
}

async fn delete_one(console: &Arc<Console>, again: &Again, id: ApiTokenId, title: String) -> Outcome {
    let done = match again.enter(console).await {
        Ok(entry) => console.service.delete_api_token(entry, id).await,
        Err(_) => Err(ServiceError::Unauthenticated),
    };
    let (class, text, is_draining) = match done {
        Ok(()) => ("good", "Deleted".to_owned(), false),
        Err(ServiceError::StillDraining(_)) => ("warning", "Revoked, still draining".to_owned(), true),
        Err(ServiceError::ApiTokenNotFound) => ("good", "Gone already".to_owned(), false),
        Err(ServiceError::Unauthenticated) => ("bad", "Not done: your session has ended".to_owned(), false),
        Err(other) => ("bad", sentence(&other.to_string()), false),
    };
    Outcome { id: id.to_string(), title, class, text, is_draining }
}
