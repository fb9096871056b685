//! How values of the model are kept in columns.

use tidegate_model::{
    Action, Description, Grant, Name, PermissionSet, Status, Timestamp, TokenId, TokenKind, TypedPermission,
    TypedPermissions,
};
use uuid::Uuid;

use crate::CatalogError;

pub(crate) fn uuid(bytes: &[u8]) -> Result<Uuid, CatalogError> {
    Uuid::from_slice(bytes).map_err(|_| CatalogError::corrupt("an id does not have 16 bytes"))
}

pub(crate) fn token_id(bytes: &[u8]) -> Result<TokenId, CatalogError> {
    uuid(bytes).map(TokenId::from_uuid)
}

pub(crate) fn token_id_bytes(id: TokenId) -> Vec<u8> {
    id.as_uuid().as_bytes().to_vec()
}

/// How a number that identifies something in the v2 API is kept. A number above the column's range becomes negative, and
/// no row has such a one.
pub(crate) const fn id_column(id: u64) -> i64 {
    id.cast_signed()
}

pub(crate) fn id<I>(number: i64, new: impl FnOnce(u64) -> Option<I>) -> Result<I, CatalogError> {
    let id = u64::try_from(number).ok().and_then(new);
    id.ok_or_else(|| CatalogError::corrupt("an id is not above 0"))
}

pub(crate) fn name(text: &str) -> Result<Name, CatalogError> {
    text.parse().map_err(|_| CatalogError::corrupt("a name cannot be read"))
}

pub(crate) fn status(word: &str) -> Result<Status, CatalogError> {
    word.parse().map_err(|_| CatalogError::corrupt("unknown status"))
}

pub(crate) fn description(text: &str) -> Result<Description, CatalogError> {
    Description::new(text).map_err(|_| CatalogError::corrupt("a description cannot be read"))
}

pub(crate) fn optional_time(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

pub(crate) const fn kind_word(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Database => "database",
        TokenKind::Management => "management",
    }
}

pub(crate) fn kind(word: &str) -> Result<TokenKind, CatalogError> {
    match word {
        "database" => Ok(TokenKind::Database),
        "management" => Ok(TokenKind::Management),
        _ => Err(CatalogError::corrupt("unknown kind of token")),
    }
}

/// `action:resource` for each grant, in order, separated by spaces. Names contain neither colons nor spaces.
pub(crate) fn grants_text(permissions: &PermissionSet) -> String {
    let mut text = String::new();
    for grant in permissions.grants() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(grant.action.as_str());
        text.push(':');
        text.push_str(grant.resource.as_str());
    }
    text
}

/// Reads what [`grants_text`] wrote. Anything else is damage: a grant is never guessed or left out.
pub(crate) fn grants(text: &str) -> Result<PermissionSet, CatalogError> {
    if text.is_empty() {
        return Ok(PermissionSet::none());
    }
    text.split(' ').map(grant).collect()
}

fn grant(text: &str) -> Result<Grant, CatalogError> {
    let damaged = || CatalogError::corrupt("a grant cannot be read");
    let (action, resource) = text.split_once(':').ok_or_else(damaged)?;
    let action = match action {
        "read" => Action::Read,
        "write" => Action::Write,
        _ => return Err(damaged()),
    };
    Ok(Grant { action, resource: resource.parse().map_err(|_| damaged())? })
}

/// Each as it is printed, in order, separated by spaces.
pub(crate) fn typed_permissions_text(permissions: &TypedPermissions) -> String {
    permissions.iter().map(TypedPermission::to_string).collect::<Vec<_>>().join(" ")
}

/// Reads what [`typed_permissions_text`] wrote. Anything else is damage: a permission is never guessed or left out.
pub(crate) fn typed_permissions(text: &str) -> Result<TypedPermissions, CatalogError> {
    if text.is_empty() {
        return Ok(TypedPermissions::default());
    }
    let read: Result<_, _> = text.split(' ').map(str::parse::<TypedPermission>).collect();
    read.map_err(|_| CatalogError::corrupt("a permission cannot be read"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn grants_that_are_damaged_are_refused() {
        for text in [" ", "read", "read:", "own:a", "read:a  write:b", "read:a ", "read:_x", "READ:a", ":a"] {
            assert!(matches!(grants(text), Err(CatalogError::Corrupt { .. })), "{text:?}");
        }
    }

    #[test]
    fn unknown_kind_is_refused() {
        assert!(kind("Database").is_err());
        assert!(kind("").is_err());
    }

    proptest! {
        #[test]
        fn grants_survive_in_order(list in prop::collection::vec((any::<bool>(), "\\*|[A-Za-z0-9/-][A-Za-z0-9_/-]{0,63}"), 0..20)) {
            let permissions: PermissionSet = list
                .iter()
                .map(|(read, resource)| Grant {
                    action: if *read { Action::Read } else { Action::Write },
                    resource: resource.parse().unwrap(),
                })
                .collect();
            prop_assert_eq!(grants(&grants_text(&permissions)).unwrap(), permissions);
        }
    }
}
