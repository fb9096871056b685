//! Writing line protocol.

use std::sync::Arc;
use std::time::Instant;

use tidegate_access::{EndReason, Entry, Permit};
use tidegate_catalog::CatalogError;
use tidegate_engine::{WriteError, WriteOutcome, WriteRequest};
use tidegate_line_protocol::Precision;
use tidegate_model::Database;

use crate::service::actor;
use crate::{Service, ServiceError};

/// How often a write looks for its tables again, after having created those that it missed.
const MOST_ROUNDS: usize = 8;

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
        let mut request = Arc::new(WriteRequest {
            database: database.clone(),
            body: batch.body,
            precision: batch.precision,
            received_at: self.clock.now().nanos(),
            accept_partial: batch.accept_partial,
        });
        let start = Instant::now();
        self.run_change(move |service| async move {
            for _ in 0..MOST_ROUNDS {
                let written = service.engine.write(request.clone(), || entry.begin_commit().is_ok()).await;
                let Err(WriteError::TablesMissing(names)) = written else {
                    if let Ok(outcome) = &written {
                        service.measurements.write_of(start, outcome.rows, request.body.len());
                    }
                    return written.map_err(|error| refusal(error, &entry, &permit));
                };
                let database = service.create_missing_tables(&entry, &permit, &request.database, names).await?;
                // Limits may have changed since the request came in.
                request = Arc::new(WriteRequest { database, ..WriteRequest::clone(&request) });
            }
            Err(ServiceError::Unavailable("the tables of this database keep changing, try again".to_owned()))
        })
        .await
    }

    /// Creates the tables that a write needs, and gives the database as it is then. With this the write passes its commit
    /// point: a table is an effect.
    async fn create_missing_tables(
        &self,
        entry: &Entry,
        permit: &Permit,
        database: &Arc<Database>,
        names: Vec<Arc<str>>,
    ) -> Result<Arc<Database>, ServiceError> {
        let _turn = entry.run(self.creating_tables.lock()).await.map_err(|reason| ended(reason, permit))?;
        entry.begin_commit().map_err(|reason| ended(reason, permit))?;
        match self.catalog.create_missing_tables(database.clone(), names, actor(entry)).await {
            // If there is no room any more, the engine finds it so and refuses the lines.
            Ok(()) | Err(CatalogError::TooManyTables { .. }) => {}
            Err(CatalogError::DatabaseNotFound) => return Err(ended(EndReason::DatabaseGone, permit)),
            Err(error) => return Err(error.into()),
        }
        let same = self
            .catalog
            .database(self.organization_of(entry), permit.database())
            .filter(|found| found.id == database.id);
        same.ok_or_else(|| ended(EndReason::DatabaseGone, permit))
    }
}

/// The answer to a write whose rights ended. Only who may write everywhere may learn that the database has gone.
fn ended(reason: EndReason, permit: &Permit) -> ServiceError {
    let database = permit.covers_every_database().then(|| permit.database());
    ServiceError::ended(reason, database)
}

fn refusal(error: WriteError, entry: &Entry, permit: &Permit) -> ServiceError {
    match error {
        WriteError::Empty => ServiceError::WriteEmpty,
        WriteError::Rejected(lines) => ServiceError::WriteRejected(lines),
        WriteError::Aborted => match entry.end_reason() {
            Some(reason) => ended(reason, permit),
            None => ServiceError::internal("a write was aborted although its rights had not ended"),
        },
        WriteError::ReadOnly => ServiceError::Unavailable(error.to_string()),
        other => ServiceError::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tidegate_model::{
        Action, DatabaseChange, DatabaseName, Description, Grant, NewDatabase, OsRandomness, PlainToken, Retention,
        TokenKind,
    };

    use super::*;
    use crate::{Door, Settings, TokenRequest};

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn batch(body: &str) -> WriteBatch {
        WriteBatch { body: body.to_owned(), precision: Precision::Nanosecond, accept_partial: true }
    }

    #[tokio::test]
    async fn a_limit_lowered_under_a_write_ends_it() {
        let directory = tempfile::tempdir().unwrap();
        let service = Service::open(directory.path(), Settings::default()).await.unwrap();
        let manager = PlainToken::generate(TokenKind::Management, &OsRandomness);
        service.install_first_management_token(&manager, Description::default()).await.unwrap();
        let manage = async || service.enter(&manager, Door::Management, PEER).await.unwrap();
        let name: DatabaseName = "a".parse().unwrap();
        let new = NewDatabase {
            name: name.clone(),
            description: Description::default(),
            retention: Retention::FOREVER,
            limits: tidegate_model::DatabaseLimits::new(5, 200).unwrap(),
            partition_template: None,
        };
        service.create_database(manage().await, new).await.unwrap();
        let request = TokenRequest {
            description: Description::default(),
            permissions: [Grant { action: Action::Write, resource: "a".parse().unwrap() }].into_iter().collect(),
            expires_at: None,
        };
        let writer = service.create_token(manage().await, request).await.unwrap().token;
        let enter = async || service.enter(&writer, Door::Data, PEER).await.unwrap();
        let entry = enter().await;
        let permit = service.permit(&entry, Action::Write, &name).unwrap();

        // What a write sees that came in before the limit was lowered.
        let before = service.catalog.database(service.identity().organization, &name).unwrap();
        let change = DatabaseChange { max_tables: Some(1), ..DatabaseChange::default() };
        service.update_database(manage().await, name.clone(), change).await.unwrap();
        let first = enter().await;
        let first_permit = service.permit(&first, Action::Write, &name).unwrap();
        service.write(first, first_permit, batch("m f=1 1")).await.unwrap();

        let now = service.create_missing_tables(&entry, &permit, &before, vec!["n".into()]).await.unwrap();
        assert_eq!((now.id, now.limits.max_tables), (before.id, 1));
        assert!(service.catalog.table(now.id, "n").is_none());
        drop(entry);
        let entry = enter().await;
        let permit = service.permit(&entry, Action::Write, &name).unwrap();
        let refused = service.write(entry, permit, batch("n f=1 1")).await;
        assert!(matches!(refused, Err(ServiceError::WriteRejected(_))), "{refused:?}");
    }
}
