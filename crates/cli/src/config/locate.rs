//! Which file and which profile in it.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::Face;
use crate::error::{Error, Result};
use crate::io::{Environment, Log, read_limited};
use crate::private_file;

const LARGEST_FILE: u64 = 1024 * 1024;
const SERVER_CREDENTIALS: &str = "tidegate-data/credentials.toml";

/// A configuration file that has been read, and the name of the wanted profile.
pub(crate) struct Located {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) profile: String,
    /// Nobody named this file: the user should be told which server it leads to.
    pub(crate) found_by_itself: bool,
}

/// Finds and reads the file: flag, then variable, then (under this program's own name) the credentials of a server in
/// the current directory, then the default place.
pub(crate) fn locate(
    face: Face,
    config: Option<&Path>,
    profile: Option<&str>,
    environment: &Environment,
    log: &Log,
) -> Result<Located> {
    let variable = environment.variable("INFLUXCTL_PROFILE");
    let (variable_path, variable_name) = match variable {
        Some(value) if is_path(value) => (Some(PathBuf::from(value)), None),
        Some(value) => (None, Some(value.to_string_lossy().into_owned())),
        None => (None, None),
    };
    let profile = profile.map(str::to_owned).or(variable_name).unwrap_or_else(|| "default".to_owned());
    if let Some(path) = config.map(Path::to_owned).or(variable_path) {
        let path = environment.current_dir.join(path);
        return read(&path, &profile);
    }
    if face == Face::Tidegate
        && variable.is_none()
        && let Some(text) = server_credentials(&environment.current_dir.join(SERVER_CREDENTIALS), log)
    {
        return Ok(Located { path: SERVER_CREDENTIALS.into(), text, profile, found_by_itself: true });
    }
    let path = default_path(environment)
        .ok_or_else(|| Error::Configuration("no home directory is known: give --config FILE".to_owned()))?;
    read(&path, &profile)
}

/// `INFLUXCTL_PROFILE` holds a profile's name or a file's path; the shape tells which.
fn is_path(value: &OsString) -> bool {
    let text = value.to_string_lossy();
    text.contains(std::path::is_separator) || text.ends_with(".toml")
}

fn default_path(environment: &Environment) -> Option<PathBuf> {
    let home = || environment.variable("HOME").map(PathBuf::from);
    let base = if cfg!(target_os = "macos") {
        home()?.join("Library/Application Support")
    } else {
        let configured = environment.variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        match configured {
            Some(path) => path,
            None => home()?.join(".config"),
        }
    };
    Some(base.join("influxctl/config.toml"))
}

fn read(path: &Path, profile: &str) -> Result<Located> {
    let unusable = |reason: &dyn std::fmt::Display| {
        Error::Configuration(format!("cannot read profile {profile:?} from {}: {reason}", path.display()))
    };
    let file = File::open(path).map_err(|reason| unusable(&reason))?;
    let bytes = read_limited(file, LARGEST_FILE).map_err(|reason| unusable(&reason))?;
    let text = String::from_utf8(bytes).map_err(|_| unusable(&"it is not UTF-8 text"))?;
    Ok(Located { path: path.to_owned(), text, profile: profile.to_owned(), found_by_itself: false })
}

/// The file that a server leaves for its owner. Anybody can put a file into a shared directory, and whoever follows a
/// stranger's file sends data to a stranger's server: it counts only if it is the caller's own and private.
fn server_credentials(path: &Path, log: &Log) -> Option<String> {
    private_file::read(path, LARGEST_FILE).unwrap_or_else(|reason| {
        log.warn(format!("ignoring {SERVER_CREDENTIALS}: {reason}"));
        None
    })
}
