//! Bringing a data directory of an older format up to date.

use std::path::Path;
use std::sync::Arc;

use tidegate_catalog::Catalog;
use tidegate_engine::tables_named_in_log;
use tidegate_model::{OsRandomness, SystemClock};

use crate::ServiceError;

/// Upgrades a data directory of format 1, whose log names tables that have no ids yet. May be repeated after a crash.
pub async fn upgrade(directory: &Path) -> Result<(), ServiceError> {
    let unavailable = |error: &dyn std::fmt::Display| ServiceError::Unavailable(error.to_string());
    let log = directory.join("wal");
    let mut named = tokio::task::spawn_blocking(move || tables_named_in_log(&log))
        .await
        .map_err(ServiceError::internal)?
        .map_err(|error| unavailable(&error))?;
    let opened = Catalog::open(directory, &OsRandomness, Arc::new(SystemClock)).await;
    let catalog = opened.map_err(|error| unavailable(&error))?.catalog;
    named.retain(|(database, name)| catalog.table_logged_as(*database, name).is_none());
    let adopted = if named.is_empty() { Ok(()) } else { catalog.adopt_tables(named).await };
    catalog.close().await;
    adopted.map_err(|error| unavailable(&error))
}
