use serde_json::{Value, json};

use super::scene::{AUTHORIZATION, BUCKET, ORG, Place, USER, authorization};

const LIST: &str = "/private/legacy/authorizations";
const MAPPING: &str = "0a0b0c0d0e0f0005";
const HEADER: &str = "ID\t\t\tDescription\tUsername\tv2 User Name\tv2 User ID\t\tPermissions\n";

fn legacy() -> Value {
    let mut legacy = authorization();
    legacy["token"] = json!("line1");
    legacy["permissions"] = json!([]);
    legacy
}

fn found(authorizations: &[Value]) -> Value {
    json!({ "authorizations": authorizations })
}

fn expect_user(place: &Place) {
    place.answer("GET", &format!("/api/v2/users/{USER}"), 200, &json!({ "id": USER, "name": "ada" }));
}

fn row() -> String {
    format!("{AUTHORIZATION}\tgateway\t\tline1\t\tada\t\t{USER}\t[]")
}

#[tokio::test]
async fn lists_ask_for_the_user_of_every_row() {
    let place = Place::new().await;
    place.answer("GET", LIST, 200, &found(&[legacy(), legacy()]));
    expect_user(&place);
    expect_user(&place);
    let row = row();
    place.run(&["v1", "auth", "list"]).await.printed(&format!("{HEADER}{row}\n{row}\n"));
    place.answer(
        "GET",
        &format!("{LIST}?token=line1&authID={AUTHORIZATION}&user=ada&userID={USER}&org=plant"),
        200,
        &found(&[]),
    );
    let flags = ["--username", "line1", "--id", AUTHORIZATION, "-u", "ada", "--user-id", USER, "-o", "plant"];
    place.run(&[&["v1", "auth", "ls", "--json"][..], &flags].concat()).await.printed("null\n");
}

#[tokio::test]
async fn creating_goes_on_whether_or_not_the_name_is_known() {
    let place = Place::new().await;
    let create = ["v1", "auth", "create", "--org-id", ORG, "--username", "line1", "--password", "correct horse"];
    for known in [true, false] {
        if known {
            place.answer("GET", &format!("{LIST}?token=line1"), 200, &found(&[legacy()]));
        } else {
            place.refuse("GET", &format!("{LIST}?token=line1"), 404, "not found", "authorization not found");
        }
        place.answer("POST", LIST, 201, &legacy());
        place.answer_empty("POST", &format!("{LIST}/{AUTHORIZATION}/password"), 204);
        expect_user(&place);
        let arguments = [&create[..], &["--read-bucket", BUCKET, "-d", "gateway"]].concat();
        place.run(&arguments).await.printed(&format!("{HEADER}{}\n", row()));
    }
    assert_eq!(
        place.requests()[1].json(),
        json!({
            "description": "gateway", "orgID": ORG, "token": "line1",
            "permissions": [{ "action": "read", "resource": { "id": BUCKET, "orgID": ORG, "type": "buckets" } }],
        })
    );
    assert_eq!(place.requests()[2].json(), json!({ "password": "correct horse" }));
}

#[tokio::test]
async fn without_its_password_a_new_one_does_not_stay() {
    let place = Place::new().await;
    place.answer("GET", &format!("{LIST}?token=line1"), 200, &found(&[]));
    place.answer("POST", LIST, 201, &legacy());
    place.refuse("POST", &format!("{LIST}/{AUTHORIZATION}/password"), 400, "invalid", "too short");
    place.answer_empty("DELETE", &format!("{LIST}/{AUTHORIZATION}"), 204);
    place
        .run(&["v1", "auth", "create", "--org-id", ORG, "--username", "line1", "--password", "short"])
        .await
        .told("failed to set password for \"line1\": 400 Bad Request: too short");
    let both = ["v1", "auth", "create", "--username", "x", "--password", "y", "--no-password"];
    place.run(&both).await.told("only one of --password and --no-password may be specified");
}

#[tokio::test]
async fn one_is_found_by_id_or_by_user_name() {
    let place = Place::new().await;
    let path = format!("{LIST}/{AUTHORIZATION}");
    place.answer("GET", &format!("{LIST}?token=line1"), 200, &found(&[legacy()]));
    place.answer("PATCH", &path, 200, &legacy());
    expect_user(&place);
    place.run(&["v1", "auth", "set-inactive", "--username", "line1"]).await.succeeded();
    assert_eq!(place.requests()[1].json(), json!({ "status": "inactive" }));
    place.answer("GET", &path, 200, &legacy());
    place.answer_empty("DELETE", &path, 204);
    expect_user(&place);
    let outcome = place.run(&["v1", "auth", "delete", "--id", AUTHORIZATION]).await.succeeded();
    assert!(outcome.stdout.ends_with("\t[]\t\ttrue\n"), "{outcome:?}");
    for word in ["delete", "set-active", "set-inactive", "set-password"] {
        place.run(&["v1", "auth", word]).await.told("id or username required");
        place
            .run(&["v1", "auth", word, "--id", AUTHORIZATION, "--username", "line1"])
            .await
            .told("specify id or username, not both");
    }
    place.refuse("GET", &format!("{LIST}?token=bob"), 404, "not found", "authorization not found");
    place
        .run(&["v1", "auth", "set-active", "--username", "bob"])
        .await
        .told("could not find v1 auth with token (username) \"bob\": 404 Not Found: authorization not found");
}

#[tokio::test]
async fn a_password_is_set_without_a_word() {
    let mut place = Place::new().await;
    place.0.stdin = "correct horse".to_owned();
    place.answer_empty("POST", &format!("{LIST}/{AUTHORIZATION}/password"), 204);
    let outcome = place.run(&["v1", "auth", "set-password", "--id", AUTHORIZATION]).await.succeeded();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", "Please type new password: \n"));
    assert_eq!(place.requests()[0].json(), json!({ "password": "correct horse" }));
}

fn mapping(is_virtual: bool) -> Value {
    json!({
        "id": MAPPING, "orgID": ORG, "bucketID": BUCKET, "database": "press", "retention_policy": "autogen",
        "default": !is_virtual, "virtual": is_virtual,
    })
}

#[tokio::test]
async fn mappings_are_shown_in_two_tables() {
    let place = Place::new().await;
    let header = "ID\t\t\tDatabase\tBucket ID\t\tRetention Policy\tDefault\tOrganization ID\n";
    let row = |default: bool| format!("{MAPPING}\tpress\t\t{BUCKET}\tautogen\t\t\t{default}\t{ORG}\n");
    let dashes = "-".repeat(34);
    place.answer("GET", "/api/v2/dbrps?org=plant", 200, &json!({ "content": [mapping(true), mapping(false)] }));
    place.run(&["v1", "dbrp", "list"]).await.printed(&format!(
        "{header}{}\nVIRTUAL DBRP MAPPINGS (READ-ONLY)\n{dashes}\n{header}{}",
        row(true),
        row(false)
    ));
    place.answer("GET", &format!("/api/v2/dbrps?default=true&orgID={ORG}"), 200, &json!({ "content": [] }));
    place.run(&["v1", "dbrp", "ls", "--default", "--org-id", ORG, "--json"]).await.printed("[]\n");
}

#[tokio::test]
async fn a_mapping_is_made_changed_and_deleted() {
    let place = Place::new().await;
    place.answer("POST", "/api/v2/dbrps", 201, &mapping(false));
    let create = ["--bucket-id", BUCKET, "--db", "press", "--rp", "autogen", "--default", "--org-id", ORG];
    place.run(&[&["v1", "dbrp", "create"][..], &create].concat()).await.succeeded();
    assert_eq!(
        place.requests()[0].json(),
        json!({ "bucketID": BUCKET, "database": "press", "retention_policy": "autogen", "orgID": ORG })
    );
    let path = format!("/api/v2/dbrps/{MAPPING}?org=plant");
    place.answer("PATCH", &path, 200, &json!({ "content": mapping(false) }));
    place.run(&["v1", "dbrp", "update", "--id", MAPPING, "--default"]).await.succeeded();
    assert_eq!(place.requests()[1].json(), json!({ "default": true }));
    place.answer("GET", &path, 200, &json!({ "content": mapping(false) }));
    place.answer_empty("DELETE", &path, 204);
    let outcome = place.run(&["v1", "dbrp", "delete", "--id", MAPPING]).await.succeeded();
    assert!(!outcome.stdout.contains("Deleted"), "{outcome:?}");
    place.refuse("GET", &path, 404, "not found", "unable to find DBRP");
    place
        .run(&["v1", "dbrp", "delete", "--id", MAPPING])
        .await
        .told(&format!("failed to find DBRP mapping \"{MAPPING}\": 404 Not Found: unable to find DBRP"));
}
