//! What a running command works with: streams, flags, the profile, and the way to the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::ArgMatches;
use tidegate_client::{
    BaseUrl, Connection, ConnectionOptions, DataClient, Exchange, ManagementClient, Observer, Scope, TlsOptions,
};
use tidegate_model::{DatabaseName, PlainToken};

use crate::Face;
use crate::auth::{self, Cache};
use crate::config::{self, Product, Profile};
use crate::error::{Error, Result};
use crate::globals::Globals;
use crate::io::{Io, Log, read_limited};
use crate::private_file;

const DEDICATED_CONSOLE: &str = "https://console.influxdata.com";
const MANAGEMENT_TOKEN: &str = "INFLUXCTL_MGMT_TOKEN";
const LARGEST_TOKEN_FILE: u64 = 64 * 1024;

pub(crate) struct Session<'a> {
    pub(crate) face: Face,
    pub(crate) io: &'a mut Io,
    pub(crate) globals: Globals,
    profile: Option<Arc<Profile>>,
    /// Set when a connection with a login token is answered 401.
    login_refused: Arc<AtomicBool>,
}

/// Where a database command goes.
pub(crate) struct DataTarget {
    pub(crate) client: DataClient,
    pub(crate) database: DatabaseName,
}

impl<'a> Session<'a> {
    pub(crate) fn new(face: Face, io: &'a mut Io, globals: Globals) -> Self {
        Self { face, io, globals, profile: None, login_refused: Arc::default() }
    }

    pub(crate) fn log(&self) -> &Log {
        &self.io.log
    }

    /// The client for administration. Its token comes from `--mgmt-token-file`, the environment, the profile or a login.
    pub(crate) async fn management(&mut self, matches: &ArgMatches) -> Result<ManagementClient> {
        let profile = self.profile()?;
        let scope = self.scope(&profile)?;
        let (base, tls) = management_address(&profile)?;
        self.tell_source(&profile, &base);
        let (token, refused) = match self.given_management_token(matches, &profile).await? {
            Some(token) => (token, None),
            None => (self.login_token(&profile, &base).await?, Some(Arc::clone(&self.login_refused))),
        };
        let connection = self.connect(base, tls, self.globals.request_timeout(), &token, refused)?;
        Ok(ManagementClient::new(connection, scope))
    }

    /// The kept login, or a new one.
    async fn login_token(&mut self, profile: &Profile, base: &BaseUrl) -> Result<PlainToken> {
        if profile.oauth2.is_none() {
            return Err(Error::Configuration(format!(
                "no management token is known: set mgmt_token in profile {:?} of {}, or INFLUXCTL_MGMT_TOKEN, or give \
                 --mgmt-token-file",
                profile.name,
                profile.file.display()
            )));
        }
        let context = auth::context(profile, &base.to_string());
        let kept = Cache::of(&self.io.environment, &profile.name)
            .and_then(|cache| cache.load(&context, self.io.clock.now(), self.log()));
        match kept {
            Some(token) => Ok(token),
            None => self.new_login(profile, base).await,
        }
    }

    async fn new_login(&mut self, profile: &Profile, base: &BaseUrl) -> Result<PlainToken> {
        auth::login(self.face, self.io, profile, &base.to_string(), self.globals.request_timeout()).await
    }

    /// Logs in now and keeps the token.
    pub(crate) async fn login(&mut self) -> Result<()> {
        let profile = self.profile()?;
        let other = if self.io.environment.variable(MANAGEMENT_TOKEN).is_some() {
            Some(MANAGEMENT_TOKEN)
        } else if profile.management_token.is_some() {
            Some("mgmt_token")
        } else {
            profile.token_file.as_ref().map(|_| "token_file")
        };
        if let Some(other) = other {
            return Err(Error::Usage(format!("no login is needed: {other} is set and used instead")));
        }
        let (base, _) = management_address(&profile)?;
        self.new_login(&profile, &base).await.map(drop)
    }

    /// Forgets the kept login of the profile.
    pub(crate) fn logout(&mut self) -> Result<()> {
        let profile = self.profile()?;
        let Some(cache) = Cache::of(&self.io.environment, &profile.name) else { return Ok(()) };
        cache.remove().map_err(|error| Error::Failed(format!("the login cannot be removed: {error}")))
    }

    /// Forgets a login that the server has refused, so that the next command asks for a new one.
    pub(crate) fn forget_refused_login(&mut self) {
        if self.login_refused.load(Ordering::Relaxed) {
            match self.logout() {
                Ok(()) => self.log().info("the kept login is removed: run the command again to log in"),
                Err(error) => self.log().warn(error.to_string()),
            }
        }
    }

    /// The client for data. Database and token come from the command's flags or the profile.
    pub(crate) async fn data(&mut self, matches: &ArgMatches, timeout: Duration) -> Result<DataTarget> {
        let profile = self.profile()?;
        let base = data_address(&profile)?;
        self.tell_source(&profile, &base);
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
        let connection = self.connect(base, profile.tls.clone(), timeout, &token, None)?;
        Ok(DataTarget { client: DataClient::new(connection), database })
    }

    /// Fails on a profile of the product that lacks the command, before anything is sent.
    pub(crate) fn refuse_clustered(&mut self) -> Result<()> {
        match self.profile()?.product {
            Product::Dedicated => Ok(()),
            Product::Clustered => Err(Error::NotOnClustered),
        }
    }

    /// The profile, read once.
    fn profile(&mut self) -> Result<Arc<Profile>> {
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
        let variable = self.io.environment.variable(MANAGEMENT_TOKEN).and_then(|value| value.to_str());
        let variable = variable.map(PlainToken::from_presented);
        for credential in [&profile.token, &profile.management_token, &variable].into_iter().flatten() {
            self.log().hide(credential);
        }
        self.log().debug(format!("profile {:?} of {}", profile.name, profile.file.display()));
        Ok(Arc::clone(self.profile.insert(Arc::new(profile))))
    }

    /// Nobody named the file of the profile: the user should know which server it leads to.
    fn tell_source(&self, profile: &Profile, base: &BaseUrl) {
        if !profile.found_by_itself {
            return;
        }
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

    /// The token that a flag, the environment or the profile gives, if one does.
    async fn given_management_token(&mut self, matches: &ArgMatches, profile: &Profile) -> Result<Option<PlainToken>> {
        if let Some(path) = matches.get_one::<PathBuf>("mgmt-token-file") {
            return self.token_from_file(path).await.map(Some);
        }
        if let Some(value) = self.io.environment.variable(MANAGEMENT_TOKEN) {
            let text =
                value.to_str().ok_or_else(|| Error::Configuration(format!("{MANAGEMENT_TOKEN} is not UTF-8 text")))?;
            return Ok(Some(PlainToken::from_presented(text)));
        }
        if let Some(token) = &profile.management_token {
            return Ok(Some(token.clone()));
        }
        if let Some(path) = &profile.token_file {
            return self.profile_token_file(path).map(Some);
        }
        Ok(None)
    }

    /// The token in the file that the profile names. Unlike files that flags name, it must be a regular one: nobody
    /// waits beside every command to feed a pipe.
    fn profile_token_file(&self, path: &Path) -> Result<PlainToken> {
        let path = self.io.environment.current_dir.join(path);
        let file = private_file::read_shared(&path, LARGEST_TOKEN_FILE)
            .map_err(|reason| Error::Unreadable { path: path.clone(), reason })?;
        if let Some(exposure) = file.exposure {
            self.log().warn(format!("token_file {} {exposure}: make it yours and its mode 0600", path.display()));
        }
        token_of(&file.bytes, &path.display().to_string(), true)
    }

    async fn token_from_file(&mut self, path: &Path) -> Result<PlainToken> {
        if path == Path::new("-") {
            let bytes = self.io.read_stdin(LARGEST_TOKEN_FILE).await?;
            return token_of(&bytes, "standard input", false);
        }
        let path = self.io.environment.current_dir.join(path);
        token_of(&read_file(&path)?, &path.display().to_string(), false)
    }

    fn connect(
        &self,
        base: BaseUrl,
        mut tls: TlsOptions,
        timeout: Duration,
        token: &PlainToken,
        refused: Option<Arc<AtomicBool>>,
    ) -> Result<Connection> {
        self.log().hide(token);
        if tls.insecure && base.is_encrypted() {
            let unused = if tls.ca.is_some() { ", and ca is not used" } else { "" };
            self.log().warn(format!(
                "the certificate of {} is not verified{unused}: whoever is in between can read the token; remove \
                 insecure from the profile",
                base.authority()
            ));
        }
        for path in [&mut tls.ca, &mut tls.certificate, &mut tls.key].into_iter().flatten() {
            *path = self.io.environment.current_dir.join(&*path);
        }
        let user_agent = format!("{}/{}", self.face.name(), self.face.version());
        let options =
            ConnectionOptions { base, tls, timeout, user_agent, observer: Some(observer(self.log(), refused)) };
        Ok(Connection::new(options, token)?)
    }
}

/// Logs every request, and notes whether one was refused for its credential.
fn observer(log: &Log, refused: Option<Arc<AtomicBool>>) -> Observer {
    let log = log.clone();
    Arc::new(move |exchange: &Exchange<'_>| {
        if let Some(refused) = refused.as_ref().filter(|_| exchange.status == Some(401)) {
            refused.store(true, Ordering::Relaxed);
        }
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
