//! Who may say what a v1 name means (v2 API contract §5.6): whoever could lead it elsewhere would get what others write.

use serde_json::{Value, json};

use crate::v2_fixture::{V2, v2};

const DBRPS: &str = "/api/v2/dbrps";

/// Two buckets beside each other, and another organization with one of its own.
struct Place {
    v: V2,
    second: String,
    other: String,
    theirs: String,
}

impl Place {
    async fn new() -> Self {
        let v = v2().await;
        let second = v.new_bucket("second").await;
        let other = id_of(&v.done(201, "POST", "/api/v2/orgs", json!({ "name": "other" })).await);
        let body = json!({ "name": "theirs", "orgID": other });
        let theirs = id_of(&v.done(201, "POST", "/api/v2/buckets", body).await);
        Self { v, second, other, theirs }
    }

    fn body(&self, bucket: &str, database: &str, policy: &str) -> Value {
        json!({ "orgID": self.v.org, "bucketID": bucket, "database": database, "retention_policy": policy })
    }

    /// Makes a mapping as the operator and gives its path.
    async fn mapping(&self, bucket: &str, database: &str, policy: &str) -> String {
        let made = self.v.done(201, "POST", DBRPS, self.body(bucket, database, policy)).await;
        format!("{DBRPS}/{}", id_of(&made))
    }

    async fn status(&self, token: &str, method: &str, path: &str, body: Value) -> u16 {
        self.v.call(token, method, path, body).await.status.as_u16()
    }
}

fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_mapping_leads_to_a_bucket_of_its_organization() {
    let place = Place::new().await;
    let (v, theirs) = (&place.v, &place.theirs);
    for token in [&v.operator, &v.token("write:orgs/ORG/dbrp").await.1] {
        assert_eq!(place.status(token, "POST", DBRPS, place.body(theirs, "db", "x")).await, 404);
    }
    let own = json!({ "orgID": place.other, "bucketID": v.bucket, "database": "db", "retention_policy": "x" });
    assert_eq!(place.status(&v.operator, "POST", DBRPS, own).await, 404);
    for org in [&v.org, &place.other] {
        let made = v.done(200, "GET", &format!("{DBRPS}?orgID={org}&db=db"), Value::Null).await;
        assert_eq!(made["content"], json!([]));
    }
}

#[tokio::test]
async fn a_mapping_is_changed_and_deleted_through_its_organization_alone() {
    let place = Place::new().await;
    let v = &place.v;
    let path = place.mapping(&v.bucket, "db", "x").await;
    let (through_home, through_other) = (format!("{path}?orgID={}", v.org), format!("{path}?orgID={}", place.other));
    let before = v.done(200, "GET", &through_home, Value::Null).await;
    for (method, body) in [("GET", Value::Null), ("PATCH", json!({ "retention_policy": "y" })), ("DELETE", Value::Null)]
    {
        assert_eq!(place.status(&v.operator, method, &through_other, body).await, 404, "{method}");
    }
    assert_eq!(v.done(200, "GET", &through_home, Value::Null).await, before);
    v.done(200, "PATCH", &through_home, json!({ "retention_policy": "y" })).await;
    v.done(204, "DELETE", &through_home, Value::Null).await;
}

#[tokio::test]
async fn a_name_gets_another_meaning_from_who_may_write_all_that_it_means() {
    let place = Place::new().await;
    let v = &place.v;
    place.mapping(&place.second, "db", "x").await;
    let (_, one) = v.token("read:orgs/ORG/buckets write:orgs/ORG/buckets/BUCKET").await;
    let both = format!("write:orgs/ORG/buckets/BUCKET write:orgs/ORG/buckets/{}", place.second);
    let (_, both) = v.token(&both).await;
    let (_, all) = v.token("write:orgs/ORG/dbrp").await;
    // By a mapping, and by the name of a bucket.
    for name in ["db", "second"] {
        for (token, policy, status) in [(&one, "one", 401), (&both, "both", 201), (&all, "all", 201)] {
            let body = place.body(&v.bucket, name, policy);
            assert_eq!(place.status(token, "POST", DBRPS, body).await, status, "{name} {policy}");
        }
    }
    assert_eq!(place.status(&one, "POST", DBRPS, place.body(&v.bucket, "unused", "x")).await, 201);
}

#[tokio::test]
async fn a_meaning_is_changed_and_taken_away_by_who_may_write_all_that_the_name_means() {
    let place = Place::new().await;
    let v = &place.v;
    let (_, one) = v.token("write:orgs/ORG/buckets/BUCKET").await;
    let both = format!("write:orgs/ORG/buckets/BUCKET write:orgs/ORG/buckets/{}", place.second);
    let (_, both) = v.token(&both).await;
    let (_, all) = v.token("write:orgs/ORG/dbrp").await;
    place.mapping(&place.second, "db", "x").await;
    for (number, (token, statuses)) in [(&one, (401, 401)), (&both, (200, 204)), (&all, (200, 204))].iter().enumerate()
    {
        let path = format!("{}?orgID={}", place.mapping(&v.bucket, "db", &format!("p{number}")).await, v.org);
        let changed = place.status(token, "PATCH", &path, json!({ "default": true })).await;
        let deleted = place.status(token, "DELETE", &path, Value::Null).await;
        assert_eq!((changed, deleted), *statuses, "{number}");
    }
    let path = format!("{}?orgID={}", place.mapping(&v.bucket, "own", "x").await, v.org);
    assert_eq!(place.status(&one, "PATCH", &path, json!({ "retention_policy": "y" })).await, 200);
    assert_eq!(place.status(&one, "DELETE", &path, Value::Null).await, 204);
}
