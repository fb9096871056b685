//! Links in answers. Clients refuse a list without one to itself.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
pub(super) struct SelfLink {
    #[serde(rename = "self")]
    #[schema(value_type = String)]
    this: Cow<'static, str>,
}

impl SelfLink {
    pub(super) fn to(path: impl Into<Cow<'static, str>>) -> Self {
        Self { this: path.into() }
    }
}
