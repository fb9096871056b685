//! The page that asks before something is ended.

use askama::Template;

use crate::frame::Frame;

/// What is asked.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage {
    pub(crate) frame: Frame,
    /// Name and address of the list that this comes from.
    pub(crate) from: (&'static str, String),
    /// What it is about: labels and values.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) warnings: Vec<String>,
    /// What will stop.
    pub(crate) consequence: &'static str,
    /// Where **Confirm** is sent, with these fields.
    pub(crate) action: String,
    pub(crate) fields: Vec<(&'static str, String)>,
}
