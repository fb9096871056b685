//! The configs: named servers with their credentials (v2 API contract §6.2).

mod file;

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use tidegate_model::PlainToken;

use super::error::{Error, Result};
use crate::io::Io;

/// What a config is called if nobody names it.
pub(crate) const DEFAULT_NAME: &str = "default";

const DEFAULT_URL: &str = "http://localhost:8086";

/// Words of `influx config` that no config can be called by.
const REFUSED_NAMES: [&str; 7] = ["-", "list", "update", "set", "delete", "switch", "create"];

/// One server and how to prove oneself to it.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) url: String,
    pub(crate) token: PlainToken,
    pub(crate) org: String,
    pub(crate) is_active: bool,
    /// Was active before the one that is.
    pub(crate) was_active: bool,
    /// Base64 of `user` or `user:password`; empty if there is none.
    pub(crate) cookie: PlainToken,
}

impl Config {
    pub(crate) fn new(url: &str) -> Self {
        let none = || PlainToken::from_presented("");
        let url = url.to_owned();
        Self { url, token: none(), org: String::new(), is_active: false, was_active: false, cookie: none() }
    }

    pub(crate) fn set_login(&mut self, user_and_password: &str) {
        self.cookie = PlainToken::from_presented(STANDARD.encode(user_and_password));
        self.token = PlainToken::from_presented("");
    }

    pub(crate) fn set_token(&mut self, token: &str) {
        self.token = PlainToken::from_presented(token);
        self.cookie = PlainToken::from_presented("");
    }

    /// User and, if it is kept, password to sign in with.
    pub(crate) fn login(&self) -> Result<Option<(String, Option<PlainToken>)>> {
        if self.cookie.expose().is_empty() {
            return Ok(None);
        }
        let bytes = STANDARD.decode(self.cookie.expose()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = bytes.ok_or_else(|| Error::text("the cookie of the config is not Base64 of USER:PASSWORD"))?;
        Ok(Some(match text.split_once(':') {
            Some((user, password)) => (user.to_owned(), Some(PlainToken::from_presented(password))),
            None => (text, None),
        }))
    }
}

/// As `--json` shows it, secrets included.
impl Serialize for Config {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            url: &'a str,
            token: &'a str,
            org: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            active: Option<bool>,
            #[serde(skip_serializing_if = "Option::is_none")]
            previous: Option<bool>,
            #[serde(skip_serializing_if = "str::is_empty")]
            cookie: &'a str,
        }
        Shown {
            url: &self.url,
            token: self.token.expose(),
            org: &self.org,
            active: self.is_active.then_some(true),
            previous: self.was_active.then_some(true),
            cookie: self.cookie.expose(),
        }
        .serialize(serializer)
    }
}

/// All configs of a file by name. Nothing is written before [`Configs::save`].
#[derive(Debug)]
pub(crate) struct Configs {
    path: PathBuf,
    pub(crate) all: BTreeMap<String, Config>,
}

impl Configs {
    /// From the file with this path, or the default one. None there is no configs.
    pub(crate) fn load(io: &Io, path: Option<&str>) -> Result<Self> {
        let path = match path {
            Some(path) => io.environment.current_dir.join(path),
            None => default_path(io).ok_or_else(|| Error::text("no home directory is known: give --configs-path"))?,
        };
        let all = file::read(&path)?;
        for config in all.values() {
            for secret in [&config.token, &config.cookie] {
                io.log.hide(secret);
            }
            if let Ok(Some((_, Some(password)))) = config.login() {
                io.log.hide(&password);
            }
        }
        Ok(Self { path, all })
    }

    pub(crate) fn save(&self) -> Result<()> {
        file::write(&self.path, &self.all)
    }

    /// The config in use: the active one, else any, else the one that everybody has.
    pub(crate) fn active(&self) -> (String, Config) {
        let found = self.all.iter().find(|(_, config)| config.is_active).or_else(|| self.all.iter().next());
        match found {
            Some((name, config)) => (name.clone(), config.clone()),
            None => (DEFAULT_NAME.to_owned(), Config { is_active: true, ..Config::new(DEFAULT_URL) }),
        }
    }

    /// Makes a config the active one.
    pub(crate) fn switch(&mut self, name: &str) -> Result<()> {
        if !self.all.contains_key(name) {
            return Err(not_found(name));
        }
        for (other, config) in &mut self.all {
            config.was_active = config.is_active && other != name;
            config.is_active = other == name;
        }
        Ok(())
    }

    /// Makes the config active that was it before, and returns its name.
    pub(crate) fn switch_back(&mut self) -> Result<String> {
        let previous = self.all.iter().find(|(_, config)| config.was_active).map(|(name, _)| name.clone());
        let name = previous.ok_or_else(|| Error::text("previous  activated config is not found"))?;
        self.switch(&name)?;
        Ok(name)
    }

    pub(crate) fn add(&mut self, name: &str, config: Config) -> Result<()> {
        if REFUSED_NAMES.contains(&name) || name.is_empty() {
            return Err(Error::Text(format!("{name:?} is not a valid config name")));
        }
        if self.all.contains_key(name) {
            return Err(Error::Text(format!("config {name:?} already exists")));
        }
        let is_active = config.is_active;
        self.all.insert(name.to_owned(), config);
        if is_active { self.switch(name) } else { Ok(()) }
    }

    /// Removes a config, if it is there. Where it was the active one, any other becomes it.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Config> {
        let removed = self.all.remove(name)?;
        if removed.is_active
            && let Some(config) = self.all.values_mut().next()
        {
            config.is_active = true;
            config.was_active = false;
        }
        Some(removed)
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Config> {
        self.all.get(name).ok_or_else(|| not_found(name))
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Result<&mut Config> {
        self.all.get_mut(name).ok_or_else(|| not_found(name))
    }
}

fn not_found(name: &str) -> Error {
    Error::Text(format!("config {name:?} is not found"))
}

fn default_path(io: &Io) -> Option<PathBuf> {
    let home = io.home.clone().or_else(|| io.environment.variable("HOME").map(PathBuf::from))?;
    Some(home.join(".influxdbv2/configs"))
}

#[cfg(test)]
mod tests;
