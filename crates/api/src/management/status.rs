//! The query parameter `status` of lists (contract §14).

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;
use tidegate_service::RecordStatus;
use utoipa::{IntoParams, ToSchema};

use super::error::ManagementError;

/// Which records are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// `active` if absent.
    #[param(inline)]
    status: Option<Status>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Active,
    Deleted,
    All,
}

pub(super) fn status(query: Result<Query<Filter>, QueryRejection>) -> Result<RecordStatus, ManagementError> {
    let Ok(Query(filter)) = query else {
        return Err(ManagementError::bad_request("status must be active, deleted or all"));
    };
    Ok(match filter.status {
        None | Some(Status::Active) => RecordStatus::Active,
        Some(Status::Deleted) => RecordStatus::Deleted,
        Some(Status::All) => RecordStatus::All,
    })
}
