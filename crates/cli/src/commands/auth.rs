//! `auth` (influxctl contract §13).

use crate::error::Result;
use crate::session::Session;

pub(super) async fn login(session: &mut Session<'_>) -> Result<()> {
    session.login().await?;
    session.log().info("logged in");
    Ok(())
}

pub(super) fn logout(session: &mut Session<'_>) -> Result<()> {
    session.logout()?;
    session.log().info("logged out");
    Ok(())
}
