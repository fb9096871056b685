//! What a database token may do: in a few words, as a table, and as a grid to tick.

use std::collections::BTreeSet;

use tidegate_model::{Action, DatabaseName, Grant, PermissionSet, Resource};

use crate::failure::Failure;
use crate::form::Fields;

/// The field of all boxes of the grid.
const FIELD: &str = "grant";
const ALL: &str = "All databases";

/// What a token may do to one database, or to all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) database: String,
    pub(super) read: bool,
    pub(super) write: bool,
}

/// Each database once, in the order of the grants.
pub(super) fn table(permissions: &PermissionSet) -> Vec<Granted> {
    resources(permissions).into_iter().map(|resource| granted(permissions, resource)).collect()
}

fn granted(permissions: &PermissionSet, resource: &Resource) -> Granted {
    let may = |action| holds(permissions, action, resource);
    Granted { database: label(resource), read: may(Action::Read), write: may(Action::Write) }
}

fn holds(permissions: &PermissionSet, action: Action, resource: &Resource) -> bool {
    permissions.grants().iter().any(|grant| grant.action == action && grant.resource == *resource)
}

fn resources(permissions: &PermissionSet) -> Vec<&Resource> {
    let mut seen = BTreeSet::new();
    permissions.grants().iter().map(|grant| &grant.resource).filter(|resource| seen.insert(*resource)).collect()
}

fn label(resource: &Resource) -> String {
    match resource {
        Resource::AllDatabases => ALL.to_owned(),
        Resource::Database(name) => name.to_string(),
    }
}

/// In a few words, for lists: `flights, + 1 more` (management API contract §13).
pub(super) fn summary(permissions: &PermissionSet) -> String {
    let resources = resources(permissions);
    if resources.contains(&&Resource::AllDatabases) {
        return ALL.to_owned();
    }
    match resources.as_slice() {
        [] => "None".to_owned(),
        [only] => label(only),
        [first, others @ ..] => format!("{}, + {} more", label(first), others.len()),
    }
}

/// A row of the grid. A box stands for the action and the resource of a grant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GridRow {
    pub(super) label: String,
    /// The resource.
    pub(super) value: String,
    pub(super) read: bool,
    pub(super) write: bool,
    /// Whether no active database has this name.
    pub(super) is_missing: bool,
}

/// The grid over all databases and those that are held, ticked as they are.
pub(super) fn grid(databases: &[DatabaseName], held: &PermissionSet) -> Vec<GridRow> {
    let existing = databases.iter().cloned().map(Resource::Database);
    let mut rows: BTreeSet<Resource> = existing.clone().collect();
    let existing: BTreeSet<Resource> = existing.collect();
    rows.extend(held.grants().iter().map(|grant| grant.resource.clone()));
    rows.insert(Resource::AllDatabases);
    rows.into_iter()
        .map(|resource| GridRow {
            label: label(&resource),
            value: resource.as_str().to_owned(),
            read: holds(held, Action::Read, &resource),
            write: holds(held, Action::Write, &resource),
            is_missing: resource != Resource::AllDatabases && !existing.contains(&resource),
        })
        .collect()
}

/// The grants whose boxes are ticked.
///
/// # Errors
/// [`Failure::Malformed`] for what is not a box of the grid.
pub(super) fn ticked(fields: &Fields) -> Result<PermissionSet, Failure> {
    fields.all(FIELD).map(|text| grant(text).ok_or(Failure::Malformed)).collect()
}

fn grant(text: &str) -> Option<Grant> {
    let (action, resource) = text.split_once(':')?;
    Some(Grant { action: action.parse().ok()?, resource: resource.parse().ok()? })
}

/// Whether both allow the same.
pub(super) fn are_same(one: &PermissionSet, other: &PermissionSet) -> bool {
    let all = |permissions: &PermissionSet| permissions.grants().iter().cloned().collect::<BTreeSet<_>>();
    all(one) == all(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(encoded: &str) -> PermissionSet {
        ticked(&Fields::parse(encoded).unwrap()).unwrap()
    }

    #[test]
    fn words() {
        assert_eq!(summary(&of("")), "None");
        assert_eq!(summary(&of("grant=read:flights&grant=write:flights")), "flights");
        assert_eq!(summary(&of("grant=read:flights&grant=read:a/b&grant=write:c")), "flights, + 2 more");
        assert_eq!(summary(&of("grant=read:flights&grant=read:*")), "All databases");
    }

    #[test]
    fn each_database_has_one_row() {
        let granted = |database: &str, read, write| Granted { database: database.to_owned(), read, write };
        let table = table(&of("grant=write:b&grant=read:*&grant=read:b"));
        assert_eq!(table, [granted("b", true, true), granted("All databases", true, false)]);
    }

    #[test]
    fn the_grid_has_all_databases_first_and_keeps_grants_on_missing_ones() {
        let names = ["a".parse().unwrap(), "z".parse().unwrap()];
        let rows = grid(&names, &of("grant=read:gone&grant=write:z"));
        let shown: Vec<_> = rows.iter().map(|row| (row.value.as_str(), row.read, row.write, row.is_missing)).collect();
        assert_eq!(
            shown,
            [
                ("*", false, false, false),
                ("a", false, false, false),
                ("gone", true, false, true),
                ("z", false, true, false)
            ]
        );
    }

    #[test]
    fn what_is_no_box_is_refused() {
        for text in ["grant=", "grant=read", "grant=drop:a", "grant=read:", "grant=read:_x", "grant=read:a%20b"] {
            assert!(ticked(&Fields::parse(text).unwrap()).is_err(), "{text}");
        }
    }

    #[test]
    fn order_makes_no_difference() {
        assert!(are_same(&of("grant=read:a&grant=write:a"), &of("grant=write:a&grant=read:a&grant=read:a")));
        assert!(!are_same(&of("grant=read:a"), &of("grant=read:a&grant=write:a")));
    }
}
