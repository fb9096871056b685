//! Authorizations and sessions of the v2 API at every door of the server, across restarts, and after their end.

use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::support::api::{Answer, Api, Fresh, send};
use super::support::v2::{
    Authorization, OPERATOR_TOKEN, ORGANIZATION, PASSWORD, UNKNOWN_TOKEN, USER, V2, token_header,
};

const BUCKET: &str = "plant7";

/// A server after its set-up.
struct Plant {
    fresh: Fresh,
    operator: V2,
}

impl Plant {
    async fn start() -> Self {
        let fresh = Fresh::start().await;
        let operator = V2::set_up(&fresh.api, BUCKET).await;
        Self { fresh, operator }
    }

    /// Starts the server again, which must have ended.
    async fn restart(&mut self) {
        self.fresh.restart().await;
        self.operator = self.operator.at(&self.fresh.api.url);
    }

    async fn reader_and_writer(&self) -> Authorization {
        let bucket = self.operator.bucket(BUCKET).await;
        let permissions = ["read", "write"].map(|action| self.operator.on_bucket(action, &bucket));
        self.operator.authorize(&permissions).await
    }

    /// What the holder of a token is answered to each way of writing to and reading from a bucket.
    async fn statuses(&self, token: &str, bucket: &str) -> Vec<u16> {
        let mut statuses = Vec::new();
        for request in data_requests(&self.fresh.api, bucket) {
            let (name, value) = token_header(token);
            statuses.push(send(request.header(name, value)).await.status);
        }
        statuses
    }

    async fn count(&self) -> u64 {
        let rows = self.fresh.api.rows(OPERATOR_TOKEN, BUCKET, "SELECT count(*) AS n FROM press").await;
        rows[0]["n"].as_u64().unwrap()
    }
}

/// Three ways to write and one to read.
fn data_requests(api: &Api, bucket: &str) -> Vec<RequestBuilder> {
    let writes = [
        format!("/api/v2/write?org={ORGANIZATION}&bucket={bucket}"),
        format!("/api/v3/write_lp?db={bucket}&precision=nanosecond"),
        format!("/write?db={bucket}"),
    ];
    let mut requests: Vec<RequestBuilder> = writes
        .iter()
        .enumerate()
        .map(|(number, path)| {
            api.http.post(format!("{}{path}", api.url)).body(format!("press,way={number} speed=1 {number}"))
        })
        .collect();
    let query = [("db", bucket), ("q", "SELECT 1"), ("format", "json")];
    requests.push(api.http.get(format!("{}/api/v3/query_sql", api.url)).query(&query));
    requests
}

#[tokio::test]
async fn an_authorization_reads_and_writes_over_every_data_endpoint() {
    let plant = Plant::start().await;
    let token = plant.reader_and_writer().await;
    assert_eq!(plant.statuses(&token.text, BUCKET).await, [204, 204, 204, 200]);
    assert_eq!(plant.count().await, 3);
    let rows = plant.fresh.api.rows(&token.text, BUCKET, "SELECT way, speed FROM press ORDER BY way LIMIT 1").await;
    assert_eq!(rows, [json!({ "way": "0", "speed": 1.0 })]);

    let bucket = plant.operator.bucket(BUCKET).await;
    let reader = plant.operator.authorize(&[plant.operator.on_bucket("read", &bucket)]).await;
    assert_eq!(plant.statuses(&reader.text, BUCKET).await, [403, 403, 403, 200]);
    let writer = plant.operator.authorize(&[plant.operator.on_bucket("write", &bucket)]).await;
    assert_eq!(plant.statuses(&writer.text, BUCKET).await, [204, 204, 204, 403]);
    let nothing = plant.operator.authorize(&[plant.operator.permission("write", "tasks")]).await;
    assert_eq!(plant.statuses(&nothing.text, BUCKET).await, [403; 4]);
    plant.operator.delete_authorization(&token.id).await.expect_status(204);
    assert_eq!(plant.statuses(&token.text, BUCKET).await, [401; 4]);
}

#[tokio::test]
async fn without_the_grant_a_bucket_that_exists_looks_like_one_that_does_not() {
    let plant = Plant::start().await;
    plant.operator.create_bucket("other").await;
    let token = plant.reader_and_writer().await;
    let answers = async |bucket: &str| {
        let mut answers = Vec::new();
        for request in data_requests(&plant.fresh.api, bucket) {
            let (name, value) = token_header(&token.text);
            answers.push(send(request.header(name, value)).await.expect_status(403).comparable());
        }
        answers
    };
    let (exists, does_not) = (answers("other").await, answers("nowhere").await);
    assert_eq!(format!("{exists:?}").replace("other", "nowhere"), format!("{does_not:?}"));
}

#[tokio::test]
async fn a_grant_on_a_bucket_does_not_reach_a_later_one_of_the_same_name() {
    let plant = Plant::start().await;
    let token = plant.reader_and_writer().await;
    let wide = ["read", "write"].map(|action| plant.operator.permission(action, "buckets"));
    let wide = plant.operator.authorize(&wide).await;
    let first = plant.operator.bucket(BUCKET).await;
    assert_eq!(plant.statuses(&token.text, BUCKET).await, [204, 204, 204, 200]);

    plant.operator.delete(&format!("/api/v2/buckets/{first}")).await.expect_status(204);
    assert_eq!(plant.statuses(&token.text, BUCKET).await, [403; 4]);
    let second = plant.operator.create_bucket(BUCKET).await;
    assert_ne!(first, second);
    assert_eq!(plant.statuses(&token.text, BUCKET).await, [403; 4]);
    assert_eq!(plant.statuses(&token.text, "elsewhere").await, [403; 4]);
    assert_eq!(plant.statuses(&wide.text, BUCKET).await, [204, 204, 204, 200]);

    // And where a grant's bucket has got another name, it follows.
    let bound = ["read", "write"].map(|action| plant.operator.on_bucket(action, &second));
    let bound = plant.operator.authorize(&bound).await;
    let path = format!("/api/v2/buckets/{second}");
    plant.operator.patch(&path, &json!({ "name": "renamed" })).await.expect_status(200);
    assert_eq!(plant.statuses(&bound.text, "renamed").await, [204, 204, 204, 200]);
    assert_eq!(plant.statuses(&bound.text, BUCKET).await, [403; 4]);
}

/// The answers to one request with each of these credentials.
async fn answers_to(api: &Api, method: &Method, url: &str, credentials: &[(&str, String)]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for (header, value) in credentials {
        let request = api.http.request(method.clone(), url).json(&json!({ "name": "x", "description": "x" }));
        answers.push(send(request.header(*header, value)).await);
    }
    answers
}

fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

/// That all are the same 401.
fn assert_common_refusal(answers: &[Answer], what: &str) {
    let different: BTreeSet<_> = answers.iter().map(Answer::comparable).collect();
    assert_eq!(different.len(), 1, "{what}: {different:?}");
    assert_eq!(answers[0].status, 401, "{what}");
}

#[tokio::test]
async fn each_kind_of_credential_is_unknown_outside_of_its_place() {
    let plant = Plant::start().await;
    let (api, operator) = (&plant.fresh.api, &plant.operator);
    let database_token = api.create_token(&[("read", "*"), ("write", "*")]).await;
    let all_access: Vec<Value> = ["authorizations", "buckets", "orgs", "users", "dbrp", "tasks"]
        .iter()
        .flat_map(|kind| ["read", "write"].map(|action| operator.permission(action, kind)))
        .collect();
    let all_access = operator.authorize(&all_access).await;
    let session = operator.sign_in(USER, PASSWORD).await;

    // The Management API: a plain authorization is nobody there, the operator's and the management token are somebody.
    for (method, path) in [
        (Method::GET, format!("{}/databases", api.cluster)),
        (Method::POST, format!("{}/databases", api.cluster)),
        (Method::DELETE, format!("{}/databases/{BUCKET}", api.cluster)),
        (Method::GET, format!("{}/tokens", api.cluster)),
        (Method::POST, format!("{}/tokens", api.cluster)),
        (Method::DELETE, format!("{}/tokens/{}", api.cluster, database_token.id)),
        (Method::GET, format!("{}/management-tokens", api.account)),
        (Method::POST, format!("{}/management-tokens", api.account)),
        (Method::GET, format!("{}/metrics", api.url)),
    ] {
        let credentials =
            [bearer(UNKNOWN_TOKEN), bearer(&all_access.text), bearer(&database_token.text), session.header.clone()];
        let refused = answers_to(api, &method, &path, &credentials).await;
        assert_common_refusal(&refused, &format!("{method} {path}"));
    }
    for token in [OPERATOR_TOKEN, &api.management_token] {
        for url in [format!("{}/databases", api.cluster), format!("{}/metrics", api.url)] {
            send(api.http.get(url).bearer_auth(token)).await.expect_status(200);
        }
    }

    // The v2 API: it is the other way round.
    let credentials = [UNKNOWN_TOKEN, &api.management_token, &database_token.text].map(bearer);
    for (method, path) in [
        (Method::GET, "/api/v2/authorizations".to_owned()),
        (Method::POST, "/api/v2/authorizations".to_owned()),
        (Method::DELETE, format!("/api/v2/authorizations/{}", all_access.id)),
        (Method::PATCH, format!("/api/v2/authorizations/{}", all_access.id)),
        (Method::GET, "/api/v2/buckets".to_owned()),
        (Method::GET, "/api/v2/users".to_owned()),
        (Method::GET, "/api/v2/me".to_owned()),
        (Method::GET, "/api/v2/orgs".to_owned()),
        (Method::GET, "/api/v2/resources".to_owned()),
        (Method::POST, "/api/v2/signout".to_owned()),
        (Method::GET, "/private/legacy/authorizations".to_owned()),
        (Method::GET, "/api/v2/no-such-path".to_owned()),
    ] {
        let refused = answers_to(api, &method, &format!("{}{path}", api.url), &credentials).await;
        assert_common_refusal(&refused, &format!("{method} {path}"));
        let expected = json!({ "code": "unauthorized", "message": "unauthorized access" });
        assert_eq!(refused[0].json(), expected, "{method} {path}");
    }

    // None is listed in the other's place.
    assert_eq!(operator.authorizations().await.len(), 2);
    let listed = api.get("/tokens").await.expect_status(200).json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
}

/// What a restart must keep, and what it must not.
struct Kept {
    active: Authorization,
    inactive: Authorization,
    deleted: Authorization,
    orphan: Authorization,
    of_inactive_user: Authorization,
    session: V2,
}

impl Kept {
    async fn make(plant: &Plant) -> Self {
        let operator = &plant.operator;
        let permissions = ["read", "write"].map(|action| operator.permission(action, "buckets"));
        let mut of_users = Vec::new();
        for name in ["leaver", "absentee"] {
            let user = operator.create_user(name).await;
            of_users.push((operator.authorize_for(&user, &permissions).await, user));
        }
        let [(orphan, leaver), (of_inactive_user, absentee)] = of_users.try_into().unwrap();
        let kept = Self {
            active: plant.reader_and_writer().await,
            inactive: plant.reader_and_writer().await,
            deleted: plant.reader_and_writer().await,
            orphan,
            of_inactive_user,
            session: operator.sign_in(USER, PASSWORD).await,
        };
        for token in kept.all() {
            assert_eq!(plant.statuses(&token.text, BUCKET).await, [204, 204, 204, 200]);
        }
        operator.set_status(&kept.inactive.id, "inactive").await;
        operator.delete_authorization(&kept.deleted.id).await.expect_status(204);
        operator.delete(&format!("/api/v2/users/{leaver}")).await.expect_status(204);
        operator.set_user_status(&absentee, "inactive").await;
        kept.session.get("/api/v2/me").await.expect_status(200);
        kept
    }

    fn all(&self) -> [&Authorization; 5] {
        [&self.active, &self.inactive, &self.deleted, &self.orphan, &self.of_inactive_user]
    }

    async fn check(&self, plant: &Plant) {
        assert_eq!(plant.statuses(&self.active.text, BUCKET).await, [204, 204, 204, 200]);
        for token in &self.all()[1..] {
            assert_eq!(plant.statuses(&token.text, BUCKET).await, [401; 4]);
            let caller = plant.operator.with_token(&token.text);
            caller.get("/api/v2/authorizations").await.expect_status(401);
        }
        let session = self.session.at(&plant.operator.url);
        session.get("/api/v2/me").await.expect_status(401);
        session.write(BUCKET, "press speed=1 1").await.expect_status(401);

        // The records and the users are still there; the password is good for another session.
        let path = format!("/api/v2/authorizations/{}", self.inactive.id);
        assert_eq!(plant.operator.get(&path).await.expect_status(200).json()["status"], "inactive");
        plant.operator.delete_authorization(&self.deleted.id).await.expect_status(404);
        let users = plant.operator.get("/api/v2/users").await.expect_status(200).json();
        let users: Vec<_> = users["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| (user["name"].as_str().unwrap(), user["status"].as_str().unwrap()))
            .collect();
        assert_eq!(users, [(USER, "active"), ("absentee", "inactive")]);
        plant.operator.try_sign_in(USER, "wrong-password").await.expect_status(401);
        let again = plant.operator.sign_in(USER, PASSWORD).await;
        again.write(BUCKET, "press speed=2 2").await.expect_status(204);
        plant.operator.set_status(&self.inactive.id, "active").await;
        assert_eq!(plant.statuses(&self.inactive.text, BUCKET).await, [204, 204, 204, 200]);
    }
}

#[tokio::test]
async fn a_restart_keeps_tokens_and_users_but_no_session() {
    let mut plant = Plant::start().await;
    let kept = Kept::make(&plant).await;
    assert_eq!(plant.fresh.server.stop(), Some(0));
    plant.restart().await;
    kept.check(&plant).await;
}

#[tokio::test]
async fn what_was_answered_holds_after_kill_9() {
    let mut plant = Plant::start().await;
    let kept = Kept::make(&plant).await;
    // Nothing comes between the last answer and the end.
    plant.operator.set_status(&kept.active.id, "inactive").await;
    plant.fresh.server.kill();
    plant.restart().await;
    assert_eq!(plant.statuses(&kept.active.text, BUCKET).await, [401; 4]);
    plant.operator.set_status(&kept.active.id, "active").await;
    kept.check(&plant).await;
}

#[tokio::test]
async fn a_session_ends_with_what_it_rests_on() {
    let plant = Plant::start().await;
    let operator = &plant.operator;
    let owners = format!("/api/v2/orgs/{}/owners", operator.organization);
    for ending in ["sign-out", "password", "inactive", "role", "deleted"] {
        let user = operator.create_user(ending).await;
        operator.set_password(&user, PASSWORD).await;
        operator.add_owner(&user).await;
        let session = operator.sign_in(ending, PASSWORD).await;
        let other = operator.sign_in(ending, PASSWORD).await;
        session.write(BUCKET, "press speed=1 1").await.expect_status(204);
        match ending {
            "sign-out" => drop(session.post("/api/v2/signout", &json!({})).await.expect_status(204)),
            "password" => operator.set_password(&user, "another-password").await,
            "inactive" => operator.set_user_status(&user, "inactive").await,
            "role" => drop(operator.delete(&format!("{owners}/{user}")).await.expect_status(204)),
            _ => drop(operator.delete(&format!("/api/v2/users/{user}")).await.expect_status(204)),
        }
        session.write(BUCKET, "press speed=2 2").await.expect_status(401);
        session.get("/api/v2/me").await.expect_status(401);
        let of_other = if ending == "sign-out" { 204 } else { 401 };
        other.write(BUCKET, "press speed=3 3").await.expect_status(of_other);
    }
}
