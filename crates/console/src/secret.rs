//! The page that shows a new secret, once, with commands that use it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::PlainToken;

use crate::frame::Frame;
use crate::respond;

/// What a token is good for, which says how to try it.
pub(crate) enum Use {
    /// Data of a bucket, by the v2 API; the organization by its id.
    Bucket { organization: String, bucket: String },
    /// Data of a database, by the v3 API.
    Database(String),
    /// The same for a token that may only read.
    DatabaseToRead(String),
    /// Administration, by the Management API: the account and the cluster.
    Management { account: String, cluster: String },
}

/// A secret and what is around it.
#[derive(Template)]
#[template(path = "secret.html")]
pub(crate) struct SecretPage {
    pub(crate) frame: Frame,
    /// Never printed otherwise than on this page.
    pub(crate) secret: PlainToken,
    /// What the token's list is called.
    pub(crate) list: &'static str,
    /// Where the list is.
    pub(crate) back: &'static str,
    pub(crate) description: String,
    /// Where clients reach this server, such as `http://localhost:8181`.
    pub(crate) url: String,
    /// How to try it; `None` if there is nothing to try it on.
    pub(crate) used: Option<Use>,
}

impl SecretPage {
    /// The answer to whoever has made the token. Nothing can ask for it again.
    pub(crate) fn answer(&self) -> Response {
        respond::page(StatusCode::OK, self)
    }
}
