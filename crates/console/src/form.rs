//! Forms: read with a limit, and only those that come from our own pages.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use subtle::ConstantTimeEq as _;
use tidegate_model::PlainToken;
use zeroize::Zeroize as _;

use crate::failure::Failure;
use crate::visit::{Audience, Visit};
use crate::{Console, origin};

/// Far more than the largest form: a hundred tokens chosen, or a grid of permissions.
const MOST_BYTES: usize = 256 * 1024;
/// The field that proves where a form comes from.
pub(crate) const SECRET_FIELD: &str = "form_secret";

/// What was filled in, in the order of the form. It may hold secrets, so its memory is wiped.
#[derive(Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Drop for Fields {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

impl Fields {
    /// From an encoded form or a query string; `None` if it is not one.
    pub(crate) fn parse(encoded: &str) -> Option<Self> {
        serde_urlencoded::from_str(encoded).ok().map(Self)
    }

    /// A field; empty if it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// The values of a field that may be there more than once.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// Whether a box is ticked or a field is filled in.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// A secret, if it was filled in.
    pub(crate) fn secret(&self, name: &str) -> Option<PlainToken> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(PlainToken::from_presented)
    }

    /// Everything, by name and value.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn proves(&self, secret: &PlainToken) -> bool {
        self.text(SECRET_FIELD).as_bytes().ct_eq(secret.expose().as_bytes()).into()
    }
}

/// A form that somebody with a session has sent.
pub(crate) struct Posted<W> {
    pub(crate) visit: Visit<W>,
    pub(crate) fields: Fields,
}

impl<W: Audience> FromRequest<Arc<Console>> for Posted<W> {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let visit = Visit::from_request_parts(&mut parts, console).await?;
        if !origin::is_own(&parts.uri, &parts.headers) {
            return Err(Failure::Forged);
        }
        let fields = read(body).await?;
        if !fields.proves(&visit.viewer.form_secret) {
            return Err(Failure::Forged);
        }
        Ok(Self { visit, fields })
    }
}

/// A form that is sent before there is a session. Its secret is in a cookie.
pub(crate) struct PostedByVisitor(pub(crate) Fields);

impl FromRequest<Arc<Console>> for PostedByVisitor {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Arc<Console>) -> Result<Self, Failure> {
        use crate::cookie::{self, Jar};

        let (parts, body) = request.into_parts();
        let encrypted = cookie::is_encrypted(&parts.extensions);
        let secret = cookie::find(&parts.headers, Jar::Visitor, encrypted).ok_or(Failure::Forged)?;
        if !origin::is_own(&parts.uri, &parts.headers) {
            return Err(Failure::Forged);
        }
        let fields = read(body).await?;
        if fields.proves(&secret) { Ok(Self(fields)) } else { Err(Failure::Forged) }
    }
}

async fn read(body: Body) -> Result<Fields, Failure> {
    let collected = Limited::new(body, MOST_BYTES).collect().await;
    let bytes = collected
        .map_err(|error| if error.is::<LengthLimitError>() { Failure::TooLarge } else { Failure::Malformed })?;
    let bytes = bytes.to_bytes();
    std::str::from_utf8(&bytes).ok().and_then(Fields::parse).ok_or(Failure::Malformed)
}
