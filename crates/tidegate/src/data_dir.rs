//! The data directory: made on first use, of a known format, and held by one server at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;
use tidegate_model::Timestamp;

use crate::{credentials, durable, exposure};

/// The format that this program writes. Older ones are upgraded, newer ones refused.
const FORMAT_VERSION: u32 = 2;
const OLDEST_FORMAT: u32 = 1;
const FORMAT_FILE: &str = "FORMAT";
const LOCK_FILE: &str = "LOCK";
/// Made after the format is written and before the log and the credentials.
const CATALOG_FILE: &str = "catalog.sqlite";
const LOG_DIRECTORY: &str = "wal";

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    #[error("{} is in use by another tidegate ({holder}): stop it, or choose another --data-dir", path.display())]
    InUse { path: PathBuf, holder: String },
    #[error(
        "{} has data format {found}, but this tidegate knows formats up to {FORMAT_VERSION}: use a newer tidegate",
        path.display()
    )]
    Newer { path: PathBuf, found: u32 },
    #[error("{} holds no format version: restore the file from a backup of the data directory", path.display())]
    UnknownFormat { path: PathBuf },
    #[error(
        "{} belongs to another user, or its group or others can write to it: make it your own with `chown` and `chmod 700`, \
         or choose a new directory below it as --data-dir",
        path.display()
    )]
    NotPrivate { path: PathBuf },
    #[error("{} is a symbolic link: remove it", path.display())]
    Link { path: PathBuf },
    #[error(
        "{} is missing or empty, but the data directory has been used: restore the whole directory from one backup, \
         or choose another --data-dir",
        path.display()
    )]
    NoCatalog { path: PathBuf },
    #[error(
        "there is no data of a server in {}: give the right --data-dir, or start the server there first",
        path.display()
    )]
    Unused { path: PathBuf },
    #[error(
        "{} belongs to the user with the number {owner}, as which the server runs: do this as that user, or the server \
         could not use what this leaves there",
        path.display()
    )]
    OtherOwner { path: PathBuf, owner: u32 },
    #[error(
        "{} has data format {found}, which is older than this tidegate's: start the server once, which upgrades it",
        path.display()
    )]
    Older { path: PathBuf, found: u32 },
    #[error("cannot use {}: {reason}", path.display())]
    Unusable { path: PathBuf, reason: io::Error },
}

/// A data directory that this process holds until it ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    format: u32,
    _lock: File,
}

impl DataDir {
    /// Opens a data directory, making it if it is not there, and holds it.
    pub(crate) fn open(path: &Path, now: Timestamp) -> Result<Self, DataDirError> {
        create(path).map_err(|reason| DataDirError::Unusable { path: path.to_owned(), reason })?;
        let path = private(path)?;
        let lock = lock(&path, now)?;
        let found = read_format(&path)?;
        check_catalog(&path, found.is_some())?;
        if found.is_none() {
            write_format(&path).map_err(|reason| DataDirError::Unusable { path: path.join(FORMAT_FILE), reason })?;
        }
        let format = found.unwrap_or(FORMAT_VERSION);
        Ok(Self { path, format, _lock: lock })
    }

    /// Holds the data directory of a server that has run before and is stopped. Makes and upgrades nothing.
    pub(crate) fn open_used(path: &Path, now: Timestamp) -> Result<Self, DataDirError> {
        let unused = || DataDirError::Unused { path: path.to_owned() };
        let Ok(metadata) = fs::metadata(path) else { return Err(unused()) };
        if metadata.uid() != geteuid().as_raw() {
            return Err(refused_as_of_other(path, metadata.uid()));
        }
        let directory = private(path)?;
        let format_of_used = || read_format(&directory)?.ok_or_else(unused);
        // Before the lock, which would leave its file in a directory that is something else.
        format_of_used()?;
        let lock = lock(&directory, now)?;
        let format = format_of_used()?;
        check_catalog(&directory, true)?;
        if !has_catalog(&directory) {
            return Err(unused());
        }
        if format < FORMAT_VERSION {
            return Err(DataDirError::Older { path: directory, found: format });
        }
        Ok(Self { path: directory, format, _lock: lock })
    }

    /// The format, if it is older than the one that this program writes, so that the data must be upgraded first.
    pub(crate) fn older_format(&self) -> Option<u32> {
        (self.format < FORMAT_VERSION).then_some(self.format)
    }

    /// Notes that the data has been upgraded.
    pub(crate) fn upgraded(&mut self) -> Result<(), DataDirError> {
        write_format(&self.path)
            .map_err(|reason| DataDirError::Unusable { path: self.path.join(FORMAT_FILE), reason })?;
        self.format = FORMAT_VERSION;
        Ok(())
    }

    /// Where it is, as an absolute path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The absolute path of a directory that nobody else can change.
fn private(path: &Path) -> Result<PathBuf, DataDirError> {
    let unusable = |reason| DataDirError::Unusable { path: path.to_owned(), reason };
    let path = path.canonicalize().map_err(unusable)?;
    let metadata = fs::metadata(&path).map_err(unusable)?;
    if exposure::is_of_others(&metadata, geteuid().as_raw()) {
        Err(DataDirError::NotPrivate { path })
    } else {
        Ok(path)
    }
}

fn create(path: &Path) -> io::Result<()> {
    let missing = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).count();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    // Also for a directory that is there: whoever made it may have died before its name was on disk.
    for parent in path.canonicalize()?.ancestors().skip(1).take(missing.max(1)) {
        match durable::sync_directory(parent) {
            // One that was made for this server may lie where it can read nothing else.
            Err(error) if missing == 0 && error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    Ok(())
}

/// Takes the lock, which the operating system gives back when this process ends, however it does.
fn lock(directory: &Path, now: Timestamp) -> Result<File, DataDirError> {
    let path = directory.join(LOCK_FILE);
    let unusable = |reason| DataDirError::Unusable { path: path.clone(), reason };
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let opened = options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(&path);
    let mut file = opened.map_err(|reason| match Errno::from_io_error(&reason) {
        Some(Errno::LOOP) => DataDirError::Link { path: path.clone() },
        _ => unusable(reason),
    })?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(DataDirError::InUse { path: directory.to_owned(), holder: holder(&mut file) });
        }
        Err(TryLockError::Error(reason)) => return Err(unusable(reason)),
    }
    let note = format!("process {}, started {}", std::process::id(), now.to_rfc3339_seconds());
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{note}")).map_err(unusable)?;
    Ok(file)
}

/// Why another user's directory is not opened. Whether a server has it can be seen without touching anything.
fn refused_as_of_other(directory: &Path, owner: u32) -> DataDirError {
    let path = directory.to_owned();
    match File::open(directory.join(LOCK_FILE)) {
        Ok(mut file) if matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) => {
            DataDirError::InUse { path, holder: holder(&mut file) }
        }
        Ok(_) | Err(_) => DataDirError::OtherOwner { path, owner },
    }
}

/// What the holder of the lock says about itself.
fn holder(file: &mut File) -> String {
    const LONGEST_NOTE: u64 = 200;
    let mut note = String::new();
    match file.take(LONGEST_NOTE).read_to_string(&mut note) {
        Ok(_) if !note.trim().is_empty() => note.trim().to_owned(),
        // It has only just taken the lock.
        Ok(_) | Err(_) => "it does not say which".to_owned(),
    }
}

/// The format that the directory has; `None` if it is new.
fn read_format(directory: &Path) -> Result<Option<u32>, DataDirError> {
    let path = directory.join(FORMAT_FILE);
    let unusable = |reason| DataDirError::Unusable { path: path.clone(), reason };
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !directory.join(CATALOG_FILE).exists() => {
            return Ok(None);
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
            return Err(DataDirError::UnknownFormat { path });
        }
        Err(error) => return Err(unusable(error)),
    };
    match text.trim().parse() {
        Ok(known @ OLDEST_FORMAT..=FORMAT_VERSION) => Ok(Some(known)),
        Ok(found @ 1..) => Err(DataDirError::Newer { path: directory.to_owned(), found }),
        Ok(0) | Err(_) => Err(DataDirError::UnknownFormat { path }),
    }
}

/// Refuses a directory that has lost its catalog. A new one would know none of the databases and tokens, be another
/// server to its clients, and replace the management token in the credentials.
fn check_catalog(directory: &Path, has_format: bool) -> Result<(), DataDirError> {
    // A first start that was cut off has no catalog, or an empty one, and nothing that comes after it.
    if has_catalog(directory) {
        return Ok(());
    }
    let log = directory.join(LOG_DIRECTORY);
    let has_log = match fs::read_dir(&log) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(reason) => return Err(DataDirError::Unusable { path: log, reason }),
    };
    // Without a format, they are what another server has left.
    let has_credentials = has_format && directory.join(credentials::FILE_NAME).exists();
    if has_log || has_credentials {
        Err(DataDirError::NoCatalog { path: directory.join(CATALOG_FILE) })
    } else {
        Ok(())
    }
}

fn has_catalog(directory: &Path) -> bool {
    fs::metadata(directory.join(CATALOG_FILE)).is_ok_and(|catalog| catalog.len() > 0)
}

fn write_format(directory: &Path) -> io::Result<()> {
    durable::replace(directory, FORMAT_FILE, format!("{FORMAT_VERSION}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    fn open(path: &Path) -> Result<DataDir, DataDirError> {
        DataDir::open(path, Timestamp::from_micros(1_000_000))
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_older_format_stays_until_the_data_is_upgraded() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("FORMAT"), "1\n").unwrap();
        for _ in 0..2 {
            assert_eq!(open(directory.path()).unwrap().older_format(), Some(1));
        }
        open(directory.path()).unwrap().upgraded().unwrap();
        assert_eq!(open(directory.path()).unwrap().older_format(), None);
    }

    #[test]
    fn a_new_directory_is_private_and_has_the_current_format() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let opened = open(&path).unwrap();
        assert!(opened.path().is_absolute());
        assert_eq!(mode(&path), 0o700);
        assert_eq!(fs::read_to_string(path.join("FORMAT")).unwrap(), "2\n");
        assert_eq!(mode(&path.join("FORMAT")), 0o600);
        drop(opened);
        open(&path).unwrap();
    }

    #[test]
    fn a_second_server_learns_who_holds_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let first = open(directory.path()).unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(matches!(error, DataDirError::InUse { .. }));
        let holder = format!("(process {}, started 1970-01-01T00:00:01Z)", std::process::id());
        assert!(error.to_string().contains(&holder), "{error}");
        drop(first);
        open(directory.path()).unwrap();
    }

    #[test]
    fn only_what_a_server_of_this_format_has_used_is_opened_as_used() {
        let open_used = |path: &Path| DataDir::open_used(path, Timestamp::from_micros(1_000_000));
        let parent = tempfile::tempdir().unwrap();
        let data_dir = parent.path().join("data");
        for path in [&data_dir, parent.path()] {
            let error = open_used(path).unwrap_err();
            assert!(matches!(error, DataDirError::Unused { .. }), "{error}");
        }
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "nothing is made");

        drop(open(&data_dir).unwrap());
        let error = open_used(&data_dir).unwrap_err();
        assert!(matches!(error, DataDirError::Unused { .. }), "a first start that was cut off: {error}");
        fs::write(data_dir.join("catalog.sqlite"), "rows").unwrap();
        let held = open_used(&data_dir).unwrap();
        assert_eq!(held.path(), data_dir.canonicalize().unwrap());
        for error in [open(&data_dir).unwrap_err(), open_used(&data_dir).unwrap_err()] {
            assert!(matches!(error, DataDirError::InUse { .. }), "{error}");
        }
        drop(held);

        fs::write(data_dir.join("FORMAT"), "1\n").unwrap();
        let error = open_used(&data_dir).unwrap_err();
        assert!(matches!(error, DataDirError::Older { found: 1, .. }), "{error}");
        assert_eq!(fs::read_to_string(data_dir.join("FORMAT")).unwrap(), "1\n");
        fs::remove_file(data_dir.join("FORMAT")).unwrap();
        assert!(matches!(open_used(&data_dir).unwrap_err(), DataDirError::UnknownFormat { .. }));
    }

    #[test]
    fn what_belongs_to_another_user_is_left_to_it() {
        // Only root can give a directory away.
        if !geteuid().is_root() {
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let held = open(directory.path()).unwrap();
        chown(directory.path(), Some(65_534), None).unwrap();
        let refused = || DataDir::open_used(directory.path(), Timestamp::from_micros(1_000_000)).unwrap_err();
        let note = fs::read_to_string(directory.path().join("LOCK")).unwrap();
        assert!(matches!(refused(), DataDirError::InUse { holder, .. } if holder == note.trim()));
        drop(held);
        assert!(matches!(refused(), DataDirError::OtherOwner { owner: 65_534, .. }));
        chown(directory.path(), Some(geteuid().as_raw()), None).unwrap();
        assert_eq!(fs::read_to_string(directory.path().join("LOCK")).unwrap(), note);
    }

    #[test]
    fn a_shorter_note_leaves_nothing_of_a_longer_one() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("LOCK"), "x".repeat(300)).unwrap();
        let _held = open(directory.path()).unwrap();
        let note = fs::read_to_string(directory.path().join("LOCK")).unwrap();
        assert_eq!(note, format!("process {}, started 1970-01-01T00:00:01Z\n", std::process::id()));
    }

    #[test]
    fn a_directory_that_others_can_change_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let set_mode = |mode| fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        for mode in [0o770, 0o707, 0o1777] {
            set_mode(mode);
            let error = open(directory.path()).unwrap_err();
            assert!(matches!(error, DataDirError::NotPrivate { .. }), "{mode:o}: {error}");
        }
        set_mode(0o700);
        // Only root can give a directory away.
        if geteuid().is_root() {
            chown(directory.path(), Some(65_534), None).unwrap();
            assert!(matches!(open(directory.path()).unwrap_err(), DataDirError::NotPrivate { .. }));
            chown(directory.path(), Some(geteuid().as_raw()), None).unwrap();
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        set_mode(0o755);
        open(directory.path()).unwrap();
    }

    #[test]
    fn the_lock_is_never_taken_through_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let victim = directory.path().join("victim");
        fs::write(&victim, "untouched").unwrap();
        for target in [&victim, Path::new("nowhere")] {
            symlink(target, directory.path().join("LOCK")).unwrap();
            let error = open(directory.path()).unwrap_err();
            assert!(matches!(error, DataDirError::Link { .. }), "{error}");
            fs::remove_file(directory.path().join("LOCK")).unwrap();
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
        assert!(!directory.path().join("nowhere").exists());
        open(directory.path()).unwrap();
    }

    #[test]
    fn newer_data_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("FORMAT"), "3\n").unwrap();
        let error = open(directory.path()).unwrap_err();
        assert!(matches!(error, DataDirError::Newer { found: 3, .. }));
        assert!(error.to_string().contains("use a newer tidegate"), "{error}");
        assert_eq!(fs::read_to_string(directory.path().join("FORMAT")).unwrap(), "3\n");
    }

    #[test]
    fn data_without_a_readable_format_is_refused() {
        for format in [None, Some("0"), Some(""), Some("one"), Some("-1"), Some("99999999999")] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("catalog.sqlite"), "").unwrap();
            if let Some(format) = format {
                fs::write(directory.path().join("FORMAT"), format).unwrap();
            }
            let error = open(directory.path()).unwrap_err();
            assert!(matches!(error, DataDirError::UnknownFormat { .. }), "{format:?}: {error}");
        }
    }

    #[test]
    fn data_without_its_catalog_is_refused_and_left_alone() {
        const LOG: &str = "wal/0000000000000001.wal";
        for files in [
            &[(LOG, "rows")][..],
            &[("FORMAT", "1\n"), (LOG, "rows")],
            &[("FORMAT", "2\n"), (LOG, "rows")],
            &[("FORMAT", "2\n"), (LOG, "rows"), ("catalog.sqlite", "")],
            &[("FORMAT", "2\n"), ("credentials.toml", "")],
        ] {
            let directory = tempfile::tempdir().unwrap();
            fs::create_dir(directory.path().join("wal")).unwrap();
            for (name, text) in files {
                fs::write(directory.path().join(name), text).unwrap();
            }
            for _ in 0..2 {
                let error = open(directory.path()).unwrap_err();
                assert!(matches!(error, DataDirError::NoCatalog { .. }), "{files:?}: {error}");
                assert!(error.to_string().contains("restore the whole directory"), "{error}");
            }
            for name in ["FORMAT", "catalog.sqlite"] {
                assert_eq!(directory.path().join(name).exists(), files.iter().any(|(file, _)| *file == name));
            }
        }
    }

    #[test]
    fn a_first_start_that_was_cut_off_is_repeated() {
        let directory = tempfile::tempdir().unwrap();
        for step in [None, Some("catalog.sqlite")] {
            if let Some(made) = step {
                fs::write(directory.path().join(made), "").unwrap();
            }
            open(directory.path()).unwrap();
            open(directory.path()).unwrap();
        }
    }

    #[test]
    fn credentials_of_another_server_are_no_data() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("credentials.toml"), "").unwrap();
        open(directory.path()).unwrap();
    }

    #[test]
    fn a_file_in_the_place_of_the_directory_is_an_error() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("file");
        fs::write(&path, "").unwrap();
        assert!(matches!(open(&path).unwrap_err(), DataDirError::Unusable { .. }));
    }
}
