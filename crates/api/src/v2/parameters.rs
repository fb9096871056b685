//! Query strings and paths (contract §§1 and 4.3): an empty value counts as absent, of a repeated one the first counts.

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use tidegate_model::ParseHexIdError;

use super::error::ApiError;

/// What a query string gives.
#[derive(Debug, Clone, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn parse(query: &str) -> Self {
        Self(serde_urlencoded::from_str(query).unwrap_or_default())
    }

    /// The text of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let first = self.0.iter().find(|(key, _)| key == name);
        first.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter that must be an id.
    pub(super) fn id<T: FromStr<Err = ParseHexIdError>>(&self, name: &str) -> Result<Option<T>, ApiError> {
        Ok(self.get(name).map(str::parse).transpose()?)
    }

    /// A parameter whose text has a meaning only if it is an id; else it counts as absent.
    pub(super) fn id_if_well_formed<T: FromStr<Err = ParseHexIdError>>(&self, name: &str) -> Option<T> {
        self.get(name).and_then(|text| text.parse().ok())
    }

    /// A parameter that must be `true` or `false`.
    pub(super) fn switch(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(ApiError::invalid(format!("{name} must be true or false"))),
        }
    }

    /// The same parameters, some of them with other values, as a query string.
    pub(super) fn with(&self, values: &[(&str, String)]) -> String {
        let kept = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, value)| !value.is_empty() && !values.iter().any(|(other, _)| other == name));
        let pairs: Vec<_> = kept.chain(values.iter().map(|(name, value)| (*name, value.as_str()))).collect();
        serde_urlencoded::to_string(pairs).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// The id that the path names: of the last thing in it, or of the one before.
pub(super) struct IdOfPath<T>(pub(super) T);

/// Two ids: of a thing, and of one within it.
pub(super) struct IdsOfPath<T, U>(pub(super) T, pub(super) U);

impl<S: Send + Sync, T: FromStr<Err = ParseHexIdError>> FromRequestParts<S> for IdOfPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let texts = path_parameters(parts, state).await?;
        Ok(Self(id(texts.first())?))
    }
}

impl<S, T, U> FromRequestParts<S> for IdsOfPath<T, U>
where
    S: Send + Sync,
    T: FromStr<Err = ParseHexIdError>,
    U: FromStr<Err = ParseHexIdError>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let texts = path_parameters(parts, state).await?;
        Ok(Self(id(texts.first())?, id(texts.get(1))?))
    }
}

fn id<T: FromStr<Err = ParseHexIdError>>(text: Option<&String>) -> Result<T, ApiError> {
    Ok(text.map(String::as_str).unwrap_or_default().parse()?)
}

async fn path_parameters<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Vec<String>, ApiError> {
    // What is not UTF-8 is no id.
    let parameters =
        RawPathParams::from_request_parts(parts, state).await.map_err(|_| ApiError::from(ParseHexIdError::Invalid))?;
    Ok(parameters.iter().map(|(_, value)| value.to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use tidegate_model::UserId;

    use super::*;

    #[test]
    fn the_first_of_a_repeated_one_counts_and_an_empty_one_is_absent() {
        let parameters = Parameters::parse("token=a&token=b&user=&org=my%20org+x&bad=%ff");
        assert_eq!(parameters.get("token"), Some("a"));
        assert_eq!(parameters.get("user"), None);
        assert_eq!(parameters.get("missing"), None);
        assert_eq!(parameters.get("org"), Some("my org x"));
        assert_eq!(parameters.get("bad"), Some("\u{fffd}"));
        assert_eq!(Parameters::parse("user=&user=b").get("user"), None);
    }

    #[test]
    fn ids_are_refused_with_their_message() {
        let parse = |query: &str| Parameters::parse(query).id::<UserId>("userID");
        assert_eq!(parse("userID=FFFFFFFFFFFFFFFF").unwrap(), UserId::new(u64::MAX));
        assert_eq!(parse("userID=").unwrap(), None);
        assert_eq!(parse("userID=xyz").unwrap_err().message(), "id must have a length of 16 bytes");
        assert_eq!(parse("userID=0000000000000000").unwrap_err().message(), "invalid ID");
        assert_eq!(Parameters::parse("userID=xyz").id_if_well_formed::<UserId>("userID"), None);
    }

    #[test]
    fn switches() {
        let parse = |query: &str| Parameters::parse(query).switch("default");
        assert_eq!(parse("default=true"), Ok(Some(true)));
        assert_eq!(parse("default=false"), Ok(Some(false)));
        assert_eq!(parse(""), Ok(None));
        assert!(parse("default=1").is_err());
    }

    #[test]
    fn other_values_replace_old_ones() {
        let parameters = Parameters::parse("org=a%26b&offset=1&limit=2&after=");
        assert_eq!(parameters.with(&[("offset", "3".to_owned())]), "org=a%26b&limit=2&offset=3");
    }
}
