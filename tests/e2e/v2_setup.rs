//! The set-up of the v2 API: who may do it, when, and what it leaves as it was (v2 API contract §5.8).

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::support::api::{Api, Fresh, send};
use super::support::v2::{OPERATOR_TOKEN, ORGANIZATION, PASSWORD, USER, V2, id_of, set_up_body};

const BUCKET: &str = "my-bucket";

fn set_up_request(api: &Api, body: &Value) -> RequestBuilder {
    api.http.post(format!("{}/api/v2/setup", api.url)).json(body)
}

async fn is_allowed(api: &Api) -> bool {
    let answer = send(api.http.get(format!("{}/api/v2/setup", api.url))).await.expect_status(200).json();
    assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    answer["allowed"].as_bool().unwrap()
}

/// A body without a token: the server makes one.
fn body_without_token() -> Value {
    let mut body = set_up_body(BUCKET);
    body.as_object_mut().unwrap().remove("token");
    body
}

#[tokio::test]
async fn a_chosen_token_is_taken_from_this_machine_and_told_to_nobody() {
    let mut fresh = Fresh::start().await;
    assert!(is_allowed(&fresh.api).await);
    let answer = send(set_up_request(&fresh.api, &set_up_body(BUCKET))).await.expect_status(201).json();
    assert!(!is_allowed(&fresh.api).await);
    assert_eq!((&answer["user"]["name"], &answer["user"]["status"]), (&json!(USER), &json!("active")));
    assert_eq!((&answer["org"]["name"], &answer["bucket"]["name"]), (&json!(ORGANIZATION), &json!(BUCKET)));
    assert_eq!((&answer["auth"]["token"], &answer["auth"]["status"]), (&json!(OPERATOR_TOKEN), &json!("active")));
    assert_eq!(answer["auth"]["userID"], answer["user"]["id"]);

    fresh.server.stop();
    let log = fresh.server.finished_log();
    assert!(log.contains("WARN"), "a token that may be easy to guess is worth a warning:\n{log}");
    assert!(!log.contains(OPERATOR_TOKEN) && !log.contains(PASSWORD), "a secret is in the log:\n{log}");
}

#[tokio::test]
async fn a_set_up_that_came_through_a_proxy_is_refused() {
    let fresh = Fresh::start().await;
    for body in [set_up_body(BUCKET), body_without_token()] {
        for (name, value) in [
            ("X-Forwarded-For", "127.0.0.1"),
            ("Forwarded", "for=127.0.0.1"),
            ("X-Real-IP", "127.0.0.1"),
            ("Via", "1.1 proxy"),
        ] {
            let refused = send(set_up_request(&fresh.api, &body).header(name, value)).await.expect_status(403);
            assert_eq!(refused.json()["code"], "forbidden", "{name}");
            assert!(is_allowed(&fresh.api).await, "{name}");
        }
    }
    let credential = ("authorization", format!("Token {OPERATOR_TOKEN}"));
    let request = fresh.api.http.get(format!("{}/api/v2/me", fresh.api.url)).header(credential.0, credential.1);
    send(request).await.expect_status(401);
    send(set_up_request(&fresh.api, &set_up_body(BUCKET))).await.expect_status(201);
}

#[tokio::test]
async fn the_management_token_sets_up_from_anywhere_but_chooses_no_weak_token() {
    let fresh = Fresh::start().await;
    let through_proxy = |body: &Value, token: &str| {
        set_up_request(&fresh.api, body).header("X-Forwarded-For", "192.0.2.1").bearer_auth(token)
    };
    let other = fresh.api.create_token(&[("read", "*"), ("write", "*")]).await;
    let refused = send(through_proxy(&body_without_token(), &other.text)).await;
    assert!(matches!(refused.status, 401 | 403), "a database token gives no authority: {refused:?}");
    let weak = send(through_proxy(&set_up_body(BUCKET), &fresh.api.management_token)).await;
    assert!(matches!(weak.status, 400 | 403), "{weak:?}");
    assert!(is_allowed(&fresh.api).await);
    let made = send(through_proxy(&body_without_token(), &fresh.api.management_token)).await.expect_status(201).json();
    let token = made["auth"]["token"].as_str().unwrap();
    assert_eq!(token.len(), 88, "the server makes a token that nobody can guess");
    let me = send(fresh.api.http.get(format!("{}/api/v2/me", fresh.api.url)).bearer_auth(token)).await;
    assert_eq!(me.expect_status(200).json()["id"], made["user"]["id"]);
}

#[tokio::test]
async fn a_second_set_up_is_a_conflict_and_changes_nothing() {
    let fresh = Fresh::start().await;
    let operator = V2::set_up(&fresh.api, BUCKET).await;
    let state = async || {
        let mut lists = Vec::new();
        for path in ["users", "orgs", "buckets", "authorizations"] {
            lists.push(operator.get(&format!("/api/v2/{path}")).await.expect_status(200).json());
        }
        lists
    };
    let before = state().await;
    let other = json!({ "username": "eve", "password": "eve-password", "org": "evil", "bucket": "evil" });
    for body in [set_up_body(BUCKET), other] {
        let requests = [
            set_up_request(&fresh.api, &body),
            set_up_request(&fresh.api, &body).bearer_auth(&fresh.api.management_token),
            set_up_request(&fresh.api, &body).header("Authorization", &operator.header.1),
        ];
        for request in requests {
            let refused = send(request).await.expect_status(422).json();
            let expected = json!({ "code": "conflict", "message": "onboarding has already been completed" });
            assert_eq!(refused, expected);
        }
    }
    assert_eq!(state().await, before);
}

#[tokio::test]
async fn of_two_set_ups_at_once_one_wins() {
    let fresh = Fresh::start().await;
    let bodies: Vec<Value> = (0..8)
        .map(|number| json!({ "username": format!("user-{number}"), "password": PASSWORD, "org": "o", "bucket": "b" }))
        .collect();
    let answers = futures::future::join_all(bodies.iter().map(|body| send(set_up_request(&fresh.api, body)))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422, 422, 422, 422, 422, 422, 422]);
    let winner = answers.iter().find(|answer| answer.status == 201).unwrap().json();
    let request = fresh.api.http.get(format!("{}/api/v2/users", fresh.api.url));
    let users = send(request.bearer_auth(winner["auth"]["token"].as_str().unwrap())).await.expect_status(200).json();
    assert_eq!(users["users"], json!([winner["user"]]));
}

#[tokio::test]
async fn what_was_there_before_stays_and_its_bucket_is_adopted() {
    let fresh = Fresh::start().await;
    fresh.api.create_database(BUCKET).await;
    fresh.api.create_database("other").await;
    let token = fresh.api.create_token(&[("read", BUCKET), ("write", BUCKET)]).await;
    fresh.api.write(&token.text, BUCKET, "press speed=1 1").await.expect_status(204);

    let operator = V2::set_up(&fresh.api, BUCKET).await;
    let buckets = operator.get("/api/v2/buckets").await.expect_status(200).json();
    let mut names: Vec<&str> =
        buckets["buckets"].as_array().unwrap().iter().map(|bucket| bucket["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, [BUCKET, "other"]);
    operator.write(BUCKET, "press speed=2 2").await.expect_status(204);
    let rows = fresh.api.rows(&token.text, BUCKET, "SELECT speed FROM press ORDER BY time").await;
    assert_eq!(rows, [json!({ "speed": 1.0 }), json!({ "speed": 2.0 })]);
    let organizations = operator.get("/api/v2/orgs").await.expect_status(200).json();
    let ids: Vec<String> = organizations["orgs"].as_array().unwrap().iter().map(id_of).collect();
    assert_eq!(
        ids,
        std::slice::from_ref(&operator.organization),
        "the organization that was there has got another name"
    );
    fresh.api.get("/tokens").await.expect_status(200);
}
