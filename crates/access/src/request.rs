//! One request in flight: whether it may still have an effect, and how it is told that it may not.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use parking_lot::Mutex;
use smallvec::SmallVec;
use tidegate_model::Action;
use tokio::sync::Notify;

use crate::rights::{Rights, Target};

/// Why a request in flight may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The token was revoked.
    Revoked,
    /// The token lost the grant that this request needs.
    Narrowed,
    /// The token reached its expiry.
    Expired,
    /// The database was deleted or renamed.
    DatabaseGone,
}

const RUNNING: u8 = 0;
const COMMITTING: u8 = 1;
const ENDED: u8 = 2; // plus the reason

impl EndReason {
    const ALL: [Self; 4] = [Self::Revoked, Self::Narrowed, Self::Expired, Self::DatabaseGone];

    fn state(self) -> u8 {
        ENDED + self as u8
    }

    fn from_state(state: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.state() == state)
    }
}

/// What ends together with the request, at once and from outside: the source of a stream.
pub(crate) trait Terminate: Send + Sync {
    /// Makes sure that nothing more comes out. Called at most once, without any lock held.
    fn terminate(&self, reason: EndReason);
}

/// The state shared between a request and those who may have to end it.
pub(crate) struct Request {
    state: AtomicU8,
    finished: AtomicBool,
    /// Woken when the request is ended and when it has finished.
    changed: Notify,
    needs: Mutex<SmallVec<[(Action, Target); 1]>>,
    stream: Mutex<Option<Arc<dyn Terminate>>>,
}

impl Request {
    pub(crate) fn new() -> Self {
        Self {
            state: AtomicU8::new(RUNNING),
            finished: AtomicBool::new(false),
            changed: Notify::new(),
            needs: Mutex::new(SmallVec::new()),
            stream: Mutex::new(None),
        }
    }

    /// Why the request was ended; `None` while it may go on.
    pub(crate) fn end_reason(&self) -> Option<EndReason> {
        EndReason::from_state(self.state.load(Ordering::SeqCst))
    }

    /// Ends the request unless it is committing or already ended.
    pub(crate) fn end(&self, reason: EndReason) {
        if self.state.compare_exchange(RUNNING, reason.state(), Ordering::SeqCst, Ordering::SeqCst).is_err() {
            return;
        }
        self.changed.notify_waiters();
        let stream = self.stream.lock().take();
        if let Some(stream) = stream {
            stream.terminate(reason);
        }
    }

    /// Passes the commit point, unless the request was ended before.
    pub(crate) fn begin_commit(&self) -> Result<(), EndReason> {
        match self.state.compare_exchange(RUNNING, COMMITTING, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) | Err(COMMITTING) => Ok(()),
            Err(state) => Err(EndReason::from_state(state).unwrap_or(EndReason::Revoked)),
        }
    }

    /// Hands over the source of a stream, so that it ends with the request.
    pub(crate) fn attach(&self, stream: Arc<dyn Terminate>) {
        *self.stream.lock() = Some(stream);
        // The request may have been ended before the stream was there to be terminated.
        if let Some(reason) = self.end_reason() {
            let stream = self.stream.lock().take();
            if let Some(stream) = stream {
                stream.terminate(reason);
            }
        }
    }

    /// Notes that the request relies on this right.
    pub(crate) fn need(&self, action: Action, database: &Target) {
        self.needs.lock().push((action, database.clone()));
    }

    /// Whether everything that the request relies on is still allowed.
    pub(crate) fn is_covered_by(&self, rights: &Rights) -> bool {
        self.needs.lock().iter().all(|(action, database)| rights.allow(*action, database))
    }

    /// The request has left: it can have no further effect.
    pub(crate) fn finish(&self) {
        self.finished.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Resolves when the request has left.
    pub(crate) async fn finished(&self) {
        self.wait(|| self.finished.load(Ordering::SeqCst).then_some(())).await;
    }

    /// Resolves when the request was ended from outside.
    pub(crate) fn ended(&self) -> impl Future<Output = EndReason> + Send + '_ {
        self.wait(|| self.end_reason())
    }

    async fn wait<T>(&self, condition: impl Fn() -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            if let Some(value) = condition() {
                return value;
            }
            changed.await;
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("state", &self.state).field("finished", &self.finished).finish_non_exhaustive()
    }
}
