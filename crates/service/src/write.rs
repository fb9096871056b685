//! Writing line protocol.

use std::sync::Arc;
use std::time::Instant;

use tidegate_access::{EndReason, Entry, Permit};
use tidegate_catalog::{Actor, CatalogError};
use tidegate_engine::{WriteError, WriteOutcome, WriteRequest};
use tidegate_line_protocol::Precision;
use tidegate_model::Database;

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
        let request = Arc::new(WriteRequest {
            database: database.clone(),
            body: batch.body,
            precision: batch.precision,
            received_at: self.clock.now().nanos(),
            accept_partial: batch.accept_partial,
        });
        let start = Instant::now();
        self.run_change(move |service| async move {
            loop {
                let written = service.engine.write(request.clone(), || entry.begin_commit().is_ok()).await;
                let Err(WriteError::TablesMissing(names)) = written else {
                    if let Ok(outcome) = &written {
                        service.measurements.write_of(start, outcome.rows, request.body.len());
                    }
                    return written.map_err(|error| refusal(error, &entry, &permit));
                };
                service.create_missing_tables(&entry, &permit, &database, names).await?;
            }
        })
        .await
    }

    /// Creates the tables that a write needs. With this it passes its commit point: a table is an effect.
    async fn create_missing_tables(
        &self,
        entry: &Entry,
        permit: &Permit,
        database: &Arc<Database>,
        names: Vec<Arc<str>>,
    ) -> Result<(), ServiceError> {
        let gone = |reason| ServiceError::ended(reason, Some(permit.database()));
        entry.begin_commit().map_err(gone)?;
        match self.catalog.create_missing_tables(database.clone(), names, Actor::Token(entry.token_id())).await {
            // If others have taken the room, the engine finds it so and refuses the lines.
            Ok(()) | Err(CatalogError::TooManyTables { .. }) => Ok(()),
            Err(CatalogError::DatabaseNotFound) => Err(gone(EndReason::DatabaseGone)),
            Err(error) => Err(error.into()),
        }
    }
}

fn refusal(error: WriteError, entry: &Entry, permit: &Permit) -> ServiceError {
    match error {
        WriteError::Empty => ServiceError::WriteEmpty,
        WriteError::Rejected(lines) => ServiceError::WriteRejected(lines),
        WriteError::Aborted => match entry.end_reason() {
            Some(reason) => ServiceError::ended(reason, Some(permit.database())),
            None => ServiceError::internal("a write was aborted although its rights had not ended"),
        },
        WriteError::ReadOnly => ServiceError::Unavailable(error.to_string()),
        other => ServiceError::internal(other),
    }
}
