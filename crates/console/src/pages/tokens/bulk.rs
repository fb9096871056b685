//! Revoking several tokens at once, each with its own outcome.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::join_all;
use tidegate_model::{CredentialId, TokenId};
use tidegate_service::ServiceError;

use super::Kind;
use super::row::TokenRow;
use crate::failure::{Failure, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice};
use crate::visit::{Administrators, Again, Visit};
use crate::{Console, respond};

/// As many as a page of the list can have.
const MOST: usize = 100;

#[derive(Template)]
#[template(path = "tokens/bulk_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    kind: Kind,
    tokens: Vec<TokenRow>,
    is_last: bool,
}

#[derive(Template)]
#[template(path = "tokens/bulk_done.html")]
struct DonePage {
    frame: Frame,
    kind: Kind,
    outcomes: Vec<Outcome>,
}

/// What became of one of them.
struct Outcome {
    id: TokenId,
    title: String,
    class: &'static str,
    text: String,
    is_draining: bool,
}

impl DonePage {
    fn has_draining(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.is_draining)
    }
}

/// First shows what would be revoked; once that is confirmed, revokes it.
pub(super) async fn revoke(
    State(console): State<Arc<Console>>,
    Extension(kind): Extension<Kind>,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let ids = ids(&fields)?;
    if ids.is_empty() {
        return Ok(respond::see(kind.path()));
    }
    let tokens = rows(&console, kind, &visit, &ids).await?;
    if !fields.is_set("understood") {
        let is_last = kind.ends_last_administrator(&console.service, &visit.entry, &ids).await?;
        let frame = visit.frame(format!("Revoke {}s", kind.noun()), kind.section());
        return Ok(visit.show(&ConfirmPage { frame, kind, tokens, is_last }));
    }
    let frame = visit.frame(format!("Revoked {}s", kind.noun()), kind.section());
    let (again, own) = (visit.again(), visit.entry.credential_id());
    // A revocation of the visitor's own token must not wait for this request.
    drop(visit);
    let title = |id: TokenId| {
        let known = tokens.iter().find(|token| token.id == id.to_string());
        known.map_or_else(|| "(unknown)".to_owned(), |token| token.title.clone())
    };
    // With the visitor's own token this session ends, so it comes last.
    let (last, first): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| own == CredentialId::Token(*id));
    let mut outcomes = join_all(first.into_iter().map(|id| revoke_one(&console, kind, &again, id, title(id)))).await;
    for id in last {
        outcomes.push(revoke_one(&console, kind, &again, id, title(id)).await);
    }
    let frame = frame.saying(Some(notice(&outcomes)));
    Ok(respond::page(StatusCode::OK, &DonePage { frame, kind, outcomes }))
}

fn ids(fields: &Fields) -> Result<Vec<TokenId>, Failure> {
    let ids: Result<Vec<TokenId>, _> = fields.all("id").map(str::parse).collect();
    let mut ids = ids.map_err(|_| Failure::Malformed)?;
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > MOST { Err(Failure::Malformed) } else { Ok(ids) }
}

/// Those of them that there are.
async fn rows(
    console: &Console,
    kind: Kind,
    visit: &Visit<Administrators>,
    ids: &[TokenId],
) -> Result<Vec<TokenRow>, Failure> {
    let now = console.service.now();
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        match kind.one(&console.service, &visit.entry, *id).await {
            Ok(token) => rows.push(TokenRow::new(&token, &visit.entry, now)),
            // It has an outcome of its own later.
            Err(ServiceError::TokenNotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rows)
}

async fn revoke_one(console: &Arc<Console>, kind: Kind, again: &Again, id: TokenId, title: String) -> Outcome {
    let revoked = match again.enter(console).await {
        Ok(entry) => kind.revoke(&console.service, entry, id).await,
        Err(_) => Err(ServiceError::Unauthenticated),
    };
    let (class, text, is_draining) = match revoked {
        Ok(()) => ("good", "Revoked".to_owned(), false),
        Err(ServiceError::StillDraining(_)) => ("warning", "Revoked, still draining".to_owned(), true),
        Err(ServiceError::Unauthenticated) => ("bad", "Not done: your session has ended".to_owned(), false),
        Err(other) => ("bad", sentence(&other.to_string()), false),
    };
    Outcome { id, title, class, text, is_draining }
}

fn notice(outcomes: &[Outcome]) -> Notice {
    match outcomes.iter().filter(|outcome| outcome.class != "good").count() {
        0 => Notice::Good(format!("Revoked: {}. They can do nothing more, anywhere.", outcomes.len())),
        undone => Notice::Warning(format!("{undone} of {} need attention.", outcomes.len())),
    }
}
