//! The catalog's file, and connections to it.

use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _, SqliteConnection, SqlitePool};

use crate::CatalogError;

/// The catalog's file inside the data directory.
pub(crate) const FILE_NAME: &str = "catalog.sqlite";

const OWNER_ONLY: u32 = 0o600;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// In KiB, by SQLite's convention negative: the indexes of several hundred thousand tokens. Taken only as it fills.
const WRITER_CACHE: &str = "-65536";
const READERS: u32 = 4;
/// Rows read ahead of who decodes them: with fewer, loading all tokens waits for thread switches most of the time.
const ROWS_READ_AHEAD: usize = 16_384;
const READER_WAIT: Duration = Duration::from_secs(30);

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Makes the file if it is not there, readable by its owner only (SQLite gives its companions the same mode), and
/// has its directory entry on disk before anything is written into it. Returns the file's absolute path.
pub(crate) fn prepare(directory: &Path) -> Result<PathBuf, CatalogError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| CatalogError::File { path, source }
    };
    let directory = directory.canonicalize().map_err(at(directory))?;
    let path = directory.join(FILE_NAME);
    match fs::OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&path) {
        Ok(file) => file.sync_all().map_err(at(&path))?,
        // Never opened here: closing it would take away the locks that SQLite holds on it in this process.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => restrict(&path).map_err(at(&path))?,
        Err(error) => return Err(at(&path)(error)),
    }
    fs::File::open(&directory).and_then(|directory| directory.sync_all()).map_err(at(&directory))?;
    Ok(path)
}

fn restrict(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    if permissions.mode() & 0o777 & !OWNER_ONLY != 0 {
        permissions.set_mode(OWNER_ONLY);
        fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// A connection for the writer.
pub(crate) async fn connect(path: &Path) -> Result<SqliteConnection, CatalogError> {
    let options = options(path).journal_mode(SqliteJournalMode::Wal).pragma("cache_size", WRITER_CACHE);
    Ok(options.connect().await?)
}

/// Empties SQLite's log into the database file, with new fsyncs. To be done before anything is read.
///
/// After a kill the log may hold commits that were never synced, and after a failed fsync neither what can be read nor
/// what was rolled back is certain to be so after a power loss. This makes it certain.
pub(crate) async fn empty_log(connection: &mut SqliteConnection) -> Result<(), CatalogError> {
    let busy: i64 = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await?.try_get(0)?;
    if busy == 0 { Ok(()) } else { Err(CatalogError::Storage("readers held up the checkpoint for too long".into())) }
}

/// Connections for reading, made when first needed.
pub(crate) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(READER_WAIT)
        .test_before_acquire(false)
        .connect_lazy_with(options(path).read_only(true).row_buffer_size(ROWS_READ_AHEAD))
}

/// Brings the tables up to what this program knows; refuses what a newer one wrote.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), CatalogError> {
    Ok(MIGRATIONS.run(connection).await?)
}
