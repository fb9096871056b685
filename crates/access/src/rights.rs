//! What a credential may do, in the form in which it was granted.

use tidegate_model::{
    Action, ApiToken, DatabaseId, DatabaseName, OrganizationId, PermissionSet, ResourceType, TypedPermission,
    TypedPermissions, UserId,
};

/// What a credential may do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Rights {
    /// Grants on databases by name.
    Names(PermissionSet),
    /// Typed permissions on things by id.
    Typed { owner: Owner, permissions: TypedPermissions },
}

/// On whose behalf an API token or a session acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The user to whom it belongs.
    pub user: UserId,
    /// The organization in which it finds databases.
    pub organization: OrganizationId,
}

/// A database as a request names it. Only the caller of [`crate::Entry::permit`] knows whether the name leads anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: DatabaseName,
    pub(crate) id: Option<DatabaseId>,
}

impl Rights {
    pub(crate) fn of_api_token(token: &ApiToken) -> Self {
        let owner = Owner { user: token.user, organization: token.organization };
        Self::Typed { owner, permissions: token.permissions.clone() }
    }

    /// Whether `action` on the database is allowed. A name that leads nowhere is what only who may do this to every
    /// database can have asked for.
    pub(crate) fn allow(&self, action: Action, database: &Target) -> bool {
        match (self, database.id) {
            (Self::Names(permissions), _) => permissions.allows(action, &database.name),
            (Self::Typed { owner, permissions }, Some(id)) => {
                permissions.cover(&TypedPermission::on(action, ResourceType::Buckets, owner.organization, id))
            }
            (Self::Typed { .. }, None) => self.allow_all(action),
        }
    }

    /// Whether `action` is allowed on every database, also on those that do not exist yet.
    pub(crate) fn allow_all(&self, action: Action) -> bool {
        match self {
            Self::Names(permissions) => permissions.allows_all(action),
            Self::Typed { owner, permissions } => {
                permissions.cover(&TypedPermission::in_organization(action, ResourceType::Buckets, owner.organization))
            }
        }
    }

    /// Whether these hold a typed permission.
    pub(crate) fn cover(&self, wanted: &TypedPermission) -> bool {
        match self {
            Self::Names(_) => false,
            Self::Typed { permissions, .. } => permissions.cover(wanted),
        }
    }

    /// Whether these hold a typed permission of this action and type, on anything.
    pub(crate) fn hold_any(&self, action: Action, kind: ResourceType) -> bool {
        match self {
            Self::Names(_) => false,
            Self::Typed { permissions, .. } => permissions
                .iter()
                .any(|held| held.action == action && (held.kind == kind || held.kind == ResourceType::Instance)),
        }
    }

    /// Whether these are those of an operator, who may do what a management token may.
    pub(crate) fn are_operator(&self) -> bool {
        match self {
            Self::Names(_) => false,
            Self::Typed { permissions, .. } => permissions.are_operator(),
        }
    }

    pub(crate) fn owner(&self) -> Option<Owner> {
        match self {
            Self::Names(_) => None,
            Self::Typed { owner, .. } => Some(*owner),
        }
    }
}
