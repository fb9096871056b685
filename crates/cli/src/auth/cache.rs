//! The file that keeps a login for the commands after it: `~/.cache/influxctl/<hash>.json`, private to the user.

use std::fmt::Write as _;
use std::fs::{DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tidegate_model::{PlainToken, Timestamp};

use crate::io::{Environment, Log};
use crate::private_file;

const LARGEST_FILE: u64 = 64 * 1024;

/// Where the login of one profile is kept.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    directory: PathBuf,
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    /// What the token is for. A profile of the same name in another file may lead elsewhere.
    context: Vec<String>,
    access_token: String,
    /// RFC 3339.
    expires_at: String,
}

impl Cache {
    /// `None` without a home directory.
    pub(crate) fn of(environment: &Environment, profile: &str) -> Option<Self> {
        let home = || environment.variable("HOME").map(PathBuf::from);
        let base = if cfg!(target_os = "macos") {
            home()?.join("Library/Caches")
        } else {
            let configured = environment.variable("XDG_CACHE_HOME").map(PathBuf::from);
            configured.filter(|path| path.is_absolute()).or_else(|| Some(home()?.join(".cache")))?
        };
        let directory = base.join("influxctl");
        let mut name = String::new();
        for byte in Sha256::digest(profile) {
            // Writing to a string cannot fail.
            let _ = write!(name, "{byte:02x}");
        }
        let file = directory.join(name).with_extension("json");
        Some(Self { directory, file })
    }

    /// The kept token, if it was made for the same context and still lives.
    pub(crate) fn load(&self, context: &[String], now: Timestamp, log: &Log) -> Option<PlainToken> {
        let text = match private_file::read(&self.file, LARGEST_FILE) {
            Ok(text) => text?,
            Err(reason) => {
                log.warn(format!("ignoring the login in {}: {reason}", self.file.display()));
                return None;
            }
        };
        let kept: Kept = serde_json::from_str(&text).ok()?;
        let expires_at: Timestamp = kept.expires_at.parse().ok()?;
        (kept.context == context && expires_at > now).then(|| PlainToken::from_presented(kept.access_token))
    }

    /// Keeps a token instead of an earlier one. The error says why not.
    pub(crate) fn store(&self, context: &[String], token: &PlainToken, expires_at: Timestamp) -> Result<(), String> {
        let kept = Kept {
            context: context.to_vec(),
            access_token: token.expose().to_owned(),
            expires_at: expires_at.to_string(),
        };
        let text = serde_json::to_vec(&kept).map_err(|error| error.to_string())?;
        self.replace(&text).map_err(|error| format!("{}: {error}", self.file.display()))
    }

    /// The file is whole or the old one at any time, and never readable by others.
    fn replace(&self, text: &[u8]) -> std::io::Result<()> {
        self.remove_leftovers()?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        std::fs::set_permissions(&self.directory, Permissions::from_mode(0o700))?;
        private_file::replace(&self.file, text)
    }

    /// Removes what is kept. Nothing kept is success.
    pub(crate) fn remove(&self) -> std::io::Result<()> {
        private_file::remove(&self.file)?;
        self.remove_leftovers()
    }

    /// Removes what processes left behind that ended between writing a token and putting it in its place.
    fn remove_leftovers(&self) -> std::io::Result<()> {
        let entries = match std::fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            // Without `.new` and the process id only the name of the kept file remains.
            let is_leftover = path.extension().is_some_and(|extension| extension == "new")
                && path.with_extension("").with_extension("json") == self.file;
            if is_leftover {
                private_file::remove(&path)?;
            }
        }
        Ok(())
    }
}
