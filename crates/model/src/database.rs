//! Databases, their limits and retention.

use crate::{DatabaseId, DatabaseName, Description, OrganizationId, PartitionTemplate, Timestamp};

/// How long rows stay visible, in nanoseconds; zero keeps them for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Retention(i64);

impl Retention {
    /// Rows are kept for ever.
    pub const FOREVER: Self = Self(0);

    /// A period in nanoseconds; `None` if negative.
    pub const fn from_nanos(nanos: i64) -> Option<Self> {
        if nanos >= 0 { Some(Self(nanos)) } else { None }
    }

    /// The period in nanoseconds; 0 means for ever.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The oldest row time in nanoseconds that is still visible at `now`; `None` when all rows are.
    pub const fn oldest_visible(self, now: Timestamp) -> Option<i64> {
        if self.0 == 0 { None } else { Some(now.nanos().saturating_sub(self.0)) }
    }
}

/// How large a database may grow (management API contract §§6 and 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DatabaseLimits {
    /// Most tables in the database.
    pub max_tables: u32,
    /// Most columns of one table, the time column included.
    pub max_columns_per_table: u32,
}

/// A limit outside its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseLimitsError {
    /// `maxTables` outside 1 to 2147483647.
    #[error("maxTables must be between 1 and 2147483647")]
    Tables,
    /// `maxColumnsPerTable` outside 1 to 1000.
    #[error("maxColumnsPerTable must be between 1 and 1000")]
    Columns,
}

impl DatabaseLimits {
    /// The most columns that a table can be given.
    pub const MOST_COLUMNS: i64 = 1000;

    /// Limits from numbers as clients send them.
    pub fn new(max_tables: i64, max_columns_per_table: i64) -> Result<Self, DatabaseLimitsError> {
        let max_tables = u32::try_from(max_tables)
            .ok()
            .filter(|&n| n >= 1 && i32::try_from(n).is_ok())
            .ok_or(DatabaseLimitsError::Tables)?;
        let max_columns_per_table = u32::try_from(max_columns_per_table)
            .ok()
            .filter(|&n| n >= 1 && i64::from(n) <= Self::MOST_COLUMNS)
            .ok_or(DatabaseLimitsError::Columns)?;
        Ok(Self { max_tables, max_columns_per_table })
    }
}

impl Default for DatabaseLimits {
    fn default() -> Self {
        Self { max_tables: 500, max_columns_per_table: 200 }
    }
}

/// What a caller gives to create a database in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDatabase {
    /// Its name, unique among the active databases of the organization.
    pub name: DatabaseName,
    /// Free text; empty by default.
    pub description: Description,
    /// How long rows stay visible.
    pub retention: Retention,
    /// How large it may grow.
    pub limits: DatabaseLimits,
    /// How its tables are partitioned; `None` is the default, by day.
    pub partition_template: Option<PartitionTemplate>,
}

/// What to change of a database; `None` leaves things as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseChange {
    /// The new description.
    pub description: Option<Description>,
    /// The new period after which rows vanish.
    pub retention: Option<Retention>,
    /// The new most tables.
    pub max_tables: Option<u32>,
    /// The new most columns of tables created from now on.
    pub max_columns_per_table: Option<u32>,
}

/// A database as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its id, for ever.
    pub id: DatabaseId,
    /// The organization that it belongs to, for ever.
    pub organization: OrganizationId,
    /// Its name, unique among the active databases of the organization.
    pub name: DatabaseName,
    /// Free text.
    pub description: Description,
    /// How long rows stay visible.
    pub retention: Retention,
    /// How large it may grow.
    pub limits: DatabaseLimits,
    /// How its tables are partitioned; `None` is the default, by day.
    pub partition_template: Option<PartitionTemplate>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its name, description, limits or retention were last changed.
    pub updated_at: Timestamp,
    /// When it was deleted (softly); `None` while it is active.
    pub deleted_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_stay_in_range() {
        assert_eq!(DatabaseLimits::new(0, 200), Err(DatabaseLimitsError::Tables));
        assert_eq!(DatabaseLimits::new(1 << 31, 200), Err(DatabaseLimitsError::Tables));
        assert!(DatabaseLimits::new((1 << 31) - 1, 1000).is_ok());
        assert_eq!(DatabaseLimits::new(1, 1001), Err(DatabaseLimitsError::Columns));
        assert_eq!(DatabaseLimits::new(1, 0), Err(DatabaseLimitsError::Columns));
        assert_eq!(DatabaseLimits::new(-1, 1), Err(DatabaseLimitsError::Tables));
    }

    #[test]
    fn retention_is_a_window_that_ends_now() {
        assert_eq!(Retention::from_nanos(-1), None);
        assert_eq!(Retention::FOREVER.oldest_visible(Timestamp::from_micros(5)), None);
        let hour = Retention::from_nanos(3_600_000_000_000).unwrap();
        assert_eq!(hour.oldest_visible(Timestamp::from_micros(3_600_000_001)), Some(1_000));
    }
}
