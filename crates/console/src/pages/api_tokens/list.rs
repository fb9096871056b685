//! The list.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use tidegate_model::ApiToken;
use tidegate_service::{ApiTokenQuery, Service};

use super::LIST;
use super::row::TokenRow;
use crate::Console;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::{Frame, Notice, Section};
use crate::listing::{ListQuery, Listed};
use crate::visit::{Accounts, Visit};

#[derive(Template)]
#[template(path = "api_tokens/list.html")]
struct ListPage {
    frame: Frame,
    listed: Listed<TokenRow>,
    /// Whether there are any, also those that the search leaves out.
    is_empty: bool,
    /// Whether the column of organizations is worth its place.
    has_organizations: bool,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    uri: Uri,
) -> Result<Response, Failure> {
    let service = &*console.service;
    let tokens = service.api_tokens(&visit.entry, ApiTokenQuery::default()).await?;
    let (is_empty, first) = (tokens.is_empty(), tokens.first().map(|token| token.organization));
    let has_organizations = tokens.iter().any(|token| Some(token.organization) != first);
    let query = ListQuery::of(&uri);
    let listed = Listed::new(chosen(service, tokens, &query), query, LIST);
    let listed = listed.map(|token| TokenRow::new(service, &token, &visit.entry));
    let frame = visit.frame("API Tokens", Section::ApiTokens).saying(notice(&uri));
    Ok(visit.show(&ListPage { frame, listed, is_empty, has_organizations }))
}

/// Those that the search finds, in the wanted order.
fn chosen(service: &Service, mut tokens: Vec<ApiToken>, query: &ListQuery) -> Vec<ApiToken> {
    if !query.search.is_empty() {
        tokens.retain(|token| query.finds(&[token.description.as_str(), &token.id.to_string()]));
    }
    let owner = |token: &ApiToken| service.user_name(token.user).map(|name| name.as_str().to_lowercase());
    match query.sort.as_str() {
        "status" => tokens.sort_by_key(|token| (!service.is_active(token), service.is_expired(token))),
        "created" => tokens.sort_by_key(|token| token.created_at),
        "expires" => tokens.sort_by_key(|token| (token.expires_at.is_none(), token.expires_at)),
        "owner" => tokens.sort_by_cached_key(owner),
        _ => tokens.sort_by_cached_key(|token| token.description.as_str().to_lowercase()),
    }
    if query.descending {
        tokens.reverse();
    }
    tokens
}

fn notice(uri: &Uri) -> Option<Notice> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    Some(Notice::Good(
        match fields.text("done") {
            "deleted" => "The token is deleted. It can do nothing more, anywhere.",
            "renamed" => "The description is changed.",
            "activated" => "The token is active.",
            "deactivated" => "The token is inactive. It can do nothing more, anywhere, until it is activated.",
            _ => return None,
        }
        .to_owned(),
    ))
}
