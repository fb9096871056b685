//! Creating a token, anew or like another one.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use tidegate_model::{Action, DatabaseName, Description, PermissionSet, PlainToken, TokenRecord};
use tidegate_service::{RecordStatus, Service, TokenRequest};

use super::grants::{self, GridRow};
use super::{Kind, is_active};
use crate::Console;
use crate::expiry::Expiry;
use crate::failure::{Failure, mendable, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice};
use crate::secret::{SecretPage, Use};
use crate::visit::{Administrators, Visit};

#[derive(Template)]
#[template(path = "tokens/create.html")]
struct CreatePage {
    frame: Frame,
    kind: Kind,
    description: String,
    expiry: Expiry,
    grid: Vec<GridRow>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(kind): Extension<Kind>,
    visit: Visit<Administrators>,
    uri: Uri,
) -> Result<Response, Failure> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    let frame = visit.frame(format!("Create a {}", kind.noun()), kind.section());
    let names = names(&console.service, &visit).await?;
    let like = match fields.text("like") {
        "" => None,
        id => Some(id.parse().map_err(|_| Failure::NotFound)?),
    };
    let page = match like {
        None => CreatePage {
            frame,
            kind,
            description: String::new(),
            expiry: Expiry::default(),
            grid: grants::grid(&names, &PermissionSet::none()),
        },
        Some(id) => {
            let token = kind.one(&console.service, &visit.entry, id).await?;
            CreatePage {
                frame,
                kind,
                description: format!("{} (Clone)", token.description.as_str()).trim_start().to_owned(),
                expiry: expiry_of(&token, &console.service),
                grid: grants::grid(&names, &token.permissions),
            }
        }
    };
    Ok(visit.show(&page))
}

/// That of another token, if it is still to come.
fn expiry_of(token: &TokenRecord, service: &Service) -> Expiry {
    let at = token.expires_at.filter(|expiry| *expiry > service.now()).map(|expiry| expiry.to_string());
    let minutes = at.as_deref().and_then(|at| at.get(..16));
    let fields = minutes.and_then(|minutes| Fields::parse(&format!("expires=at&expires_at={minutes}")));
    fields.map(|fields| Expiry::of(&fields)).unwrap_or_default()
}

/// The names of the databases, for the grid.
pub(super) async fn names(service: &Service, visit: &Visit<Administrators>) -> Result<Vec<DatabaseName>, Failure> {
    let databases = service.databases(&visit.entry, RecordStatus::Active).await?;
    Ok(databases.into_iter().map(|database| database.name).collect())
}

pub(super) async fn create(
    State(console): State<Arc<Console>>,
    Extension(kind): Extension<Kind>,
    posted: Posted<Administrators>,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    let permissions = if kind.has_grants() { grants::ticked(&fields)? } else { PermissionSet::none() };
    let names = names(&console.service, &visit).await?;
    let (again, url) = (visit.again(), visit.url.clone());
    let page = CreatePage {
        frame: visit.frame(format!("Create a {}", kind.noun()), kind.section()),
        kind,
        description: fields.text("description").trim().to_owned(),
        expiry: Expiry::of(&fields),
        grid: grants::grid(&names, &permissions),
    };
    let refused = match request(&page, permissions, &console.service) {
        Err(text) => text,
        Ok(request) => match kind.create(&console.service, visit.entry, request).await {
            Ok(created) => return Ok(secret(page, created.token, &created.record, url, (&console.service, &names))),
            Err(error) => mendable(error)?,
        },
    };
    let frame = page.frame.saying(Some(Notice::Bad(refused)));
    again.show(&console, StatusCode::UNPROCESSABLE_ENTITY, &CreatePage { frame, ..page }).await
}

/// What the form asks for, or what is wrong with it.
fn request(page: &CreatePage, permissions: PermissionSet, service: &Service) -> Result<TokenRequest, String> {
    if page.kind.has_grants() && page.description.is_empty() {
        return Err("Describe what the token is for.".to_owned());
    }
    if page.kind.has_grants() && permissions.grants().is_empty() {
        return Err("Tick at least one box: a token without permissions is good for nothing.".to_owned());
    }
    let expires_at = page.expiry.time(service.now())?;
    let description = Description::new(&page.description).map_err(|error| sentence(&error.to_string()))?;
    Ok(TokenRequest { description, permissions, expires_at })
}

/// The page that shows the secret. `known` are the service and the names of the databases.
fn secret(
    page: CreatePage,
    secret: PlainToken,
    record: &TokenRecord,
    url: String,
    known: (&Service, &[DatabaseName]),
) -> Response {
    let kind = page.kind;
    let (service, names) = known;
    let used = is_active(record, service.now()).then(|| match kind {
        Kind::Database => use_of_data(&record.permissions, names),
        Kind::Management => {
            let identity = service.identity();
            Some(Use::Management { account: identity.account.to_string(), cluster: identity.cluster.to_string() })
        }
    });
    let title = match kind {
        Kind::Database => "Database token created",
        Kind::Management => "Management token created",
    };
    let frame = Frame { title: title.to_owned(), ..page.frame };
    let (list, back, description) = (kind.title(), kind.path(), page.description);
    SecretPage { frame, secret, list, back, description, url, used: used.flatten() }.answer()
}

/// How to try a database token: on a database to which it may write, or else on one that it may read.
fn use_of_data(permissions: &PermissionSet, names: &[DatabaseName]) -> Option<Use> {
    let first = |action| names.iter().find(|name| permissions.allows(action, name)).map(ToString::to_string);
    first(Action::Write).map(Use::Database).or_else(|| first(Action::Read).map(Use::DatabaseToRead))
}
