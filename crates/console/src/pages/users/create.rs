//! Creating a user.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tidegate_model::{Name, Status};
use tidegate_service::ServiceError;

use super::LIST;
use crate::failure::{Failure, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice, Section};
use crate::visit::{Accounts, Again, Visit};
use crate::{Console, respond};

#[derive(Template)]
#[template(path = "users/create.html")]
struct CreatePage {
    frame: Frame,
    name: String,
}

pub(super) async fn show(visit: Visit<Accounts>) -> Response {
    let page = CreatePage { frame: visit.frame("Create a user", Section::Users), name: String::new() };
    visit.show(&page)
}

pub(super) async fn create(State(console): State<Arc<Console>>, posted: Posted<Accounts>) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let again = visit.again();
    let frame = visit.frame("Create a user", Section::Users);
    drop(visit);
    let wrong = match make(&console, &again, &fields).await {
        Ok(()) => return Ok(respond::see(&format!("{LIST}?done=created"))),
        Err(wrong) => wrong,
    };
    let page = CreatePage { frame: frame.saying(Some(Notice::Bad(wrong))), name: fields.text("name").to_owned() };
    again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &page).await
}

/// Creates the user and gives it its password, or says what is wrong.
async fn make(console: &Arc<Console>, again: &Again, fields: &Fields) -> Result<(), String> {
    let name: Name = fields.text("name").trim().parse().map_err(|error| sentence(&format!("{error}")))?;
    if fields.text("password") != fields.text("password_again") {
        return Err("The two passwords differ.".to_owned());
    }
    let refused = |error: ServiceError| sentence(&error.to_string());
    let signed_out = |failure: Failure| failure.message();
    let caller = again.enter(console).await.map_err(signed_out)?;
    let user = console.service.create_user(caller, name, Status::Active).await.map_err(refused)?;
    if let Some(password) = fields.secret("password") {
        let caller = again.enter(console).await.map_err(signed_out)?;
        let set = console.service.set_password(caller, user.id, &password).await;
        set.map_err(|error| format!("The user is created, but without a password. {}", refused(error)))?;
    }
    Ok(())
}
