//! Writing line protocol.

use std::sync::Arc;
use std::time::Instant;

use tidegate_access::{Entry, Permit};
use tidegate_engine::{WriteError, WriteOutcome, WriteRequest};
use tidegate_line_protocol::Precision;

use crate::{Service, ServiceError};

/// One body of line protocol and how to read it.
#[derive(Debug)]
pub struct WriteBatch {
    /// The lines.
    pub body: String,
    /// The unit of their timestamps.
    pub precision: Precision,
    /// Whether good lines are stored when others are bad.
    pub accept_partial: bool,
}

impl Service {
    /// Writes a batch. When this returns, the rows are synced to disk and the next query sees them.
    ///
    /// From its commit point on the write finishes even if the caller goes away; before it, an end of the caller's
    /// rights leaves nothing of it.
    pub async fn write(
        self: &Arc<Self>,
        entry: Entry,
        permit: Permit,
        batch: WriteBatch,
    ) -> Result<WriteOutcome, ServiceError> {
        debug_assert_eq!(permit.action(), tidegate_model::Action::Write);
        let Some(database) = self.join_database(&entry, &permit) else {
            // Only a caller who may write everywhere may learn which databases exist.
            return Err(if permit.covers_every_database() {
                ServiceError::DatabaseNotFound(permit.database().clone())
            } else {
                ServiceError::Forbidden
            });
        };
        let request = WriteRequest {
            database: database.id,
            limits: database.limits,
            body: batch.body,
            precision: batch.precision,
            received_at: self.clock.now().nanos(),
            accept_partial: batch.accept_partial,
        };
        let (start, bytes) = (Instant::now(), request.body.len());
        self.run_change(move |service| async move {
            let written = service.engine.write(request, || entry.begin_commit().is_ok()).await;
            if let Ok(outcome) = &written {
                service.measurements.write_of(start, outcome.rows, bytes);
            }
            written.map_err(|error| match error {
                WriteError::Empty => ServiceError::WriteEmpty,
                WriteError::Rejected(lines) => ServiceError::WriteRejected(lines),
                WriteError::Aborted => match entry.end_reason() {
                    Some(reason) => ServiceError::ended(reason, Some(permit.database())),
                    None => ServiceError::internal("a write was aborted although its rights had not ended"),
                },
                WriteError::ReadOnly => ServiceError::Unavailable(error.to_string()),
                other => ServiceError::internal(other),
            })
        })
        .await
    }
}
