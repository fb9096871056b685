//! The v2 API, spoken to with one credential.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::api::{Answer, Api, send};

pub(crate) const USER: &str = "my-user";
pub(crate) const PASSWORD: &str = "my-password";
pub(crate) const ORGANIZATION: &str = "my-org";
pub(crate) const OPERATOR_TOKEN: &str = "my-token";
/// It has the form of a token, but nobody ever issued it.
pub(crate) const UNKNOWN_TOKEN: &str =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

/// The body with which the clients' own test scripts set a server up.
pub(crate) fn set_up_body(bucket: &str) -> Value {
    json!({ "username": USER, "password": PASSWORD, "org": ORGANIZATION, "bucket": bucket, "token": OPERATOR_TOKEN })
}

/// An authorization as its creator sees it.
#[derive(Debug, Clone)]
pub(crate) struct Authorization {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// The v2 API of a server, for the holder of one credential.
#[derive(Debug, Clone)]
pub(crate) struct V2 {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    /// Name and value of the header that carries the credential.
    pub(crate) header: (&'static str, String),
    /// The organization of the set-up.
    pub(crate) organization: String,
}

impl V2 {
    /// Sets a server up; gives its operator.
    pub(crate) async fn set_up(api: &Api, bucket: &str) -> Self {
        let mut operator = Self {
            http: api.http.clone(),
            url: api.url.clone(),
            header: token_header(OPERATOR_TOKEN),
            organization: String::new(),
        };
        let answer = send(operator.http.post(format!("{}/api/v2/setup", api.url)).json(&set_up_body(bucket))).await;
        operator.organization = answer.expect_status(201).json()["org"]["id"].as_str().unwrap().to_owned();
        operator
    }

    /// The same server for the holder of this token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { header: token_header(token), ..self.clone() }
    }

    /// The same for a server that has been started again.
    pub(crate) fn at(&self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self.clone() }
    }

    /// The same server for who signs in.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Self {
        let answer = self.try_sign_in(name, password).await.expect_status(204);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        let (pair, _) = cookie.split_once(';').unwrap();
        Self { header: ("cookie", pair.to_owned()), ..self.clone() }
    }

    pub(crate) async fn try_sign_in(&self, name: &str, password: &str) -> Answer {
        send(self.http.post(format!("{}/api/v2/signin", self.url)).basic_auth(name, Some(password))).await
    }

    /// A request; `path` follows the server's address.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).header(self.header.0, &self.header.1)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Makes a user; gives its id.
    pub(crate) async fn create_user(&self, name: &str) -> String {
        let answer = self.post("/api/v2/users", &json!({ "name": name })).await.expect_status(201);
        id_of(&answer.json())
    }

    pub(crate) async fn set_password(&self, user: &str, password: &str) {
        let path = format!("/api/v2/users/{user}/password");
        self.post(&path, &json!({ "password": password })).await.expect_status(204);
    }

    /// Makes a user an owner of the organization.
    pub(crate) async fn add_owner(&self, user: &str) {
        let path = format!("/api/v2/orgs/{}/owners", self.organization);
        self.post(&path, &json!({ "id": user })).await.expect_status(201);
    }

    /// Makes a bucket; gives its id.
    pub(crate) async fn create_bucket(&self, name: &str) -> String {
        let body = json!({ "orgID": self.organization, "name": name });
        id_of(&self.post("/api/v2/buckets", &body).await.expect_status(201).json())
    }

    /// The id of a bucket that exists.
    pub(crate) async fn bucket(&self, name: &str) -> String {
        let answer = self.get(&format!("/api/v2/buckets?name={name}")).await.expect_status(200).json();
        id_of(&answer["buckets"][0])
    }

    /// A permission on everything of a type in the organization.
    pub(crate) fn permission(&self, action: &str, kind: &str) -> Value {
        json!({ "action": action, "resource": { "type": kind, "orgID": self.organization } })
    }

    /// A permission on one bucket of the organization.
    pub(crate) fn on_bucket(&self, action: &str, bucket: &str) -> Value {
        json!({ "action": action, "resource": { "type": "buckets", "orgID": self.organization, "id": bucket } })
    }

    /// Makes an authorization of the caller's user.
    pub(crate) async fn authorize(&self, permissions: &[Value]) -> Authorization {
        self.authorize_with(permissions, json!({})).await
    }

    /// Makes an authorization of another user.
    pub(crate) async fn authorize_for(&self, user: &str, permissions: &[Value]) -> Authorization {
        self.authorize_with(permissions, json!({ "userID": user })).await
    }

    /// Makes an authorization with these members beside organization and permissions.
    pub(crate) async fn authorize_with(&self, permissions: &[Value], mut body: Value) -> Authorization {
        body["orgID"] = json!(self.organization);
        body["permissions"] = json!(permissions);
        let made = self.post("/api/v2/authorizations", &body).await.expect_status(201).json();
        Authorization { id: id_of(&made), text: made["token"].as_str().unwrap().to_owned() }
    }

    pub(crate) async fn set_status(&self, authorization: &str, status: &str) {
        let path = format!("/api/v2/authorizations/{authorization}");
        self.patch(&path, &json!({ "status": status })).await.expect_status(200);
    }

    pub(crate) async fn set_user_status(&self, user: &str, status: &str) {
        self.patch(&format!("/api/v2/users/{user}"), &json!({ "status": status })).await.expect_status(200);
    }

    pub(crate) async fn delete_authorization(&self, id: &str) -> Answer {
        self.delete(&format!("/api/v2/authorizations/{id}")).await
    }

    /// The ids of all authorizations that the caller is shown.
    pub(crate) async fn authorizations(&self) -> Vec<String> {
        let answer = self.get("/api/v2/authorizations").await.expect_status(200).json();
        answer["authorizations"].as_array().unwrap().iter().map(id_of).collect()
    }

    /// Writes line protocol to the v2 endpoint.
    pub(crate) async fn write(&self, bucket: &str, lines: &str) -> Answer {
        let path = format!("/api/v2/write?org={ORGANIZATION}&bucket={bucket}");
        send(self.request(Method::POST, &path).body(lines.to_owned())).await
    }
}

pub(crate) fn token_header(token: &str) -> (&'static str, String) {
    ("authorization", format!("Token {token}"))
}

/// The member `id` of an object.
pub(crate) fn id_of(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id in {object}")).to_owned()
}
