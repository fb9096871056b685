//! `influx org` (v2 API contract §6.6).

use serde_json::Value;
use tidegate_client::v2::{Organization, OrganizationChanges, Record};

use super::Session;
use crate::influx::error::{Context as _, Result};
use crate::influx::output::Table;
use crate::influx::session::Proof;

pub(super) async fn list(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let found = server.client.organizations(session.given.text("name"), session.given.text("id")).await;
    let found = found.context(|| "failed to list orgs".to_owned())?;
    let mut table = Table::new(&["ID", "Name"]);
    for organization in &found {
        table.row(cells(organization));
    }
    let documents: Vec<&Value> = found.iter().map(|organization| &organization.document).collect();
    session.print(&table, &documents)
}

pub(super) async fn create(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let new = changes(session);
    let name = new.name.clone().unwrap_or_default();
    let created = server.client.create_organization(&new).await;
    let created = created.context(|| format!("failed to create org {name:?}"))?;
    print_one(session, &created, false)
}

pub(super) async fn update(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let id = session.given.text("id").unwrap_or_default();
    let updated = server.client.update_organization(id, &changes(session)).await;
    let updated = updated.context(|| format!("failed to update org {id:?}"))?;
    print_one(session, &updated, false)
}

pub(super) async fn delete(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let id = session.given.text("id").unwrap_or_default();
    let found = server.client.organization(id).await.context(|| format!("org {id:?} not found"))?;
    server.client.delete_organization(id).await.context(|| format!("failed to delete org {id:?}"))?;
    print_one(session, &found, true)
}

fn changes(session: &Session<'_>) -> OrganizationChanges {
    let text = |name: &str| session.given.text(name).map(str::to_owned);
    OrganizationChanges { description: text("description"), name: text("name") }
}

fn print_one(session: &mut Session<'_>, organization: &Record<Organization>, is_deleted: bool) -> Result<()> {
    let mut table = Table::new(if is_deleted { &["ID", "Name", "Deleted"] } else { &["ID", "Name"] });
    let deleted = is_deleted.then(|| "true".to_owned());
    table.row(cells(organization).into_iter().chain(deleted).collect());
    session.print(&table, &organization.document)
}

fn cells(organization: &Record<Organization>) -> Vec<String> {
    vec![organization.known.id.clone(), organization.known.name.clone()]
}
