//! The page for a change that is durable but not yet final.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::frame::Frame;
use crate::respond;

/// Says that something which the old rights started has not ended yet, and asks again.
#[derive(Template)]
#[template(path = "draining.html")]
pub(crate) struct DrainingPage {
    pub(crate) frame: Frame,
    /// What is done, and what is not.
    pub(crate) message: &'static str,
    /// Where the same change is sent again: that waits for the rest.
    pub(crate) action: String,
    /// The fields of that form, by name and value.
    pub(crate) fields: Vec<(String, String)>,
    /// What the list is called.
    pub(crate) list: &'static str,
    /// Where the list is.
    pub(crate) back: &'static str,
}

impl DrainingPage {
    /// The answer. It tells nothing that the change has not said.
    pub(crate) fn answer(&self) -> Response {
        respond::page(StatusCode::SERVICE_UNAVAILABLE, self)
    }
}
