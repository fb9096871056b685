//! Files with secrets: read only if nobody else could have placed or read them.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use crate::io::read_limited;

/// The text of a regular file of mode 0600 that belongs to this user; `None` if there is none. The error says what is
/// wrong with it.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<String>, String> {
    // Without NONBLOCK a named pipe in this place would hold the program up.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(|error| error.to_string())?;
    let file = match File::options().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    let fault = if !metadata.is_file() {
        Some("it is not a regular file")
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
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
