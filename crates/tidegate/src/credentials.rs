//! `credentials.toml`: how to reach this server, for the command line of this program and for `influxctl`.
//!
//! The first start writes it together with the management token, which exists nowhere else. Later starts touch only
//! the lines that say where the server is.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tidegate_model::{Identity, PlainToken};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, TomlError, Value};

use crate::durable;

/// The file's name in the data directory.
pub(crate) const FILE_NAME: &str = "credentials.toml";
const PROFILE: &str = "default";
const PRIVATE: u32 = 0o600;

const HEADER: &str = "\
# How to reach this server, for tidegate and influxctl: give it as --config. Keep it secret.
# Each start of the server renews host, port, management_url and the TLS lines of the profile \"default\".

";

/// Where clients on this machine reach the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Host name or address, IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
}

/// How the way to the server is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Security {
    Plaintext,
    Tls {
        /// The certificates that the server shows.
        certificates: PathBuf,
        /// Whether they can only be trusted by being named: no public authority stands behind them.
        self_issued: bool,
    },
}

/// What happens to the management token in the file.
#[derive(Debug)]
pub(crate) enum TokenLine<'a> {
    /// This one was just made.
    Write(&'a PlainToken),
    /// The operator has the token; what is in the file belongs to no server.
    Remove,
    /// As it is.
    Keep,
}

/// Why the file cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error("cannot use {}: {reason}", path.display())]
    Unusable { path: PathBuf, reason: io::Error },
    /// The reason is left out: it would quote the file.
    #[error("{} is not an influxctl configuration: correct it or move it away", path.display())]
    Invalid { path: PathBuf },
}

/// What the file says about the server whose data it lies beside.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) file: PathBuf,
    pub(crate) url: String,
    /// The only authority to trust; `None` = those of the system.
    pub(crate) ca: Option<PathBuf>,
    /// Whether the owner of the file wants certificates not to be verified.
    pub(crate) insecure: bool,
    pub(crate) management_token: Option<PlainToken>,
}

/// Reads the file.
pub(crate) fn read(directory: &Path) -> Result<Reach, CredentialsError> {
    let path = directory.join(FILE_NAME);
    let text = fs::read_to_string(&path).map_err(|reason| CredentialsError::Unusable { path: path.clone(), reason })?;
    parsed(&text, &path).ok_or(CredentialsError::Invalid { path })
}

fn parsed(text: &str, path: &Path) -> Option<Reach> {
    let document: DocumentMut = text.parse().ok()?;
    let profile = document.get("profile")?.as_array_of_tables()?.iter().find(|profile| is_ours(profile))?;
    let text_of = |key| profile.get(key).and_then(Item::as_str);
    let tls = profile.get("tls").and_then(Item::as_table_like);
    let tls = |key| tls.and_then(|tls| tls.get(key));
    Some(Reach {
        file: path.to_owned(),
        url: text_of("management_url")?.to_owned(),
        ca: tls("ca").and_then(Item::as_str).map(PathBuf::from),
        insecure: tls("insecure").and_then(Item::as_bool).unwrap_or(false),
        management_token: text_of("mgmt_token").map(PlainToken::from_presented),
    })
}

impl Endpoint {
    /// Scheme, host and port.
    pub(crate) fn url(&self) -> String {
        let scheme = match self.security {
            Security::Plaintext => "http",
            Security::Tls { .. } => "https",
        };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        format!("{scheme}://{open}{}{close}:{}", self.host, self.port)
    }
}

/// Writes the file, or brings it up to date. When this returns, it is on disk.
pub(crate) fn update(
    directory: &Path,
    identity: &Identity,
    endpoint: &Endpoint,
    token: &TokenLine<'_>,
) -> Result<(), CredentialsError> {
    let path = directory.join(FILE_NAME);
    let unusable = |reason| CredentialsError::Unusable { path: path.clone(), reason };
    let old = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(CredentialsError::Invalid { path }),
        Err(error) => return Err(unusable(error)),
    };
    let Ok(new) = edited(old.as_deref(), identity, endpoint, token) else {
        return Err(CredentialsError::Invalid { path });
    };
    if old.as_ref() == Some(&new) {
        return fs::set_permissions(&path, Permissions::from_mode(PRIVATE)).map_err(unusable);
    }
    durable::replace(directory, FILE_NAME, new.as_bytes()).map_err(unusable)
}

/// The file's text has not the form of an influxctl configuration.
#[derive(Debug)]
struct WrongForm;

impl From<TomlError> for WrongForm {
    fn from(_: TomlError) -> Self {
        Self
    }
}

fn edited(
    old: Option<&str>,
    identity: &Identity,
    endpoint: &Endpoint,
    token: &TokenLine<'_>,
) -> Result<String, WrongForm> {
    let mut document: DocumentMut = old.unwrap_or_default().parse()?;
    let profiles = document.entry("profile").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let profiles = profiles.as_array_of_tables_mut().ok_or(WrongForm)?;
    let known = profiles.iter().any(is_ours);
    if !known {
        let mut profile = Table::new();
        set(&mut profile, "name", PROFILE);
        profiles.push(profile);
    }
    let profile = profiles.iter_mut().find(|profile| is_ours(profile)).ok_or(WrongForm)?;
    // A profile that was there before the first token is of another server, or of a first start that was cut off.
    if !known || !matches!(token, TokenLine::Keep) {
        set(profile, "product", "dedicated");
        set(profile, "account_id", identity.account.to_string());
        set(profile, "cluster_id", identity.cluster.to_string());
    }
    set(profile, "host", endpoint.host.as_str());
    set(profile, "port", endpoint.port.to_string());
    match token {
        TokenLine::Write(token) => set(profile, "mgmt_token", token.expose()),
        TokenLine::Remove => drop(profile.remove("mgmt_token")),
        TokenLine::Keep => {}
    }
    set(profile, "management_url", endpoint.url());
    let tls = profile.entry("tls").or_insert(Item::Table(Table::new()));
    set_security(tls.as_table_like_mut().ok_or(WrongForm)?, &endpoint.security);
    Ok(if old.is_none() { format!("{HEADER}{document}") } else { document.to_string() })
}

fn is_ours(profile: &Table) -> bool {
    profile.get("name").and_then(Item::as_str) == Some(PROFILE)
}

fn set_security(tls: &mut dyn toml_edit::TableLike, security: &Security) {
    set(tls, "disable", *security == Security::Plaintext);
    let Security::Tls { certificates, self_issued } = security else { return };
    let certificates = certificates.to_string_lossy().into_owned();
    if *self_issued {
        set(tls, "ca", certificates);
    } else if tls.get("ca").and_then(Item::as_str) == Some(&certificates) {
        // From the time when these were self-issued.
        tls.remove("ca");
    }
}

/// Sets a key and leaves alone what surrounds its value, such as a comment behind it.
fn set(table: &mut (impl toml_edit::TableLike + ?Sized), key: &str, value: impl Into<Value>) {
    let mut value = value.into();
    let old = table.entry(key).or_insert(Item::None);
    if let Some(old) = old.as_value() {
        *value.decor_mut() = old.decor().clone();
    }
    *old = Item::Value(value);
}

#[cfg(test)]
mod tests {
    use tidegate_model::{AccountId, ClusterId, OrganizationId, OsRandomness, TokenKind};

    use super::*;

    fn identity() -> Identity {
        Identity {
            account: "6b0d4a1e-52c7-4f0a-9d3b-0f6a7c9e2b11".parse().unwrap(),
            cluster: "c2f1e7d0-8a34-4b6e-a1f5-3d9b70e4c622".parse().unwrap(),
            organization: OrganizationId::random(&OsRandomness),
        }
    }

    fn plaintext(port: u16) -> Endpoint {
        Endpoint { host: "localhost".to_owned(), port, security: Security::Plaintext }
    }

    fn tls(certificates: &str, self_issued: bool) -> Endpoint {
        let security = Security::Tls { certificates: certificates.into(), self_issued };
        Endpoint { host: "::1".to_owned(), port: 443, security }
    }

    fn edit(old: Option<&str>, endpoint: &Endpoint, token: &TokenLine<'_>) -> String {
        edited(old, &identity(), endpoint, token).unwrap()
    }

    fn profile(text: &str) -> toml::Table {
        let file: toml::Table = toml::from_str(text).unwrap();
        file["profile"][0].as_table().unwrap().clone()
    }

    #[test]
    fn the_first_file_holds_everything_a_client_needs() {
        let token = PlainToken::generate(TokenKind::Management, &OsRandomness);
        let text = edit(None, &plaintext(8181), &TokenLine::Write(&token));
        let expected = format!(
            r#"{HEADER}[[profile]]
name = "default"
product = "dedicated"
account_id = "6b0d4a1e-52c7-4f0a-9d3b-0f6a7c9e2b11"
cluster_id = "c2f1e7d0-8a34-4b6e-a1f5-3d9b70e4c622"
host = "localhost"
port = "8181"
mgmt_token = "{}"
management_url = "http://localhost:8181"

[profile.tls]
disable = true
"#,
            token.expose()
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn later_starts_change_address_lines_only() {
        let old = r#"# mine
[[profile]]
name = "other"
product = "clustered"
host = "elsewhere"

[[profile]] # the server here
name = "default"
product = "dedicated"
account_id = "kept"
cluster_id = "kept"
mgmt_token = "kept"   # do not lose
host = "old"          # where
port = "1"
database = "plant7"
management_url = "http://old:1"
[profile.tls]
insecure = true
disable = true
"#;
        let new = edit(Some(old), &tls("/etc/tide.pem", true), &TokenLine::Keep);
        let expected = old
            .replace(r#"host = "old""#, r#"host = "::1""#)
            .replace(r#"port = "1""#, r#"port = "443""#)
            .replace("http://old:1", "https://[::1]:443")
            .replace("disable = true\n", "disable = false\nca = \"/etc/tide.pem\"\n");
        assert_eq!(new, expected);
        assert_eq!(edit(Some(&new), &tls("/etc/tide.pem", true), &TokenLine::Keep), new);
    }

    #[test]
    fn a_missing_file_comes_back_without_a_token() {
        let text = edit(None, &plaintext(1), &TokenLine::Keep);
        assert!(!profile(&text).contains_key("mgmt_token"));
        assert_eq!(profile(&text)["port"].as_str(), Some("1"));
    }

    #[test]
    fn a_token_that_was_never_installed_is_replaced_or_removed() {
        let [first, second] = [(); 2].map(|()| PlainToken::generate(TokenKind::Management, &OsRandomness));
        let old = edit(None, &plaintext(1), &TokenLine::Write(&first));
        let replaced = edit(Some(&old), &plaintext(1), &TokenLine::Write(&second));
        assert_eq!(replaced, old.replace(first.expose(), second.expose()));
        assert!(!profile(&edit(Some(&old), &plaintext(1), &TokenLine::Remove)).contains_key("mgmt_token"));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let token = PlainToken::generate(TokenKind::Management, &OsRandomness);
        let read = |text: &str| parsed(text, Path::new("f"));
        let first = edit(None, &tls("/etc/tide.pem", true), &TokenLine::Write(&token));
        let reach = read(&first).unwrap();
        assert_eq!((reach.url.as_str(), reach.ca), ("https://[::1]:443", Some("/etc/tide.pem".into())));
        assert_eq!(reach.management_token.map(|token| token.expose().to_owned()).as_deref(), Some(token.expose()));
        assert!(!reach.insecure);
        let other = format!(
            "[[profile]]\nname = \"other\"\nmgmt_token = \"x\"\n{}",
            edit(None, &plaintext(1), &TokenLine::Keep)
        );
        let reach = read(&other).unwrap();
        assert_eq!(
            (reach.url.as_str(), reach.ca, reach.management_token.is_none()),
            ("http://localhost:1", None, true)
        );
        assert!(read("").is_none() && read("[[profile]]\nname = \"default\"").is_none());
    }

    #[test]
    fn an_authority_that_the_operator_chose_stays() {
        let own = edit(None, &tls("/etc/tide.pem", true), &TokenLine::Keep);
        assert_eq!(profile(&own)["tls"]["ca"].as_str(), Some("/etc/tide.pem"));
        let public = edit(Some(&own), &tls("/etc/tide.pem", false), &TokenLine::Keep);
        assert!(profile(&public)["tls"].get("ca").is_none());
        let chosen = own.replace("/etc/tide.pem", "/etc/company-ca.pem");
        assert_eq!(edit(Some(&chosen), &tls("/etc/tide.pem", false), &TokenLine::Keep), chosen);
    }

    #[test]
    fn a_profile_that_was_removed_comes_back_beside_the_others() {
        let old = "[[profile]]\nname = \"other\"\n";
        let new = edit(Some(old), &plaintext(1), &TokenLine::Keep);
        assert!(new.starts_with(old));
        let file: toml::Table = toml::from_str(&new).unwrap();
        assert_eq!(file["profile"][1]["name"].as_str(), Some("default"));
    }

    #[test]
    fn what_is_no_configuration_is_left_alone_and_never_quoted() {
        for text in ["mgmt_token = ", "profile = 1", "profile = [1]", "[[profile]]\nname = \"default\"\ntls = 1"] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join(FILE_NAME);
            fs::write(&path, text).unwrap();
            let error = update(directory.path(), &identity(), &plaintext(1), &TokenLine::Keep).unwrap_err();
            assert!(matches!(error, CredentialsError::Invalid { .. }), "{error}");
            assert!(!error.to_string().contains("mgmt_token"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn the_file_is_private_even_if_it_was_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE_NAME);
        for port in [1, 1, 2] {
            update(directory.path(), &identity(), &plaintext(port), &TokenLine::Keep).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE);
            fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        }
    }

    #[test]
    fn a_first_start_takes_over_what_another_server_left() {
        let other = Identity {
            account: AccountId::random(&OsRandomness),
            cluster: ClusterId::random(&OsRandomness),
            organization: OrganizationId::random(&OsRandomness),
        };
        let old = edited(None, &other, &plaintext(1), &TokenLine::Keep).unwrap();
        assert_eq!(profile(&old)["account_id"].as_str(), Some(other.account.to_string().as_str()));
        assert_eq!(edit(Some(&old), &plaintext(1), &TokenLine::Keep), old);
        let new = edit(Some(&old), &plaintext(1), &TokenLine::Remove);
        assert_eq!(profile(&new)["account_id"].as_str(), Some(identity().account.to_string().as_str()));
        assert_eq!(profile(&new)["cluster_id"].as_str(), Some(identity().cluster.to_string().as_str()));
    }
}
