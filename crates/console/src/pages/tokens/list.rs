//! The list.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use tidegate_model::{Timestamp, TokenRecord};

use super::row::TokenRow;
use super::{Kind, grants, is_active};
use crate::Console;
use crate::failure::Failure;
use crate::form::Fields;
use crate::frame::{Frame, Notice};
use crate::listing::{ListQuery, Listed};
use crate::visit::{Administrators, Visit};

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct ListPage {
    frame: Frame,
    kind: Kind,
    listed: Listed<TokenRow>,
    /// Whether there are none, also among those that the search leaves out.
    is_empty: bool,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(kind): Extension<Kind>,
    visit: Visit<Administrators>,
    uri: Uri,
) -> Result<Response, Failure> {
    let now = console.service.now();
    let query = ListQuery::of(&uri);
    let mut tokens = kind.all(&console.service, &visit.entry, query.all).await?;
    if !query.all {
        tokens.retain(|token| is_active(token, now));
    }
    let is_empty = tokens.is_empty();
    let listed = Listed::new(chosen(tokens, &query, now), query, kind.path());
    let listed = listed.map(|token| TokenRow::new(&token, &visit.entry, now));
    let frame = visit.frame(kind.title(), kind.section()).saying(notice(&uri));
    Ok(visit.show(&ListPage { frame, kind, listed, is_empty }))
}

/// Those that the search finds, in the wanted order: the newest first if none is wanted.
fn chosen(mut tokens: Vec<TokenRecord>, query: &ListQuery, now: Timestamp) -> Vec<TokenRecord> {
    if !query.search.is_empty() {
        tokens.retain(|token| query.finds(&[token.description.as_str(), &token.id.to_string()]));
    }
    match query.sort.as_str() {
        "status" => tokens.sort_by_key(|token| token.state(now)),
        "description" => tokens.sort_by_cached_key(|token| token.description.as_str().to_lowercase()),
        "id" => tokens.sort_by_key(|token| token.id),
        "databases" => tokens.sort_by_cached_key(|token| grants::summary(&token.permissions).to_lowercase()),
        "expires" => tokens.sort_by_key(|token| (token.expires_at.is_none(), token.expires_at)),
        "created" => tokens.sort_by_key(|token| token.created_at),
        _ => tokens.sort_by_key(|token| std::cmp::Reverse(token.created_at)),
    }
    if query.descending {
        tokens.reverse();
    }
    tokens
}

fn notice(uri: &Uri) -> Option<Notice> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    let text = match fields.text("done") {
        "revoked" => "The token is revoked. It can do nothing more, anywhere.",
        "saved" => "The token is changed. Nothing goes on with a permission that was taken away.",
        _ => return None,
    };
    Some(Notice::Good(text.to_owned()))
}
