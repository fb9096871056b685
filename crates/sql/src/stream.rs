//! Results on their way to the client.

use crate::error::SqlError;
use crate::guard::QueryGuard;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use futures::Stream;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot};

/// A query that has begun to answer.
#[derive(Debug)]
pub struct QueryResult {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows.
    pub batches: BatchStream,
}

/// The rows of a result. An error ends the stream: the rows before it are not the whole result.
///
/// Dropping the stream cancels the query. Polling it never computes: it only takes what the query's own threads made.
#[derive(Debug)]
pub struct BatchStream {
    batches: mpsc::Receiver<RecordBatch>,
    outcome: Outcome,
    _cancel: CancelOnDrop,
}

/// How the query ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Not known yet.
    Pending(oneshot::Receiver<Result<(), SqlError>>),
    /// The query has ended well; batches may be left.
    Complete,
    /// The end has been reported.
    Reported,
}

impl BatchStream {
    pub(crate) fn new(batches: mpsc::Receiver<RecordBatch>, outcome: Outcome, cancel: CancelOnDrop) -> Self {
        Self { batches, outcome, _cancel: cancel }
    }

    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SqlError>> {
        let Outcome::Pending(outcome) = &mut self.outcome else { return Poll::Ready(Ok(())) };
        let lost = || SqlError::Internal("the query runtime has stopped".into());
        Pin::new(outcome).poll(cx).map(|outcome| outcome.unwrap_or_else(|_| Err(lost())))
    }
}

impl Stream for BatchStream {
    type Item = Result<RecordBatch, SqlError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if matches!(self.outcome, Outcome::Reported) {
            return Poll::Ready(None);
        }
        match self.poll_outcome(cx) {
            Poll::Ready(Err(error)) => {
                self.outcome = Outcome::Reported;
                self.batches.close();
                return Poll::Ready(Some(Err(error)));
            }
            Poll::Ready(Ok(())) => self.outcome = Outcome::Complete,
            Poll::Pending => {}
        }
        match self.batches.poll_recv(cx) {
            Poll::Ready(Some(batch)) => Poll::Ready(Some(Ok(batch))),
            Poll::Ready(None) if matches!(self.outcome, Outcome::Complete) => {
                self.outcome = Outcome::Reported;
                Poll::Ready(None)
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// Stops the query when nobody waits for it any more.
#[derive(Debug)]
pub(crate) struct CancelOnDrop(pub(crate) Arc<QueryGuard>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
