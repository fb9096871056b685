//! The highest time at which an expiry has been acted upon.

use sqlx::SqliteConnection;
use tidegate_model::Timestamp;

use crate::CatalogError;
use crate::audit::AuditAction;
use crate::memory::Published;
use crate::writer::{Change, Outcome, Step};

/// Takes no sequence number and no audit row: it changes no record, and whoever keeps trying an expired token must
/// not be able to fill the audit log.
pub(crate) struct RaiseClockMark {
    pub(crate) to: Timestamp,
}

impl Change for RaiseClockMark {
    type Output = ();

    fn audit(&self) -> Option<(AuditAction, String)> {
        None
    }

    fn clock_mark(&self, before: Option<Timestamp>) -> Option<Timestamp> {
        before.max(Some(self.to))
    }

    async fn apply(&self, _: &mut SqliteConnection, step: Step) -> Result<Outcome<()>, CatalogError> {
        let risen = step.before.clock_mark < Some(self.to);
        Ok(if risen { Outcome::Changed(()) } else { Outcome::Unchanged(()) })
    }

    fn published((): &()) -> Published {
        Published::Nothing
    }
}
