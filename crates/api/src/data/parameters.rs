//! Query strings of the data endpoints (data-plane contract §§4.1, 4.2).

use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tidegate_line_protocol::Precision;
use tidegate_model::OrganizationId;
use tidegate_service::Service;
use utoipa::IntoParams;

use super::description::{units, units_or_auto};

/// The credential of `/write`. Read apart from the rest, so that a mistake elsewhere is not taken for a missing one.
#[derive(Default, Deserialize)]
pub(crate) struct CredentialParameters {
    /// User name, if the other one is a password.
    pub(super) u: Option<String>,
    /// Token or password.
    pub(super) p: Option<String>,
}

impl fmt::Debug for CredentialParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialParameters")
    }
}

/// Parameters of `/write`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct V1Parameters {
    /// The database.
    #[param(value_type = String, required = true, min_length = 1, max_length = 64)]
    pub(super) db: Option<String>,
    /// Retention policy. Unless it is empty, `autogen` or `default`, the database is `db/rp`.
    pub(super) rp: Option<String>,
    /// Unit of the timestamps; nanoseconds if absent.
    #[param(schema_with = units)]
    pub(super) precision: Option<String>,
    /// Only so that giving it twice is an error.
    #[serde(rename = "p")]
    #[param(ignore)]
    _token: Option<IgnoredAny>,
}

/// Parameters of `/api/v2/write`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct V2Parameters {
    /// The database, by name or by its id in the v2 API.
    #[param(value_type = String, required = true, min_length = 1, max_length = 64)]
    pub(super) bucket: Option<String>,
    /// Unit of the timestamps; nanoseconds if absent.
    #[param(schema_with = units)]
    pub(super) precision: Option<String>,
}

/// For which organization a v2 client means its lines, by name or by id. A token has one of its own and does not ask; a
/// session has that in which its user is at home, which roles that somebody else gives can change.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OrganizationParameters {
    org: Option<String>,
    #[serde(rename = "orgID")]
    org_id: Option<String>,
}

impl OrganizationParameters {
    /// Whether no other organization than this one is meant.
    pub(super) fn is_or_is_none(&self, own: OrganizationId, service: &Service) -> bool {
        let names_own = |text: &&String| {
            let named = service.find_organization(text).or_else(|| text.parse().ok());
            text.is_empty() || named == Some(own)
        };
        self.org.iter().chain(&self.org_id).all(|text| names_own(&text))
    }
}

/// Parameters of `/api/v3/write_lp`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct V3Parameters {
    /// The database.
    #[param(value_type = String, required = true, min_length = 1, max_length = 64)]
    pub(super) db: Option<String>,
    /// Unit of the timestamps; guessed for each line if absent.
    #[param(schema_with = units_or_auto)]
    pub(super) precision: Option<String>,
    /// Whether good lines are written even if others are bad; true if absent.
    #[param(value_type = Option<bool>)]
    pub(super) accept_partial: Option<String>,
    /// Accepted; the write is synced all the same.
    #[param(value_type = Option<bool>)]
    pub(super) no_sync: Option<String>,
}

/// The database that a v1 request means: `db`, or `db/rp` for a retention policy of its own.
pub(super) fn v1_database(db: &str, rp: Option<&str>) -> String {
    match rp.unwrap_or_default().to_lowercase().as_str() {
        "" | "''" | "autogen" | "default" => db.to_owned(),
        policy => format!("{db}/{policy}"),
    }
}

/// The unit of v1 and v2 timestamps; nanoseconds if absent.
pub(super) fn precision_v1_v2(text: Option<&str>) -> Result<Precision, String> {
    text.map_or(Ok(Precision::Nanosecond), |text| Precision::parse_v1_v2(text).map_err(|error| error.to_string()))
}

/// The unit of v3 timestamps; guessed for each line if absent.
pub(super) fn precision_v3(text: Option<&str>) -> Result<Precision, String> {
    text.map_or(Ok(Precision::Auto), |text| Precision::parse_v3(text).map_err(|error| error.to_string()))
}

/// A switch, which must be literally `true` or `false`.
pub(super) fn switch(name: &str, text: Option<&str>, default: bool) -> Result<bool, String> {
    match text {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(format!("provided string was not `true` or `false`: {name}={other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_policies_name_databases() {
        for rp in [None, Some(""), Some("''"), Some("autogen"), Some("AUTOGEN"), Some("Default")] {
            assert_eq!(v1_database("foo", rp), "foo");
        }
        assert_eq!(v1_database("foo", Some("Bar")), "foo/bar");
        assert_eq!(v1_database("foo", Some("a/b")), "foo/a/b");
    }

    #[test]
    fn switches_are_literal() {
        assert_eq!(switch("x", None, true), Ok(true));
        assert_eq!(switch("x", Some("false"), true), Ok(false));
        for text in ["1", "TRUE", ""] {
            assert!(switch("x", Some(text), true).is_err(), "{text}");
        }
    }
}
