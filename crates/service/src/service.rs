//! The service itself: what it is made of, how it starts, and how a request gets in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_access::{Access, Door, Drain, Entry, FailureLimiter, Forbidden, Permit};
use tidegate_catalog::{Actor, Catalog, ClusterRecord};
use tidegate_engine::{Engine, EngineOptions};
use tidegate_model::{
    Action, Clock, CredentialId, Database, DatabaseName, Identity, OrganizationId, OsRandomness, PlainToken,
    Randomness, SystemClock, Timestamp,
};
use tidegate_sql::{QueryLimits, QueryRuntime};
use tokio::sync::Mutex;

use crate::console_sessions::ConsoleSessions;
use crate::directory::CatalogTables;
use crate::legacy::VerifiedPasswords;
use crate::passwords::Passwords;
use crate::sessions::Sessions;
use crate::{Measurements, ServiceError, SessionTimes, Unauthenticated};

/// Which product the v2 API resembles (v2 API contract §0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// The open-source server: set-up, users and organizations by the API.
    #[default]
    SelfHosted,
    /// The cloud service: one organization for each token.
    Cloud,
}

/// What can be set from outside.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a revocation waits until nothing of the token is left, before it answers "still draining".
    pub revocation_bound: Duration,
    /// How long deleted databases and tables can be brought back.
    pub recovery_window: Duration,
    /// Limits on queries.
    pub queries: QueryLimits,
    /// Which product the v2 API resembles.
    pub profile: Profile,
    /// Whether anybody who reaches this server may set it up, and not only this machine or a management token.
    pub allow_remote_setup: bool,
    /// How long sessions live.
    pub sessions: SessionTimes,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            revocation_bound: Duration::from_secs(5),
            recovery_window: Duration::from_secs(7 * 24 * 60 * 60),
            queries: QueryLimits::default(),
            profile: Profile::default(),
            allow_remote_setup: false,
            sessions: SessionTimes::default(),
        }
    }
}

/// Every use case. Shared by all edges.
pub struct Service {
    pub(crate) access: Access,
    pub(crate) catalog: Catalog,
    pub(crate) engine: Engine,
    pub(crate) queries: QueryRuntime,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) settings: Settings,
    /// The time of data. Unlike [`Access::now`] it follows the system's clock back as well.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) measurements: Arc<Measurements>,
    pub(crate) limiter: FailureLimiter,
    pub(crate) passwords: Passwords,
    pub(crate) verified_passwords: VerifiedPasswords,
    pub(crate) sessions: Sessions,
    pub(crate) console_sessions: ConsoleSessions,
    /// What still goes on under names of databases that were deleted or renamed, if the answer did not wait for all of it.
    pub(crate) leaving: parking_lot::Mutex<HashMap<(OrganizationId, DatabaseName), Arc<Drain>>>,
    /// Held by a write that creates tables, so that at most one of them stands before a revocation in the catalog's queue.
    pub(crate) creating_tables: Mutex<()>,
    /// Held while the clock mark is raised, so that many requests on a token that has just expired raise it once.
    pub(crate) remembering: Mutex<()>,
    /// Held from before a change is committed to the catalog until it is in force in memory, so that both see changes
    /// in one order. Never held while draining.
    pub(crate) changes: Mutex<()>,
}

impl Service {
    /// Opens the data directory, replays the log and fills the token index.
    pub async fn open(directory: &Path, settings: Settings) -> Result<Arc<Self>, ServiceError> {
        let queries = QueryRuntime::start(settings.queries.clone()).map_err(ServiceError::internal)?;
        Self::open_with(directory, settings, queries, Arc::new(SystemClock), Arc::new(OsRandomness)).await
    }

    /// Like [`Service::open`], with the query runtime and the sources of time and randomness chosen by the caller.
    pub async fn open_with(
        directory: &Path,
        settings: Settings,
        queries: QueryRuntime,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Arc<Self>, ServiceError> {
        let opened = Catalog::open(directory, &*randomness, clock.clone())
            .await
            .map_err(|error| ServiceError::Unavailable(error.to_string()))?;
        let catalog = opened.catalog;
        let access = Access::new(clock.clone(), catalog.clock_mark());
        let mut expired_at = None;
        catalog.for_each_live_token(|record| expired_at = access.install(&record).max(expired_at)).await?;
        let log = directory.join("wal");
        let tables = Arc::new(CatalogTables(catalog.clone()));
        let engine = tokio::task::spawn_blocking(move || Engine::open(&log, tables, EngineOptions::default()))
            .await
            .map_err(ServiceError::internal)?
            .map_err(|error| ServiceError::Unavailable(error.to_string()))?;
        catalog.for_each_live_api_token(|token| expired_at = access.install_api_token(&token).max(expired_at)).await?;
        let service = Arc::new(Self {
            passwords: Passwords::start().map_err(ServiceError::internal)?,
            verified_passwords: VerifiedPasswords::new(&*randomness),
            sessions: Sessions::default(),
            console_sessions: ConsoleSessions::default(),
            access,
            catalog,
            engine,
            queries,
            randomness,
            settings,
            clock,
            remembering: Mutex::new(()),
            measurements: Arc::default(),
            limiter: FailureLimiter::new(Instant::now()),
            leaving: parking_lot::Mutex::default(),
            creating_tables: Mutex::new(()),
            changes: Mutex::new(()),
        });
        if let Some(reached) = expired_at {
            service.remember(reached).await;
        }
        service.start_expiry();
        Ok(service)
    }

    /// Who this server is.
    pub fn identity(&self) -> Identity {
        self.catalog.identity()
    }

    /// Name and age of the cluster.
    pub async fn cluster(&self, caller: &Entry) -> Result<ClusterRecord, ServiceError> {
        let found = caller.run(self.catalog.cluster()).await;
        Ok(found.map_err(|reason| ServiceError::ended(reason, None))??)
    }

    /// Lets a request in, if the presented credential is usable and accepted at this door. A peer that guesses waits
    /// longer for its refusals.
    pub async fn enter(&self, presented: &PlainToken, door: Door, peer: IpAddr) -> Result<Entry, Unauthenticated> {
        let start = Instant::now();
        let checked = self.access.enter(presented.digest(), door);
        self.measurements.token_checks.observe_since(start);
        let refused = match checked {
            Ok(entry) => return Ok(entry),
            Err(refused) => refused,
        };
        self.measurements.refused_credentials.add_one();
        if let Some(reached) = refused.expired_at {
            // Once somebody was told that the token is dead, it must stay so, whatever the clock does.
            self.remember(reached).await;
        }
        self.limiter.failed(peer).await;
        Err(Unauthenticated)
    }

    /// What this server has measured of itself since its start.
    pub fn measurements(&self) -> &Measurements {
        &self.measurements
    }

    /// How many credentials of all kinds can be used at this moment.
    pub fn credential_count(&self) -> usize {
        self.access.credential_count()
    }

    /// How many queries are at work at this moment, see [`QueryRuntime::running`].
    pub fn running_queries(&self) -> usize {
        self.queries.running()
    }

    /// Notes a request without any usable credential.
    pub async fn missing_credential(&self, peer: IpAddr) -> Unauthenticated {
        self.measurements.refused_credentials.add_one();
        self.limiter.failed(peer).await;
        Unauthenticated
    }

    /// Stops the write-ahead log and closes the catalog. The service takes no more changes afterwards.
    pub async fn close(&self) {
        let _changes = self.changes.lock().await;
        let engine = self.engine.clone();
        // Fails only if the closing itself panicked; there is nothing left to do about it then.
        drop(tokio::task::spawn_blocking(move || engine.close()).await);
        self.catalog.clone().close().await;
    }

    /// Runs a change to its end, whether or not the caller still waits for it.
    pub(crate) async fn run_change<T, F>(
        self: &Arc<Self>,
        change: impl FnOnce(Arc<Self>) -> F,
    ) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ServiceError>> + Send + 'static,
    {
        tokio::spawn(change(self.clone())).await.map_err(ServiceError::internal)?
    }

    /// Waits for the turn to change the catalog, and passes the caller's commit point.
    pub(crate) async fn begin_change(&self, caller: &Entry) -> Result<tokio::sync::MutexGuard<'_, ()>, ServiceError> {
        let ended = |reason| ServiceError::ended(reason, None);
        let turn = caller.run(self.changes.lock()).await.map_err(ended)?;
        caller.begin_commit().map_err(ended)?;
        Ok(turn)
    }

    /// What was deleted at or before this time cannot be brought back any more.
    pub(crate) fn recoverable_since(&self) -> Timestamp {
        let window = i64::try_from(self.settings.recovery_window.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.clock.now().micros().saturating_sub(window))
    }

    /// Makes one change to the catalog that ends nobody's rights.
    pub(crate) async fn change_catalog<T, F>(
        self: &Arc<Self>,
        caller: Entry,
        change: impl FnOnce(Catalog, Actor) -> F + Send + 'static,
    ) -> Result<T, ServiceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ServiceError>> + Send + 'static,
    {
        self.run_change(move |service| async move {
            let _turn = service.begin_change(&caller).await?;
            change(service.catalog.clone(), actor(&caller)).await
        })
        .await
    }

    /// Waits until an end of rights is final, at most as long as the settings say. `done` is what was done to them.
    pub(crate) async fn drained(&self, drain: &Drain, done: &'static str) -> Result<(), ServiceError> {
        if drain.finished_within(self.settings.revocation_bound).await {
            Ok(())
        } else {
            Err(ServiceError::StillDraining(done))
        }
    }

    /// Decides whether the request may do `action` to the database that has this name for it.
    pub fn permit(&self, entry: &Entry, action: Action, name: &DatabaseName) -> Result<Permit, Forbidden> {
        let database = self.catalog.database(self.organization_of(entry), name);
        entry.permit(action, name, database.map(|database| database.id))
    }

    /// Binds a request to a database, so that it ends together with it.
    pub(crate) fn join_database(&self, entry: &Entry, permit: &Permit) -> Option<Arc<Database>> {
        let organization = self.organization_of(entry);
        let database = self.catalog.database(organization, permit.database())?;
        if permit.database_id().is_some_and(|id| id != database.id) {
            return None;
        }
        self.access.join_database(entry, database.id).ok()?;
        // The database may have gone between looking and joining; whoever removed it then did not see this request.
        let still = self.catalog.database(organization, permit.database())?;
        (still.id == database.id).then_some(still)
    }
}

/// Who makes the changes that this request asks for.
pub(crate) fn actor(caller: &Entry) -> Actor {
    match caller.credential_id() {
        CredentialId::Token(id) => Actor::Token(id),
        CredentialId::ApiToken(id) => Actor::ApiToken(id),
        CredentialId::Session(_) => caller.owner().map_or(Actor::Server, |owner| Actor::User(owner.user)),
    }
}

/// Whether a record is active, or was deleted so lately that it can still be brought back; see
/// [`Service::recoverable_since`].
pub(crate) fn is_recoverable(deleted_at: Option<Timestamp>, since: Timestamp) -> bool {
    deleted_at.is_none_or(|deleted_at| deleted_at > since)
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}
