//! Health, resources, setting up and signing in (v2 API contract §§5.2 and 5.8).

use reqwest::header::{CONTENT_LENGTH, SET_COOKIE};
use serde::{Deserialize, Serialize};
use tidegate_model::PlainToken;

use super::error::{Codes, Error, Result};
use super::records::{Authorization, Bucket, Organization, User};
use super::transport::Client;

/// What a new instance begins with.
#[derive(Clone)]
pub struct NewInstance {
    /// The first bucket.
    pub bucket: String,
    /// The organization.
    pub org: String,
    /// The first user's password.
    pub password: Option<PlainToken>,
    /// How long data stays in the bucket; 0 = for ever.
    pub retention_seconds: i64,
    /// The operator's token; the server makes one if absent.
    pub token: Option<PlainToken>,
    /// The first user.
    pub username: String,
}

impl std::fmt::Debug for NewInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { bucket, org, username, .. } = self;
        f.debug_struct("NewInstance")
            .field("bucket", bucket)
            .field("org", org)
            .field("username", username)
            .finish_non_exhaustive()
    }
}

/// What a new instance has.
#[derive(Debug, Clone, Deserialize)]
pub struct SetUp {
    /// The first user.
    pub user: User,
    /// The organization.
    pub org: Organization,
    /// The first bucket.
    pub bucket: Bucket,
    /// The operator's authorization with its token.
    pub auth: Authorization,
}

#[derive(Deserialize)]
struct Allowed {
    #[serde(default)]
    allowed: Option<bool>,
}

impl Client {
    /// Whether the server is well.
    pub async fn health(&self) -> Result<()> {
        self.done(self.get("/health"), Codes::AnyIfUnauthorized).await
    }

    /// The kinds of resources that permissions can be about.
    pub async fn resources(&self) -> Result<Vec<String>> {
        self.document(self.get("/api/v2/resources"), Codes::AnyIfUnauthorized).await
    }

    /// Whether the server can be set up.
    pub async fn may_set_up(&self) -> Result<bool> {
        let answer: Allowed = self.document(self.get("/api/v2/setup"), Codes::AnyIfUnauthorized).await?;
        Ok(answer.allowed.unwrap_or_default())
    }

    /// Sets the server up.
    pub async fn set_up(&self, new: &NewInstance) -> Result<SetUp> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            bucket: &'a str,
            org: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            password: Option<&'a str>,
            retention_period_seconds: i64,
            #[serde(skip_serializing_if = "Option::is_none")]
            token: Option<&'a str>,
            username: &'a str,
        }
        let body = Body {
            bucket: &new.bucket,
            org: &new.org,
            password: new.password.as_ref().map(PlainToken::expose),
            retention_period_seconds: new.retention_seconds,
            token: new.token.as_ref().map(PlainToken::expose),
            username: &new.username,
        };
        self.document(self.post("/api/v2/setup").json(&body), Codes::AnyIfUnauthorized).await
    }

    /// Begins a session and returns its key.
    pub async fn sign_in(&self, user: &str, password: &PlainToken) -> Result<PlainToken> {
        let request = self.post("/api/v2/signin").basic_auth(user, Some(password.expose())).header(CONTENT_LENGTH, 0);
        let response = self.send(request, Codes::AnyIfUnauthorized).await?;
        let cookies = response.headers().get_all(SET_COOKIE).iter().filter_map(|header| header.to_str().ok());
        let mut pairs = cookies.filter_map(|cookie| cookie.split(';').next()?.split_once('='));
        pairs
            .find(|(name, _)| name.contains("influxdb"))
            .map(|(_, value)| PlainToken::from_presented(value.trim()))
            .ok_or_else(|| Error::Undecodable("failure getting session cookie, invalid cookies".to_owned()))
    }
}
