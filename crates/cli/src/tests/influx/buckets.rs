use serde_json::{Value, json};

use super::scene::{BUCKET, ORG, Place, bucket};

const LIST: &str = "/api/v2/buckets";

const HEADER: &str = "ID\t\t\tName\tRetention\tShard group duration\tOrganization ID\t\tSchema Type\n";

fn page(from: u32, count: u32) -> Value {
    let buckets: Vec<Value> =
        (from..from + count).map(|number| bucket(&format!("{:016x}", number + 1), &format!("b{number}"))).collect();
    json!({ "links": { "self": LIST }, "buckets": buckets })
}

/// Foresees the requests of a list and their answers: limit, offset, number of buckets.
fn pages(place: &Place, pages: &[(Option<u32>, u32, u32)]) {
    for &(limit, offset, count) in pages {
        let limit = limit.map(|limit| format!("limit={limit}&")).unwrap_or_default();
        let skipped = if offset == 0 { String::new() } else { format!("offset={offset}&") };
        place.answer("GET", &format!("{LIST}?{limit}{skipped}org=plant"), 200, &page(offset, count));
    }
}

#[tokio::test]
async fn edge_48_lists_come_page_by_page() {
    let place = Place::new().await;
    let rows = async |flags: &[&str]| {
        let outcome = place.run(&[&["bucket", "list", "--hide-headers"], flags].concat()).await.succeeded();
        outcome.stdout.lines().count()
    };
    pages(&place, &[(Some(20), 0, 20), (Some(20), 20, 20), (Some(20), 40, 5)]);
    assert_eq!(rows(&[]).await, 45);
    pages(&place, &[(Some(10), 0, 10), (Some(10), 10, 10), (Some(5), 20, 5)]);
    assert_eq!(rows(&["--limit", "25", "--page-size", "10"]).await, 25);
    pages(&place, &[(None, 0, 20), (None, 20, 20), (None, 40, 5), (None, 45, 0)]);
    assert_eq!(rows(&["--page-size", "0"]).await, 45);
    pages(&place, &[(Some(20), 7, 3)]);
    assert_eq!(rows(&["--offset", "7"]).await, 3);
    pages(&place, &[(Some(1), 0, 1)]);
    assert_eq!(rows(&["--limit", "1"]).await, 1);
}

#[tokio::test]
async fn edge_48_a_server_without_pages_is_not_asked_for_ever() {
    let place = Place::new().await;
    let everything = page(0, 20);
    place.answer("GET", &format!("{LIST}?limit=20&org=plant"), 200, &everything);
    place.answer("GET", &format!("{LIST}?limit=20&offset=20&org=plant"), 200, &everything);
    let outcome = place.run(&["bucket", "list", "--hide-headers"]).await.succeeded();
    assert_eq!(outcome.stdout.lines().count(), 20);
    // Nor does one that gives more than asked for give more than wanted.
    place.answer("GET", &format!("{LIST}?limit=5&org=plant"), 200, &everything);
    let outcome = place.run(&["bucket", "list", "--hide-headers", "--limit", "5"]).await.succeeded();
    assert_eq!(outcome.stdout.lines().count(), 5);
}

#[tokio::test]
async fn edge_40_no_buckets() {
    let place = Place::new().await;
    let nothing = json!({ "buckets": [] });
    place.answer("GET", &format!("{LIST}?limit=20&org=plant"), 200, &nothing);
    place.run(&["bucket", "list", "--json"]).await.printed("null\n");
    place.answer("GET", &format!("{LIST}?name=x&org=plant"), 200, &nothing);
    place.run(&["bucket", "list", "-n", "x", "--json"]).await.printed("[]\n");
    place.answer("GET", &format!("{LIST}?id={BUCKET}&org=plant"), 200, &nothing);
    place
        .run(&["bucket", "list", "-i", BUCKET])
        .await
        .printed("ID\tName\tRetention\tShard group duration\tOrganization ID\tSchema Type\n");
}

#[tokio::test]
async fn what_a_bucket_looks_like() {
    let place = Place::new().await;
    let mut explicit = bucket(BUCKET, "press");
    explicit["schemaType"] = json!("explicit");
    explicit["retentionRules"] =
        json!([{ "type": "expire", "everySeconds": 3600, "shardGroupDurationSeconds": 86_400 }]);
    let buckets = json!({ "buckets": [bucket(BUCKET, "press"), explicit] });
    place.answer("GET", &format!("{LIST}?name=press&orgID={ORG}"), 200, &buckets);
    place.run(&["bucket", "find", "-n", "press", "--org-id", ORG]).await.printed(&format!(
        "{HEADER}{BUCKET}\tpress\tinfinite\tn/a\t\t\t{ORG}\timplicit\n\
         {BUCKET}\tpress\t1h0m0s\t\t24h0m0s\t\t\t{ORG}\texplicit\n"
    ));
}

#[tokio::test]
async fn json_has_members_in_alphabetical_order() {
    let place = Place::new().await;
    place.answer("PATCH", &format!("{LIST}/{BUCKET}"), 200, &json!({ "name": "a<b", "id": BUCKET, "links": {} }));
    place
        .run(&["bucket", "update", "-i", BUCKET, "--json"])
        .await
        .printed(&format!("{{\n\t\"id\": \"{BUCKET}\",\n\t\"links\": {{}},\n\t\"name\": \"a\\u003cb\"\n}}\n"));
    assert_eq!(place.requests()[0].body, "{}");
}

#[tokio::test]
async fn creating_and_changing() {
    let place = Place::new().await;
    let create = |flags: &[&'static str]| [&["bucket", "create", "-n", "press", "--org-id", ORG], flags].concat();
    for (flags, body) in [
        (&[][..], json!({ "name": "press", "orgID": ORG, "retentionRules": null, "schemaType": "implicit" })),
        (
            &["-d", "x", "-r", "1w2h", "--schema-type", "explicit"],
            json!({
                "name": "press", "orgID": ORG, "description": "x", "schemaType": "explicit",
                "retentionRules": [{ "type": "expire", "everySeconds": 612_000 }]
            }),
        ),
        (
            &["-r", "0", "--shard-group-duration", "1d"],
            json!({
                "name": "press", "orgID": ORG, "schemaType": "implicit",
                "retentionRules": [{ "type": "expire", "everySeconds": 0, "shardGroupDurationSeconds": 86_400 }]
            }),
        ),
    ] {
        place.answer("POST", LIST, 201, &bucket(BUCKET, "press"));
        place
            .run(&create(flags))
            .await
            .printed(&format!("{HEADER}{BUCKET}\tpress\tinfinite\tn/a\t\t\t{ORG}\timplicit\n"));
        assert_eq!(place.requests().last().unwrap().json(), body);
    }
    place.refuse("POST", LIST, 422, "conflict", "bucket with name press already exists");
    place
        .run(&create(&[]))
        .await
        .told("failed to create bucket: 422 Unprocessable Entity: bucket with name press already exists");
    let count = place.requests().len();
    let outcome = place.run(&create(&["-r", "30"])).await;
    assert!(outcome.stderr.contains("duration must be week(w), day(d), "), "{outcome:?}");
    place.run(&create(&["--schema-type", "odd"])).await.told("schema type \"odd\" is neither implicit nor explicit");
    assert_eq!(place.requests().len(), count);
}

#[tokio::test]
async fn an_update_changes_what_is_given_only() {
    let place = Place::new().await;
    for (flags, rule) in [
        (&["--shard-group-duration", "1d"][..], json!({ "type": "expire", "shardGroupDurationSeconds": 86_400 })),
        (&["-r", "1h"], json!({ "type": "expire", "everySeconds": 3600 })),
        (&["-r", "0"], json!({ "type": "expire", "everySeconds": 0 })),
    ] {
        place.answer("PATCH", &format!("{LIST}/{BUCKET}"), 200, &bucket(BUCKET, "press"));
        place.run(&[&["bucket", "update", "-i", BUCKET], flags].concat()).await.succeeded();
        assert_eq!(place.requests().last().unwrap().json(), json!({ "retentionRules": [rule] }));
    }
}

#[tokio::test]
async fn deleting() {
    let place = Place::new().await;
    let found = json!({ "buckets": [bucket(BUCKET, "press")] });
    place.answer("GET", &format!("{LIST}?name=press&org=plant"), 200, &found);
    place.answer_empty("DELETE", &format!("{LIST}/{BUCKET}"), 204);
    let outcome = place.run(&["bucket", "delete", "-n", "press"]).await.succeeded();
    assert!(outcome.stdout.ends_with("\timplicit\ttrue\n"), "{outcome:?}");
    place.answer("GET", &format!("{LIST}?id={BUCKET}"), 200, &json!({ "buckets": [] }));
    place.run(&["bucket", "delete", "-i", BUCKET]).await.told(&format!("bucket \"{BUCKET}\" not found"));
    place.refuse("GET", &format!("{LIST}?id={BUCKET}"), 404, "not found", "bucket not found");
    place
        .run(&["bucket", "delete", "-i", BUCKET])
        .await
        .told(&format!("failed to find bucket \"{BUCKET}\": 404 Not Found: bucket not found"));
    place.run(&["bucket", "delete"]).await.told("must specify bucket ID or bucket name");
}
