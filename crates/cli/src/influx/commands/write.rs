//! `influx write` and `write dryrun` (v2 API contract §6.7).

use std::time::Duration;

use tidegate_client::v2::{OrganizationReference, WriteTarget};
use tokio::time::{Instant, timeout_at};

use super::Session;
use crate::influx::error::{Context as _, Error, Result};
use crate::influx::rate::Rate;
use crate::influx::session::Proof;
use crate::influx::source::{self, Lines, precision};

/// A batch this large takes no more lines.
const LARGE_BATCH: usize = 500_000;

/// A batch waits this long for more lines.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn write(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let org = match session.organization(&server)? {
        OrganizationReference::Name(text) | OrganizationReference::Id(text) => text,
    };
    let bucket = session.given.text("bucket-id").or_else(|| session.given.text("bucket"));
    let bucket = bucket.ok_or_else(|| Error::text("must specify bucket ID or bucket name"))?.to_owned();
    let target = WriteTarget { bucket, org, precision: precision(session)? };
    let rate = session.given.text("rate-limit").map(str::parse::<Rate>).transpose().map_err(Error::Text)?;
    let mut lines = source::open(session).await?;
    while let Some(batch) = next_batch(&mut lines).await? {
        server.client.write(&target, &batch).await.context(|| "failed to write data".to_owned())?;
        if let Some(rate) = rate {
            (session.io.pause)(rate.time_for(batch.len())).await;
        }
    }
    Ok(())
}

/// Prints what would be written, below the organization as the flag gives it.
pub(super) async fn dry_run(session: &mut Session<'_>) -> Result<()> {
    precision(session)?;
    let org = session.given.text("org").unwrap_or_default();
    session.io.print(&format!("{org}\n"))?;
    let mut lines = source::open(session).await?;
    while let Some(batch) = next_batch(&mut lines).await? {
        session.io.print(&String::from_utf8_lossy(&batch))?;
    }
    Ok(())
}

/// As many lines as a request should hold, as soon as nobody should wait for more; `None` at the end.
async fn next_batch(lines: &mut Lines) -> Result<Option<Vec<u8>>> {
    let failed = |reason: String| Error::Text(format!("failed to write data: {reason}"));
    let Some(first) = lines.recv().await else { return Ok(None) };
    let mut batch = first.map_err(failed)?.to_vec();
    let deadline = Instant::now() + PATIENCE;
    while batch.len() < LARGE_BATCH {
        match timeout_at(deadline, lines.recv()).await {
            Ok(Some(line)) => batch.extend_from_slice(&line.map_err(failed)?),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(Some(batch))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn batches_are_cut_by_size() {
        let (sender, mut lines) = mpsc::channel(8);
        let line = Bytes::from(vec![b'x'; 200_000]);
        for _ in 0..4 {
            sender.send(Ok(line.clone())).await.unwrap();
        }
        drop(sender);
        assert_eq!(next_batch(&mut lines).await.unwrap().unwrap().len(), 600_000);
        assert_eq!(next_batch(&mut lines).await.unwrap().unwrap().len(), 200_000);
        assert_eq!(next_batch(&mut lines).await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_does_not_wait_for_ever() {
        let (sender, mut lines) = mpsc::channel(8);
        sender.send(Ok(Bytes::from_static(b"m f=1\n"))).await.unwrap();
        assert_eq!(next_batch(&mut lines).await.unwrap().unwrap(), b"m f=1\n");
        sender.send(Err("gone".to_owned())).await.unwrap();
        assert_eq!(next_batch(&mut lines).await.unwrap_err().to_string(), "failed to write data: gone");
    }
}
