//! `influx delete` (v2 API contract §6.7).

use tidegate_client::v2::DeletedRange;
use tidegate_model::Timestamp;

use super::Session;
use crate::influx::error::{Context as _, Error, Result};
use crate::influx::session::Proof;

pub(super) async fn delete(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let organization = session.organization(&server)?;
    let bucket = match (session.given.text("bucket-id"), session.given.text("bucket")) {
        (Some(id), _) => ("bucketID", id),
        (None, Some(name)) => ("bucket", name),
        (None, None) => return Err(Error::text("must specify bucket ID or bucket name")),
    };
    let range = DeletedRange {
        predicate: session.given.text("predicate").map(str::to_owned),
        start: time(session, "start")?,
        stop: time(session, "stop")?,
    };
    let deleted = server.client.delete_data(&organization, bucket, &range).await;
    deleted.context(|| "failed to delete data".to_owned())
}

fn time(session: &Session<'_>, flag: &str) -> Result<String> {
    let text = session.given.text(flag).unwrap_or_default();
    match text.parse::<Timestamp>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(Error::Text(format!("{flag} time {text:?} cannot be parsed as RFC3339Nano: {error}"))),
    }
}
