//! Files with secrets.

use std::fs::{File, Permissions};
use std::io::{Error, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use crate::io::read_limited;

/// What a file holds that may be shared with others.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) bytes: Vec<u8>,
    /// Why others may know or have placed the content, if they may.
    pub(crate) exposure: Option<&'static str>,
}

/// The content of a regular file, which a link may lead to: whoever mounts secrets into containers uses links, and owns
/// them as root.
pub(crate) fn read_shared(path: &Path, limit: u64) -> std::io::Result<Shared> {
    let file = open(path, OFlags::empty())?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let exposure = if ![own_id(), 0].contains(&metadata.uid()) {
        Some("belongs to another user")
    } else if metadata.mode() & 0o077 != 0 {
        Some("can be read or changed by other users")
    } else {
        None
    };
    Ok(Shared { bytes: read_limited(file, limit)?, exposure })
}

/// The text of a regular file of mode 0600 that belongs to this user: nobody else could have placed or read it. `None`
/// if there is none. The error says what is wrong with it.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<String>, String> {
    let file = match open(path, OFlags::NOFOLLOW) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    let fault = if !metadata.is_file() {
        Some("it is not a regular file")
    } else if metadata.uid() != own_id() {
        Some("it belongs to another user")
    } else if metadata.mode() & 0o7777 != 0o600 {
        Some("its mode is not 0600")
    } else {
        None
    };
    if let Some(fault) = fault {
        return Err(fault.to_owned());
    }
    let bytes = read_limited(file, limit).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map(Some).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Writes a file of mode 0600 in place of an earlier one: it is whole or the old one at any time.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let written = write_private(&new, bytes).and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        // What is left of the secret must not stay; the first error is the one to report.
        let _ = remove(&new);
    }
    written
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    remove(path)?;
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)
}

/// Removes a file. None there is success.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn open(path: &Path, flags: OFlags) -> std::io::Result<File> {
    // Without NONBLOCK a named pipe in this place would hold the program up.
    let flags = i32::try_from((flags | OFlags::NONBLOCK).bits()).map_err(Error::other)?;
    File::options().read(true).custom_flags(flags).open(path)
}

fn own_id() -> u32 {
    rustix::process::geteuid().as_raw()
}
