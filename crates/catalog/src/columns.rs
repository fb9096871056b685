//! How values of the model are kept in columns.

use tidegate_model::{Action, Grant, PermissionSet, Timestamp, TokenId, TokenKind};
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
