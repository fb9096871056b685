//! `influx ping` and `version` (v2 API contract §6.5).

use crate::influx::VERSION;
use crate::influx::error::Result;
use crate::influx::session::{Proof, Session};

pub(super) async fn ping(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::SessionOnly).await?;
    server.client.health().await?;
    Ok(session.io.print("OK\n")?)
}

pub(super) fn version(session: &mut Session<'_>) -> Result<()> {
    let own = env!("CARGO_PKG_VERSION");
    Ok(session.io.print(&format!("Influx CLI {VERSION} (git: tidegate-{own}) build_date: none\n"))?)
}
