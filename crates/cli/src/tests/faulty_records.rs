use serde_json::{Value, json};

use super::harness::{ACCOUNT, CLUSTER, Scene, account_path, cluster_path};

const A: &str = "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64";
const B: &str = "a9e37b10-2c55-4e0d-8f61-7be4c1d2036a";
const FAR: &str = "+10000-01-01T00:00:00Z";
const NEAR: &str = "2027-01-31T12:00:00.000000Z";

fn token(id: &str, expiry: &str) -> Value {
    json!({"accountId": ACCOUNT, "clusterId": CLUSTER, "id": id, "description": "x", "expiresAt": expiry})
}

#[tokio::test]
async fn a_time_that_cannot_be_read_is_shown_as_it_came() {
    let scene = Scene::new().await;
    let tokens = json!([token(A, FAR), token(B, NEAR)]);
    for (path, command) in [
        (cluster_path("/tokens?includeRevoked=true"), &["token", "list", "--include-revoked"][..]),
        (account_path("/management-tokens"), &["management", "list"]),
    ] {
        scene.answer("GET", &path, 200, &tokens);
        let listed = scene.run(command).await.succeeded().stdout;
        let rows: Vec<&str> = listed.lines().collect();
        assert!(rows[3].contains(A) && rows[3].contains(&format!("| {FAR} |")), "{listed}");
        assert!(rows[4].contains(B) && rows[4].contains("| 2027-01-31T12:00:00Z   |"), "{listed}");
        scene.answer("GET", &path, 200, &tokens);
        let listed = scene.run(&[command, &["--format", "json"]].concat()).await.succeeded().json();
        assert_eq!(
            (&listed[0]["expires_at"], &listed[1]["expires_at"]["seconds"]),
            (&json!(FAR), &json!(1_801_396_800))
        );
    }
    let deleted = json!([
        {"id": 1, "databaseName": "plant7", "name": "press", "deletedAt": FAR},
        {"id": 2, "databaseName": "plant7", "name": "weld", "deletedAt": 5}
    ]);
    for (path, command) in [
        ("/databases?status=deleted", &["database", "list", "--filter-status", "deleted"][..]),
        ("/databases/plant7/tables?status=deleted", &["table", "list", "plant7", "--filter-status", "deleted"]),
    ] {
        scene.answer("GET", &cluster_path(path), 200, &deleted);
        let listed = scene.run(command).await.succeeded().stdout;
        let rows: Vec<&str> = listed.lines().collect();
        assert!(rows[3].contains("press") && rows[3].ends_with(&format!("| {FAR} |")), "{listed}");
        assert!(rows[4].contains("weld") && rows[4].ends_with("| 5                      |"), "{listed}");
    }
    scene.requests();
}

#[tokio::test]
async fn sorting_by_time_puts_unreadable_ones_before_unset_ones() {
    let scene = Scene::new().await;
    let mut unset = token(CLUSTER, NEAR);
    unset.as_object_mut().unwrap().remove("expiresAt");
    scene.answer("GET", &account_path("/management-tokens"), 200, json!([unset, token(A, FAR), token(B, NEAR)]));
    let listed = scene.run(&["management", "list", "--sort", "expires", "--format", "json"]).await.succeeded().json();
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [B, A, CLUSTER]);
}

#[tokio::test]
async fn a_revocation_time_that_cannot_be_read_is_one_all_the_same() {
    let scene = Scene::new().await;
    let mut revoked = token(A, NEAR);
    revoked["revokedAt"] = json!(FAR);
    scene.answer("GET", &cluster_path("/tokens"), 200, json!([revoked, token(B, NEAR)]));
    let listed = scene.run(&["token", "list"]).await.succeeded().stdout;
    assert!(!listed.contains(A) && listed.contains(B), "{listed}");
    scene.answer("GET", &cluster_path(&format!("/tokens/{A}")), 200, revoked);
    scene.run(&["token", "get", A]).await.failed("not found");
}

#[tokio::test]
async fn of_deleted_databases_one_with_a_readable_time_is_restored_first() {
    let scene = Scene::new().await;
    let deleted = |id: i64, time: &str| json!({"id": id, "name": "plant7", "deletedAt": time});
    let all = json!([deleted(1, "2026-01-01T00:00:00Z"), deleted(2, NEAR), deleted(3, FAR)]);
    scene.answer("GET", &cluster_path("/databases?status=deleted"), 200, all);
    scene.answer("PUT", &cluster_path("/databases/2/undelete"), 200, json!({"id": 2, "name": "plant7"}));
    scene.run(&["database", "undelete", "plant7"]).await.succeeded();
    scene.requests();
}

#[tokio::test]
async fn a_list_without_its_faulty_records_is_shown_and_fails() {
    let scene = Scene::new().await;
    let tokens = json!([token(A, NEAR), token("not-an-id\u{202e}", NEAR), {"id": B, "permissions": 5}, 7]);
    let errors = r"error	record 2 (not-an-id\u{202e}) of the server's answer is not as documented and left out
error	record 3 (a9e37b10-2c55-4e0d-8f61-7be4c1d2036a) of the server's answer is not as documented and left out
error	record 4 of the server's answer is not as documented and left out
";
    for command in [&["token", "list"][..], &["token", "list", "--format", "json"]] {
        scene.answer("GET", &cluster_path("/tokens"), 200, &tokens);
        let outcome = scene.run(command).await;
        assert_eq!((outcome.status, outcome.stderr.as_str()), (1, errors));
        assert!(outcome.stdout.contains(A) && !outcome.stdout.contains(B), "{}", outcome.stdout);
    }
    for (path, command) in [
        (cluster_path("/databases"), &["database", "list"][..]),
        (cluster_path("/databases/plant7/tables"), &["table", "list", "plant7"]),
        (account_path("/management-tokens"), &["management", "list"]),
        (account_path("/clusters"), &["cluster", "list"]),
        (account_path("/users"), &["user", "list"]),
    ] {
        scene.answer("GET", &path, 200, json!([{"id": A, "name": 5}, {"id": 5, "name": "good"}, {"id": B}]));
        let outcome = scene.run(command).await;
        assert_eq!(outcome.status, 1, "{outcome:?}");
        assert!(outcome.stderr.contains(" is not as documented and left out\n"), "{outcome:?}");
        assert!(outcome.stdout.contains("good") || outcome.stdout.contains(B), "{outcome:?}");
        scene.answer("GET", &path, 200, json!([{"id": {}, "name": []}]));
        scene.run(command).await.failed("not the documented JSON");
    }
}
