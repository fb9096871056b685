//! Buckets and DBRP mappings (v2 API contract §§5.5 and 5.6).

use serde_json::{Value, json};

use crate::v2_fixture::{NOBODY, V2, refusal, refused, v2, with_headers};

const BUCKETS: &str = "/api/v2/buckets";
const DBRPS: &str = "/api/v2/dbrps";

#[tokio::test]
async fn buckets_are_made_changed_and_deleted() {
    let v = v2().await;
    let rules = json!([{ "type": "expire", "everySeconds": 3600, "shardGroupDurationSeconds": 60 }]);
    let body = json!({
        "orgID": v.org, "name": "b", "description": "d", "retentionRules": rules, "schemaType": "implicit", "rp": "x",
    });
    let bucket = v.done(201, "POST", BUCKETS, body).await;
    let id = bucket["id"].as_str().unwrap();
    let path = format!("{BUCKETS}/{id}");
    assert_eq!(bucket["retentionRules"], json!([{ "type": "expire", "everySeconds": 3600 }]));
    for (member, value) in [
        ("orgID", json!(v.org)),
        ("type", json!("user")),
        ("name", json!("b")),
        ("description", json!("d")),
        ("schemaType", json!("implicit")),
        ("labels", json!([])),
    ] {
        assert_eq!(bucket[member], value, "{member}");
    }
    assert_eq!(bucket["links"]["self"], path);
    assert_eq!(bucket["links"]["write"], format!("/api/v2/write?org={}&bucket={id}", v.org));
    assert_eq!(v.done(200, "GET", &path, Value::Null).await, bucket);

    let mut untouched = v.done(200, "PATCH", &path, json!({})).await;
    untouched["updatedAt"] = bucket["updatedAt"].clone();
    assert_eq!(untouched, bucket);
    let body = json!({ "name": "c", "description": "", "retentionRules": [] });
    let changed = v.done(200, "PATCH", &path, body).await;
    assert_eq!((&changed["id"], &changed["name"]), (&json!(id), &json!("c")));
    assert_eq!((changed.get("description"), &changed["retentionRules"]), (None, &json!([])));
    v.done(204, "DELETE", &path, Value::Null).await;
    for method in ["GET", "PATCH", "DELETE"] {
        let answer = v.call(&v.operator, method, &path, json!({})).await;
        assert_eq!(refused(&answer), refusal(404, "not found", "bucket not found"), "{method}");
    }
}

#[tokio::test]
async fn what_cannot_be_a_bucket_is_refused() {
    let v = v2().await;
    let two = json!([{ "type": "expire", "everySeconds": 1 }, { "type": "expire", "everySeconds": 1 }]);
    let system = "bucket name _x is invalid. Buckets may not start with underscore";
    for (body, status, message) in [
        (json!({ "name": "b" }), 400, "organization id must be provided"),
        (json!({ "name": "b", "orgID": "0000000000000000" }), 400, "organization id must be provided"),
        (json!({ "orgID": v.org }), 400, "bucket name is empty"),
        (json!({ "orgID": v.org, "name": "_x" }), 400, system),
        (json!({ "orgID": v.org, "name": "my-bucket" }), 422, "bucket with name my-bucket already exists"),
        (json!({ "orgID": v.org, "name": "b", "retentionRules": two }), 422, "a bucket has at most one retention rule"),
        (json!({ "orgID": NOBODY, "name": "b" }), 404, "organization not found"),
    ] {
        let answer = v.call(&v.operator, "POST", BUCKETS, body.clone()).await;
        let (found, _, text) = refused(&answer);
        assert_eq!((found, text.as_str()), (status, message), "{body}");
    }
    for body in [json!({ "orgID": v.org, "name": "a\"b" }), json!({ "orgID": v.org, "name": "b", "schemaType": "x" })] {
        assert_eq!(refused(&v.call(&v.operator, "POST", BUCKETS, body).await).0, 400);
    }
    let path = format!("{BUCKETS}/{}", v.new_bucket("b").await);
    let taken = v.call(&v.operator, "PATCH", &path, json!({ "name": "my-bucket", "description": "changed" })).await;
    assert_eq!(refused(&taken), refusal(422, "conflict", "bucket with name my-bucket already exists"));
    assert_eq!(v.done(200, "GET", &path, Value::Null).await.get("description"), None, "all of it or nothing");
    v.done(200, "PATCH", &path, json!({ "name": "b" })).await;
    assert_eq!(refused(&v.call(&v.operator, "GET", &format!("{BUCKETS}/xyz"), Value::Null).await).0, 400);
}

/// Database tokens go by name: whoever renames a bucket decides what they mean.
#[tokio::test]
async fn a_bucket_is_renamed_by_who_may_write_all_buckets_of_its_organization() {
    let v = v2().await;
    let path = format!("{BUCKETS}/{}", v.bucket);
    let second = v.new_bucket("second").await;
    let each = format!("write:orgs/ORG/buckets/BUCKET write:orgs/ORG/buckets/{second} read:orgs/ORG/buckets");
    for permissions in ["write:orgs/ORG/buckets/BUCKET", &each] {
        let (_, token) = v.token(permissions).await;
        let renamed = v.call(&token, "PATCH", &path, json!({ "name": "new", "description": "new" })).await;
        assert_eq!(refused(&renamed).0, 401, "{permissions}");
        let kept = v.call(&token, "PATCH", &path, json!({ "name": "my-bucket", "description": "old" })).await;
        assert_eq!(kept.status, 200, "{permissions}: the same name is no new one");
    }
    let bucket = v.done(200, "GET", &path, Value::Null).await;
    assert_eq!((&bucket["name"], &bucket["description"]), (&json!("my-bucket"), &json!("old")));
    let (_, token) = v.token("write:orgs/ORG/buckets").await;
    assert_eq!(v.call(&token, "PATCH", &path, json!({ "name": "new" })).await.status, 200);
    assert_eq!(v.done(200, "GET", &path, Value::Null).await["name"], "new");
}

#[tokio::test]
async fn lists_of_buckets_are_exactly_what_was_asked_for() {
    let v = v2().await;
    for number in 0..24 {
        v.new_bucket(&format!("b{number:02}")).await;
    }
    let ids = async |query: &str| {
        let list = v.done(200, "GET", &format!("{BUCKETS}{query}"), Value::Null).await;
        let ids: Vec<_> = list["buckets"].as_array().unwrap().iter().map(|one| one["id"].to_string()).collect();
        (ids, list["links"].get("next").map(|next| next.as_str().unwrap().to_owned()))
    };
    let (first, next) = ids("").await;
    assert_eq!(first.len(), 20);
    let (second, none) = ids(next.unwrap().strip_prefix(BUCKETS).unwrap()).await;
    assert_eq!((second.len(), none), (5, None));
    let all = [first, second].concat();
    assert!(all.is_sorted());
    assert_eq!(ids("?limit=100").await.0, all);
    assert_eq!(ids("?limit=3&offset=4&org=my-org").await.0, all[4..7]);
    assert_eq!(ids("?limit=100&offset=25").await.0, [""; 0]);
    let last = all[9].trim_matches('"');
    assert_eq!(ids(&format!("?limit=2&after={last}")).await.0, all[10..12]);
    assert_eq!(ids("?limit=1&descending=true").await.0, all[24..]);
    for (query, message) in [
        ("limit=0", "limit must be between 1 and 100"),
        ("limit=101", "limit must be between 1 and 100"),
        ("limit=x", "limit is invalid"),
        ("after=x", "id must have a length of 16 bytes"),
    ] {
        let answer = v.call(&v.operator, "GET", &format!("{BUCKETS}?{query}"), Value::Null).await;
        assert_eq!(refused(&answer), refusal(400, "invalid", message), "{query}");
    }
}

#[tokio::test]
async fn buckets_are_found_by_name_and_id() {
    let v = v2().await;
    let list = async |token: &str, query: &str| v.call(token, "GET", &format!("{BUCKETS}?{query}"), Value::Null).await;
    let found = list(&v.operator, "name=my-bucket&org=my-org").await.json();
    assert_eq!(found["buckets"][0]["id"], v.bucket);
    assert_eq!(list(&v.operator, &format!("id={}", v.bucket)).await.json()["buckets"][0]["name"], "my-bucket");
    assert_eq!(list(&v.operator, "name=missing").await.json()["buckets"], json!([]));
    let missing = refusal(404, "not found", "bucket \"missing\" not found");
    assert_eq!(refused(&list(&v.operator, "name=missing&org=my-org").await), missing);
    assert_eq!(refused(&list(&v.operator, &format!("name=missing&orgID={}", v.org)).await), missing);
    let unknown = refusal(404, "not found", "bucket not found");
    assert_eq!(refused(&list(&v.operator, &format!("id={NOBODY}")).await), unknown);
    let org = refusal(404, "not found", "organization name \"x\" not found");
    assert_eq!(refused(&list(&v.operator, "org=x").await), org);

    // What the caller may not see does not exist.
    v.new_bucket("other").await;
    let (_, token) = v.token("write:buckets read:orgs/ORG/buckets/BUCKET").await;
    assert_eq!(list(&token, "").await.json()["buckets"].as_array().unwrap().len(), 1);
    let other = refusal(404, "not found", "bucket \"other\" not found");
    assert_eq!(refused(&list(&token, "name=other&org=my-org").await), other);
    let (_, blind) = v.token("read:users").await;
    for method in ["GET", "PATCH", "DELETE"] {
        let answer = v.call(&blind, method, &format!("{BUCKETS}/{}", v.bucket), json!({})).await;
        assert_eq!(refused(&answer), unknown, "{method}");
    }
    let (_, reader) = v.token("read:buckets").await;
    let message = format!("write:orgs/{}/buckets/{} is unauthorized", v.org, v.bucket);
    for method in ["PATCH", "DELETE"] {
        let answer = v.call(&reader, method, &format!("{BUCKETS}/{}", v.bucket), json!({})).await;
        assert_eq!(refused(&answer), refusal(401, "unauthorized", &message), "{method}");
    }
    let create = v.call(&reader, "POST", BUCKETS, json!({ "orgID": v.org, "name": "x" })).await;
    let message = format!("write:orgs/{}/buckets is unauthorized", v.org);
    assert_eq!(refused(&create), refusal(401, "unauthorized", &message));
}

#[tokio::test]
async fn buckets_of_two_organizations_are_two() {
    let v = v2().await;
    let second = v.done(201, "POST", "/api/v2/orgs", json!({ "name": "second" })).await["id"].clone();
    let body = json!({ "orgID": second, "name": "my-bucket" });
    let bucket = v.done(201, "POST", BUCKETS, body).await["id"].clone();
    assert_ne!(bucket, json!(v.bucket));
    let second = second.as_str().unwrap();
    let permissions = v.permissions(&format!("read:orgs/{second}/buckets write:orgs/{second}/buckets"));
    let body = json!({ "orgID": second, "permissions": permissions });
    let token = v.done(201, "POST", "/api/v2/authorizations", body).await;
    let token = token["token"].as_str().unwrap();
    // Whatever `org` says: a token finds what belongs to its own organization.
    assert_eq!(v.write(token, "my-bucket").await.status, 204);
    assert_eq!(v.write(token, bucket.as_str().unwrap()).await.status, 204);
    assert_ne!(v.write(token, &v.bucket).await.status, 204);
    assert_eq!(v.f.rows(token, "my-bucket", "SELECT count(*) AS n FROM m").await, json!([{ "n": 1 }]));
    let mine = v.f.query(&v.operator, "my-bucket", "SELECT count(*) AS n FROM m").await;
    assert_eq!(mine.status, 400, "nothing was written to the other: {}", mine.text());
    let list = v.call(token, "GET", BUCKETS, Value::Null).await.json();
    assert_eq!(list["buckets"].as_array().unwrap().len(), 1);
    assert_eq!(list["buckets"][0]["id"], bucket);
    assert_eq!(v.call(token, "GET", &format!("{BUCKETS}/{}", v.bucket), Value::Null).await.status, 404);
    v.done(204, "DELETE", &format!("{BUCKETS}/{}", v.bucket), Value::Null).await;
    assert_eq!(v.write(token, "my-bucket").await.status, 204);
}

async fn dbrps(v: &V2, token: &str, query: &str) -> Value {
    let answer = v.call(token, "GET", &format!("{DBRPS}?orgID={}{query}", v.org), Value::Null).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json()["content"].clone()
}

fn mapping(v: &V2, db: &str, rp: &str) -> Value {
    json!({ "orgID": v.org, "bucketID": v.bucket, "database": db, "retention_policy": rp })
}

#[tokio::test]
async fn mappings_are_made_changed_and_deleted() {
    let v = v2().await;
    let of_bucket = json!({
        "id": v.bucket, "orgID": v.org, "bucketID": v.bucket, "database": "my-bucket", "retention_policy": "autogen",
        "default": true, "virtual": true,
    });
    assert_eq!(dbrps(&v, &v.operator, "").await, json!([of_bucket]));
    let path = format!("{DBRPS}/{}?org=my-org", v.bucket);
    assert_eq!(v.done(200, "GET", &path, Value::Null).await["content"], of_bucket);

    let first = v.done(201, "POST", DBRPS, mapping(&v, "db", "week")).await;
    assert_eq!((&first["database"], &first["retention_policy"]), (&json!("db"), &json!("week")));
    assert_eq!((&first["default"], first.get("virtual")), (&json!(true), None));
    assert_eq!(dbrps(&v, &v.operator, "").await, json!([first]), "the bucket is mapped now");
    let mut second = mapping(&v, "db", "year");
    second["default"] = true.into();
    let second = v.done(201, "POST", DBRPS, second).await;
    let path = format!("{DBRPS}/{}?org=my-org", first["id"].as_str().unwrap());
    assert_eq!(v.done(200, "GET", &path, Value::Null).await["content"]["default"], false);
    assert_eq!(dbrps(&v, &v.operator, "&default=true").await, json!([second]));
    assert_eq!(dbrps(&v, &v.operator, "&db=db&rp=year").await, json!([second]));
    assert_eq!(dbrps(&v, &v.operator, "&db=none").await, json!([]));
    let conflict = v.call(&v.operator, "POST", DBRPS, mapping(&v, "db", "year")).await;
    assert_eq!((refused(&conflict).0, refused(&conflict).1.as_str()), (422, "conflict"));

    let changed = v.done(200, "PATCH", &path, json!({ "default": true, "retention_policy": "day" })).await;
    assert_eq!(
        (&changed["content"]["default"], &changed["content"]["retention_policy"]),
        (&json!(true), &json!("day"))
    );
    v.done(204, "DELETE", &path, Value::Null).await;
    let gone = v.call(&v.operator, "DELETE", &path, Value::Null).await;
    assert_eq!(refused(&gone), refusal(404, "not found", "unable to find DBRP"));
    for (method, path) in [("GET", DBRPS.to_owned()), ("GET", format!("{DBRPS}/{NOBODY}"))] {
        let answer = v.call(&v.operator, method, &path, Value::Null).await;
        assert_eq!(refused(&answer), refusal(400, "invalid", "either 'org' or 'orgID' must be provided"), "{path}");
    }
    for body in [mapping(&v, "a/b", "x"), mapping(&v, "", "x"), json!({ "orgID": v.org }), json!({})] {
        assert_eq!(refused(&v.call(&v.operator, "POST", DBRPS, body).await).0, 400);
    }
    let mut unknown = mapping(&v, "x", "y");
    unknown["bucketID"] = NOBODY.into();
    let answer = v.call(&v.operator, "POST", DBRPS, unknown).await;
    assert_eq!(refused(&answer), refusal(404, "not found", "bucket not found"));
}

#[tokio::test]
async fn either_permission_suffices_for_a_mapping() {
    let v = v2().await;
    let made = v.done(201, "POST", DBRPS, mapping(&v, "db", "week")).await;
    let path = format!("{DBRPS}/{}?orgID={}", made["id"].as_str().unwrap(), v.org);
    for permissions in ["read:orgs/ORG/dbrp", "read:orgs/ORG/buckets/BUCKET"] {
        let (_, token) = v.token(permissions).await;
        assert_eq!(dbrps(&v, &token, "").await, json!([made]), "{permissions}");
        let refused_change = v.call(&token, "PATCH", &path, json!({ "default": true })).await;
        assert_eq!(refused(&refused_change).0, 401, "{permissions}");
        assert_eq!(refused(&v.call(&token, "DELETE", &path, Value::Null).await).0, 401);
    }
    let (_, blind) = v.token("read:users").await;
    assert_eq!(dbrps(&v, &blind, "").await, json!([]));
    for method in ["GET", "PATCH", "DELETE"] {
        assert_eq!(v.call(&blind, method, &path, json!({})).await.status, 404, "{method}");
    }
    let mut unseen = mapping(&v, "x", "y");
    let no_such_bucket = refusal(404, "not found", "bucket not found");
    assert_eq!(refused(&v.call(&blind, "POST", DBRPS, unseen.clone()).await), no_such_bucket);
    unseen["bucketID"] = NOBODY.into();
    assert_eq!(refused(&v.call(&blind, "POST", DBRPS, unseen).await), no_such_bucket);
    for permissions in ["write:orgs/ORG/dbrp", "write:orgs/ORG/buckets/BUCKET"] {
        let (_, token) = v.token(permissions).await;
        let name = permissions.split('/').next_back().unwrap();
        assert_eq!(v.call(&token, "POST", DBRPS, mapping(&v, name, "y")).await.status, 201, "{permissions}");
    }
}

#[tokio::test]
async fn mappings_are_not_betrayed_to_who_may_not_write() {
    let v = v2().await;
    let (_, blind) = v.token("write:orgs/ORG/buckets/0123456789abcdef").await;
    let (_, database_token) = v.f.create_token("write:another", None).await;
    let (_, all) = v.token("write:buckets").await;
    let write = async |token: &str, query: &str| {
        let authorization = format!("Token {token}");
        v.f.send(with_headers("POST", &format!("/write?{query}"), &[("authorization", &authorization)], "m f=1 1"))
            .await
    };
    let queries = ["db=x.y", "db=x.y&rp=week", "db=_x", "db=x.y&rp="];
    let mut before = Vec::new();
    for query in queries {
        for token in [&blind, &database_token] {
            let answer = write(token, query).await;
            assert_eq!(answer.status, 403, "{query}");
            before.push(answer.text());
        }
        assert_eq!(write(&all, query).await.status, 400, "no database can be called so: {query}");
    }
    for (database, policy) in [("x.y", "week"), ("_x", "week")] {
        v.done(201, "POST", DBRPS, mapping(&v, database, policy)).await;
    }
    let mut after = Vec::new();
    for query in queries {
        for token in [&blind, &database_token] {
            let answer = write(token, query).await;
            assert_eq!(answer.status, 403, "{query}");
            after.push(answer.text());
        }
        assert_eq!(write(&all, query).await.status, 204, "{query}");
    }
    assert_eq!(before, after);
    for query in ["db=x%20y", "db=x.y&rp=a%20b", "db="] {
        assert_eq!(write(&blind, query).await.status, 400, "neither a database nor a mapping is called so: {query}");
    }
}

#[tokio::test]
async fn writes_follow_mappings() {
    let v = v2().await;
    v.new_bucket("db").await;
    let (_, token) = v.token("write:buckets read:buckets").await;
    let write = async |query: &str| {
        let authorization = format!("Token {token}");
        let path = format!("/write?{query}");
        v.f.send(with_headers("POST", &path, &[("authorization", &authorization)], "m f=1 1")).await.status.as_u16()
    };
    let rows = async |bucket: &str| {
        let answer = v.f.query(&token, bucket, "SELECT count(*) AS n FROM m").await;
        if answer.status == 200 { answer.json()[0]["n"].as_u64().unwrap() } else { 0 }
    };
    assert_eq!(write("db=db").await, 204);
    assert_eq!((rows("db").await, rows("my-bucket").await), (1, 0));
    let body = mapping(&v, "db", "week");
    v.done(201, "POST", DBRPS, body).await;
    assert_eq!(write("db=db&rp=week").await, 204);
    assert_eq!((rows("db").await, rows("my-bucket").await), (1, 1));
    assert_eq!(write("db=db").await, 204, "the first mapping is the default one");
    let (_, elsewhere) = v.token("write:orgs/ORG/buckets/0123456789abcdef").await;
    let authorization = format!("Token {elsewhere}");
    let headers = [("authorization", authorization.as_str())];
    assert_eq!(v.f.send(with_headers("POST", "/write?db=db&rp=week", &headers, "m f=1 1")).await.status, 403);
}
