//! The two forms of every path of the Management API (contract §2). Dedicated names the account and the cluster, and
//! repeats them in its answers; Clustered does neither. Both reach the same handlers, registered here once.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use serde::Serialize;
use tidegate_model::Identity;
use tidegate_service::Service;
use utoipa::IntoResponses;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem, Paths};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{AllOfBuilder, Array, ArrayItems, KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{Content, Object, ObjectBuilder, RefOr, Required, Schema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use uuid::Uuid;

use super::error::Refused;
use crate::openapi::operations;

/// Whose resources a path is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Account,
    Cluster,
}

const CLUSTERED_PREFIX: &str = "/api/v0";

impl Scope {
    fn dedicated_prefix(self) -> &'static str {
        match self {
            Self::Account => "/api/v0/accounts/{accountId}",
            Self::Cluster => "/api/v0/accounts/{accountId}/clusters/{clusterId}",
        }
    }

    fn ids(self) -> &'static [&'static str] {
        match self {
            Self::Account => &["accountId"],
            Self::Cluster => &["accountId", "clusterId"],
        }
    }
}

/// The form of a request's path.
#[derive(Clone, Copy)]
pub(super) enum PathForm {
    Dedicated(Identity),
    Clustered,
}

impl FromRequestParts<Arc<Service>> for PathForm {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, service: &Arc<Service>) -> Result<Self, Infallible> {
        let parameters = RawPathParams::from_request_parts(parts, service).await;
        let names_account = parameters.is_ok_and(|list| list.iter().any(|(name, _)| name == "accountId"));
        Ok(if names_account { Self::Dedicated(service.identity()) } else { Self::Clustered })
    }
}

/// A record, and the ids that the form of the path adds to it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Placed<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<Uuid>,
    #[serde(flatten)]
    record: T,
}

impl PathForm {
    fn account_id(self) -> Option<Uuid> {
        match self {
            Self::Dedicated(identity) => Some(identity.account.as_uuid()),
            Self::Clustered => None,
        }
    }

    pub(super) fn cluster_id(self) -> Option<Uuid> {
        match self {
            Self::Dedicated(identity) => Some(identity.cluster.as_uuid()),
            Self::Clustered => None,
        }
    }

    pub(super) fn in_account<T>(self, record: T) -> Placed<T> {
        Placed { account_id: self.account_id(), cluster_id: None, record }
    }

    pub(super) fn in_cluster<T>(self, record: T) -> Placed<T> {
        Placed { account_id: self.account_id(), cluster_id: self.cluster_id(), record }
    }
}

/// Registers routes, whose path is what follows the prefix, in both forms. Collections are also reached with a
/// trailing slash (contract §4), which the document does not repeat.
pub(super) fn register(
    mut router: OpenApiRouter<Arc<Service>>,
    scope: Scope,
    (schemas, paths, methods): UtoipaMethodRouter<Arc<Service>>,
) -> OpenApiRouter<Arc<Service>> {
    for (path, mut item) in paths.paths {
        operations(&mut item).for_each(add_common_answers);
        let is_collection = item.get.is_some() && !path.ends_with('}');
        let dedicated = (scope.dedicated_prefix(), dedicated(scope, item.clone()));
        let clustered = (CLUSTERED_PREFIX, clustered(item));
        for (prefix, item) in [dedicated, clustered] {
            let path = format!("{prefix}{path}");
            if is_collection {
                router = router.route(&format!("{path}/"), methods.clone());
            }
            let mut described = Paths::new();
            described.paths.insert(path, item);
            router = router.routes((schemas.clone(), described, methods.clone()));
        }
    }
    router
}

/// What every operation can answer: no usable credential, a fault of the server, a server that cannot now.
fn add_common_answers(operation: &mut Operation) {
    for answers in [Refused::<401>::responses(), Refused::<500>::responses(), Refused::<503>::responses()] {
        operation.responses.responses.extend(answers);
    }
}

/// Adds the ids to the path and to the answers, and what becomes of wrong ones.
fn dedicated(scope: Scope, mut item: PathItem) -> PathItem {
    for operation in operations(&mut item) {
        let ids = scope.ids().iter().map(|name| RefOr::T(id_parameter(name)));
        operation.parameters = Some(ids.chain(operation.parameters.take().unwrap_or_default()).collect());
        if let Some(RefOr::T(success)) = operation.responses.responses.get_mut("200") {
            schemas_of(success).for_each(|schema| add_ids(scope, schema));
        }
        for answers in [Refused::<400>::responses(), Refused::<404>::responses()] {
            operation.responses.responses.extend(answers);
        }
    }
    item
}

/// Gives the operation a name of its own.
fn clustered(mut item: PathItem) -> PathItem {
    for operation in operations(&mut item) {
        if let Some(name) = &mut operation.operation_id {
            name.push_str("Clustered");
        }
    }
    item
}

fn id_parameter(name: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(uuid_schema()))
        .build()
}

fn uuid_schema() -> Object {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))).build()
}

fn schemas_of(response: &mut Response) -> impl Iterator<Item = &mut RefOr<Schema>> {
    response.content.values_mut().filter_map(|content| match content {
        RefOr::T(Content { schema, .. }) => schema.as_mut(),
        RefOr::Ref(_) => None,
    })
}

/// To a record, or to each of a list.
fn add_ids(scope: Scope, schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Array(Array { items: ArrayItems::RefOrSchema(item), .. })) = schema {
        return add_ids(scope, item);
    }
    let ids = scope
        .ids()
        .iter()
        .fold(ObjectBuilder::new(), |object, name| object.property(*name, uuid_schema()).required(*name));
    let bare = std::mem::replace(schema, RefOr::T(Schema::Object(Object::new())));
    *schema = AllOfBuilder::new().item(ids).item(bare).into();
}
