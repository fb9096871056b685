//! Typed permissions of API tokens (v2 API contract §3).

use std::fmt;
use std::str::FromStr;

use crate::{Action, OrganizationId, ResourceId};

macro_rules! resource_types {
    ($($variant:ident $word:literal $where:ident,)*) => {
        /// What kind of thing a typed permission is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "the variants are the words of the contract")]
        pub enum ResourceType {
            $($variant,)*
        }

        impl ResourceType {
            /// All of them, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word of the API.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Where it is known.
            pub const fn scope(self) -> TypeScope {
                match self {
                    $(Self::$variant => TypeScope::$where,)*
                }
            }
        }
    };
}

impl ResourceType {
    /// Users and organizations are in no organization: checks name them by id alone.
    pub const fn belongs_to_no_organization(self) -> bool {
        matches!(self, Self::Users | Self::Orgs)
    }
}

/// Which products know a resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeScope {
    /// All of them.
    Common,
    /// The open-source server.
    SelfHosted,
    /// The cloud service.
    Cloud,
}

resource_types! {
    Authorizations "authorizations" Common,
    Buckets "buckets" Common,
    Dashboards "dashboards" Common,
    Orgs "orgs" Common,
    Tasks "tasks" Common,
    Telegrafs "telegrafs" Common,
    Users "users" Common,
    Variables "variables" Common,
    Secrets "secrets" Common,
    Labels "labels" Common,
    Views "views" Common,
    Documents "documents" Common,
    NotificationRules "notificationRules" Common,
    NotificationEndpoints "notificationEndpoints" Common,
    Checks "checks" Common,
    Dbrp "dbrp" Common,
    Annotations "annotations" Common,
    Sources "sources" SelfHosted,
    Scrapers "scrapers" SelfHosted,
    Notebooks "notebooks" SelfHosted,
    Remotes "remotes" SelfHosted,
    Replications "replications" SelfHosted,
    Instance "instance" SelfHosted,
    Flows "flows" Cloud,
    Functions "functions" Cloud,
    Subscriptions "subscriptions" Cloud,
}

/// The word names no resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown resource type for permission")]
pub struct ResourceTypeError;

impl FromStr for ResourceType {
    type Err = ResourceTypeError;

    fn from_str(word: &str) -> Result<Self, ResourceTypeError> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word).ok_or(ResourceTypeError)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One action on one thing, or on all things of a type, perhaps of one organization.
///
/// Shown as the API's messages have it, such as `read:orgs/<organization>/buckets/<id>`; parsing reads the same form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypedPermission {
    /// Read or write.
    pub action: Action,
    /// On what kind of thing.
    pub kind: ResourceType,
    /// In which organization; `None` = in all, or wherever the thing with the id is.
    pub organization: Option<OrganizationId>,
    /// On which one thing; `None` = on all.
    pub id: Option<ResourceId>,
}

impl TypedPermission {
    /// On everything of a type, in every organization.
    pub const fn everywhere(action: Action, kind: ResourceType) -> Self {
        Self { action, kind, organization: None, id: None }
    }

    /// On everything of a type in one organization.
    pub const fn in_organization(action: Action, kind: ResourceType, organization: OrganizationId) -> Self {
        Self { action, kind, organization: Some(organization), id: None }
    }

    /// On one thing that belongs to an organization.
    pub fn on(action: Action, kind: ResourceType, organization: OrganizationId, id: impl Into<ResourceId>) -> Self {
        Self { action, kind, organization: Some(organization), id: Some(id.into()) }
    }

    /// On one thing that belongs to no organization: a user, or an organization itself.
    pub fn on_one(action: Action, kind: ResourceType, id: impl Into<ResourceId>) -> Self {
        Self { action, kind, organization: None, id: Some(id.into()) }
    }

    /// Whether who holds this may do `wanted`.
    ///
    /// One thing in one organization (contract §3, row 4) is not the thing of the same id in another one: who may write
    /// all that an organization has could otherwise make a permission on what it does not have.
    pub fn covers(&self, wanted: &Self) -> bool {
        if self.action != wanted.action {
            return false;
        }
        if self.kind == ResourceType::Instance {
            return true;
        }
        let same_organization = self.organization == wanted.organization;
        self.kind == wanted.kind
            && match (self.organization, self.id) {
                (None, None) => true,
                (Some(_), None) => same_organization,
                (None, Some(id)) => wanted.id == Some(id),
                (Some(_), Some(id)) => wanted.id == Some(id) && (same_organization || wanted.is_beyond_organizations()),
            }
    }

    /// What this amounts to: a user or an organization with an id is the same one whatever organization is named beside
    /// it. Who gives a permission away must hold what it amounts to.
    pub fn effect(self) -> Self {
        let belongs_to_none = self.kind.belongs_to_no_organization() && self.id.is_some();
        Self { organization: self.organization.filter(|_| !belongs_to_none), ..self }
    }

    fn is_beyond_organizations(&self) -> bool {
        self.organization.is_none() && self.kind.belongs_to_no_organization()
    }
}

impl fmt::Display for TypedPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.action)?;
        if let Some(organization) = self.organization {
            write!(f, "orgs/{organization}/")?;
        }
        write!(f, "{}", self.kind)?;
        match self.id {
            Some(id) => write!(f, "/{id}"),
            None => Ok(()),
        }
    }
}

/// The text is not the printed form of a typed permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a typed permission has the form action:type, action:type/id or action:orgs/id/type/id")]
pub struct ParseTypedPermissionError;

impl FromStr for TypedPermission {
    type Err = ParseTypedPermissionError;

    fn from_str(text: &str) -> Result<Self, ParseTypedPermissionError> {
        let refused = ParseTypedPermissionError;
        let (action, path) = text.split_once(':').ok_or(refused)?;
        let parts: Vec<_> = path.split('/').collect();
        let (organization, kind, id) = match *parts.as_slice() {
            [kind] => (None, kind, None),
            [kind, id] => (None, kind, Some(id)),
            ["orgs", organization, kind] => (Some(organization), kind, None),
            ["orgs", organization, kind, id] => (Some(organization), kind, Some(id)),
            _ => return Err(refused),
        };
        Ok(Self {
            action: action.parse().map_err(|_| refused)?,
            kind: kind.parse().map_err(|_| refused)?,
            organization: organization.map(str::parse).transpose().map_err(|_| refused)?,
            id: id.map(str::parse).transpose().map_err(|_| refused)?,
        })
    }
}

/// The permissions of an API token, in the order in which they were given. They never change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TypedPermissions(Box<[TypedPermission]>);

impl TypedPermissions {
    /// Each of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &TypedPermission> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether who holds these may do `wanted`.
    pub fn cover(&self, wanted: &TypedPermission) -> bool {
        self.0.iter().any(|held| held.covers(wanted))
    }

    /// Read and write of everything everywhere: what the first token has (contract §3, Operator).
    pub fn operator() -> Self {
        Self::of_every_type(|action, kind| Some(TypedPermission::everywhere(action, kind)))
    }

    /// Whether they hold all that an operator holds.
    pub fn are_operator(&self) -> bool {
        // Each permission counts once, so that a long list costs one look at each.
        let (mut read, mut write) = (0_u32, 0_u32);
        for held in self.0.iter().filter(|held| held.organization.is_none() && held.id.is_none()) {
            let bits = if held.kind == ResourceType::Instance { u32::MAX } else { 1 << held.kind as u32 };
            match held.action {
                Action::Read => read |= bits,
                Action::Write => write |= bits,
            }
        }
        let wanted = ResourceType::ALL
            .iter()
            .filter(|kind| **kind != ResourceType::Instance && kind.scope() != TypeScope::Cloud)
            .fold(0_u32, |bits, kind| bits | 1 << *kind as u32);
        read & write & wanted == wanted
    }

    /// Those of `choose` for every action and type but `instance`.
    pub fn of_every_type(mut choose: impl FnMut(Action, ResourceType) -> Option<TypedPermission>) -> Self {
        let types = ResourceType::ALL.iter().copied().filter(|kind| *kind != ResourceType::Instance);
        types
            .flat_map(|kind| [(Action::Read, kind), (Action::Write, kind)])
            .filter_map(|(action, kind)| choose(action, kind))
            .collect()
    }
}

impl FromIterator<TypedPermission> for TypedPermissions {
    fn from_iter<I: IntoIterator<Item = TypedPermission>>(permissions: I) -> Self {
        Self(permissions.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn held(text: &str) -> TypedPermission {
        text.parse().unwrap()
    }

    #[test]
    fn matching_follows_the_table() {
        const ORG: &str = "00000000000000aa";
        const OTHER: &str = "00000000000000bb";
        const ID: &str = "0000000000000001";
        let cases = [
            ("read:instance", format!("read:orgs/{ORG}/buckets/{ID}"), true),
            ("read:instance", format!("write:orgs/{ORG}/buckets/{ID}"), false),
            ("read:buckets", format!("read:orgs/{ORG}/buckets/{ID}"), true),
            ("read:buckets", format!("read:orgs/{ORG}/tasks/{ID}"), false),
            (&format!("read:orgs/{ORG}/buckets"), format!("read:orgs/{ORG}/buckets/{ID}"), true),
            (&format!("read:orgs/{ORG}/buckets"), format!("read:orgs/{ORG}/buckets"), true),
            (&format!("read:orgs/{ORG}/buckets"), format!("read:orgs/{OTHER}/buckets/{ID}"), false),
            (&format!("read:orgs/{ORG}/buckets"), "read:buckets".to_owned(), false),
            (&format!("read:orgs/{ORG}/buckets/{ID}"), format!("read:orgs/{ORG}/buckets/{ID}"), true),
            (&format!("read:orgs/{ORG}/buckets/{ID}"), format!("read:orgs/{OTHER}/buckets/{ID}"), false),
            (&format!("read:orgs/{ORG}/buckets/{ID}"), format!("read:buckets/{ID}"), false),
            (&format!("read:orgs/{ORG}/users/{ID}"), format!("read:users/{ID}"), true),
            (&format!("read:buckets/{ID}"), format!("read:orgs/{ORG}/buckets/{ID}"), true),
            (&format!("read:buckets/{ID}"), format!("read:orgs/{ORG}/buckets"), false),
            (&format!("read:orgs/{ORG}/users"), format!("read:users/{ID}"), false),
            (&format!("read:users/{ID}"), format!("read:users/{ID}"), true),
            (&format!("read:orgs/{ORG}/orgs"), format!("read:orgs/{ORG}"), false),
        ];
        for (has, wanted, expected) in cases {
            assert_eq!(held(has).covers(&held(&wanted)), expected, "{has} for {wanted}");
        }
    }

    #[test]
    fn texts_of_another_form_are_refused() {
        for text in [
            "",
            "read",
            "read:",
            "read:bucket",
            "own:buckets",
            "read:buckets/1",
            "read:orgs/1/buckets",
            "a:b:c",
            "read:buckets/0000000000000001/x/y/z",
            "read:x/0000000000000001/buckets",
        ] {
            assert!(text.parse::<TypedPermission>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_all_of_it_is_an_operator() {
        let operator = TypedPermissions::operator();
        assert_eq!(operator.len(), 50);
        assert!(operator.are_operator());
        for missing in 0..44 {
            let rest: TypedPermissions =
                operator.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, held)| *held).collect();
            assert!(!rest.are_operator(), "without {:?}", operator.iter().nth(missing));
        }
        let organization = OrganizationId::new(1).unwrap();
        let all_access = TypedPermissions::of_every_type(|action, kind| {
            Some(TypedPermission::in_organization(action, kind, organization))
        });
        assert!(!all_access.are_operator());
        let instance = [held("read:instance"), held("write:instance")].into_iter().collect::<TypedPermissions>();
        assert!(instance.are_operator());
    }

    fn permission() -> impl Strategy<Value = TypedPermission> {
        // Few ids and types, so that one permission often covers the other.
        let id = || proptest::option::of(prop_oneof![1..=3_u64, Just(u64::MAX)]);
        let kinds = [ResourceType::Buckets, ResourceType::Users, ResourceType::Orgs, ResourceType::Instance];
        (any::<bool>(), proptest::sample::select(kinds.to_vec()), id(), id()).prop_map(
            |(write, kind, organization, id)| TypedPermission {
                action: if write { Action::Write } else { Action::Read },
                kind,
                organization: organization.and_then(OrganizationId::new),
                id: id.and_then(ResourceId::new),
            },
        )
    }

    proptest! {
        #[test]
        fn shown_and_parsed_is_the_same(permission in permission()) {
            prop_assert_eq!(permission.to_string().parse::<TypedPermission>(), Ok(permission));
        }

        #[test]
        fn nothing_is_gained_by_giving_away(a in permission(), b in permission(), c in permission()) {
            prop_assert!(a.covers(&a));
            if a.covers(&b.effect()) && b.covers(&c.effect()) {
                prop_assert!(a.covers(&c.effect()), "{} gives {} covers {}", a, b, c);
            }
        }
    }
}
