//! `influx v1 auth` (v2 API contract §6.8).

use tidegate_client::v2::{Authorization, AuthorizationFilter, AuthorizationKind, NewAuthorization};

use super::Session;
use super::auth::{Shown, bucket_permissions};
use crate::influx::error::{Context as _, Error, Result};
use crate::influx::output::Table;
use crate::influx::session::{Proof, Server};

const KIND: AuthorizationKind = AuthorizationKind::V1;

const COLUMNS: [&str; 6] = ["ID", "Description", "Username", "v2 User Name", "v2 User ID", "Permissions"];

pub(super) async fn list(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    session.organization_flags("org", "org-id")?;
    let text = |name: &str| session.given.text(name).unwrap_or_default().to_owned();
    let filter = AuthorizationFilter {
        v1_username: text("username"),
        v1_id: text("id"),
        user: text("user"),
        user_id: text("user-id"),
        org: text("org"),
        org_id: text("org-id"),
    };
    let found = server.client.authorizations(KIND, &filter).await;
    let found = found.context(|| "could not find Authorizations for specified arguments".to_owned())?;
    let mut rows = Vec::new();
    for authorization in &found {
        rows.push(shown(&server, authorization).await?);
    }
    let mut table = Table::new(&COLUMNS);
    for row in &rows {
        table.row(row.cells());
    }
    // No rows are `null`, not an empty list.
    session.print(&table, &Some(&rows).filter(|rows| !rows.is_empty()))
}

pub(super) async fn create(session: &mut Session<'_>) -> Result<()> {
    let has_password = !session.given.switch("no-password");
    if !has_password && session.given.text("password").is_some() {
        return Err(Error::text("only one of --password and --no-password may be specified"));
    }
    let username = session.given.text("username").unwrap_or_default().to_owned();
    let server = session.server(Proof::Full).await?;
    let org = session.organization_id(&server).await?;
    let filter = AuthorizationFilter { v1_username: username.clone(), ..AuthorizationFilter::default() };
    match server.client.authorizations(KIND, &filter).await {
        // Where the name is taken, the server says so when the new one is made.
        Ok(_) => {}
        Err(error) if error.status() == Some(404) => {}
        Err(reason) => {
            let context = format!("failed to verify username {username:?} has no auth");
            return Err(Error::Request { context, reason });
        }
    }
    let permissions = bucket_permissions(session, &org)?;
    let password = if has_password { Some(session.password("Please type your password: ").await?) } else { None };
    let new = NewAuthorization {
        description: session.given.text("description").unwrap_or_default().to_owned(),
        org_id: org,
        permissions: Some(permissions).filter(|permissions| !permissions.is_empty()),
        v1_username: Some(username.clone()),
        user_id: None,
    };
    let created = server.client.create_authorization(KIND, &new).await;
    let created = created.context(|| "failed to create new authorization".to_owned())?;
    if let Some(password) = password
        && let Err(reason) = server.client.set_v1_password(&created.id, &password).await
    {
        // Without a password nobody could use it; the first error is the one to report.
        let _ = server.client.delete_authorization(KIND, &created.id).await;
        return Err(Error::Request { context: format!("failed to set password for {username:?}"), reason });
    }
    print_one(session, &server, &created, false).await
}

pub(super) async fn delete(session: &mut Session<'_>) -> Result<()> {
    let (server, id) = find(session).await?;
    let found = server.client.authorization(KIND, &id).await;
    let found = found.context(|| format!("could not find Authorization from ID {id:?}"))?;
    let deleted = server.client.delete_authorization(KIND, &id).await;
    deleted.context(|| format!("could not remove Authorization with ID {id:?}"))?;
    print_one(session, &server, &found, true).await
}

pub(super) async fn set_status(session: &mut Session<'_>, status: &str) -> Result<()> {
    let (server, id) = find(session).await?;
    let changed = server.client.set_authorization_status(KIND, &id, status).await;
    let changed = changed.context(|| format!("failed to update status of authorization with ID {id:?}"))?;
    print_one(session, &server, &changed, false).await
}

pub(super) async fn set_password(session: &mut Session<'_>) -> Result<()> {
    let (server, id) = find(session).await?;
    let password = session.password("Please type new password: ").await?;
    let set = server.client.set_v1_password(&id, &password).await;
    set.context(|| "error setting password".to_owned())
}

/// The server, and the id of the authorization that `--id` or `--username` names.
async fn find(session: &mut Session<'_>) -> Result<(Server, String)> {
    let given = |name: &str| session.given.text(name).map(str::to_owned);
    let (id, username) = (given("id"), given("username"));
    match (id, username) {
        (None, None) => Err(Error::text("id or username required")),
        (Some(_), Some(_)) => Err(Error::text("specify id or username, not both")),
        (Some(id), None) => Ok((session.server(Proof::Full).await?, id)),
        (None, Some(username)) => {
            let server = session.server(Proof::Full).await?;
            let filter = AuthorizationFilter { v1_username: username.clone(), ..AuthorizationFilter::default() };
            let context = format!("could not find v1 auth with token (username) {username:?}");
            let found = server.client.authorizations(KIND, &filter).await.context(|| context.clone())?;
            let first = found.into_iter().next().map(|authorization| authorization.id);
            first.map(|id| (server, id)).ok_or_else(|| Error::Text(format!("{context}: there is none")))
        }
    }
}

/// What is shown of an authorization. Its owner is asked for.
async fn shown(server: &Server, authorization: &Authorization) -> Result<Shown> {
    let user = server.client.user(&authorization.user_id).await;
    let user = user.context(|| format!("could not find user with ID {:?}", authorization.user_id))?;
    Ok(Shown::new(authorization, &user.known.name))
}

async fn print_one(
    session: &mut Session<'_>,
    server: &Server,
    authorization: &Authorization,
    is_deleted: bool,
) -> Result<()> {
    let shown = shown(server, authorization).await?;
    let columns: Vec<&str> = COLUMNS.into_iter().chain(is_deleted.then_some("Deleted")).collect();
    let mut table = Table::new(&columns);
    table.row(shown.cells().into_iter().chain(is_deleted.then(|| "true".to_owned())).collect());
    session.print(&table, &shown)
}
