//! The one writer. A change is one transaction: its rows, its audit row and the next sequence number.

use std::future::Future;
use std::mem;
use std::path::PathBuf;

use sqlx::{Connection as _, Row as _, Sqlite, SqliteConnection, Transaction};
use tidegate_model::{SequenceNumber, Timestamp, TokenId};

use crate::audit::{self, Actor, AuditAction, AuditRow};
use crate::memory::{Head, Memory, Published};
use crate::{CatalogError, file};

/// One kind of change.
pub(crate) trait Change: Send + Sync + 'static {
    /// What the caller gets.
    type Output: Send + 'static;

    /// Action and subject for the audit log; `None` for what is no change of a record and takes no sequence number.
    fn audit(&self) -> Option<(AuditAction, String)>;

    /// The token whose record changes.
    fn token(&self) -> Option<TokenId> {
        None
    }

    /// The clock mark after the change.
    fn clock_mark(&self, before: Option<Timestamp>) -> Option<Timestamp> {
        before
    }

    /// Writes the rows. On an error or [`Outcome::Unchanged`] the transaction is rolled back.
    fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> impl Future<Output = Result<Outcome<Self::Output>, CatalogError>> + Send;

    /// What memory shows once the change is committed.
    fn published(output: &Self::Output) -> Published;
}

/// Where and when a change happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) before: Head,
    pub(crate) sequence: SequenceNumber,
    pub(crate) now: Timestamp,
}

pub(crate) enum Outcome<T> {
    Changed(T),
    /// There was nothing to do.
    Unchanged(T),
}

enum Connected {
    Ready(SqliteConnection),
    /// The last change failed or was dropped half-way. Its connection is gone; what is on disk has to be looked at.
    Interrupted,
    Unusable,
    Closed,
}

enum Attempt<T> {
    Committed(T),
    Unchanged(T),
    /// Not committed, and the connection is sound.
    Refused(CatalogError),
    /// Not committed, and the connection may not be sound.
    Failed(CatalogError),
    /// The commit failed, and may have happened all the same.
    Unknown(T, sqlx::Error),
}

pub(crate) struct Writer {
    pub(crate) path: PathBuf,
    connected: Connected,
    #[cfg(test)]
    pub(crate) fault: Option<Fault>,
}

/// What a test lets happen to the next commit.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An error, and nothing is committed.
    FailsBeforeCommit,
    /// An error, although the change is committed.
    FailsAfterCommit,
}

impl Writer {
    pub(crate) fn new(path: PathBuf, connection: SqliteConnection) -> Self {
        Self {
            path,
            connected: Connected::Ready(connection),
            #[cfg(test)]
            fault: None,
        }
    }

    /// Makes the change and shows it in memory.
    ///
    /// While this runs the state is `Interrupted`, so that a panic or a dropped future is noticed by the next change.
    pub(crate) async fn change<C: Change>(
        &mut self,
        change: &C,
        actor: Actor,
        memory: &Memory,
        now: Timestamp,
    ) -> Result<C::Output, CatalogError> {
        let before = memory.head();
        let connection = self.take_connection(before).await?;
        if let Some(id) = change.token() {
            memory.tokens.begin_change(id);
        }
        let (result, committed) = self.run(change, actor, connection, before, now).await;
        match (&result, committed) {
            (Ok(output), Some(head)) => memory.publish(head, C::published(output)),
            _ if change.token().is_some() => memory.tokens.end_change(None),
            _ => {}
        }
        result
    }

    /// Ends all writing; waits for the connection to be closed.
    pub(crate) async fn close(&mut self) {
        if let Connected::Ready(connection) = mem::replace(&mut self.connected, Connected::Closed) {
            close_quietly(connection).await;
        }
    }

    /// The result, and the head on disk if it moved.
    async fn run<C: Change>(
        &mut self,
        change: &C,
        actor: Actor,
        mut connection: SqliteConnection,
        before: Head,
        now: Timestamp,
    ) -> (Result<C::Output, CatalogError>, Option<Head>) {
        let audit = change.audit();
        let after = Head {
            sequence: SequenceNumber(before.sequence.0 + i64::from(audit.is_some())),
            clock_mark: change.clock_mark(before.clock_mark),
        };
        let step = Step { before, sequence: after.sequence, now };
        let audit =
            audit.map(|(action, subject)| AuditRow { sequence: step.sequence, at: now, actor, action, subject });
        let heads = Heads { before, after };
        match self.attempt(change, &mut connection, step, heads, audit).await {
            Attempt::Committed(output) => {
                self.connected = Connected::Ready(connection);
                (Ok(output), Some(after))
            }
            Attempt::Unchanged(output) => {
                self.connected = Connected::Ready(connection);
                (Ok(output), None)
            }
            Attempt::Refused(error) => {
                self.connected = Connected::Ready(connection);
                (Err(error), None)
            }
            Attempt::Failed(error) => {
                close_quietly(connection).await;
                (Err(error), None)
            }
            Attempt::Unknown(output, error) => {
                close_quietly(connection).await;
                match self.settle(heads).await {
                    Ok(true) => (Ok(output), Some(after)),
                    Ok(false) => (Err(error.into()), None),
                    Err(cause) => {
                        tracing::error!(%error, %cause, "a commit failed and its outcome cannot be read");
                        self.connected = Connected::Unusable;
                        (Err(CatalogError::Unusable), None)
                    }
                }
            }
        }
    }

    async fn attempt<C: Change>(
        &mut self,
        change: &C,
        connection: &mut SqliteConnection,
        step: Step,
        heads: Heads,
        audit: Option<AuditRow>,
    ) -> Attempt<C::Output> {
        let mut transaction = match connection.begin_with("BEGIN IMMEDIATE").await {
            Ok(transaction) => transaction,
            Err(error) => return Attempt::Failed(error.into()),
        };
        let attempt = match change.apply(&mut transaction, step).await {
            Ok(Outcome::Changed(output)) => match finish(&mut transaction, heads, audit).await {
                Ok(()) => {
                    return match self.commit(transaction).await {
                        Ok(()) => Attempt::Committed(output),
                        Err(error) => Attempt::Unknown(output, error),
                    };
                }
                Err(error) => Attempt::Failed(error),
            },
            Ok(Outcome::Unchanged(output)) => Attempt::Unchanged(output),
            Err(error @ (CatalogError::Storage(_) | CatalogError::Corrupt { .. })) => Attempt::Failed(error),
            Err(error) => Attempt::Refused(error),
        };
        match transaction.rollback().await {
            Ok(()) => attempt,
            Err(error) => Attempt::Failed(error.into()),
        }
    }

    #[cfg(not(test))]
    async fn commit(&mut self, transaction: Transaction<'_, Sqlite>) -> Result<(), sqlx::Error> {
        transaction.commit().await
    }

    #[cfg(test)]
    async fn commit(&mut self, transaction: Transaction<'_, Sqlite>) -> Result<(), sqlx::Error> {
        match self.fault.take() {
            None => transaction.commit().await,
            Some(Fault::FailsBeforeCommit) => {
                transaction.rollback().await?;
                Err(sqlx::Error::WorkerCrashed)
            }
            Some(Fault::FailsAfterCommit) => {
                transaction.commit().await?;
                Err(sqlx::Error::WorkerCrashed)
            }
        }
    }

    /// Looks on a new connection whether a commit that reported an error has happened.
    async fn settle(&mut self, heads: Heads) -> Result<bool, CatalogError> {
        let (connection, head) = self.reconnect().await?;
        let committed = head == heads.after;
        if !committed && head != heads.before {
            return Err(CatalogError::Unusable);
        }
        self.connected = Connected::Ready(connection);
        Ok(committed)
    }

    async fn take_connection(&mut self, expected: Head) -> Result<SqliteConnection, CatalogError> {
        match mem::replace(&mut self.connected, Connected::Interrupted) {
            Connected::Ready(connection) => Ok(connection),
            Connected::Interrupted => {
                let (connection, head) = self.reconnect().await?;
                if head == expected {
                    return Ok(connection);
                }
                tracing::error!("a change that was cut off is on disk but not in memory");
                self.connected = Connected::Unusable;
                Err(CatalogError::Unusable)
            }
            Connected::Unusable => {
                self.connected = Connected::Unusable;
                Err(CatalogError::Unusable)
            }
            Connected::Closed => {
                self.connected = Connected::Closed;
                Err(CatalogError::Closed)
            }
        }
    }

    /// A new connection, and the head it sees, which is on disk.
    async fn reconnect(&self) -> Result<(SqliteConnection, Head), CatalogError> {
        let mut connection = file::connect(&self.path).await?;
        file::empty_log(&mut connection).await?;
        let head = read_head(&mut connection).await?;
        Ok((connection, head))
    }
}

#[derive(Debug, Clone, Copy)]
struct Heads {
    before: Head,
    after: Head,
}

/// The head row and the audit row of a change.
async fn finish(connection: &mut SqliteConnection, heads: Heads, audit: Option<AuditRow>) -> Result<(), CatalogError> {
    let moved = sqlx::query("UPDATE catalog_head SET sequence = ?, clock_mark = ? WHERE sequence = ?")
        .bind(heads.after.sequence.0)
        .bind(heads.after.clock_mark.map(Timestamp::micros))
        .bind(heads.before.sequence.0)
        .execute(&mut *connection)
        .await?;
    if moved.rows_affected() != 1 {
        // The next change finds the difference when it reconnects, and refuses.
        return Err(CatalogError::Storage("another process changed the catalog".into()));
    }
    match audit {
        Some(row) => audit::insert(connection, &row).await,
        None => Ok(()),
    }
}

pub(crate) async fn read_head(connection: &mut SqliteConnection) -> Result<Head, CatalogError> {
    let row = sqlx::query("SELECT sequence, clock_mark FROM catalog_head")
        .fetch_optional(connection)
        .await?
        .ok_or_else(|| CatalogError::corrupt("the head row is missing"))?;
    Ok(Head {
        sequence: SequenceNumber(row.try_get(0)?),
        clock_mark: row.try_get::<Option<i64>, _>(1)?.map(Timestamp::from_micros),
    })
}

async fn close_quietly(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "a connection to the catalog did not close cleanly");
    }
}
