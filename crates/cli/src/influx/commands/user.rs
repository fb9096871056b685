//! `influx user` (v2 API contract §6.6).

use serde_json::Value;
use tidegate_client::v2::{MemberRole, Record, User};
use tidegate_model::PlainToken;

use super::Session;
use crate::influx::error::{Context as _, Error, Result};
use crate::influx::output::Table;
use crate::influx::session::Proof;

const NO_PASSWORD: &str = "WARN: initial password not set for user, use `influx user password` to set it\n";

pub(super) async fn list(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let found = server.client.users(session.given.text("id"), session.given.text("name")).await;
    let found = found.context(|| "failed to list users".to_owned())?;
    let mut table = Table::new(&["ID", "Name"]);
    for user in &found {
        table.row(cells(user));
    }
    let documents: Vec<&Value> = found.iter().map(|user| &user.document).collect();
    session.print(&table, &documents)
}

pub(super) async fn create(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let org = session.organization_id(&server).await?;
    let name = session.given.text("name").unwrap_or_default().to_owned();
    let password = session.given.text("password").map(PlainToken::from_presented);
    if let Some(password) = &password {
        session.io.log.hide(password);
    }
    let created = server.client.create_user(&name).await;
    let created = created.context(|| format!("failed to create user {name:?}"))?;
    print_one(session, &created, false)?;
    let id = &created.known.id;
    if let Err(reason) = server.client.add_member(&org, MemberRole::Member, id).await {
        session.io.log.raw(NO_PASSWORD);
        let context = format!("failed setting org membership for user {name:?}, use `influx org members add` to retry");
        return Err(Error::Request { context, reason });
    }
    let Some(password) = password else {
        session.io.log.raw(NO_PASSWORD);
        return Ok(());
    };
    let set = server.client.set_password(id, &password).await;
    set.context(|| format!("failed setting password for user {name:?}, use `influx user password` to retry"))
}

pub(super) async fn update(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let id = session.given.text("id").unwrap_or_default();
    let updated = server.client.update_user(id, session.given.text("name")).await;
    let updated = updated.context(|| format!("failed to update user {id:?}"))?;
    print_one(session, &updated, false)
}

pub(super) async fn delete(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let id = session.given.text("id").unwrap_or_default();
    let found = server.client.user(id).await.context(|| format!("user {id:?} not found"))?;
    server.client.delete_user(id).await.context(|| format!("failed to delete user {id:?}"))?;
    print_one(session, &found, true)
}

pub(super) async fn password(session: &mut Session<'_>) -> Result<()> {
    let (id, name) = (session.given.text("id"), session.given.text("name"));
    let shown = id.or(name).ok_or_else(|| Error::text("must specify user ID or user name"))?.to_owned();
    let is_id = id.is_some();
    let server = session.server(Proof::Full).await?;
    let id = if is_id {
        shown.clone()
    } else {
        let found = server.client.users(None, Some(&shown)).await;
        let found = found.context(|| format!("failed to find user {shown:?}"))?;
        let first = found.into_iter().next().map(|user| user.known.id);
        first.ok_or_else(|| Error::Text(format!("no user found with name {shown:?}")))?
    };
    let password = session.password(&format!("Please type new password for {shown:?}: ")).await?;
    let set = server.client.set_password(&id, &password).await;
    set.context(|| format!("failed to set password for user {shown:?}"))?;
    Ok(session.io.print(&format!("Successfully updated password for user {shown:?}\n"))?)
}

fn print_one(session: &mut Session<'_>, user: &Record<User>, is_deleted: bool) -> Result<()> {
    let mut table = Table::new(if is_deleted { &["ID", "Name", "Deleted"] } else { &["ID", "Name"] });
    let deleted = is_deleted.then(|| "true".to_owned());
    table.row(cells(user).into_iter().chain(deleted).collect());
    session.print(&table, &user.document)
}

fn cells(user: &Record<User>) -> Vec<String> {
    vec![user.known.id.clone(), user.known.name.clone()]
}
