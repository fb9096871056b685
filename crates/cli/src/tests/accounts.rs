use serde_json::{Value, json};

use super::harness::{ACCOUNT, CLUSTER, Scene, account_path, cluster_path};

const NIL: &str = "00000000-0000-0000-0000-000000000000";
const USER: &str = "e81f0b57-64d2-4c9a-8a10-95b3d7f2046c";

fn cluster() -> Value {
    json!({
        "accountId": ACCOUNT, "clusterId": CLUSTER, "name": "plant7", "url": "plant7.example.org", "state": "ready",
        "createdAt": "2026-03-01T00:00:00Z", "category": 1
    })
}

#[tokio::test]
async fn cluster_get_has_the_documented_table_and_members() {
    let scene = Scene::new().await;
    let path = account_path(&format!("/clusters/{CLUSTER}"));
    scene.answer("GET", &path, 200, cluster());
    assert_eq!(
        scene.run(&["cluster", "get", CLUSTER]).await.succeeded().stdout,
        "\
+-------+--------------------------------------+
|    id | c2f1e7d0-8a34-4b6e-a1f5-3d9b70e4c622 |
|  name | plant7                               |
| state | ready                                |
|   url | plant7.example.org                   |
+-------+--------------------------------------+
"
    );
    scene.answer("GET", &path, 200, cluster());
    assert_eq!(
        scene.run(&["cluster", "get", "--format", "json", CLUSTER]).await.succeeded().json(),
        json!({
            "account_id": ACCOUNT, "cluster_id": CLUSTER, "name": "plant7", "url": "plant7.example.org",
            "state": "ready", "created_at": {"seconds": 1_772_323_200}, "category": 1
        })
    );
    scene.run(&["cluster", "get", "plant7"]).await.failed("'<CLUSTER_ID>': is not a UUID");
}

#[tokio::test]
async fn cluster_list_covers_the_account() {
    let scene = Scene::new().await;
    scene.answer("GET", &account_path("/clusters"), 200, json!([cluster()]));
    let outcome = scene.run(&["cluster", "list"]).await.succeeded();
    let rows: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(rows[1], "| ID                                   | NAME   | STATE | URL                |");
    assert_eq!(rows[3], format!("| {CLUSTER} | plant7 | ready | plant7.example.org |"));
    scene.answer("GET", &account_path("/clusters"), 200, json!([cluster()]));
    let outcome = scene.run(&["cluster", "list", "--format", "json"]).await.succeeded();
    assert_eq!(outcome.json()[0]["cluster_id"], CLUSTER);
}

#[tokio::test]
async fn edge_35_some_commands_do_not_exist_on_clustered_servers() {
    let scene = Scene::without_configuration().await;
    scene.configure(&scene.clustered_profile());
    for arguments in [
        &["cluster", "list"][..],
        &["table", "iceberg", "enable", "plant7", "press"],
        &["table", "iceberg", "disable", "plant7", "press"],
    ] {
        scene.run(arguments).await.failed_with("error\tcommand not supported by InfluxDB Clustered\n");
    }
    scene.no_requests();
}

#[tokio::test]
async fn clustered_servers_name_no_account() {
    let scene = Scene::without_configuration().await;
    scene.configure(&scene.clustered_profile());
    let bare = json!({"name": "lab", "url": "lab", "state": "ready"});
    scene.answer("GET", &format!("/api/v0/clusters/{CLUSTER}"), 200, bare);
    let shown = scene.run(&["cluster", "get", "--format", "json", CLUSTER]).await.succeeded().json();
    assert_eq!((&shown["cluster_id"], &shown["account_id"]), (&json!(CLUSTER), &json!(NIL)));
    scene.answer("GET", "/api/v0/users", 200, "[]");
    scene.run(&["user", "list"]).await.succeeded();
    assert_eq!(scene.requests().len(), 2);
}

#[tokio::test]
async fn users_are_listed_under_both_words() {
    let scene = Scene::new().await;
    let users = json!([{
        "id": USER, "accountId": ACCOUNT, "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.org",
        "role": "admin"
    }]);
    scene.answer("GET", &account_path("/users"), 200, &users);
    let outcome = scene.run(&["user", "list"]).await.succeeded();
    let rows: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(rows[1], "| ID                                   | FIRST NAME | LAST NAME | EMAIL           |");
    assert_eq!(rows[3], format!("| {USER} | Ada        | Lovelace  | ada@example.org |"));
    scene.answer("GET", &account_path("/users"), 200, &users);
    assert_eq!(
        scene.run(&["users", "list", "--format", "json"]).await.succeeded().json(),
        json!([{
            "id": USER, "account_id": ACCOUNT, "first_name": "Ada", "last_name": "Lovelace",
            "email": "ada@example.org"
        }])
    );
}

#[tokio::test]
async fn commands_that_need_an_extension_say_so() {
    let scene = Scene::new().await;
    let cases: [(&[&str], &str, &str, &str); 7] = [
        (&["cluster", "list"], "GET", "/clusters", "showing clusters"),
        (&["cluster", "get", CLUSTER], "GET", "/clusters/c2f1e7d0-8a34-4b6e-a1f5-3d9b70e4c622", "showing clusters"),
        (&["user", "list"], "GET", "/users", "listing users"),
        (&["management", "list"], "GET", "/management-tokens", "the administration of management tokens"),
        (&["management", "create"], "POST", "/management-tokens", "the administration of management tokens"),
        (
            &["management", "revoke", "--force", USER],
            "DELETE",
            "/management-tokens/e81f0b57-64d2-4c9a-8a10-95b3d7f2046c",
            "the administration of management tokens",
        ),
        (&["token", "list", "--include-revoked"], "GET", "", "showing revoked tokens"),
    ];
    for (arguments, method, path, feature) in cases {
        let target = if path.is_empty() { cluster_path("/tokens?includeRevoked=true") } else { account_path(path) };
        for status in [404, 405, 501] {
            scene.answer(method, &target, status, r#"{"code":404,"message":"not found"}"#);
            if status == 404 {
                // What tells a missing route from a missing account or item.
                for collection in ["/clusters", "/management-tokens"] {
                    if path.starts_with(&format!("{collection}/")) {
                        scene.answer("GET", &account_path(collection), 404, "");
                    }
                }
                scene.answer("GET", &cluster_path("/databases"), 200, "[]");
            }
            scene.run(arguments).await.failed(&format!("{feature} is not supported by this server"));
        }
    }
}

#[tokio::test]
async fn an_unknown_account_or_item_is_not_a_missing_route() {
    let scene = Scene::new().await;
    let not_found = r#"{"code":404,"message":"not found"}"#;
    scene.answer("GET", &account_path("/users"), 404, not_found);
    scene.answer("GET", &cluster_path("/databases"), 404, not_found);
    scene.run(&["user", "list"]).await.failed("not found (HTTP 404)");
    scene.answer("GET", &account_path(&format!("/clusters/{CLUSTER}")), 404, not_found);
    scene.answer("GET", &account_path("/clusters"), 200, "[]");
    scene.run(&["cluster", "get", CLUSTER]).await.failed("not found (HTTP 404)");
}
