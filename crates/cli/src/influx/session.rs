//! What a running command works with: streams, flags, the config, and the way to the server.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tidegate_client::v2::{self, Client, Credential, Heads, Observer, OrganizationReference};
use tidegate_client::{BaseUrl, TlsOptions};
use tidegate_model::PlainToken;

use super::config::{Config, Configs};
use super::error::{Context as _, Error, Result};
use super::output::{self, Table};
use super::parse::Given;
use super::{INFLUX, VERSION};
use crate::io::Io;

/// No command may wait for ever.
const TIMEOUT: Duration = Duration::from_secs(600);

const TRACE_PREFIX: &str = "INFLUX_CLI_TRACE_PRINT_PREFIX";

pub(crate) struct Session<'a> {
    pub(crate) io: &'a mut Io,
    pub(crate) given: Given,
}

/// The server that a command talks to.
pub(crate) struct Server {
    pub(crate) client: Client,
    /// The organization of the config; may be empty.
    pub(crate) org: String,
    /// The address as it was given.
    pub(crate) url: String,
}

/// Whether a command proves itself to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// With token or session.
    Full,
    /// With a session if the config has a login, but without a token.
    SessionOnly,
    Never,
}

impl<'a> Session<'a> {
    pub(crate) fn new(io: &'a mut Io, given: Given) -> Self {
        Self { io, given }
    }

    /// The file of configs that flag, environment or custom name.
    pub(crate) fn configs(&self) -> Result<Configs> {
        Configs::load(self.io, self.given.text("configs-path"))
    }

    /// The config in use; `--active-config` makes it the active one first.
    fn config(&self) -> Result<Config> {
        let mut configs = self.configs()?;
        if let Some(name) = self.given.text("active-config") {
            let is_new = configs.get(name).is_ok_and(|config| !config.is_active);
            configs.switch(name)?;
            if is_new {
                configs.save()?;
            }
        }
        Ok(configs.active().1)
    }

    /// The way to the server. Signs in first if the config says so and no token is given.
    pub(crate) async fn server(&mut self, proof: Proof) -> Result<Server> {
        let config = self.config()?;
        let url = self.given.value("host").unwrap_or(&config.url).to_owned();
        let base = address(&url)?;
        let token = self.given.value("token").map(PlainToken::from_presented).filter(|_| proof == Proof::Full);
        let login = if token.is_none() && proof != Proof::Never { config.login()? } else { None };
        let credential = match (token, login) {
            (None, Some((user, password))) => self.sign_in(&base, &user, password).await?,
            (token, _) => {
                let token = token.or_else(|| Some(config.token).filter(|_| proof == Proof::Full));
                match token.filter(|token| !token.expose().is_empty()) {
                    Some(token) => Credential::Token(token),
                    None => Credential::None,
                }
            }
        };
        Ok(Server { client: self.connect(base, credential)?, org: config.org, url })
    }

    async fn sign_in(&mut self, base: &BaseUrl, user: &str, password: Option<PlainToken>) -> Result<Credential> {
        let password = match password {
            Some(password) => password,
            None => self.io.ask_secret("Please provide your password: ").await?,
        };
        let client = self.connect(base.clone(), Credential::None)?;
        let signed_in = client.sign_in(user, &password).await;
        let key = signed_in.context(|| {
            "error creating session: error signing in, verify signin was not called against cloud influxdb".to_owned()
        })?;
        Ok(Credential::Session(key))
    }

    fn connect(&self, base: BaseUrl, credential: Credential) -> Result<Client> {
        if let Credential::Token(secret) | Credential::Session(secret) = &credential {
            self.io.log.hide(secret);
        }
        let mut headers = Vec::new();
        if let Some(id) = self.given.text("trace-debug-id") {
            headers.extend(["Zap-Trace-Span", "influx-debug-id"].map(|name| (name.to_owned(), id.to_owned())));
        }
        for header in self.given.texts("extra-http-header") {
            let (name, value) =
                header.split_once(':').ok_or_else(|| Error::text("an extra header is not written NAME:VALUE"))?;
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        let options = v2::Options {
            base,
            tls: TlsOptions { insecure: self.given.switch("skip-verify"), ..TlsOptions::default() },
            timeout: TIMEOUT,
            user_agent: user_agent(),
            credential,
            headers,
            observer: Some(self.observer()),
        };
        Ok(Client::new(options).map_err(v2::Error::from)?)
    }

    /// Shows heads with `--http-debug`, and always the ids of traces.
    fn observer(&self) -> Observer {
        let log = self.io.log.clone();
        let show_heads = self.given.switch("http-debug");
        let prefix = self.io.environment.variable_even_empty(TRACE_PREFIX);
        let prefix = prefix.map_or_else(|| "trace-id: ".to_owned(), |text| text.to_string_lossy().into_owned());
        Arc::new(move |heads: &Heads| {
            if show_heads {
                for line in heads.request.iter().chain(&heads.answer) {
                    log.raw(&format!("{}\n", crate::output::one_line(&log.without_credentials(line))));
                }
            }
            if let Some(trace) = &heads.trace {
                log.raw(&format!("{prefix}{}\n", crate::output::one_line(trace)));
            }
        })
    }

    /// The organization as flags give it: its id, or else its name. Both at once are an error.
    pub(crate) fn organization_flags(&self, name_flag: &str, id_flag: &str) -> Result<Option<OrganizationReference>> {
        match (self.given.text(id_flag), self.given.text(name_flag)) {
            (Some(id), Some(name)) => Err(Error::Text(format!(
                "ambiguous org: use OrgId or OrgName, but not both. OrgID: {id}, OrgName: {name}"
            ))),
            (Some(id), None) => Ok(Some(OrganizationReference::Id(id.to_owned()))),
            (None, Some(name)) => Ok(Some(OrganizationReference::Name(name.to_owned()))),
            (None, None) => Ok(None),
        }
    }

    /// The organization that flags or config name.
    pub(crate) fn organization(&self, server: &Server) -> Result<OrganizationReference> {
        self.organization_by("org", "org-id", server)
    }

    fn organization_by(&self, name_flag: &str, id_flag: &str, server: &Server) -> Result<OrganizationReference> {
        self.organization_flags(name_flag, id_flag)?
            .or_else(|| Some(server.org.clone()).filter(|org| !org.is_empty()).map(OrganizationReference::Name))
            .ok_or_else(|| Error::text("must specify org ID or org name"))
    }

    /// The id of the organization, asked of the server if only its name is known.
    pub(crate) async fn organization_id(&self, server: &Server) -> Result<String> {
        self.organization_id_by("org", "org-id", server).await
    }

    pub(crate) async fn organization_id_by(&self, name_flag: &str, id_flag: &str, server: &Server) -> Result<String> {
        let name = match self.organization_by(name_flag, id_flag, server)? {
            OrganizationReference::Id(id) => return Ok(id),
            OrganizationReference::Name(name) => name,
        };
        let found = server.client.organizations(Some(&name), None).await;
        let found = found.context(|| format!("failed to lookup org with name {name:?}"))?;
        let first = found.into_iter().next().map(|organization| organization.known.id);
        first.ok_or_else(|| Error::Text(format!("no organization with name {name:?}")))
    }

    /// Prints a table, or with `--json` a value instead.
    pub(crate) fn print(&mut self, table: &Table, value: &impl Serialize) -> Result<()> {
        let text = if self.given.switch("json") {
            output::json(value)?
        } else {
            table.render(self.given.switch("hide-headers"))
        };
        Ok(self.io.print(&text)?)
    }

    /// A password from a flag, or typed in.
    pub(crate) async fn password(&mut self, question: &str) -> Result<PlainToken> {
        match self.given.text("password") {
            Some(password) => {
                let password = PlainToken::from_presented(password);
                self.io.log.hide(&password);
                Ok(password)
            }
            None => Ok(self.io.ask_secret(question).await?),
        }
    }
}

/// The address of a server as a flag or config gives it.
pub(crate) fn address(url: &str) -> Result<BaseUrl> {
    let shown = match url.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => url.to_owned(),
    };
    let invalid = |reason: String| Error::Text(format!("host URL {shown:?} is invalid: {reason}"));
    if url.is_empty() {
        return Err(invalid("it is empty, and a variable that is set to nothing counts as given".to_owned()));
    }
    if !url.contains("://") && url.contains(':') {
        return Err(invalid(format!("parse {shown:?}: first path segment in URL cannot contain colon")));
    }
    if !["http://", "https://"].iter().any(|scheme| url.to_ascii_lowercase().starts_with(scheme)) {
        return Err(invalid("a scheme of http or https must be provided for host url".to_owned()));
    }
    BaseUrl::parse(url).map_err(|error| invalid(format!("parse {shown:?}: {error}")))
}

pub(crate) fn user_agent() -> String {
    let (os, own) = (std::env::consts::OS, env!("CARGO_PKG_VERSION"));
    format!("{INFLUX}/{VERSION} ({os}) Sha/tidegate-{own} Date/none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_a_scheme_and_show_no_password() {
        let refused = |url: &str| address(url).unwrap_err().to_string();
        assert_eq!(
            refused("127.0.0.1:8086"),
            "host URL \"127.0.0.1:8086\" is invalid: parse \"127.0.0.1:8086\": first path segment in URL cannot contain \
             colon"
        );
        assert_eq!(
            refused("ftp://example.org"),
            "host URL \"ftp://example.org\" is invalid: a scheme of http or https must be provided for host url"
        );
        assert_eq!(
            refused(""),
            "host URL \"\" is invalid: it is empty, and a variable that is set to nothing counts as given"
        );
        let shown = refused("http://ada:hunter2@example.org");
        assert!(shown.starts_with("host URL \"…@example.org\" is invalid: ") && !shown.contains("hunter2"), "{shown}");
        assert!(address("https://example.org/prefix").is_ok());
    }
}
