//! Members of request bodies that have a form of their own.

use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use tidegate_model::{Description, DescriptionError, Name, NameError, ParseHexIdError, Status, StatusError};

use super::error::ApiError;

const ZERO: &str = "0000000000000000";

/// An id; `None` if it is absent.
pub(super) fn id<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = ParseHexIdError>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

/// An id; `None` if it is absent or zero, which is no id either.
pub(super) fn id_or_zero<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err = ParseHexIdError>,
{
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| text != ZERO);
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

pub(super) fn description(text: Option<String>) -> Result<Option<Description>, ApiError> {
    let invalid = |error: DescriptionError| ApiError::invalid(error.to_string());
    text.map(|text| Description::new(&text).map_err(invalid)).transpose()
}

pub(super) fn status(text: Option<String>) -> Result<Option<Status>, ApiError> {
    text.map(|text| text.parse().map_err(|error: StatusError| ApiError::invalid(error.to_string()))).transpose()
}

/// A name; `empty` is the message if there is none.
pub(super) fn name(text: Option<&str>, empty: &str) -> Result<Name, ApiError> {
    text.unwrap_or_default().parse().map_err(|error| match error {
        NameError::Empty => ApiError::invalid(empty),
        other => ApiError::invalid(other.to_string()),
    })
}
