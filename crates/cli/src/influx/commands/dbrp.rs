//! `influx v1 dbrp` (v2 API contract §6.8).

use serde_json::Value;
use tidegate_client::v2::{Dbrp, DbrpChanges, DbrpFilter, NewDbrp, Record};

use super::Session;
use crate::influx::error::{Context as _, Result};
use crate::influx::output::Table;
use crate::influx::session::Proof;

const COLUMNS: [&str; 6] = ["ID", "Database", "Bucket ID", "Retention Policy", "Default", "Organization ID"];

/// Prints physical mappings, then those that the server makes up from names of buckets.
pub(super) async fn list(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let organization = session.organization(&server)?;
    let text = |name: &str| session.given.text(name).map(str::to_owned);
    let filter = DbrpFilter {
        id: text("id"),
        bucket_id: text("bucket-id"),
        database: text("db"),
        retention_policy: text("rp"),
        is_default: session.given.switch("default").then_some(true),
    };
    let found = server.client.dbrps(&organization, &filter).await;
    let found = found.context(|| "failed to list dbrps".to_owned())?;
    if session.given.switch("json") {
        let documents: Vec<&Value> = found.iter().map(|mapping| &mapping.document).collect();
        return session.print(&Table::new(&COLUMNS), &documents);
    }
    let hide_headers = session.given.switch("hide-headers");
    let table = |is_virtual: bool| {
        let mut table = Table::new(&COLUMNS);
        for mapping in found.iter().filter(|mapping| mapping.known.is_virtual == is_virtual) {
            table.row(cells(&mapping.known));
        }
        table.render(hide_headers)
    };
    let title = "VIRTUAL DBRP MAPPINGS (READ-ONLY)";
    let text = format!("{}\n{title}\n{}\n{}", table(false), "-".repeat(title.len() + 1), table(true));
    Ok(session.io.print(&text)?)
}

pub(super) async fn create(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let text = |name: &str| session.given.text(name).unwrap_or_default().to_owned();
    let new = NewDbrp {
        bucket_id: text("bucket-id"),
        database: text("db"),
        org_id: session.organization_id(&server).await?,
        retention_policy: text("rp"),
    };
    let created = server.client.create_dbrp(&new).await;
    let created = created.context(|| format!("failed to create dbrp for bucket {:?}", new.bucket_id))?;
    print_one(session, &created)
}

pub(super) async fn update(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let organization = session.organization(&server)?;
    let id = session.given.text("id").unwrap_or_default();
    let changes = DbrpChanges {
        is_default: session.given.switch("default").then_some(true),
        retention_policy: session.given.text("rp").map(str::to_owned),
    };
    let updated = server.client.update_dbrp(&organization, id, &changes).await;
    let updated = updated.context(|| format!("failed to update DBRP mapping {id:?}"))?;
    print_one(session, &updated)
}

pub(super) async fn delete(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let organization = session.organization(&server)?;
    let id = session.given.text("id").unwrap_or_default();
    let found = server.client.dbrp(&organization, id).await;
    let found = found.context(|| format!("failed to find DBRP mapping {id:?}"))?;
    let deleted = server.client.delete_dbrp(&organization, id).await;
    deleted.context(|| format!("failed to delete DBRP mapping {id:?}"))?;
    print_one(session, &found)
}

fn print_one(session: &mut Session<'_>, mapping: &Record<Dbrp>) -> Result<()> {
    let mut table = Table::new(&COLUMNS);
    table.row(cells(&mapping.known));
    session.print(&table, &mapping.document)
}

fn cells(mapping: &Dbrp) -> Vec<String> {
    vec![
        mapping.id.clone(),
        mapping.database.clone(),
        mapping.bucket_id.clone(),
        mapping.retention_policy.clone(),
        mapping.is_default.to_string(),
        mapping.org_id.clone(),
    ]
}
