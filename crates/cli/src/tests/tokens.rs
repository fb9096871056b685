use serde_json::{Value, json};

use super::harness::{ACCOUNT, CLUSTER, MANAGEMENT_TOKEN, Outcome, Scene, cluster_path};

const A: &str = "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64";
const B: &str = "a9e37b10-2c55-4e0d-8f61-7be4c1d2036a";
const C: &str = "c0ffee00-0000-4000-8000-000000000001";
const SECRET: &str = "apiv1_new-secret-that-is-shown-once-0123456789";

fn token(id: &str, description: &str) -> Value {
    json!({
        "accountId": ACCOUNT, "clusterId": CLUSTER, "id": id, "description": description,
        "permissions": [{"action": "read", "resource": "plant7"}, {"action": "write", "resource": "*"}],
        "createdAt": "2026-03-09T07:41:12.330000Z", "expiresAt": "2027-01-31T12:00:00.000000Z"
    })
}

fn with(mut object: Value, member: &str, value: &str) -> Value {
    object[member] = json!(value);
    object
}

async fn create(scene: &Scene, arguments: &[&str]) -> Outcome {
    scene.answer("POST", &cluster_path("/tokens"), 200, with(token(A, "press line gateway"), "accessToken", SECRET));
    scene.run(&[&["token", "create"], arguments].concat()).await
}

#[tokio::test]
async fn create_sends_the_documented_body() {
    let scene = Scene::new().await;
    let arguments = [
        "--write-database",
        "b",
        "--read-database",
        "a",
        "--read-database",
        "c",
        "--write-database",
        "b",
        "--expires-at",
        "2027-01-31T14:00:00+0200",
        "press line gateway",
    ];
    create(&scene, &arguments).await.succeeded();
    let request = &scene.requests()[0];
    assert_eq!(request.authorization(), format!("Bearer {MANAGEMENT_TOKEN}"));
    assert_eq!(request.headers["content-type"], "application/json");
    let grant = |action: &str, resource: &str| json!({"action": action, "resource": resource});
    assert_eq!(
        request.json(),
        json!({
            "description": "press line gateway",
            "permissions": [grant("read", "a"), grant("read", "c"), grant("write", "b")],
            "expiresAt": "2027-01-31T12:00:00.000000Z"
        })
    );
}

#[tokio::test]
async fn create_without_permissions_is_allowed() {
    let scene = Scene::new().await;
    create(&scene, &["x"]).await.succeeded();
    assert_eq!(scene.requests()[0].json(), json!({"description": "x", "permissions": []}));
}

#[tokio::test]
async fn edge_8_create_needs_a_description() {
    let scene = Scene::new().await;
    scene.run(&["token", "create"]).await.failed("<TOKEN_DESCRIPTION>");
    scene.run(&["token", "create", ""]).await.failed("must not be empty");
    scene.no_requests();
}

#[tokio::test]
async fn edge_9_all_databases_beside_one() {
    let scene = Scene::new().await;
    create(&scene, &["--read-database", "*", "--read-database", "a", "x"]).await.succeeded();
    let resources: Vec<Value> =
        scene.requests()[0].json()["permissions"].as_array().unwrap().iter().map(|p| p["resource"].clone()).collect();
    assert_eq!(resources, ["*", "a"]);
}

#[tokio::test]
async fn edge_10_expiry_in_the_past_or_without_time() {
    let scene = Scene::new().await;
    for (time, reason) in [
        ("2026-03-09T12:00:00Z", "is not in the future"),
        ("2027-01-31", "not a date and time of RFC 3339"),
        ("2020-01-01T00:00:00Z", "is not in the future"),
    ] {
        scene.run(&["token", "create", "--expires-at", time, "x"]).await.failed(reason);
    }
    scene.no_requests();
}

#[tokio::test]
async fn edge_11_token_is_the_last_line_and_warnings_are_on_stderr() {
    let scene = Scene::new().await;
    let outcome = create(&scene, &["press line gateway"]).await.succeeded();
    assert_eq!(
        outcome.stdout,
        format!(
            "+-------------+--------------------------------------+\n\
             |          id | {A} |\n\
             | description | press line gateway                   |\n\
             |  expires at | 2027-01-31T12:00:00Z                 |\n\
             |  revoked at |                                      |\n\
             +-------------+--------------------------------------+\n\
             {SECRET}\n"
        )
    );
    assert_eq!(
        outcome.stderr,
        "warn\tplease copy the token and store in a safe place\nwarn\tthis is the *only time* you will see the token\n"
    );
}

#[tokio::test]
async fn edge_12_json_holds_the_token_once() {
    let scene = Scene::new().await;
    let outcome = create(&scene, &["--format", "json", "x"]).await.succeeded();
    assert_eq!(outcome.json()["token"], SECRET);
    assert_eq!(outcome.stdout.matches(SECRET).count(), 1);
    assert_eq!(outcome.stderr, "");
    assert!(outcome.stdout.starts_with("{\n  \"account_id\"") && outcome.stdout.ends_with("}\n"), "{}", outcome.stdout);
}

#[tokio::test]
async fn an_answer_that_is_not_documented_is_refused_without_showing_it() {
    let scene = Scene::new().await;
    scene.answer("POST", &cluster_path("/tokens"), 200, json!({"id": 5, "accessToken": SECRET}));
    let outcome = scene.run(&["token", "create", "x"]).await.failed("not the documented JSON");
    assert!(!outcome.stderr.contains(SECRET));
}

#[tokio::test]
async fn edge_13_revoke_goes_on_after_a_failure_and_tries_each_once() {
    let scene = Scene::new().await;
    scene.answer("DELETE", &cluster_path(&format!("/tokens/{A}")), 204, "");
    scene.answer("DELETE", &cluster_path(&format!("/tokens/{B}")), 404, r#"{"code":404,"message":"not found"}"#);
    scene.answer("DELETE", &cluster_path(&format!("/tokens/{C}")), 204, "");
    let upper = A.to_uppercase();
    let outcome = scene.run(&["token", "revoke", "--force", A, B, C, &upper, A]).await.failed(B);
    assert_eq!(outcome.stderr, format!("info\trevoked {A}\nerror\t{B}: not found (HTTP 404)\ninfo\trevoked {C}\n"));
    assert_eq!(scene.requests().len(), 3);
}

#[tokio::test]
async fn a_revocation_that_still_drains_is_a_failure() {
    let scene = Scene::new().await;
    let body = r#"{"code":503,"message":"revoked, still draining"}"#;
    scene.answer("DELETE", &cluster_path(&format!("/tokens/{A}")), 503, body);
    scene.run(&["token", "revoke", "--force", A]).await.failed("still draining");
}

#[tokio::test]
async fn edge_14_delete_is_another_word_for_revoke() {
    let scene = Scene::new().await;
    let help = scene.run(&["token", "revoke", "--help"]).await.succeeded();
    assert_eq!(scene.run(&["token", "delete", "--help"]).await.succeeded().stdout, help.stdout);
    scene.answer("DELETE", &cluster_path(&format!("/tokens/{A}")), 204, "");
    let outcome = scene.run(&["token", "delete", "--force", A]).await.succeeded();
    assert_eq!(outcome.stderr, format!("info\trevoked {A}\n"));
    assert_eq!(outcome.stdout, "");
    assert_eq!(scene.requests().len(), 1);
}

#[tokio::test]
async fn edge_15_nothing_is_revoked_without_a_yes() {
    let mut scene = Scene::new().await;
    for answer in ["n\n", "\n", "", "yesterday\n", "no"] {
        scene.stdin = answer.to_owned();
        let outcome = scene.run(&["token", "revoke", A, B]).await;
        assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""));
        assert_eq!(
            outcome.stderr,
            format!("  {A}\n  {B}\nRevoke 2 database tokens? This cannot be undone. [y/N] \nwarn\tcancelled\n")
        );
    }
    scene.stdin = "y\n".to_owned();
    let outcome = scene.run(&["token", "revoke", A, "17", B]).await.failed("'<TOKEN_ID>...': is not a UUID");
    assert!(!outcome.stderr.contains("[y/N]"), "{outcome:?}");
    scene.run(&["token", "revoke", "not-a-uuid"]).await.failed("'<TOKEN_ID>...': is not a UUID");
    scene.run(&["token", "revoke"]).await.failed("<TOKEN_ID>");
    scene.no_requests();
}

#[tokio::test]
async fn edge_15_a_yes_revokes() {
    for answer in ["y\n", "Y", "YES\nn\n", " yes \r\n"] {
        let mut scene = Scene::new().await;
        scene.stdin = answer.to_owned();
        scene.answer("DELETE", &cluster_path(&format!("/tokens/{A}")), 204, "");
        scene.run(&["token", "revoke", A]).await.succeeded();
        assert_eq!(scene.requests().len(), 1);
    }
}

#[tokio::test]
async fn get_shows_details() {
    let scene = Scene::new().await;
    scene.answer("GET", &cluster_path(&format!("/tokens/{A}")), 200, token(A, "x"));
    let outcome = scene.run(&["token", "get", A]).await.succeeded();
    assert_eq!(
        outcome.stdout,
        format!(
            "+-------------+--------------------------------------+\n\
             |          id | {A} |\n\
             | description | x                                    |\n\
             |  expires at | 2027-01-31T12:00:00Z                 |\n\
             |  revoked at |                                      |\n\
             | permissions | read:plant7, write:*                 |\n\
             +-------------+--------------------------------------+\n"
        )
    );
}

#[tokio::test]
async fn edge_16_a_revoked_token_is_shown_only_on_request() {
    let scene = Scene::new().await;
    let path = cluster_path(&format!("/tokens/{A}"));
    let not_found = format!("error\ttoken {A} not found\n");
    scene.answer("GET", &path, 404, r#"{"code":404,"message":"not found"}"#);
    scene.run(&["token", "get", A]).await.failed_with(&not_found);
    // Servers other than ours may answer with the revoked token.
    let revoked = with(token(A, "x"), "revokedAt", "2026-03-09T08:00:00.5Z");
    scene.answer("GET", &path, 200, &revoked);
    scene.run(&["token", "get", A]).await.failed_with(&not_found);
    scene.answer("GET", &format!("{path}?includeRevoked=true"), 200, &revoked);
    let outcome = scene.run(&["token", "get", "--include-revoked", "--format=json", A]).await.succeeded();
    assert_eq!(outcome.json()["revoked_at"], json!({"seconds": 1_773_043_200, "nanos": 500_000_000}));
    assert_eq!(outcome.json()["expires_at"], json!({"seconds": 1_801_396_800}));
}

#[tokio::test]
async fn edge_17_list_of_nothing() {
    let scene = Scene::new().await;
    for (format, expected) in
        [("table", "+----+-------------+\n| ID | DESCRIPTION |\n+----+-------------+\n"), ("json", "[]\n")]
    {
        scene.answer("GET", &cluster_path("/tokens"), 200, "[]");
        assert_eq!(scene.run(&["token", "list", "--format", format]).await.succeeded().stdout, expected);
    }
}

#[tokio::test]
async fn edge_17_list_is_sorted_by_bytes_then_id() {
    let scene = Scene::new().await;
    let tokens = json!([
        token(C, "same"),
        token(B, "é"),
        token(A, "same"),
        with(token(ACCOUNT, "Z"), "revokedAt", "2026-01-01T00:00:00Z")
    ]);
    let ids = |outcome: Outcome| -> Vec<String> {
        outcome.json().as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap().to_owned()).collect()
    };
    scene.answer("GET", &cluster_path("/tokens"), 200, &tokens);
    let listed = ids(scene.run(&["token", "list", "--format", "json"]).await.succeeded());
    assert_eq!(listed, [A, B, C], "by id, the revoked one hidden");
    scene.answer("GET", &cluster_path("/tokens"), 200, &tokens);
    let listed = ids(scene.run(&["token", "list", "--format", "json", "--sort", "description"]).await.succeeded());
    assert_eq!(listed, [A, C, B]);
    scene.answer("GET", &cluster_path("/tokens?includeRevoked=true"), 200, &tokens);
    let outcome = scene.run(&["token", "list", "--include-revoked", "--sort", "description"]).await.succeeded();
    let rows: Vec<&str> = outcome.stdout.lines().collect();
    assert!(rows[1].starts_with("| ID ") && rows[1].ends_with("| EXPIRES AT           | REVOKED AT           |"));
    assert!(rows[3].contains(ACCOUNT) && rows[3].ends_with("| 2026-01-01T00:00:00Z |"), "{}", outcome.stdout);
}

#[tokio::test]
async fn list_json_has_the_documented_members() {
    let scene = Scene::new().await;
    scene.answer("GET", &cluster_path("/tokens"), 200, json!([token(A, "x")]));
    let nil = "00000000-0000-0000-0000-000000000000";
    assert_eq!(
        scene.run(&["token", "list", "--format", "json"]).await.succeeded().json(),
        json!([{
            "account_id": ACCOUNT, "cluster_id": CLUSTER, "id": A, "description": "x",
            "permissions": [
                {"id": nil, "action": "read", "resource": "plant7"}, {"id": nil, "action": "write", "resource": "*"}
            ],
            "created_at": {"seconds": 1_773_042_072, "nanos": 330_000_000}, "expires_at": {"seconds": 1_801_396_800}
        }])
    );
}

#[tokio::test]
async fn edge_18_update_changes_only_what_is_given() {
    let scene = Scene::new().await;
    let path = cluster_path(&format!("/tokens/{A}"));
    scene.answer("PATCH", &path, 200, token(A, "new"));
    let outcome = scene.run(&["token", "update", A, "--description", "new"]).await.succeeded();
    assert_eq!((outcome.stdout, outcome.stderr), (String::new(), format!("info\tupdated token {A}\n")));
    scene.answer("PATCH", &path, 200, token(A, "x"));
    scene.run(&["token", "update", "--read-database", "a", A]).await.succeeded();
    let requests = scene.requests();
    assert_eq!(requests[0].json(), json!({"description": "new"}));
    assert_eq!(requests[1].json(), json!({"permissions": [{"action": "read", "resource": "a"}]}));
}

#[tokio::test]
async fn edge_18_update_of_nothing_is_an_error() {
    let scene = Scene::new().await;
    scene.run(&["token", "update", A]).await.failed("nothing to change");
    scene.run(&["token", "update", "--read-database", "", A]).await.failed("database name must have 1 to 64");
    scene.run(&["token", "update", "--expires-at", "2030-01-01T00:00:00Z", A]).await.failed("--expires-at");
    scene.no_requests();
}

#[tokio::test]
async fn a_refused_credential_is_explained() {
    let scene = Scene::new().await;
    scene.answer("GET", &cluster_path("/tokens"), 401, r#"{"code":401,"message":"unauthorized"}"#);
    scene.run(&["token", "list"]).await.failed("unknown, expired or revoked");
}

#[tokio::test]
async fn descriptions_cannot_steer_the_terminal() {
    let scene = Scene::new().await;
    scene.answer("GET", &cluster_path("/tokens"), 200, json!([token(A, "x\u{1b}[2J\ny")]));
    let outcome = scene.run(&["token", "list"]).await.succeeded();
    assert!(outcome.stdout.contains(r"x\u{1b}[2J\ny"), "{}", outcome.stdout);
    scene.answer("GET", &cluster_path("/tokens"), 500, "bad\u{1b}[2Jthing");
    let outcome = scene.run(&["token", "list"]).await.failed("bad");
    assert!(!outcome.stderr.contains('\u{1b}'));
}

#[tokio::test]
async fn edge_17_a_list_longer_than_any_page() {
    let scene = Scene::new().await;
    let id = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    let tokens: Vec<Value> = (0..10_000).rev().map(|number| token(&id(number), &format!("gateway {number}"))).collect();
    scene.answer("GET", &cluster_path("/tokens"), 200, json!(tokens));
    let outcome = scene.run(&["token", "list"]).await.succeeded();
    let rows: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(rows.len(), 10_004);
    for number in [0, 4_999, 9_999] {
        assert!(rows[number + 3].starts_with(&format!("| {} | gateway {number} ", id(number))), "{}", rows[number + 3]);
    }
    scene.answer("GET", &cluster_path("/tokens"), 200, json!(tokens));
    let listed = scene.run(&["token", "list", "--format", "json"]).await.succeeded().json();
    assert_eq!(listed.as_array().unwrap().len(), 10_000);
}
