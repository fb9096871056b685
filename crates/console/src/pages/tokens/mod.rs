//! Load Data › Database Tokens, and Administration › Management Tokens (management API contract §13). They share their
//! pages: a management token has no grants and cannot be edited.

mod bulk;
mod create;
mod edit;
mod grants;
mod list;
mod revoke;
mod row;

use std::sync::Arc;

use axum::extract::{Extension, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Router, response};
use tidegate_model::{Timestamp, TokenId, TokenRecord, TokenState};
use tidegate_service::{Created, Entry, Service, ServiceError, TokenRequest};

use crate::Console;
use crate::failure::Failure;
use crate::frame::Section;

pub(super) fn routes() -> Router<Arc<Console>> {
    let database = Router::new()
        .route("/console/database-tokens", get(list::show))
        .route("/console/database-tokens/new", get(create::show).post(create::create))
        .route("/console/database-tokens/revoke", post(bulk::revoke))
        .route("/console/database-tokens/{id}", get(edit::show).post(edit::save))
        .route("/console/database-tokens/{id}/revoke", get(revoke::show).post(revoke::revoke));
    let management = Router::new()
        .route("/console/management-tokens", get(list::show))
        .route("/console/management-tokens/new", get(create::show).post(create::create))
        .route("/console/management-tokens/revoke", post(bulk::revoke))
        .route("/console/management-tokens/{id}", get(edit::show))
        .route("/console/management-tokens/{id}/revoke", get(revoke::show).post(revoke::revoke));
    database.layer(Extension(Kind::Database)).merge(management.layer(Extension(Kind::Management)))
}

/// Which tokens a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Database,
    Management,
}

impl Kind {
    /// Where the list is.
    fn path(self) -> &'static str {
        match self {
            Self::Database => "/console/database-tokens",
            Self::Management => "/console/management-tokens",
        }
    }

    fn section(self) -> Section {
        match self {
            Self::Database => Section::DatabaseTokens,
            Self::Management => Section::ManagementTokens,
        }
    }

    /// What the list is called.
    fn title(self) -> &'static str {
        match self {
            Self::Database => "Database Tokens",
            Self::Management => "Management Tokens",
        }
    }

    /// What one of them is called.
    fn noun(self) -> &'static str {
        match self {
            Self::Database => "database token",
            Self::Management => "management token",
        }
    }

    /// Whether its tokens are for some databases and not for others.
    fn has_grants(self) -> bool {
        self == Self::Database
    }

    async fn all(self, service: &Service, entry: &Entry, inactive: bool) -> Result<Vec<TokenRecord>, ServiceError> {
        match self {
            Self::Database => service.tokens(entry, inactive).await,
            Self::Management => service.management_tokens(entry).await,
        }
    }

    /// One of them, revoked or not.
    async fn one(self, service: &Service, entry: &Entry, id: TokenId) -> Result<Arc<TokenRecord>, ServiceError> {
        match self {
            Self::Database => service.token(entry, id, true).await,
            Self::Management => service.management_token(entry, id).await,
        }
    }

    async fn create(
        self,
        service: &Arc<Service>,
        entry: Entry,
        request: TokenRequest,
    ) -> Result<Created, ServiceError> {
        match self {
            Self::Database => service.create_token(entry, request).await,
            Self::Management => service.create_management_token(entry, request).await,
        }
    }

    async fn revoke(self, service: &Arc<Service>, entry: Entry, id: TokenId) -> Result<(), ServiceError> {
        match self {
            Self::Database => service.revoke_token(entry, id).await,
            Self::Management => service.revoke_management_token(entry, id).await,
        }
    }

    /// Whether no active management token is left without these.
    async fn ends_last_administrator(
        self,
        service: &Service,
        entry: &Entry,
        ids: &[TokenId],
    ) -> Result<bool, ServiceError> {
        if self != Self::Management {
            return Ok(false);
        }
        let (now, all) = (service.now(), service.management_tokens(entry).await?);
        let is_active = |token: &&TokenRecord| token.state(now) == TokenState::Active;
        let mut active = all.iter().filter(is_active).peekable();
        Ok(active.peek().is_some() && active.all(|token| ids.contains(&token.id)))
    }
}

/// Whether it is good for something.
fn is_active(token: &TokenRecord, now: Timestamp) -> bool {
    token.state(now) == TokenState::Active
}

/// The token that the path names.
struct TokenOfPath(TokenId);

impl<S: Send + Sync> FromRequestParts<S> for TokenOfPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Failure::NotFound)?;
        id.parse().map(Self).map_err(|_| Failure::NotFound)
    }
}

/// Back to the list, which says what was done.
fn done(kind: Kind, word: &str) -> response::Response {
    crate::respond::see(&format!("{}?done={word}", kind.path()))
}
