use serde_json::{Value, json};
use tidegate_model::{PlainToken, TokenKind};

use super::harness::{ACCOUNT, Scene, account_path};
use crate::Face;

const A: &str = "0d7be1c4-93aa-4f12-b6c8-2e5f80a1d973";
const B: &str = "77c2f9e0-1b46-4a83-9d05-c4e1a6b83f20";
const USER: &str = "e81f0b57-64d2-4c9a-8a10-95b3d7f2046c";
const SECRET: &str = "mgmt1_new-secret-that-is-shown-once-0123456789";

fn list() -> Value {
    json!([
        {
            "id": B, "accountId": ACCOUNT, "tokenPrefix": "M.V1.+mX2", "description": "old runner", "createdBy": USER,
            "createdAt": "2025-11-20T10:01:44Z", "revokedAt": "2026-01-05T09:30:12.118Z"
        },
        {
            "id": A, "accountId": ACCOUNT, "tokenPrefix": "M.V1.q7Za", "description": "ci deploy",
            "createdAt": "2026-02-03T08:15:00Z", "expiresAt": "2027-02-03T00:00:00Z"
        }
    ])
}

#[tokio::test]
async fn edge_19_create_sends_a_description_in_any_case() {
    let scene = Scene::new().await;
    let created = json!({"id": A, "description": "created by influxctl", "accessToken": SECRET});
    scene.answer("POST", &account_path("/management-tokens"), 200, &created);
    let outcome = scene.run(&["management", "create"]).await.succeeded();
    assert_eq!(outcome.stdout.lines().last(), Some(SECRET));
    assert_eq!(outcome.stderr.lines().filter(|line| line.starts_with("warn\t")).count(), 2);
    assert_eq!(scene.requests()[0].json(), json!({"description": "created by influxctl"}));
    scene.run(&["management", "create", "--description", ""]).await.failed("must not be empty");
    assert_eq!(scene.requests().len(), 1);
}

#[tokio::test]
async fn create_sends_expiry_and_prints_json() {
    let scene = Scene::new().await;
    let created =
        json!({"id": A, "accountId": ACCOUNT, "prefix": "mgmt1_abcd", "description": "ci", "accessToken": SECRET});
    scene.answer("POST", &account_path("/management-tokens"), 200, &created);
    let arguments =
        ["management", "create", "--description", "ci", "--expires-at", "2027-01-01T00:00:00Z", "--format", "json"];
    let outcome = scene.run(&arguments).await.succeeded();
    assert_eq!(
        outcome.json(),
        json!({"id": A, "account_id": ACCOUNT, "token_prefix": "mgmt1_abcd", "description": "ci", "token": SECRET})
    );
    assert_eq!(scene.requests()[0].json(), json!({"description": "ci", "expiresAt": "2027-01-01T00:00:00.000000Z"}));
}

#[tokio::test]
async fn edge_20_list_shows_revoked_tokens_in_the_documented_table() {
    let scene = Scene::new().await;
    scene.answer("GET", &account_path("/management-tokens"), 200, list());
    let outcome = scene.run(&["management", "list", "--sort", "id"]).await.succeeded();
    let expected = format!(
        "\
+--------------------------------------+-------------+-----------+----------------------+----------------------+----------------------+
| ID                                   | DESCRIPTION | PREFIX    | CREATED AT           | EXPIRES AT           | REVOKED AT           |
+--------------------------------------+-------------+-----------+----------------------+----------------------+----------------------+
| {A} | ci deploy   | M.V1.q7Za | 2026-02-03T08:15:00Z | 2027-02-03T00:00:00Z |                      |
| {B} | old runner  | M.V1.+mX2 | 2025-11-20T10:01:44Z |                      | 2026-01-05T09:30:12Z |
+--------------------------------------+-------------+-----------+----------------------+----------------------+----------------------+
"
    );
    assert_eq!(outcome.stdout, expected);
}

#[tokio::test]
async fn edge_20_list_sorts_unset_times_last_and_omits_them() {
    let scene = Scene::new().await;
    for (sort, order) in [
        (None, [B, A]),
        (Some("created"), [B, A]),
        (Some("id"), [A, B]),
        (Some("description"), [A, B]),
        (Some("prefix"), [B, A]),
        (Some("expires"), [A, B]),
        (Some("revoked"), [B, A]),
    ] {
        scene.answer("GET", &account_path("/management-tokens"), 200, list());
        let flags = sort.map_or_else(Vec::new, |sort| vec!["--sort", sort]);
        let arguments = [&["management", "list", "--format", "json"], flags.as_slice()].concat();
        let listed = scene.run(&arguments).await.succeeded().json();
        let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap()).collect();
        assert_eq!(ids, order, "{sort:?}");
        let old = listed.as_array().unwrap().iter().find(|token| token["id"] == B).unwrap();
        assert_eq!(
            *old,
            json!({
                "id": B, "account_id": ACCOUNT, "token_prefix": "M.V1.+mX2", "description": "old runner", "created_by": USER,
                "revoked_at": {"seconds": 1_767_605_412, "nanos": 118_000_000}, "created_at": {"seconds": 1_763_632_904}
            })
        );
    }
}

#[tokio::test]
async fn list_tolerates_null_texts() {
    let scene = Scene::new().await;
    let token = json!([{"id": A, "tokenPrefix": null, "description": null, "createdBy": null, "expiresAt": null}]);
    scene.answer("GET", &account_path("/management-tokens"), 200, token);
    scene.run(&["management", "list"]).await.succeeded();
}

#[tokio::test]
async fn revoke_asks_and_revokes() {
    let mut scene = Scene::new().await;
    scene.stdin = "y\n".to_owned();
    scene.answer("DELETE", &account_path(&format!("/management-tokens/{A}")), 204, "");
    let outcome = scene.run(&["management", "revoke", A]).await.succeeded();
    assert_eq!(
        outcome.stderr,
        format!("  {A}\nRevoke 1 management token? This cannot be undone. [y/N] \ninfo\trevoked {A}\n")
    );
    scene.stdin = String::new();
    scene.run(&["management", "revoke", A]).await;
    assert_eq!(scene.requests().len(), 1);
}

#[tokio::test]
async fn clustered_paths_name_no_account() {
    let scene = Scene::without_configuration().await;
    let port = scene.port;
    scene.configure(&format!(
        "[[profile]]\nname = \"default\"\nproduct = \"clustered\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         mgmt_token = \"M.V1.x\"\n[profile.tls]\ndisable = true\n"
    ));
    scene.answer("GET", "/api/v0/management-tokens", 200, "[]");
    scene.run(&["management", "list"]).await.succeeded();
    scene.answer("GET", "/api/v0/tokens", 200, "[]");
    scene.run(&["token", "list"]).await.succeeded();
    assert_eq!(scene.requests().len(), 2);
}

#[tokio::test]
async fn generate_makes_a_management_token_offline() {
    let mut scene = Scene::without_configuration().await;
    scene.face = Face::Tidegate;
    let outcome = scene.run(&["management", "generate"]).await.succeeded();
    let token = PlainToken::from_presented(outcome.stdout.strip_suffix('\n').unwrap());
    assert_eq!(token.verified_kind(), Some(TokenKind::Management));
    assert_eq!(outcome.stderr, "");
    let again = scene.run(&["management", "generate"]).await.succeeded();
    assert_ne!(again.stdout, outcome.stdout);
    scene.face = Face::Influxctl;
    scene.run(&["management", "generate"]).await.failed("generate");
    scene.no_requests();
}
