//! What a running command works with: streams, flags, the profile, and the way to the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use tidegate_client::{
    BaseUrl, Connection, ConnectionOptions, DataClient, Exchange, ManagementClient, Observer, Scope, TlsOptions,
};
use tidegate_model::{DatabaseName, PlainToken};

use crate::Face;
use crate::config::{self, Product, Profile};
use crate::error::{Error, Result};
use crate::globals::Globals;
use crate::io::{Io, Log, read_limited};

const DEDICATED_CONSOLE: &str = "https://console.influxdata.com";
const LARGEST_TOKEN_FILE: u64 = 64 * 1024;

pub(crate) struct Session<'a> {
    pub(crate) face: Face,
    pub(crate) io: &'a mut Io,
    pub(crate) globals: Globals,
    profile: Option<(Arc<Profile>, FoundByItself)>,
}

/// Nobody named the profile's file: the user should be told which server it leads to.
type FoundByItself = bool;

/// Where a database command goes.
pub(crate) struct DataTarget {
    pub(crate) client: DataClient,
    pub(crate) database: DatabaseName,
}

impl<'a> Session<'a> {
    pub(crate) fn new(face: Face, io: &'a mut Io, globals: Globals) -> Self {
        Self { face, io, globals, profile: None }
    }

    pub(crate) fn log(&self) -> &Log {
        &self.io.log
    }

    /// The client for administration. Its token comes from `--mgmt-token-file`, the environment, or the profile.
    pub(crate) async fn management(&mut self, matches: &ArgMatches) -> Result<ManagementClient> {
        let (profile, found_by_itself) = self.profile()?;
        let scope = self.scope(&profile)?;
        let (base, tls) = management_address(&profile)?;
        if found_by_itself {
            self.tell_source(&profile, &base);
        }
        let token = self.management_token(matches, &profile).await?;
        let connection = self.connect(base, tls, self.globals.request_timeout(), &token)?;
        Ok(ManagementClient::new(connection, scope))
    }

    /// The client for data. Database and token come from the command's flags or the profile.
    pub(crate) async fn data(&mut self, matches: &ArgMatches, timeout: Duration) -> Result<DataTarget> {
        let (profile, found_by_itself) = self.profile()?;
        let base = data_address(&profile)?;
        if found_by_itself {
            self.tell_source(&profile, &base);
        }
        let database = matches.get_one::<DatabaseName>("database").or(profile.database.as_ref()).ok_or_else(|| {
            Error::Usage("no database is known: give --database or set the profile's database".to_owned())
        })?;
        let database = database.clone();
        let token = match (matches.get_one::<String>("token"), matches.get_one::<PathBuf>("token-file")) {
            (Some(token), _) => PlainToken::from_presented(token.as_str()),
            (None, Some(path)) => self.token_from_file(path).await?,
            (None, None) => profile.token.clone().ok_or_else(|| {
                Error::Usage("no token is known: give --token or --token-file, or set the profile's token".to_owned())
            })?,
        };
        let connection = self.connect(base, profile.tls.clone(), timeout, &token)?;
        Ok(DataTarget { client: DataClient::new(connection), database })
    }

    /// Fails on a profile of the product that lacks the command, before anything is sent.
    pub(crate) fn refuse_clustered(&mut self) -> Result<()> {
        match self.profile()?.0.product {
            Product::Dedicated => Ok(()),
            Product::Clustered => Err(Error::NotOnClustered),
        }
    }

    /// The profile, read once.
    fn profile(&mut self) -> Result<(Arc<Profile>, FoundByItself)> {
        if let Some(profile) = &self.profile {
            return Ok(profile.clone());
        }
        let globals = &self.globals;
        let located = config::locate(
            self.face,
            globals.config.as_deref(),
            globals.profile.as_deref(),
            &self.io.environment,
            self.log(),
        )?;
        let profile = config::read(&located, self.log())?;
        self.log().debug(format!("profile {:?} of {}", profile.name, profile.file.display()));
        Ok(self.profile.insert((Arc::new(profile), located.found_by_itself)).clone())
    }

    fn tell_source(&self, profile: &Profile, base: &BaseUrl) {
        self.log().info(format!("using {} for {}", profile.file.display(), base.authority()));
    }

    fn scope(&self, profile: &Profile) -> Result<Scope> {
        if profile.product == Product::Clustered {
            return Ok(Scope::Clustered);
        }
        let missing = |key: &str, flag: &str| {
            Error::Configuration(format!(
                "profile {:?} in {} has no {key}: set it or give {flag}",
                profile.name,
                profile.file.display()
            ))
        };
        Ok(Scope::Dedicated {
            account: self.globals.account.or(profile.account).ok_or_else(|| missing("account_id", "--account"))?,
            cluster: self.globals.cluster.or(profile.cluster).ok_or_else(|| missing("cluster_id", "--cluster"))?,
        })
    }

    async fn management_token(&mut self, matches: &ArgMatches, profile: &Profile) -> Result<PlainToken> {
        if let Some(path) = matches.get_one::<PathBuf>("mgmt-token-file") {
            return self.token_from_file(path).await;
        }
        if let Some(value) = self.io.environment.variable("INFLUXCTL_MGMT_TOKEN") {
            return value
                .to_str()
                .map(PlainToken::from_presented)
                .ok_or_else(|| Error::Configuration("INFLUXCTL_MGMT_TOKEN is not UTF-8 text".to_owned()));
        }
        if let Some(token) = &profile.management_token {
            return Ok(token.clone());
        }
        if let Some(path) = &profile.token_file {
            let path = self.io.environment.current_dir.join(path);
            return token_of(&read_file(&path)?, &path.display().to_string(), true);
        }
        Err(Error::Configuration(format!(
            "no management token is known: set mgmt_token in profile {:?} of {}, or INFLUXCTL_MGMT_TOKEN, or give \
             --mgmt-token-file",
            profile.name,
            profile.file.display()
        )))
    }

    async fn token_from_file(&mut self, path: &Path) -> Result<PlainToken> {
        if path == Path::new("-") {
            let bytes = self.io.read_stdin(LARGEST_TOKEN_FILE).await?;
            return token_of(&bytes, "standard input", false);
        }
        let path = self.io.environment.current_dir.join(path);
        token_of(&read_file(&path)?, &path.display().to_string(), false)
    }

    fn connect(&self, base: BaseUrl, mut tls: TlsOptions, timeout: Duration, token: &PlainToken) -> Result<Connection> {
        for path in [&mut tls.ca, &mut tls.certificate, &mut tls.key].into_iter().flatten() {
            *path = self.io.environment.current_dir.join(&*path);
        }
        let user_agent = format!("{}/{}", self.face.name(), self.face.version());
        let options = ConnectionOptions { base, tls, timeout, user_agent, observer: Some(observer(self.log())) };
        Ok(Connection::new(options, token)?)
    }
}

fn observer(log: &Log) -> Observer {
    let log = log.clone();
    Arc::new(move |exchange: &Exchange<'_>| {
        let outcome = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let Exchange { method, authority, path, elapsed, .. } = exchange;
        log.debug(format!("{method} {authority}{path}: {outcome} after {elapsed:.1?}"));
        let content_type = exchange.content_type.unwrap_or("none");
        log.trace(format!("sent {} bytes, answer's content type {content_type}", exchange.request_bytes));
    })
}

fn data_address(profile: &Profile) -> Result<BaseUrl> {
    let host = profile.host.as_deref().ok_or_else(|| {
        Error::Configuration(format!("profile {:?} in {} has no host", profile.name, profile.file.display()))
    })?;
    let default_port = if profile.plaintext { 80 } else { 443 };
    Ok(BaseUrl::from_host(host, profile.port.unwrap_or(default_port), !profile.plaintext)?)
}

/// Where administration goes. The profile's TLS section is about the cluster's own host: it must not weaken the
/// connection to a console that serves everybody.
fn management_address(profile: &Profile) -> Result<(BaseUrl, TlsOptions)> {
    match (&profile.management_url, profile.product) {
        (Some(url), _) => Ok((url.clone(), profile.tls.clone())),
        (None, Product::Clustered) => Ok((data_address(profile)?, profile.tls.clone())),
        (None, Product::Dedicated) => Ok((BaseUrl::parse(DEDICATED_CONSOLE)?, TlsOptions::default())),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    std::fs::File::open(path)
        .and_then(|file| read_limited(file, LARGEST_TOKEN_FILE))
        .map_err(|reason| Error::Unreadable { path: path.to_owned(), reason })
}

/// The token in a file: the bare text, or (`or_json`) the member `access_token` of a JSON object.
fn token_of(bytes: &[u8], source: &str, or_json: bool) -> Result<PlainToken> {
    let text = std::str::from_utf8(bytes).map(str::trim).unwrap_or_default();
    let member = or_json
        .then(|| serde_json::from_str::<serde_json::Value>(text).ok()?.get("access_token")?.as_str().map(str::to_owned))
        .flatten();
    let token = member.as_deref().unwrap_or(text);
    if token.is_empty() || token.contains(|c: char| c.is_whitespace() || c.is_control()) || token.starts_with('{') {
        return Err(Error::Configuration(format!("{source} does not hold exactly one token")));
    }
    Ok(PlainToken::from_presented(token))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Environment;
    use crate::config::Located;

    fn profile(text: &str) -> Profile {
        let clock = Arc::new(tidegate_model::SystemClock);
        let io = Io::new(std::io::empty(), std::io::sink(), std::io::sink(), Environment::default(), clock);
        let text = format!("[[profile]]\nname = \"default\"\n{text}\n[profile.tls]\ninsecure = true\n");
        let located = Located { path: "x.toml".into(), text, profile: "default".to_owned(), found_by_itself: false };
        config::read(&located, &io.log).unwrap()
    }

    #[test]
    fn the_profiles_tls_section_does_not_weaken_the_common_console() {
        let (base, tls) = management_address(&profile("product = \"dedicated\"\nhost = \"plant7\"")).unwrap();
        assert_eq!(base.to_string(), DEDICATED_CONSOLE);
        assert_eq!(tls, TlsOptions::default());
    }

    #[test]
    fn management_goes_to_its_own_address_or_to_the_cluster() {
        let own = "product = \"dedicated\"\nmanagement_url = \"https://plant7:8181\"";
        let (base, tls) = management_address(&profile(own)).unwrap();
        assert_eq!((base.to_string().as_str(), tls.insecure), ("https://plant7:8181", true));
        let clustered = "product = \"clustered\"\nhost = \"lab\"\nport = \"8086\"";
        let (base, tls) = management_address(&profile(clustered)).unwrap();
        assert_eq!((base.to_string().as_str(), tls.insecure), ("https://lab:8086", true));
    }
}
