//! Grants and sets of grants.

use std::fmt;
use std::str::FromStr;

use crate::{DatabaseName, DatabaseNameError};

/// What a grant allows. `read` and `write` are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Query, and see schemas.
    Read,
    /// Write line protocol.
    Write,
}

impl Action {
    /// The word used in every dialect.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// A text that is no action.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("action must be read or write")]
pub struct ActionError;

impl FromStr for Action {
    type Err = ActionError;

    fn from_str(text: &str) -> Result<Self, ActionError> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            _ => Err(ActionError),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a grant is about: one database by name, or all present and future ones (`*`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Every database, written `*`.
    AllDatabases,
    /// The database that has this name when the request is made.
    Database(DatabaseName),
}

/// Why a text cannot be the resource of a grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("resource must be \"*\" or a database name: {0}")]
pub struct ResourceError(#[from] DatabaseNameError);

impl Resource {
    /// The text form: a database name or `*`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::AllDatabases => "*",
            Self::Database(name) => name.as_str(),
        }
    }

    fn matches(&self, database: &DatabaseName) -> bool {
        match self {
            Self::AllDatabases => true,
            Self::Database(name) => name == database,
        }
    }
}

impl FromStr for Resource {
    type Err = ResourceError;

    fn from_str(text: &str) -> Result<Self, ResourceError> {
        if text == "*" {
            return Ok(Self::AllDatabases);
        }
        Ok(Self::Database(text.parse()?))
    }
}

/// One `(action, resource)` pair that a credential holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// What may be done.
    pub action: Action,
    /// To what.
    pub resource: Resource,
}

/// The grants of one credential: each once, in the order given.
///
/// Names are compared exactly. A specific grant beside `*` is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct PermissionSet(Box<[Grant]>);

impl PermissionSet {
    /// The set that allows nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// The grants, in the order given.
    pub fn grants(&self) -> &[Grant] {
        &self.0
    }

    /// Whether this set allows `action` on the database called `name`.
    pub fn allows(&self, action: Action, name: &DatabaseName) -> bool {
        self.0.iter().any(|grant| grant.action == action && grant.resource.matches(name))
    }

    /// Whether this set allows `action` on every database, present and future.
    pub fn allows_all(&self, action: Action) -> bool {
        self.0.iter().any(|grant| grant.action == action && grant.resource == Resource::AllDatabases)
    }
}

impl FromIterator<Grant> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        let mut seen = std::collections::HashSet::new();
        Self(grants.into_iter().filter(|grant| seen.insert(grant.clone())).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grant(action: Action, resource: &str) -> Grant {
        Grant { action, resource: resource.parse().unwrap() }
    }

    fn name(text: &str) -> DatabaseName {
        text.parse().unwrap()
    }

    #[test]
    fn actions_are_read_as_they_are_shown() {
        for action in [Action::Read, Action::Write] {
            assert_eq!(action.to_string().parse(), Ok(action));
        }
        for text in ["", "Read", "WRITE", "delete", "read "] {
            assert_eq!(text.parse::<Action>(), Err(ActionError), "{text}");
        }
    }

    #[test]
    fn write_on_all_gives_no_read() {
        let set: PermissionSet = [grant(Action::Write, "*")].into_iter().collect();
        assert!(set.allows(Action::Write, &name("a")));
        assert!(!set.allows(Action::Read, &name("a")));
    }

    #[test]
    fn names_match_exactly() {
        let set: PermissionSet = [grant(Action::Read, "foo")].into_iter().collect();
        for other in ["foo/bar", "Foo", "fo", "fooo"] {
            assert!(!set.allows(Action::Read, &name(other)), "{other}");
        }
    }

    #[test]
    fn duplicates_are_stored_once_in_order() {
        let set: PermissionSet =
            [grant(Action::Write, "b"), grant(Action::Read, "*"), grant(Action::Write, "b"), grant(Action::Read, "a")]
                .into_iter()
                .collect();
        assert_eq!(set.grants(), [grant(Action::Write, "b"), grant(Action::Read, "*"), grant(Action::Read, "a")]);
    }

    #[test]
    fn bad_resources_are_refused() {
        for text in ["", "**", "a*", "_x", &"x".repeat(65)] {
            assert!(text.parse::<Resource>().is_err(), "{text}");
        }
    }

    fn any_grant() -> impl Strategy<Value = Grant> {
        let action = prop_oneof![Just(Action::Read), Just(Action::Write)];
        let resource = prop_oneof![Just("*".to_owned()), "[a-c]"];
        (action, resource).prop_map(|(action, resource)| grant(action, &resource))
    }

    proptest! {
        /// A set allows exactly what at least one of its grants says, and adding grants never takes anything away.
        #[test]
        fn allows_is_the_union_of_the_grants(grants in prop::collection::vec(any_grant(), 0..6), extra in any_grant()) {
            let set: PermissionSet = grants.iter().cloned().collect();
            let larger: PermissionSet = grants.iter().cloned().chain([extra]).collect();
            for action in [Action::Read, Action::Write] {
                for database in ["a", "b", "c", "d"] {
                    let expected = grants.iter().any(|g| {
                        g.action == action && (g.resource.as_str() == "*" || g.resource.as_str() == database)
                    });
                    prop_assert_eq!(set.allows(action, &name(database)), expected);
                    prop_assert!(!expected || larger.allows(action, &name(database)));
                }
            }
        }
    }
}
