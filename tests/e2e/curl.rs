//! The calls of the Management API as its guides write them for curl.

use std::process::Command;

use serde_json::{Value, json};

use super::support::api::{Api, Fresh};

const BODY_THEN_STATUS: &str = "%{http_code}";

/// Calls curl as the guides do; gives status and body.
fn curl(api: &Api, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--noproxy", "*", "--write-out", BODY_THEN_STATUS])
        .args(["--location", "--request", method, &format!("{}{path}", api.cluster)])
        .args(["--header", "Accept: application/json"])
        .args(["--header", &format!("Authorization: Bearer {}", api.management_token)]);
    if let Some(body) = body {
        command.args(["--header", "Content-Type: application/json", "--data", &body.to_string()]);
    }
    let output = command.output().expect("curl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.split_at(text.len() - 3);
    (status.parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn every_call_of_the_guides_works_with_curl() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    let database = json!({ "name": "plant7", "maxTables": 500, "maxColumnsPerTable": 250, "retentionPeriod": 2_592_000_000_000_000_i64 });
    assert_eq!(curl(api, "POST", "/databases", Some(&database)).0, 200);
    let (status, databases) = curl(api, "GET", "/databases", None);
    assert_eq!((status, databases.contains("plant7")), (200, true));

    let token = json!({
        "description": "line gateway",
        "permissions": [{ "action": "write", "resource": "plant7" }, { "action": "read", "resource": "plant7" }],
        "expirationType": "datetime",
        "expiresAt": "2999-12-31T23:59:59.000Z",
    });
    let (status, created) = curl(api, "POST", "/tokens", Some(&token));
    assert_eq!(status, 200, "{created}");
    let created: Value = serde_json::from_str(&created).unwrap();
    let (path, text) =
        (format!("/tokens/{}", created["id"].as_str().unwrap()), created["accessToken"].as_str().unwrap());
    api.write(text, "plant7", "m x=1 1").await.expect_status(204);

    let (status, listed) = curl(api, "GET", "/tokens", None);
    assert_eq!((status, listed.contains("line gateway")), (200, true));
    let (status, got) = curl(api, "GET", &path, None);
    assert_eq!((status, got.contains(text)), (200, false));
    let narrowed = json!({ "description": "reader", "permissions": [{ "action": "read", "resource": "plant7" }] });
    let (status, updated) = curl(api, "PATCH", &path, Some(&narrowed));
    assert_eq!((status, updated.contains("reader")), (200, true));
    api.write(text, "plant7", "m x=2 2").await.expect_status(403);

    assert_eq!(curl(api, "DELETE", &path, None), (204, String::new()));
    api.query(text, "plant7", "SELECT 1").await.expect_status(401);
    assert_eq!(curl(api, "GET", &path, None).0, 404);
    assert_eq!(curl(api, "DELETE", "/databases/plant7", None), (204, String::new()));
}
