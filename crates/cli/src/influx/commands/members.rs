//! `influx org members` (v2 API contract §6.6).

use serde_json::Value;
use tidegate_client::v2::MemberRole;

use super::Session;
use crate::influx::error::{Context as _, Error, Result};
use crate::influx::output::Table;
use crate::influx::session::{Proof, Server};

/// Prints owners first.
pub(super) async fn list(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let org = organization(session, &server).await?;
    let failed = || format!("failed to find members of org {org:?}");
    let members = server.client.members(&org, MemberRole::Member).await.context(failed)?;
    let owners = server.client.members(&org, MemberRole::Owner).await.context(failed)?;
    let mut table = Table::new(&["ID", "Name", "User Type", "Status"]);
    for (user_type, users) in [("owner", &owners), ("member", &members)] {
        for user in users {
            let known = &user.known;
            table.row(vec![known.id.clone(), known.name.clone(), user_type.to_owned(), known.status.clone()]);
        }
    }
    let documents: Vec<&Value> = owners.iter().chain(&members).map(|user| &user.document).collect();
    session.print(&table, &documents)
}

pub(super) async fn add(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let org = organization(session, &server).await?;
    let member = session.given.text("member").unwrap_or_default();
    let (role, shown) =
        if session.given.switch("owner") { (MemberRole::Owner, "an owner") } else { (MemberRole::Member, "a member") };
    let added = server.client.add_member(&org, role, member).await;
    let added = added.context(|| format!("failed to add user {member:?} to org {org:?}"))?;
    let text = format!("user {:?} has been added as {shown} of org {org:?}\n", added.id);
    Ok(session.io.print(&text)?)
}

/// Whoever is no member may be an owner. Any other failure does not say so: with 503 the member is removed already.
pub(super) async fn remove(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let org = organization(session, &server).await?;
    let member = session.given.text("member").unwrap_or_default();
    let failed = || format!("failed to remove member {member:?} from org {org:?}");
    let word = match server.client.remove_member(&org, MemberRole::Member, member).await {
        Ok(()) => "user",
        Err(error) if error.status() == Some(404) => {
            server.client.remove_member(&org, MemberRole::Owner, member).await.context(failed)?;
            "owner"
        }
        Err(reason) => return Err(Error::Request { context: failed(), reason }),
    };
    let text = format!("{word} {member:?} has been removed from org {org:?}\n");
    Ok(session.io.print(&text)?)
}

async fn organization(session: &Session<'_>, server: &Server) -> Result<String> {
    session.organization_id_by("name", "id", server).await
}
