//! Generating tokens: all access, custom, or as another one.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use tidegate_model::{
    ApiToken, DatabaseId, Description, OrganizationId, ResourceType, Status, Timestamp, TypedPermission,
    TypedPermissions,
};
use tidegate_service::{ApiTokenRequest, Owner, ServiceError};

use super::permissions::{self, Grid};
use super::{LIST, TokenId};
use crate::Console;
use crate::expiry::Expiry;
use crate::failure::{Failure, sentence};
use crate::form::{Fields, Posted};
use crate::frame::{Frame, Notice, Section};
use crate::secret::{SecretPage, Use};
use crate::visit::{Accounts, Visit};

/// An organization to choose.
struct Choice {
    id: String,
    name: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "api_tokens/create.html")]
struct CreatePage {
    frame: Frame,
    organizations: Vec<Choice>,
    organization: String,
    description: String,
    expiry: Expiry,
    /// `None` for all access.
    grid: Option<Grid>,
    /// Where the form is sent.
    action: &'static str,
}

const CUSTOM: &str = "/console/api-tokens/new";
const ALL_ACCESS: &str = "/console/api-tokens/all-access";

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    uri: Uri,
) -> Result<Response, Failure> {
    let page = form(&console, &visit, &uri.query().and_then(Fields::parse).unwrap_or_default(), CUSTOM)?;
    Ok(visit.show(&page))
}

pub(super) async fn show_all_access(
    State(console): State<Arc<Console>>,
    visit: Visit<Accounts>,
    uri: Uri,
) -> Result<Response, Failure> {
    let page = form(&console, &visit, &uri.query().and_then(Fields::parse).unwrap_or_default(), ALL_ACCESS)?;
    Ok(visit.show(&page))
}

/// The form as it was filled in, or empty.
fn form(
    console: &Console,
    visit: &Visit<Accounts>,
    fields: &Fields,
    action: &'static str,
) -> Result<CreatePage, Failure> {
    let service = &*console.service;
    let owner = owner(visit, fields)?;
    let title = if action == CUSTOM { "Generate a custom API token" } else { "Generate an all access API token" };
    let organizations = service.organizations(&visit.entry).into_iter().map(|organization| Choice {
        id: organization.id.to_string(),
        name: organization.name.to_string(),
        is_chosen: organization.id == owner.organization,
    });
    let buckets: Vec<(DatabaseId, String)> = service
        .visible_databases(&visit.entry, Some(owner.organization))
        .iter()
        .map(|database| (database.id, database.name.to_string()))
        .collect();
    let ticked: Vec<&str> = fields.all("permission").collect();
    Ok(CreatePage {
        frame: visit.frame(title, Section::ApiTokens),
        organizations: organizations.collect(),
        organization: owner.organization.to_string(),
        description: fields.text("description").to_owned(),
        expiry: Expiry::of(fields),
        grid: (action == CUSTOM).then(|| permissions::grid(service, &buckets, owner, &ticked)),
        action,
    })
}

/// For whom the token is: the visitor's user, in the chosen organization.
fn owner(visit: &Visit<Accounts>, fields: &Fields) -> Result<Owner, Failure> {
    let own = visit.entry.owner().ok_or(Failure::WrongKind)?;
    let organization = match fields.text("organization") {
        "" => own.organization,
        chosen => chosen.parse::<OrganizationId>().map_err(|_| Failure::Malformed)?,
    };
    Ok(Owner { user: own.user, organization })
}

pub(super) async fn create(State(console): State<Arc<Console>>, posted: Posted<Accounts>) -> Result<Response, Failure> {
    let ticked: Result<TypedPermissions, _> =
        posted.fields.all("permission").map(str::parse::<TypedPermission>).collect();
    let permissions = ticked.map_err(|_| Failure::Malformed)?;
    make(&console, posted, permissions, CUSTOM).await
}

pub(super) async fn create_all_access(
    State(console): State<Arc<Console>>,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    let permissions = permissions::all_access(&console.service, owner(&posted.visit, &posted.fields)?);
    make(&console, posted, permissions, ALL_ACCESS).await
}

async fn make(
    console: &Arc<Console>,
    posted: Posted<Accounts>,
    permissions: TypedPermissions,
    action: &'static str,
) -> Result<Response, Failure> {
    let Posted { visit, fields } = posted;
    // What the form needs if something is wrong; the visitor's entry is used up by then.
    let page = form(console, &visit, &fields, action)?;
    let again = visit.again();
    let refuse = async |page: CreatePage, text: String| {
        let frame = page.frame.saying(Some(Notice::Bad(text)));
        again.show(console, StatusCode::UNPROCESSABLE_ENTITY, &CreatePage { frame, ..page }).await
    };
    if permissions.is_empty() {
        return refuse(page, "Tick at least one permission.".to_owned()).await;
    }
    let expires_at = match page.expiry.time(console.service.now()) {
        Ok(time) => time,
        Err(wrong) => return refuse(page, wrong.to_owned()).await,
    };
    let typed = fields.text("description").trim();
    let described = match (typed.is_empty(), action) {
        (false, _) => typed.to_owned(),
        (true, ALL_ACCESS) => "All access".to_owned(),
        (true, _) => permissions::described(&console.service, &permissions),
    };
    let description = match Description::new(&described) {
        Ok(description) => description,
        Err(error) => return refuse(page, sentence(&error.to_string())).await,
    };
    let wanted = Wanted { owner: owner(&visit, &fields)?, description, permissions, expires_at };
    match generate(console, visit, wanted).await {
        Ok(response) => Ok(response),
        Err(ServiceError::Unauthenticated) => Err(Failure::SignedOut),
        Err(error) => refuse(page, sentence(&error.to_string())).await,
    }
}

/// A token to be made.
struct Wanted {
    owner: Owner,
    description: Description,
    permissions: TypedPermissions,
    expires_at: Option<Timestamp>,
}

/// Makes the token and shows its secret.
async fn generate(console: &Arc<Console>, visit: Visit<Accounts>, wanted: Wanted) -> Result<Response, ServiceError> {
    let frame = visit.frame("API token generated", Section::ApiTokens);
    let url = visit.url.clone();
    let buckets = console.service.visible_databases(&visit.entry, Some(wanted.owner.organization));
    let request = ApiTokenRequest {
        organization: wanted.owner.organization,
        user: Some(wanted.owner.user),
        status: Status::Active,
        description: wanted.description,
        permissions: wanted.permissions,
        expires_at: wanted.expires_at,
    };
    let created = console.service.create_api_token(visit.entry, request).await?;
    let usable = buckets.iter().find(|database| {
        let (kind, organization) = (ResourceType::Buckets, database.organization);
        let write = TypedPermission::on(tidegate_model::Action::Write, kind, organization, database.id);
        created.record.permissions.cover(&write)
    });
    let used = usable.map(|database| Use::Bucket {
        organization: database.organization.to_string(),
        bucket: database.name.to_string(),
    });
    let description = created.record.description.as_str().to_owned();
    let page = SecretPage { frame, secret: created.token, list: "API Tokens", back: LIST, description, url, used };
    Ok(page.answer())
}

/// A new token with the permissions of another one.
pub(super) async fn clone_token(
    State(console): State<Arc<Console>>,
    TokenId(id): TokenId,
    posted: Posted<Accounts>,
) -> Result<Response, Failure> {
    let visit = posted.visit;
    let ApiToken { organization, user, description, permissions, expires_at, .. } =
        console.service.api_token(&visit.entry, id).await?;
    let named = Description::new(&format!("{} (Clone)", description.as_str())).unwrap_or(description);
    let wanted = Wanted { owner: Owner { user, organization }, description: named, permissions, expires_at };
    Ok(generate(&console, visit, wanted).await?)
}
