//! `tidegate serve`: from settings to a running server, and back to a clean end.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
use tidegate_api::MetricsAccess;
use tidegate_model::{Clock as _, SystemClock};
use tidegate_service::{QueryLimits, Service, ServiceError, SessionTimes, Settings};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::args::ServeArgs;
use crate::config::{Config, ConfigError, TlsSource};
use crate::credentials::{self, Endpoint, Security};
use crate::data_dir::{DataDir, DataDirError};
use crate::first_token::{self, FirstTokenError};
use crate::listen::{self, Bound, ListenError};
use crate::logging::{self, FILTER_VARIABLE, FilterError};
use crate::self_signed::{self, SelfSignedError};
use crate::tls::{Tls, TlsError};
use crate::welcome::{Start, Welcome};
use crate::{server, shutdown};

/// Exit code for settings that cannot be used.
pub(crate) const USAGE: u8 = 2;
const MOST_CONNECTIONS: u64 = 4096;
/// File descriptors that are not for connections.
const RESERVED_FILES: u64 = 128;
const MOST_FILES: u64 = 65_536;
/// What is left at the end are computations of cut-off requests, which reach nobody.
const LAST_TASKS: Duration = Duration::from_secs(1);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    SelfSigned(#[from] SelfSignedError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("cannot open the data directory: {0}")]
    Open(#[source] ServiceError),
    #[error(transparent)]
    FirstToken(#[from] FirstTokenError),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

impl ServeError {
    /// 2 if the settings have to be changed, else 1.
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Filter(_) | Self::Listen(ListenError::Plaintext(_)) => ExitCode::from(USAGE),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Runs the server to its end. `program` is how this program can be called.
pub(crate) fn run(arguments: ServeArgs, program: &str) -> ExitCode {
    let config = match configure(arguments) {
        Ok(config) => config,
        Err(error) => {
            // There are no log lines yet. Nothing can be done if standard error is closed.
            let _ = writeln!(io::stderr(), "error\t{error}");
            return error.exit_code();
        }
    };
    match run_configured(config, program) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            error.exit_code()
        }
    }
}

fn configure(arguments: ServeArgs) -> Result<Config, ServeError> {
    let config = Config::load(arguments.settings, arguments.config, |name| std::env::var_os(name))?;
    logging::start(config.log_format, std::env::var_os(FILTER_VARIABLE))?;
    Ok(config)
}

fn run_configured(config: Config, program: &str) -> Result<(), ServeError> {
    logging::report_panics(|place| tracing::error!(place, "internal error: a part of the server has panicked"));
    // Whatever is written, also by libraries, is for the owner only.
    umask(Mode::RWXG | Mode::RWXO);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(open_and_serve(config, program));
    runtime.shutdown_timeout(LAST_TASKS);
    result
}

async fn open_and_serve(config: Config, program: &str) -> Result<(), ServeError> {
    let stop = shutdown::on_signal()?;
    let mut setup = Setup::new(config).await?;
    setup.upgrade().await?;
    let service = tokio::select! {
        opened = Service::open(setup.data_dir.path(), settings(&setup.config)) => opened.map_err(ServeError::Open)?,
        // Opening changes nothing that a crash at this point would not leave in order as well.
        () = stop.cancelled() => return Ok(()),
    };
    let result = setup.serve(&service, program, stop).await;
    service.close().await;
    tracing::info!("stopped");
    result
}

/// All that can fail before the data is touched.
struct Setup {
    config: Config,
    connections: usize,
    tls: Option<Tls>,
    data_dir: DataDir,
    bound: Vec<Bound>,
}

impl Setup {
    async fn new(config: Config) -> Result<Self, ServeError> {
        let given = match &config.tls {
            TlsSource::Files(files) => Some(Tls::load(files)?),
            TlsSource::None | TlsSource::SelfSigned => None,
        };
        let allow_exposed = config.allow_plaintext || config.tls != TlsSource::None;
        let resolved = listen::resolve(config.listen.clone(), allow_exposed).await?;
        let data_dir = DataDir::open(&config.data_dir, SystemClock.now())?;
        let bound = listen::bind(resolved).await?;
        // Last, so that a start that fails leaves alone what clients trust.
        let tls = match config.tls {
            TlsSource::SelfSigned => Some(self_signed::provide(data_dir.path(), &config.listen, SystemTime::now())?),
            TlsSource::None | TlsSource::Files(_) => given,
        };
        Ok(Self { config, connections: raise_connection_limit(), tls, data_dir, bound })
    }

    /// Brings data of an older format up to date. A crash meanwhile leaves the old version in `FORMAT`, whether or not the
    /// catalog is of the new one already, and the next start does it again.
    async fn upgrade(&mut self) -> Result<(), ServeError> {
        let Some(format) = self.data_dir.older_format() else { return Ok(()) };
        tidegate_service::upgrade(self.data_dir.path()).await.map_err(ServeError::Open)?;
        self.data_dir.upgraded()?;
        tracing::info!(from = format, "upgraded the data directory");
        Ok(())
    }

    async fn serve(self, service: &Arc<Service>, program: &str, stop: CancellationToken) -> Result<(), ServeError> {
        let data_dir = self.data_dir.path();
        let endpoint = endpoint(&self.bound, self.tls.as_ref());
        let bootstrap = self.config.bootstrap_management_token_file.as_deref();
        let start = first_token::prepare(service, data_dir, &endpoint, bootstrap).await?;
        let listeners: Vec<TcpListener> = self.bound.into_iter().flat_map(|bound| bound.listeners).collect();
        log_addresses(&listeners, self.tls.is_some());
        greet(program, data_dir, &endpoint, start);
        let metrics =
            if self.config.metrics_public { MetricsAccess::Everybody } else { MetricsAccess::ManagementTokens };
        let router =
            tidegate_api::router_with(service.clone(), metrics).merge(tidegate_console::router(service.clone()));
        let acceptor = self.tls.map(|tls| tls.acceptor);
        server::serve(listeners, router, acceptor, self.connections, stop).await;
        Ok(())
    }
}

fn settings(config: &Config) -> Settings {
    let mut queries = QueryLimits::default();
    if let Some(time) = config.query_timeout {
        queries.time = time;
    }
    if let Some(memory) = config.query_memory {
        queries.memory_total = memory;
        queries.memory_per_query = queries.memory_per_query.min(memory);
    }
    let mut sessions = SessionTimes::default();
    if let Some(lifetime) = config.session_lifetime {
        sessions.lifetime = lifetime;
        sessions.longest = sessions.longest.max(lifetime);
        sessions.prolonged_by = sessions.prolonged_by.min(lifetime);
    }
    Settings {
        revocation_bound: config.revocation_bound,
        recovery_window: config.recovery_window,
        queries,
        profile: config.profile,
        allow_remote_setup: config.allow_remote_setup,
        sessions,
    }
}

/// Where clients on this machine are sent to: the first address.
fn endpoint(bound: &[Bound], tls: Option<&Tls>) -> Endpoint {
    let (host, port) = match bound.first() {
        Some(first) => {
            let certified = || tls.and_then(|tls| tls.host_name.clone());
            let host = first.requested.client_host().or_else(certified);
            (host.unwrap_or_else(|| first.requested.loopback().to_string()), first.port)
        }
        None => Default::default(),
    };
    let security = match tls {
        None => Security::Plaintext,
        Some(tls) => {
            if !tls.is_valid_for(&host) {
                tracing::warn!(host, "the certificate is not valid for this host: clients will refuse it");
            }
            Security::Tls { certificates: tls.certificates.clone(), self_issued: tls.self_issued }
        }
    };
    Endpoint { host, port, security }
}

fn log_addresses(listeners: &[TcpListener], encrypted: bool) {
    let scheme = if encrypted { "https" } else { "http" };
    for address in listeners.iter().filter_map(|listener| listener.local_addr().ok()) {
        tracing::info!("listening on {scheme}://{address}");
    }
}

fn greet(program: &str, data_dir: &Path, endpoint: &Endpoint, start: Start<'_>) {
    let credentials = data_dir.join(credentials::FILE_NAME);
    let url = endpoint.url();
    let screen = Welcome { program, url: &url, data_dir, credentials: &credentials, start }.screen();
    // Nobody may be reading standard output, which is no reason not to serve.
    let _ = io::stdout().write_all(screen.as_bytes());
}

/// How many connections there may be, after asking the system for as many open files as it gives.
fn raise_connection_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(MOST_FILES, |maximum| maximum.min(MOST_FILES));
    let mut files = limit.current.unwrap_or(MOST_FILES);
    if files < wanted && setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }).is_ok() {
        files = wanted;
    }
    let connections = files.saturating_sub(RESERVED_FILES).max(files / 2).min(MOST_CONNECTIONS);
    usize::try_from(connections).unwrap_or(usize::MAX)
}
