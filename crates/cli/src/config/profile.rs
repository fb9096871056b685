//! The keys of a profile.
//!
//! Values are taken out one by one instead of through serde, whose messages repeat values; some of these are secrets.

use std::path::{Path, PathBuf};

use tidegate_client::{BaseUrl, TlsOptions};
use tidegate_model::{AccountId, ClusterId, DatabaseName, ParseIdError, PlainToken};
use toml::{Table, Value};

use super::Located;
use crate::error::{Error, Result};
use crate::io::Log;

/// What kind of server a profile leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    Dedicated,
    Clustered,
}

/// A profile whose values have been checked.
#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) found_by_itself: bool,
    pub(crate) product: Product,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) database: Option<DatabaseName>,
    pub(crate) token: Option<PlainToken>,
    pub(crate) account: Option<AccountId>,
    pub(crate) cluster: Option<ClusterId>,
    pub(crate) management_token: Option<PlainToken>,
    pub(crate) management_url: Option<BaseUrl>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) oauth2: Option<OAuth2>,
    pub(crate) plaintext: bool,
    pub(crate) tls: TlsOptions,
}

/// The section `[profile.auth.oauth2]`. What is missing matters only when a login is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OAuth2 {
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) token_url: Option<String>,
    pub(crate) device_url: Option<String>,
}

const PROFILE_KEYS: &[&str] = &[
    "name",
    "product",
    "host",
    "port",
    "database",
    "token",
    "account_id",
    "cluster_id",
    "mgmt_token",
    "management_url",
    "tls",
    "auth",
];
const TLS_KEYS: &[&str] = &["insecure", "disable", "cert", "key", "ca"];
const OAUTH2_KEYS: &[&str] = &["client_id", "scopes", "parameters", "token_url", "device_url"];
const REMOVED_KEY: &str = "client_secret";

/// The wanted profile of the file. Unknown keys anywhere in the file are errors.
pub(crate) fn read(located: &Located, log: &Log) -> Result<Profile> {
    let file = located.path.display();
    let root: Table = located.text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| line_of(&located.text, span.start));
        Error::Configuration(format!("{file} is not valid TOML (line {line}): {}", error.message()))
    })?;
    let in_file = |message: String| Error::Configuration(format!("{file}: {message}"));
    known_keys(&root, "", &["profile"]).map_err(in_file)?;
    let profiles = match root.get("profile") {
        Some(Value::Array(profiles)) => profiles.as_slice(),
        Some(_) => return Err(in_file("profiles are written [[profile]]".to_owned())),
        None => &[],
    };
    let mut found = None;
    for profile in profiles {
        let table = profile.as_table().ok_or_else(|| in_file("profiles are written [[profile]]".to_owned()))?;
        let has_removed_key = check_keys(table).map_err(in_file)?;
        let name = text(table, "name").map_err(in_file)?;
        if name.is_none() {
            return Err(in_file("a profile has no name: give each one a name".to_owned()));
        }
        if name.as_deref() != Some(located.profile.as_str()) {
            continue;
        }
        if found.replace(table).is_some() {
            return Err(in_file(format!("there are two profiles named {:?}", located.profile)));
        }
        if has_removed_key {
            log.warn(format!("{file}: the key {REMOVED_KEY} is no longer used"));
        }
    }
    let table = found.ok_or_else(|| in_file(format!("there is no profile named {:?}", located.profile)))?;
    values(table, located)
        .map_err(|message| Error::Configuration(format!("{file}: profile {:?}: {message}", located.profile)))
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

/// Refuses unknown keys and tells whether the removed one occurs.
fn check_keys(profile: &Table) -> std::result::Result<bool, String> {
    known_keys(profile, "profile.", PROFILE_KEYS)?;
    if let Some(tls) = sub_table(profile, "tls", "profile.")? {
        known_keys(tls, "profile.tls.", TLS_KEYS)?;
    }
    let Some(auth) = sub_table(profile, "auth", "profile.")? else { return Ok(false) };
    known_keys(auth, "profile.auth.", &["oauth2", "token"])?;
    if let Some(token) = sub_table(auth, "token", "profile.auth.")? {
        known_keys(token, "profile.auth.token.", &["token_file"])?;
    }
    let Some(oauth2) = sub_table(auth, "oauth2", "profile.auth.")? else { return Ok(false) };
    let mut current = oauth2.clone();
    let removed = current.remove(REMOVED_KEY).is_some();
    known_keys(&current, "profile.auth.oauth2.", OAUTH2_KEYS)?;
    Ok(removed)
}

fn known_keys(table: &Table, prefix: &str, known: &[&str]) -> std::result::Result<(), String> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("unknown key {prefix}{key}")),
        None => Ok(()),
    }
}

fn values(table: &Table, located: &Located) -> std::result::Result<Profile, String> {
    let product = match text(table, "product")?.as_deref() {
        Some("dedicated") => Product::Dedicated,
        Some("clustered") => Product::Clustered,
        Some(other) => return Err(format!("product must be \"dedicated\" or \"clustered\", not {other:?}")),
        None => return Err("product is missing".to_owned()),
    };
    let host = text(table, "host")?;
    if product == Product::Clustered && host.is_none() {
        return Err("host is missing".to_owned());
    }
    let empty = Table::new();
    let tls = sub_table(table, "tls", "")?.unwrap_or(&empty);
    let auth = sub_table(table, "auth", "")?.unwrap_or(&empty);
    let file_auth = sub_table(auth, "token", "")?.unwrap_or(&empty);
    let directory = located.path.parent().unwrap_or(Path::new(""));
    let path = |table: &Table, key| Ok::<_, String>(text(table, key)?.map(|path| directory.join(path)));
    Ok(Profile {
        name: located.profile.clone(),
        file: located.path.clone(),
        found_by_itself: located.found_by_itself,
        product,
        host,
        port: port(table)?,
        database: parsed(table, "database")?,
        token: text(table, "token")?.map(PlainToken::from_presented),
        account: id(table, "account_id")?,
        cluster: id(table, "cluster_id")?,
        management_token: text(table, "mgmt_token")?.map(PlainToken::from_presented),
        management_url: text(table, "management_url")?
            .map(|url| BaseUrl::parse(&url).map_err(|error| format!("management_url: {error}")))
            .transpose()?,
        token_file: path(file_auth, "token_file")?,
        oauth2: sub_table(auth, "oauth2", "auth.")?.map(oauth2).transpose()?,
        plaintext: switch(tls, "disable")?,
        tls: TlsOptions {
            insecure: switch(tls, "insecure")?,
            ca: path(tls, "ca")?,
            certificate: path(tls, "cert")?,
            key: path(tls, "key")?,
        },
    })
}

fn oauth2(table: &Table) -> std::result::Result<OAuth2, String> {
    let string = |value: &Value| value.as_str().map(str::to_owned);
    let scopes = match table.get("scopes") {
        Some(Value::Array(scopes)) => scopes.iter().map(string).collect(),
        Some(_) => None,
        None => Some(Vec::new()),
    };
    let parameters = match table.get("parameters") {
        Some(Value::Table(table)) => table.iter().map(|(name, value)| Some((name.clone(), string(value)?))).collect(),
        Some(_) => None,
        None => Some(Vec::new()),
    };
    Ok(OAuth2 {
        client_id: text(table, "client_id")?,
        scopes: scopes.ok_or("scopes must be an array of strings")?,
        parameters: parameters.ok_or("parameters must be a table of strings")?,
        token_url: text(table, "token_url")?,
        device_url: text(table, "device_url")?,
    })
}

/// A text; `None` when absent or empty.
fn text(table: &Table, key: &str) -> std::result::Result<Option<String>, String> {
    match table.get(key) {
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{key} must be a string")),
        None => Ok(None),
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    table: &Table,
    key: &str,
) -> std::result::Result<Option<T>, String> {
    text(table, key)?.map(|text| text.parse().map_err(|error| format!("{key}: {error}"))).transpose()
}

fn id<T: std::str::FromStr<Err = ParseIdError>>(table: &Table, key: &str) -> std::result::Result<Option<T>, String> {
    text(table, key)?.map(|text| crate::values::id(&text).map_err(|error| format!("{key} {error}"))).transpose()
}

fn switch(table: &Table, key: &str) -> std::result::Result<bool, String> {
    match table.get(key) {
        Some(Value::Boolean(on)) => Ok(*on),
        Some(_) => Err(format!("{key} must be true or false")),
        None => Ok(false),
    }
}

fn port(table: &Table) -> std::result::Result<Option<u16>, String> {
    let port = match table.get("port") {
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Integer(number)) => u16::try_from(*number).ok(),
        Some(_) => None,
        None => return Ok(None),
    };
    port.filter(|&port| port != 0).map(Some).ok_or_else(|| "port must be a number from 1 to 65535".to_owned())
}

fn sub_table<'a>(table: &'a Table, key: &str, prefix: &str) -> std::result::Result<Option<&'a Table>, String> {
    match table.get(key) {
        Some(Value::Table(inner)) => Ok(Some(inner)),
        Some(_) => Err(format!("{prefix}{key} must be a table")),
        None => Ok(None),
    }
}
