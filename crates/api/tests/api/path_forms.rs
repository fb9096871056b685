//! The two forms of every path, and the cluster (management API contract §§2, 14; edge cases 3, 30 and 39 of §16).

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, bare_request, fixture, request};

async fn call(f: &Fixture, method: &str, path: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {}", f.management);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    f.send(request(method, path, Some(&authorization), body)).await
}

/// One call of each operation that answers something, under these prefixes of cluster and account.
async fn tour(f: &Fixture, cluster: &str, account: &str) -> Vec<Value> {
    let mut answers = Vec::new();
    let mut take = async |method: &str, path: String, body: Value| {
        let answer = call(f, method, &path, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        answers.push(answer.json());
        answer.json()
    };
    let identity = f.service.identity();
    let database = take("POST", format!("{cluster}/databases"), json!({ "name": "plant7" })).await;
    take("PATCH", format!("{cluster}/databases/plant7"), json!({ "maxTables": 7 })).await;
    take("PUT", format!("{cluster}/databases/plant7/rename"), json!({ "name": "plant8" })).await;
    take("GET", format!("{cluster}/databases"), Value::Null).await;
    let table = take("POST", format!("{cluster}/databases/plant8/tables"), json!({ "name": "press" })).await;
    take("PUT", format!("{cluster}/databases/plant8/tables/press/rename"), json!({ "name": "line" })).await;
    take("GET", format!("{cluster}/databases/plant8/tables"), Value::Null).await;
    assert_eq!(call(f, "DELETE", &format!("{cluster}/databases/plant8/tables/line"), Value::Null).await.status, 204);
    take("PUT", format!("{cluster}/databases/plant8/tables/{}/undelete", table["id"]), Value::Null).await;
    assert_eq!(call(f, "DELETE", &format!("{cluster}/databases/plant8"), Value::Null).await.status, 204);
    take("PUT", format!("{cluster}/databases/{}/undelete", database["id"]), Value::Null).await;
    let token = take("POST", format!("{cluster}/tokens"), json!({ "description": "x" })).await;
    let token = format!("{cluster}/tokens/{}", token["id"].as_str().unwrap());
    take("GET", token.clone(), Value::Null).await;
    take("PATCH", token, json!({ "description": "y" })).await;
    take("GET", format!("{cluster}/tokens"), Value::Null).await;
    take("POST", format!("{account}/management-tokens"), json!({})).await;
    take("GET", format!("{account}/management-tokens"), Value::Null).await;
    take("GET", format!("{account}/clusters"), Value::Null).await;
    take("GET", format!("{account}/clusters/{}", identity.cluster), Value::Null).await;
    assert_eq!(call(f, "DELETE", &format!("{cluster}/databases/plant8"), Value::Null).await.status, 204);
    answers
}

/// Every record that was answered, alone or in a list.
fn records(answers: Vec<Value>) -> Vec<Value> {
    let list = |answer| if let Value::Array(items) = answer { items } else { vec![answer] };
    let records: Vec<_> = answers.into_iter().flat_map(list).collect();
    assert!(records.len() >= 18);
    records
}

#[tokio::test]
async fn edge_30_dedicated_answers_name_account_and_cluster() {
    let f = fixture().await;
    let identity = f.service.identity();
    for record in records(tour(&f, &f.path(""), &f.account_path("")).await) {
        assert_eq!(record["accountId"], identity.account.to_string(), "{record}");
        // Management tokens belong to the account.
        let cluster = if record.get("prefix").is_some() { Value::Null } else { identity.cluster.to_string().into() };
        assert_eq!(record.get("clusterId").cloned().unwrap_or_default(), cluster, "{record}");
    }
}

#[tokio::test]
async fn edge_30_clustered_answers_name_neither() {
    let f = fixture().await;
    for record in records(tour(&f, "/api/v0", "/api/v0").await) {
        assert_eq!(record.get("accountId"), None, "{record}");
        assert_eq!(record.get("clusterId"), None, "{record}");
    }
}

#[tokio::test]
async fn both_forms_reach_the_same_records() {
    let f = fixture().await;
    let with_ids = call(&f, "POST", &f.path("/databases"), json!({ "name": "a" })).await.json();
    let mut without = with_ids.clone();
    for id in ["accountId", "clusterId"] {
        assert!(without.as_object_mut().unwrap().remove(id).is_some());
    }
    assert_eq!(call(&f, "GET", "/api/v0/databases", Value::Null).await.json(), json!([without]));
    assert_eq!(call(&f, "DELETE", "/api/v0/databases/a", Value::Null).await.status, 204);
    assert_eq!(call(&f, "GET", &f.path("/databases"), Value::Null).await.json(), json!([]));
}

#[tokio::test]
async fn the_cluster_is_shown_as_the_client_reaches_it() {
    let f = fixture().await;
    let identity = f.service.identity();
    let authorization = format!("Bearer {}", f.management);
    let get = async |path: &str, host: Option<&[u8]>| {
        let mut headers = vec![("authorization", authorization.as_bytes())];
        headers.extend(host.map(|host| ("host", host)));
        let answer = f.send(bare_request("GET", path, &headers, "")).await;
        assert_eq!(answer.status, 200, "{path}");
        answer.json()
    };
    let path = f.account_path(&format!("/clusters/{}", identity.cluster));
    let cluster = get(&path, Some(b"tidegate.example:8181")).await;
    assert_eq!(cluster["url"], "tidegate.example:8181");
    assert_eq!((&cluster["state"], &cluster["category"]), (&json!("ready"), &json!(1)));
    assert!(!cluster["name"].as_str().unwrap().is_empty());
    assert!(cluster["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(get(&f.account_path("/clusters"), Some(b"tidegate.example:8181")).await, json!([cluster]));
    // HTTP/2 has the authority in its target.
    let http2 = format!("https://other.example{path}");
    assert_eq!(get(&http2, None).await["url"], "other.example");
    assert_eq!(get(&path, None).await.get("url"), None);
    assert_eq!(get(&path, Some(b"\xff")).await.get("url"), None);
}

#[tokio::test]
async fn edge_03_only_this_cluster_exists() {
    let f = fixture().await;
    let identity = f.service.identity();
    let other = "6b0d4a1e-52c7-4f0a-9d3b-0f6a7c9e2b11";
    for account in ["/api/v0".to_owned(), f.account_path("")] {
        let upper = identity.cluster.to_string().to_uppercase();
        for (id, status) in [(upper.as_str(), 200), (other, 404), (&identity.account.to_string(), 404), ("1", 400)] {
            let path = format!("{account}/clusters/{id}");
            assert_eq!(call(&f, "GET", &path, Value::Null).await.status, status, "{path}");
        }
    }
    for rest in ["clusters", "users", "management-tokens"] {
        let path = format!("/api/v0/accounts/{other}/{rest}");
        assert_eq!(call(&f, "GET", &path, Value::Null).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn nobody_logs_in_yet() {
    let f = fixture().await;
    for path in ["/api/v0/users".to_owned(), f.account_path("/users"), f.account_path("/users/")] {
        let answer = call(&f, "GET", &path, Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "[]"), "{path}");
    }
}

#[tokio::test]
async fn edge_39_collections_have_a_trailing_slash_in_both_forms() {
    let f = fixture().await;
    f.create_database("plant7").await;
    for cluster in ["/api/v0".to_owned(), f.path("")] {
        for collection in ["databases", "tokens", "databases/plant7/tables"] {
            let path = format!("{cluster}/{collection}");
            let plain = call(&f, "GET", &path, Value::Null).await;
            let slash = call(&f, "GET", &format!("{path}/"), Value::Null).await;
            assert_eq!((plain.status.as_u16(), slash.status.as_u16()), (200, 200), "{path}");
            assert_eq!(plain.body, slash.body, "{path}");
        }
        // Only collections.
        for other in ["databases/plant7/", "databases/plant7/rename/", "databases/1/undelete/"] {
            let path = format!("{cluster}/{other}");
            assert_eq!(call(&f, "PUT", &path, json!({ "name": "x" })).await.status, 404, "{path}");
        }
    }
    for account in ["/api/v0".to_owned(), f.account_path("")] {
        for collection in ["management-tokens", "clusters"] {
            let path = format!("{account}/{collection}/");
            assert_eq!(call(&f, "GET", &path, Value::Null).await.status, 200, "{path}");
        }
    }
}
