//! Permissions in requests and answers (contract §3): an action on a resource, which may be named by id or, where this
//! leaves no doubt, by name.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tidegate_model::{
    Action, DatabaseId, DatabaseName, OrganizationId, ResourceId, ResourceType, TypedPermission, TypedPermissions,
    UserId,
};
use tidegate_service::{Entry, Service, ServiceError};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::description::{given_id, id as id_schema};
use super::error::ApiError;
use super::given;
use crate::openapi::{one_of, one_of_or_null};

/// Most permissions of one authorization.
const MOST_PERMISSIONS: usize = 1000;

/// A permission as a client asks for it.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct GivenPermission {
    #[schema(schema_with = actions)]
    action: Option<String>,
    #[schema(value_type = GivenResource)]
    resource: Option<GivenResource>,
}

/// What a permission is about: all of a type, those of an organization, or one.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct GivenResource {
    #[serde(rename = "type")]
    #[schema(schema_with = types)]
    kind: Option<String>,
    #[serde(default, deserialize_with = "given::id")]
    #[schema(schema_with = given_id, required = false)]
    id: Option<ResourceId>,
    #[serde(default, rename = "orgID", deserialize_with = "given::id")]
    #[schema(schema_with = given_id, required = false)]
    organization: Option<OrganizationId>,
    /// Of a bucket, organization or user, in place of its id.
    #[schema(ignore)]
    name: Option<String>,
}

/// A permission as it is shown.
#[derive(Serialize, ToSchema)]
pub(super) struct Permission {
    #[schema(schema_with = actions)]
    action: &'static str,
    resource: Resource,
}

/// What a permission is about.
#[derive(Serialize, ToSchema)]
pub(super) struct Resource {
    #[serde(rename = "type")]
    #[schema(schema_with = types)]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = id_schema, required = false)]
    id: Option<String>,
    #[serde(rename = "orgID", skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = id_schema, required = false)]
    organization: Option<String>,
    /// While the bucket, organization or user exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    name: Option<String>,
    /// The name of the organization, while it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    org: Option<String>,
}

fn actions() -> Object {
    one_of(&["read", "write"])
}

fn types() -> Object {
    one_of(&ResourceType::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
}

/// The states of users and authorizations, in a request.
pub(super) fn statuses_or_null() -> Object {
    one_of_or_null(&["active", "inactive"])
}

/// The same in an answer.
pub(super) fn statuses() -> Object {
    one_of(&["active", "inactive"])
}

/// A permission that was read, and the name of its resource if that stands for the id.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Requested {
    permission: TypedPermission,
    name: Option<String>,
}

/// Reads a list of permissions, which must be neither empty nor too long. All types are checked before all actions.
pub(super) fn requested(given: Option<Vec<GivenPermission>>) -> Result<Vec<Requested>, ApiError> {
    let given = given.filter(|given| !given.is_empty());
    let given = given.ok_or_else(|| ApiError::invalid("authorization must include permissions"))?;
    if given.len() > MOST_PERMISSIONS {
        let message =
            format!("an authorization has at most {MOST_PERMISSIONS} permissions: ask for fewer or wider ones");
        return Err(ApiError::invalid(message));
    }
    let with_types: Vec<_> = given.into_iter().map(with_type).collect::<Result<_, _>>()?;
    with_types
        .into_iter()
        .map(|(action, kind, resource)| {
            let unknown = |_| ApiError::invalid("invalid action type for permission: unknown action for permission");
            let action: Action = action.as_deref().unwrap_or_default().parse().map_err(unknown)?;
            let GivenResource { id, organization, name, .. } = resource;
            let is_named = id.is_none() && can_be_named(kind);
            let name = name.filter(|_| is_named);
            if name.as_deref() == Some("") {
                let message = format!("the name of a resource is empty: leave it out for all {kind}, or say which one");
                return Err(ApiError::invalid(message));
            }
            Ok(Requested { permission: TypedPermission { action, kind, organization, id }, name })
        })
        .collect()
}

fn with_type(given: GivenPermission) -> Result<(Option<String>, ResourceType, GivenResource), ApiError> {
    let resource = given.resource.unwrap_or_default();
    let kind = ResourceType::from_str(resource.kind.as_deref().unwrap_or_default())
        .map_err(|error| ApiError::invalid(format!("invalid resource type for permission: {error}")))?;
    Ok((given.action, kind, resource))
}

const fn can_be_named(kind: ResourceType) -> bool {
    matches!(kind, ResourceType::Buckets | ResourceType::Orgs | ResourceType::Users)
}

/// The permissions with ids in place of names, for an authorization of this organization.
pub(super) fn resolved(
    service: &Service,
    caller: &Entry,
    requested: Vec<Requested>,
    organization: OrganizationId,
) -> Result<TypedPermissions, ApiError> {
    requested
        .into_iter()
        .map(|Requested { mut permission, name }| {
            if let Some(name) = name {
                if permission.kind == ResourceType::Buckets {
                    permission.organization.get_or_insert(organization);
                }
                // Without a look at what has this name: the caller may hold nothing there.
                if permission.organization.is_some_and(|other| other != organization) {
                    return Err(ServiceError::PermissionOfOtherOrganization(permission, organization).into());
                }
                permission.id = Some(named(service, caller, permission, &name, organization)?);
            }
            Ok(permission)
        })
        .collect()
}

/// The id of what has this name. Whoever may not do this to it learns no more than that it cannot be named.
fn named(
    service: &Service,
    caller: &Entry,
    permission: TypedPermission,
    name: &str,
    organization: OrganizationId,
) -> Result<ResourceId, ApiError> {
    let found = match permission.kind {
        ResourceType::Buckets => {
            let database = name.parse().ok().and_then(|name: DatabaseName| service.find_database(organization, &name));
            database.map(ResourceId::from)
        }
        ResourceType::Orgs => service.find_organization(name).map(ResourceId::from),
        ResourceType::Users => service.find_user(name).map(ResourceId::from),
        _ => None,
    };
    let may = |id: &ResourceId| caller.authorize(&TypedPermission { id: Some(*id), ..permission }.effect()).is_ok();
    found.filter(may).ok_or_else(|| ApiError::invalid(format!("no {} named \"{name}\" found", permission.kind)))
}

impl Permission {
    pub(super) fn new(service: &Service, permission: &TypedPermission) -> Self {
        let TypedPermission { action, kind, organization, id } = *permission;
        let resource = Resource {
            kind: kind.as_str(),
            id: id.map(|id| id.to_string()),
            organization: organization.map(|id| id.to_string()),
            name: name_of(service, permission),
            org: organization.and_then(|id| service.organization_name(id)).map(|name| name.to_string()),
        };
        Self { action: action.as_str(), resource }
    }
}

/// The name of what a permission is about. A bucket of another organization than the permission's has none: who may hold
/// a permission on any id of its own organization must not learn names of another one.
fn name_of(service: &Service, permission: &TypedPermission) -> Option<String> {
    let id = permission.id?;
    match permission.kind {
        ResourceType::Buckets => DatabaseId::from_resource(id)
            .and_then(|id| service.database_name(id, permission.organization))
            .map(|name| name.to_string()),
        ResourceType::Orgs => {
            OrganizationId::new(id.get()).and_then(|id| service.organization_name(id)).map(|name| name.to_string())
        }
        ResourceType::Users => UserId::new(id.get()).and_then(|id| service.user_name(id)).map(|name| name.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(permissions: Value) -> Result<Vec<String>, String> {
        let given = serde_json::from_value(permissions).map_err(|error| error.to_string())?;
        let requested = requested(given).map_err(|error| error.message().to_owned())?;
        Ok(requested.into_iter().map(|requested| requested.permission.to_string()).collect())
    }

    #[test]
    fn permissions_are_read_in_their_order() {
        let read = read(json!([
            { "action": "write", "resource": { "type": "buckets", "id": "00000000000000AB", "orgID": "1111111111111111" } },
            { "action": "read", "resource": { "type": "flows", "name": "x", "org": "y", "other": 1 } },
            { "action": "read", "resource": { "type": "users", "id": null, "orgID": null, "name": null } },
        ]));
        let expected = ["write:orgs/1111111111111111/buckets/00000000000000ab", "read:flows", "read:users"];
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn every_type_of_the_contract_is_known() {
        for kind in ResourceType::ALL {
            let text = kind.as_str();
            assert_eq!(
                read(json!([{ "action": "read", "resource": { "type": text } }])),
                Ok(vec![format!("read:{text}")])
            );
        }
    }

    #[test]
    fn faults_have_the_message_of_the_first_check() {
        const TYPE: &str = "invalid resource type for permission: unknown resource type for permission";
        const ACTION: &str = "invalid action type for permission: unknown action for permission";
        const NONE: &str = "authorization must include permissions";
        let buckets = json!({ "type": "buckets" });
        for (permissions, message) in [
            (json!(null), NONE),
            (json!([]), NONE),
            (json!([{ "action": "read" }]), TYPE),
            (json!([{ "action": "read", "resource": {} }]), TYPE),
            (json!([{ "action": "read", "resource": { "type": "bucket" } }]), TYPE),
            (json!([{ "action": "own", "resource": buckets }]), ACTION),
            (json!([{ "resource": buckets }]), ACTION),
            (json!([{ "action": "own", "resource": buckets }, { "action": "read", "resource": {} }]), TYPE),
            (
                json!([{ "action": "read", "resource": { "type": "buckets", "id": "1" } }]),
                "id must have a length of 16 bytes",
            ),
            (json!([{ "action": "read", "resource": { "type": "buckets", "id": "000000000000000g" } }]), "invalid ID"),
        ] {
            assert_eq!(read(permissions.clone()), Err(message.to_owned()), "{permissions}");
        }
    }

    #[test]
    fn a_name_counts_only_in_place_of_an_id() {
        let name = |resource: Value| {
            let given = json!([{ "action": "read", "resource": resource }]);
            requested(serde_json::from_value(given).unwrap()).unwrap().remove(0).name
        };
        for kind in ["buckets", "orgs", "users"] {
            assert_eq!(name(json!({ "type": kind, "name": "x" })).as_deref(), Some("x"));
            assert_eq!(name(json!({ "type": kind, "name": "x", "id": "0000000000000001" })), None);
            assert_eq!(name(json!({ "type": kind, "name": "", "id": "0000000000000001" })), None);
        }
        for text in ["x", ""] {
            assert_eq!(name(json!({ "type": "tasks", "name": text })), None);
        }
    }

    #[test]
    fn an_empty_name_does_not_mean_all() {
        for kind in ["buckets", "orgs", "users"] {
            let permission = json!({ "action": "read", "resource": { "type": kind, "name": "", "id": null } });
            let message = read(json!([permission])).unwrap_err();
            assert!(message.contains(&format!("leave it out for all {kind}")), "{message}");
        }
    }

    #[test]
    fn the_number_of_permissions_is_limited() {
        let many = |count: usize| {
            let action = |n: usize| if n.is_multiple_of(2) { "read" } else { "write" };
            let one = |n: usize| json!({ "action": action(n), "resource": { "type": "tasks" } });
            read((0..count).map(one).collect())
        };
        let kept = many(MOST_PERMISSIONS).unwrap();
        assert_eq!(kept.len(), MOST_PERMISSIONS, "duplicates are kept");
        assert_eq!((&*kept[0], &*kept[1], &*kept[2]), ("read:tasks", "write:tasks", "read:tasks"));
        assert!(many(MOST_PERMISSIONS + 1).unwrap_err().contains("at most 1000 permissions"));
    }
}
