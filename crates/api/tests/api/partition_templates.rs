//! Partition templates at creation: edge cases 31 to 33 of the management API contract §16.

use serde_json::{Value, json};

use crate::fixture::{Fixture, fixture};

fn time() -> Value {
    json!({ "type": "time", "value": "%Y-%m" })
}

fn tag(key: &str) -> Value {
    json!({ "type": "tag", "value": key })
}

fn bucket(key: &str, number: Value) -> Value {
    json!({ "type": "bucket", "value": { "tagName": key, "numberOfBuckets": number } })
}

fn with_tags(count: usize) -> Value {
    (0..count).map(|n| tag(&format!("t{n}"))).chain([time()]).collect()
}

/// Creates a database with each template. Accepted ones are answered and listed as they were given.
async fn check(f: &Fixture, cases: Vec<(Value, u16)>) {
    for (n, (template, status)) in cases.into_iter().enumerate() {
        let body = json!({ "name": format!("db{n}"), "partitionTemplate": template });
        let answer = f.manage("POST", "/databases", body).await;
        assert_eq!(answer.status, status, "{template}: {}", answer.text());
        if status == 200 {
            assert_eq!(answer.json()["partitionTemplate"], template);
            let listed = f.manage("GET", "/databases", Value::Null).await.json();
            let kept = listed.as_array().unwrap().iter().find(|database| database["id"] == answer.json()["id"]);
            assert_eq!(kept.unwrap()["partitionTemplate"], template);
        } else {
            assert_eq!(answer.json()["code"], 400);
            assert!(!answer.json()["message"].as_str().unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn edge_31_parts() {
    let f = fixture().await;
    let eight_tags: Value = (0..8).map(|n| tag(&format!("t{n}"))).collect();
    check(
        &f,
        vec![
            (json!([]), 400),
            (json!([time()]), 200),
            (with_tags(7), 200),
            (with_tags(8), 400),
            (eight_tags, 400),
            (json!([tag("a"), tag("a"), time()]), 400),
            (json!([time(), time()]), 400),
            (json!([time(), { "type": "time", "value": "%Y" }]), 400),
            (json!([tag("a")]), 400),
            (json!([tag("time"), time()]), 400),
            (json!([tag(""), time()]), 400),
            (json!([bucket("time", json!(5)), time()]), 400),
            (json!([tag("a"), bucket("a", json!(5)), time()]), 400),
            (json!([bucket("a", json!(5)), bucket("a", json!(6)), time()]), 400),
            (json!([bucket("b", json!(5)), time(), tag("a")]), 200),
            (json!([time(), 1]), 400),
            (json!({ "type": "time", "value": "%Y" }), 400),
            (json!("%Y"), 400),
        ],
    )
    .await;
}

#[tokio::test]
async fn edge_31_null_is_the_default_template() {
    let f = fixture().await;
    let answer = f.manage("POST", "/databases", json!({ "name": "a", "partitionTemplate": null })).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().get("partitionTemplate"), None);
}

#[tokio::test]
async fn edge_32_time_formats() {
    let f = fixture().await;
    let accepted = ["%Y", "%Y-%m", "%Y-%m-%d", "%d.%m.%Y", "y%Y%%"].map(|format| (format, 200));
    let refused = ["%m", "%Y-%d", "%H", "%Y%Y", "%b", "a", "", "%Y|%m", "%", "%Y%", "%%"].map(|format| (format, 400));
    let cases = accepted.into_iter().chain(refused);
    check(&f, cases.map(|(format, status)| (json!([{ "type": "time", "value": format }]), status)).collect()).await;
}

#[tokio::test]
async fn edge_33_buckets() {
    let f = fixture().await;
    let mut cases = Vec::new();
    for (number, status) in [
        (json!(0), 400),
        (json!(1), 200),
        (json!(99_999), 200),
        (json!(100_000), 400),
        (json!(-1), 400),
        (json!("5"), 400),
        (json!(1.5), 400),
        (json!(4_294_967_297_u64), 400),
        (Value::Null, 400),
    ] {
        cases.push((json!([bucket("a", number), time()]), status));
    }
    for part in [
        json!({ "type": "bucket", "value": { "numberOfBuckets": 5 } }),
        json!({ "type": "bucket", "value": { "tagName": "a" } }),
        json!({ "type": "bucket", "value": { "tagName": "", "numberOfBuckets": 5 } }),
        json!({ "type": "bucket", "value": ["a", 5] }),
        json!({ "type": "bucket", "value": "a" }),
        json!({ "type": "bucket" }),
        json!({ "type": "hash", "value": "a" }),
        json!({ "type": "Tag", "value": "a" }),
        json!({ "type": "tag", "value": { "tagName": "a", "numberOfBuckets": 5 } }),
        json!({ "type": "tag", "value": null }),
        json!({ "value": "a" }),
        json!({ "type": null, "value": "a" }),
        json!(["tag", "a"]),
    ] {
        cases.push((json!([part, time()]), 400));
    }
    check(&f, cases).await;
}
