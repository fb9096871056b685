//! What the server is told: flags before `TIDEGATE_…` variables before the file before the defaults.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use tidegate_service::Profile;

use crate::listen::ListenAddress;
use crate::logging::LogFormat;
use crate::units::{Size, Span};

const DEFAULT_DATA_DIR: &str = "./tidegate-data";
const DEFAULT_LISTEN: ListenAddress = ListenAddress::localhost(8181);
const DEFAULT_REVOCATION_BOUND: Duration = Duration::from_secs(5);
const DEFAULT_RECOVERY_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const LARGEST_FILE: u64 = 1024 * 1024;

/// One source of settings. Flags and the keys of the file have the same names.
#[derive(Debug, Default, PartialEq, Eq, clap::Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Layer {
    /// Where all data is kept; made if it is not there [default: ./tidegate-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Address to listen on, such as 0.0.0.0:8181 or [::1]:0; port 0 takes a free one; repeatable
    /// [default: localhost:8181]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<Vec<ListenAddress>>,

    /// Certificate chain for TLS, PEM
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,

    /// Private key for TLS, PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,

    /// Serve TLS with a certificate that the server makes itself and keeps in the data directory
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_possible_values = true)]
    tls_self_signed: Option<bool>,

    /// Listen without TLS on addresses that other machines can reach
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_possible_values = true)]
    allow_plaintext: Option<bool>,

    /// Use the token in this file (see `tidegate management generate`) as the first management token, instead of
    /// making one; ignored if there ever was one
    #[arg(long, value_name = "FILE")]
    bootstrap_management_token_file: Option<PathBuf>,

    /// How long a revocation may wait for what the token has started before it answers 503 [default: 5s]
    #[arg(long, value_name = "DURATION")]
    revocation_bound: Option<Span>,

    /// How long deleted databases and tables can be brought back [default: 7d]
    #[arg(long, value_name = "DURATION")]
    recovery_window: Option<Span>,

    /// How long a query may take [default: 30s]
    #[arg(long, value_name = "DURATION")]
    query_timeout: Option<Span>,

    /// Memory that all queries together may use [default: 1GiB]
    #[arg(long, value_name = "SIZE")]
    query_memory: Option<Size>,

    /// Show /metrics to everybody, not only to holders of a management token
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_possible_values = true)]
    metrics_public: Option<bool>,

    /// Which product the v2 API resembles: oss, which is set up and has users and organizations, or cloud [default: oss]
    #[arg(long, value_name = "PROFILE", hide_possible_values = true)]
    profile: Option<ProfileName>,

    /// Let everybody who reaches the v2 API set up this server while nobody has, not only this machine and holders of a
    /// management token
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_possible_values = true)]
    allow_remote_setup: Option<bool>,

    /// How long a session of the v2 API lives after signing in, unless it is used [default: 1h]
    #[arg(long, value_name = "DURATION")]
    session_lifetime: Option<Span>,

    /// How log lines on standard error look, text or json [default: text]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    log_format: Option<LogFormat>,
}

/// The settings that hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: Vec<ListenAddress>,
    pub(crate) tls: TlsSource,
    pub(crate) allow_plaintext: bool,
    pub(crate) bootstrap_management_token_file: Option<PathBuf>,
    pub(crate) revocation_bound: Duration,
    pub(crate) recovery_window: Duration,
    /// `None` = the default of the query engine.
    pub(crate) query_timeout: Option<Duration>,
    /// Bytes; `None` = the default of the query engine.
    pub(crate) query_memory: Option<usize>,
    pub(crate) metrics_public: bool,
    pub(crate) profile: Profile,
    pub(crate) allow_remote_setup: bool,
    /// `None` = the default of the service.
    pub(crate) session_lifetime: Option<Duration>,
    pub(crate) log_format: LogFormat,
}

/// The word for a [`Profile`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProfileName {
    Oss,
    Cloud,
}

impl FromStr for ProfileName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        clap::ValueEnum::from_str(text, false).map_err(|_: String| format!("{text:?} is neither oss nor cloud"))
    }
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Oss => Self::SelfHosted,
            ProfileName::Cloud => Self::Cloud,
        }
    }
}

/// Where the server's certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsSource {
    /// There is none: plaintext.
    None,
    /// The operator has one.
    Files(TlsFiles),
    /// The server makes one.
    SelfSigned,
}

/// Certificate chain and key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) certificates: PathBuf,
    pub(crate) key: PathBuf,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: std::io::Error },
    #[error("cannot use the configuration {}: {}", path.display(), reason.to_string().trim_end())]
    Invalid { path: PathBuf, reason: toml::de::Error },
    #[error("the configuration {} has more than {LARGEST_FILE} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("cannot use the variable {name}: {reason}")]
    Variable { name: &'static str, reason: String },
    #[error("TLS needs both --tls-cert and --tls-key, only one of them is given")]
    HalfOfTls,
    #[error("--tls-self-signed makes a certificate: give it, or --tls-cert and --tls-key, not both")]
    TwoCertificates,
    #[error("there is no address to listen on: give --listen")]
    NoAddress,
}

impl Config {
    /// Puts the sources together. `file` is the value of `--config`, `variable` looks up an environment variable.
    pub(crate) fn load(
        flags: Layer,
        file: Option<PathBuf>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let variables = Variables(&variable);
        let file = file.or_else(|| variables.path("TIDEGATE_CONFIG"));
        let environment = Layer::from_environment(&variables)?;
        let file = file.map_or_else(|| Ok(Layer::default()), |path| Layer::from_file(&path))?;
        Self::from_layer(flags.over(environment).over(file))
    }

    fn from_layer(layer: Layer) -> Result<Self, ConfigError> {
        let tls = match (layer.tls_cert, layer.tls_key, layer.tls_self_signed.unwrap_or(false)) {
            (None, None, false) => TlsSource::None,
            (None, None, true) => TlsSource::SelfSigned,
            (Some(certificates), Some(key), false) => TlsSource::Files(TlsFiles { certificates, key }),
            (Some(_), None, false) | (None, Some(_), false) => return Err(ConfigError::HalfOfTls),
            (_, _, true) => return Err(ConfigError::TwoCertificates),
        };
        let listen = layer.listen.unwrap_or_else(|| vec![DEFAULT_LISTEN]);
        if listen.is_empty() {
            return Err(ConfigError::NoAddress);
        }
        Ok(Self {
            data_dir: layer.data_dir.unwrap_or_else(|| DEFAULT_DATA_DIR.into()),
            listen,
            tls,
            allow_plaintext: layer.allow_plaintext.unwrap_or(false),
            bootstrap_management_token_file: layer.bootstrap_management_token_file,
            revocation_bound: layer.revocation_bound.map_or(DEFAULT_REVOCATION_BOUND, |span| span.0),
            recovery_window: layer.recovery_window.map_or(DEFAULT_RECOVERY_WINDOW, |span| span.0),
            query_timeout: layer.query_timeout.map(|span| span.0),
            query_memory: layer.query_memory.map(|size| size.0),
            metrics_public: layer.metrics_public.unwrap_or(false),
            profile: layer.profile.map(Profile::from).unwrap_or_default(),
            allow_remote_setup: layer.allow_remote_setup.unwrap_or(false),
            session_lifetime: layer.session_lifetime.map(|span| span.0),
            log_format: layer.log_format.unwrap_or_default(),
        })
    }
}

impl Layer {
    /// Nothing but the data directory.
    pub(crate) fn of_data_dir(data_dir: Option<PathBuf>) -> Self {
        Self { data_dir, ..Self::default() }
    }

    /// These settings, and for what they leave open those of `lower`.
    fn over(self, lower: Self) -> Self {
        Self {
            data_dir: self.data_dir.or(lower.data_dir),
            listen: self.listen.or(lower.listen),
            tls_cert: self.tls_cert.or(lower.tls_cert),
            tls_key: self.tls_key.or(lower.tls_key),
            tls_self_signed: self.tls_self_signed.or(lower.tls_self_signed),
            allow_plaintext: self.allow_plaintext.or(lower.allow_plaintext),
            bootstrap_management_token_file: self
                .bootstrap_management_token_file
                .or(lower.bootstrap_management_token_file),
            revocation_bound: self.revocation_bound.or(lower.revocation_bound),
            recovery_window: self.recovery_window.or(lower.recovery_window),
            query_timeout: self.query_timeout.or(lower.query_timeout),
            query_memory: self.query_memory.or(lower.query_memory),
            metrics_public: self.metrics_public.or(lower.metrics_public),
            profile: self.profile.or(lower.profile),
            allow_remote_setup: self.allow_remote_setup.or(lower.allow_remote_setup),
            session_lifetime: self.session_lifetime.or(lower.session_lifetime),
            log_format: self.log_format.or(lower.log_format),
        }
    }

    fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |reason| ConfigError::Unreadable { path: path.to_owned(), reason };
        if fs::metadata(path).map_err(unreadable)?.len() > LARGEST_FILE {
            return Err(ConfigError::TooLarge { path: path.to_owned() });
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        toml::from_str(&text).map_err(|reason| ConfigError::Invalid { path: path.to_owned(), reason })
    }

    fn from_environment(variables: &Variables<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            data_dir: variables.path("TIDEGATE_DATA_DIR"),
            listen: variables.list("TIDEGATE_LISTEN")?,
            tls_cert: variables.path("TIDEGATE_TLS_CERT"),
            tls_key: variables.path("TIDEGATE_TLS_KEY"),
            tls_self_signed: variables.value("TIDEGATE_TLS_SELF_SIGNED")?,
            allow_plaintext: variables.value("TIDEGATE_ALLOW_PLAINTEXT")?,
            bootstrap_management_token_file: variables.path("TIDEGATE_BOOTSTRAP_MANAGEMENT_TOKEN_FILE"),
            revocation_bound: variables.value("TIDEGATE_REVOCATION_BOUND")?,
            recovery_window: variables.value("TIDEGATE_RECOVERY_WINDOW")?,
            query_timeout: variables.value("TIDEGATE_QUERY_TIMEOUT")?,
            query_memory: variables.value("TIDEGATE_QUERY_MEMORY")?,
            metrics_public: variables.value("TIDEGATE_METRICS_PUBLIC")?,
            profile: variables.value("TIDEGATE_PROFILE")?,
            allow_remote_setup: variables.value("TIDEGATE_ALLOW_REMOTE_SETUP")?,
            session_lifetime: variables.value("TIDEGATE_SESSION_LIFETIME")?,
            log_format: variables.value("TIDEGATE_LOG_FORMAT")?,
        })
    }
}

/// Environment variables; an empty one counts as not set.
struct Variables<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Variables<'_> {
    fn path(&self, name: &str) -> Option<PathBuf> {
        (self.0)(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    fn text(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(value) = (self.0)(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        let text = value.into_string().map_err(|_| "it is not UTF-8 text".to_owned());
        text.map(Some).map_err(|reason| ConfigError::Variable { name, reason })
    }

    fn value<T: FromStr<Err: ToString>>(&self, name: &'static str) -> Result<Option<T>, ConfigError> {
        let parse = |text: String| text.parse().map_err(|error: T::Err| Self::invalid(name, error));
        self.text(name)?.map(parse).transpose()
    }

    /// Values with commas between them.
    fn list<T: FromStr<Err: ToString>>(&self, name: &'static str) -> Result<Option<Vec<T>>, ConfigError> {
        let parse = |text: String| {
            let items = text.split(',').map(|item| item.trim().parse());
            items.collect::<Result<_, _>>().map_err(|error: T::Err| Self::invalid(name, error))
        };
        self.text(name)?.map(parse).transpose()
    }

    fn invalid(name: &'static str, error: impl ToString) -> ConfigError {
        ConfigError::Variable { name, reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests;
