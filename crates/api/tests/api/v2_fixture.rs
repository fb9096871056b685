//! A server that was set up for v2 clients, and requests in their dialect.

use std::pin::Pin;

use axum::http::Request;
use futures::future::{Either, select};
use serde_json::{Value, json};
use tidegate_model::{PlainToken, ResourceId, Retention, TypedPermission};
use tidegate_service::{Profile, Settings, SetupAuthority, SetupRequest};

use crate::fixture::{Answer, Fixture, bare_request, fixture_with};

pub(crate) const AUTHORIZATIONS: &str = "/api/v2/authorizations";
pub(crate) const NOBODY: &str = "ffffffffffffffff";

/// A server with one user, who has an operator's token.
pub(crate) struct V2 {
    pub(crate) f: Fixture,
    pub(crate) operator: String,
    pub(crate) user: String,
    pub(crate) org: String,
    pub(crate) bucket: String,
    /// The id of the operator's authorization.
    pub(crate) authorization: String,
}

pub(crate) async fn v2() -> V2 {
    V2::with(Settings::default()).await
}

/// The same under the profile of the cloud service.
pub(crate) async fn cloud() -> V2 {
    V2::with(Settings { profile: Profile::Cloud, ..Settings::default() }).await
}

impl V2 {
    pub(crate) async fn with(settings: Settings) -> Self {
        let f = fixture_with(settings, Vec::new()).await;
        let done = f.service.set_up(setup_request(), SetupAuthority::Local).await.unwrap();
        Self {
            operator: done.token.expose().to_owned(),
            user: done.user.id.to_string(),
            org: done.organization.id.to_string(),
            bucket: ResourceId::from(done.database.id).to_string(),
            authorization: done.record.id.to_string(),
            f,
        }
    }

    /// The same data under another profile.
    pub(crate) async fn reopened(self, profile: Profile) -> Self {
        let f = self.f.reopened(Settings { profile, ..Settings::default() }).await;
        Self { f, ..self }
    }

    /// Lets something that checks a password look up the hash, and leaves it while it waits for its turn behind others.
    pub(crate) async fn until_it_waits_for_its_turn<F: Future>(&self, mut checking: Pin<&mut F>) {
        let others: Vec<_> = (0..4)
            .map(|number| {
                let service = self.f.service.clone();
                let password = PlainToken::from_presented("any-password");
                tokio::spawn(
                    async move { service.sign_in("nobody", &password, [10, 0, 0, number].into()).await.is_ok() },
                )
            })
            .collect();
        tokio::task::yield_now().await;
        let first_of_them = others.into_iter().next().unwrap();
        if let Either::Left(_) = select(checking.as_mut(), first_of_them).await {
            panic!("it was checked before those that came first");
        }
    }

    pub(crate) async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        send(&self.f, method, path, Some(&format!("Token {token}")), body).await
    }

    /// As [`V2::call`], with the operator's token; the status must be this.
    pub(crate) async fn done(&self, status: u16, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(&self.operator, method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// A permission as the API has it, from its printed form, in which `ORG`, `USER` and `BUCKET` stand for the ids.
    pub(crate) fn permission(&self, text: &str) -> Value {
        let text = text.replace("ORG", &self.org).replace("USER", &self.user).replace("BUCKET", &self.bucket);
        let TypedPermission { action, kind, organization, id } = text.parse().unwrap();
        let mut resource = json!({ "type": kind.as_str() });
        if let Some(organization) = organization {
            resource["orgID"] = organization.to_string().into();
        }
        if let Some(id) = id {
            resource["id"] = id.to_string().into();
        }
        json!({ "action": action.as_str(), "resource": resource })
    }

    pub(crate) fn permissions(&self, texts: &str) -> Value {
        texts.split_whitespace().map(|text| self.permission(text)).collect()
    }

    /// Creates an authorization of the operator's user; gives its id and token.
    pub(crate) async fn token(&self, permissions: &str) -> (String, String) {
        self.token_of(&self.user, permissions).await
    }

    pub(crate) async fn token_of(&self, user: &str, permissions: &str) -> (String, String) {
        let body = json!({ "orgID": self.org, "userID": user, "permissions": self.permissions(permissions), "description": permissions });
        let created = self.done(201, "POST", AUTHORIZATIONS, body).await;
        (created["id"].as_str().unwrap().to_owned(), created["token"].as_str().unwrap().to_owned())
    }

    /// Creates a user; gives the id.
    pub(crate) async fn new_user(&self, name: &str) -> String {
        let created = self.done(201, "POST", "/api/v2/users", json!({ "name": name })).await;
        created["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn new_bucket(&self, name: &str) -> String {
        let body = json!({ "name": name, "orgID": self.org, "retentionRules": null });
        let created = self.done(201, "POST", "/api/v2/buckets", body).await;
        created["id"].as_str().unwrap().to_owned()
    }

    /// The ids in a list of authorizations that this token sees.
    pub(crate) async fn listed(&self, token: &str, query: &str) -> Vec<String> {
        let answer = self.call(token, "GET", &format!("{AUTHORIZATIONS}{query}"), Value::Null).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        let list = answer.json();
        assert_eq!(list["links"]["self"], AUTHORIZATIONS);
        let ids = list["authorizations"].as_array().unwrap().iter();
        ids.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn write(&self, token: &str, bucket: &str) -> Answer {
        let path = format!("/api/v2/write?org=my-org&bucket={bucket}");
        let authorization = format!("Token {token}");
        self.f.send(bare_request("POST", &path, &[("authorization", authorization.as_bytes())], "m f=1 1")).await
    }
}

fn setup_request() -> SetupRequest {
    SetupRequest {
        username: "my-user".parse().unwrap(),
        password: Some(PlainToken::from_presented("my-password")),
        organization: "my-org".parse().unwrap(),
        database: "my-bucket".parse().unwrap(),
        retention: Retention::FOREVER,
        token: None,
    }
}

async fn send(f: &Fixture, method: &str, path: &str, authorization: Option<&str>, body: Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_bytes())).collect();
    f.send(bare_request(method, path, &headers, body)).await
}

/// An error answer of the v2 dialect.
pub(crate) fn refused(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(answer.headers["x-platform-error-code"], text("code").as_str());
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    (answer.status.as_u16(), text("code"), text("message"))
}

pub(crate) fn refusal(status: u16, code: &str, message: &str) -> (u16, String, String) {
    (status, code.to_owned(), message.to_owned())
}

pub(crate) fn unauthorized() -> (u16, String, String) {
    refusal(401, "unauthorized", "unauthorized access")
}

/// A request with these headers alone.
pub(crate) fn with_headers(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request<axum::body::Body> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    bare_request(method, path, &headers, body.to_owned())
}
