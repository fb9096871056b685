use serde_json::{Value, json};

use super::scene::{AUTHORIZATION, BUCKET, ORG, Place, TOKEN, USER, authorization};

const LIST: &str = "/api/v2/authorizations";

fn one() -> String {
    format!("{LIST}/{AUTHORIZATION}")
}

fn list(authorizations: &[Value]) -> Value {
    json!({ "links": { "self": LIST }, "authorizations": authorizations })
}

fn users(names: &[(&str, &str)]) -> Value {
    let users: Vec<Value> = names.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
    json!({ "links": { "self": "/api/v2/users" }, "users": users })
}

const PERMISSIONS: &str = "[read:orgs/0a0b0c0d0e0f0001/buckets/0a0b0c0d0e0f0003 write:/users]";

#[tokio::test]
async fn edge_2_a_token_that_begins_with_a_dash_works_everywhere() {
    let token = format!("-{}_==", "a".repeat(84));
    assert_eq!(token.len(), 88);
    let mut place = Place::without_configs().await;
    let host = place.url();
    let expect = |place: &Place, count: usize| {
        let requests = place.requests();
        assert_eq!(requests.len(), count);
        assert_eq!(requests.last().unwrap().authorization(), format!("Token {token}"));
    };
    place.answer("GET", LIST, 200, &list(&[]));
    let outcome = place.run(&["auth", "list", "--host", &host, "--hide-headers", "-t", &token]).await.succeeded();
    assert!(outcome.stdout.starts_with("warning: ") && outcome.stdout.lines().count() == 1, "{outcome:?}");
    assert!(!outcome.stdout.contains(&token));
    expect(&place, 1);
    place.answer("GET", LIST, 200, &list(&[]));
    let joined = format!("--token={token}");
    place.run(&["auth", "list", "--host", &host, "--hide-headers", &joined]).await.printed("");
    expect(&place, 2);
    place.0.variable("INFLUX_TOKEN", &token);
    place.answer("GET", LIST, 200, &list(&[]));
    place.run(&["auth", "list", "--host", &host, "--hide-headers"]).await.printed("");
    expect(&place, 3);
    place.0.variables.remove(std::ffi::OsStr::new("INFLUX_TOKEN"));
    place.configs(&format!("[a]\nurl = \"{host}\"\ntoken = \"{token}\"\n"));
    place.answer("GET", LIST, 200, &list(&[]));
    place.run(&["auth", "list", "--hide-headers"]).await.printed("");
    expect(&place, 4);
}

#[tokio::test]
async fn edge_8_an_empty_variable_sends_no_token() {
    let mut place = Place::new().await;
    place.0.variable("INFLUX_TOKEN", "");
    place.refuse("GET", LIST, 401, "unauthorized", "unauthorized access");
    place
        .run(&["auth", "list"])
        .await
        .told("could not find authorization with given parameters: 401 Unauthorized: unauthorized access");
    assert!(!place.requests()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn edge_36_what_cannot_be_read_is_not_deleted() {
    let place = Place::new().await;
    place.refuse("GET", &one(), 401, "unauthorized", "read:authorizations is unauthorized");
    place.run(&["auth", "delete", "--id", AUTHORIZATION]).await.told(
        "could not find auth with ID \"0a0b0c0d0e0f0004\": 401 Unauthorized: read:authorizations is unauthorized",
    );
    assert_eq!(place.requests().len(), 1);
}

#[tokio::test]
async fn edge_39_list_sends_its_filters_and_shows_the_status_only_as_json() {
    let place = Place::new().await;
    place.answer("GET", &format!("{LIST}?user=user2"), 200, &list(&[authorization()]));
    place.run(&["auth", "list", "--user", "user2"]).await.printed(&format!(
        "ID\t\t\tDescription\tToken\t\tUser Name\tUser ID\t\t\tPermissions\n\
         {AUTHORIZATION}\tgateway\t\tredacted\tada\t\t{USER}\t{PERMISSIONS}\n"
    ));
    let filters = ["auth", "find", "-u", "a&b", "--user-id", USER, "--org-id", ORG, "--json"];
    place.answer("GET", &format!("{LIST}?user=a%26b&userID={USER}&orgID={ORG}"), 200, &list(&[authorization()]));
    let outcome = place.run(&filters).await.succeeded();
    assert_eq!(outcome.json()[0]["status"], "active");
    place.answer("GET", &format!("{LIST}?org=plant"), 200, &list(&[]));
    place.run(&["auth", "ls", "-o", "plant", "--hide-headers"]).await.printed("");
}

#[tokio::test]
async fn edge_40_no_rows_are_null_and_one_is_an_object() {
    let place = Place::new().await;
    place.answer("GET", LIST, 200, &list(&[]));
    place.run(&["auth", "list", "--json"]).await.printed("null\n");
    place.answer("GET", &one(), 200, &authorization());
    place.run(&["auth", "list", "--id", AUTHORIZATION, "--json", "--user", "unused"]).await.printed(
        "{\n\t\"id\": \"0a0b0c0d0e0f0004\",\n\t\"description\": \"gateway\",\n\t\"token\": \"redacted\",\n\t\
         \"status\": \"active\",\n\t\"userName\": \"ada\",\n\t\"userID\": \"0a0b0c0d0e0f0002\",\n\t\
         \"permissions\": [\n\t\t\"read:orgs/0a0b0c0d0e0f0001/buckets/0a0b0c0d0e0f0003\",\n\t\t\"write:/users\"\n\t]\n}\n",
    );
}

#[tokio::test]
async fn weak_tokens_are_marked_and_the_table_stays_as_it_is() {
    const WARNING: &str =
        "WARN: the token of authorization 0a0b0c0d0e0f0004 is weak, replace it with a generated one\n";
    let place = Place::new().await;
    let mut weak = authorization();
    weak["weak"] = json!(true);
    let mut strong = authorization();
    strong["id"] = json!("0a0b0c0d0e0f0005");
    let both = list(&[weak.clone(), strong.clone()]);
    place.answer("GET", LIST, 200, &list(&[authorization(), strong]));
    let unmarked = place.run(&["auth", "list"]).await.succeeded();
    assert_eq!(unmarked.stderr, "");
    place.answer("GET", LIST, 200, &both);
    let marked = place.run(&["auth", "list"]).await.succeeded();
    assert_eq!((marked.stdout, marked.stderr.as_str()), (unmarked.stdout, WARNING));
    place.answer("GET", &one(), 200, &weak);
    assert_eq!(place.run(&["auth", "list", "--id", AUTHORIZATION]).await.succeeded().stderr, WARNING);
    place.answer("GET", LIST, 200, &both);
    let listed = place.run(&["auth", "list", "--json"]).await.succeeded();
    assert_eq!(listed.stderr, "");
    let listed = listed.json();
    assert_eq!((&listed[0]["weak"], listed[1].get("weak")), (&json!(true), None));
}

#[tokio::test]
async fn edge_41_a_refused_change_needs_a_known_code_to_be_told() {
    let place = Place::new().await;
    for (code, told) in
        [(json!("unauthorized"), "you may not"), (json!("EUNAUTHORIZED"), "EUNAUTHORIZED is not a valid ErrorCode")]
    {
        place.answer("GET", &one(), 200, &authorization());
        place.answer("PATCH", &one(), 401, &json!({ "code": code, "message": "you may not" }));
        place
            .run(&["auth", "inactive", "--id", AUTHORIZATION])
            .await
            .told(&format!("could not update status of auth with ID \"{AUTHORIZATION}\": 401 Unauthorized: {told}"));
    }
    // Other calls take any code with 401, and none with any status.
    place.answer("GET", &one(), 401, &json!({ "code": "EUNAUTHORIZED", "message": "you may not" }));
    place
        .run(&["auth", "inactive", "--id", AUTHORIZATION])
        .await
        .told(&format!("could not find auth with ID \"{AUTHORIZATION}\": 401 Unauthorized: you may not"));
    place.answer("GET", &one(), 404, &json!({ "message": "gone" }));
    place
        .run(&["auth", "active", "-i", AUTHORIZATION])
        .await
        .told(&format!("could not find auth with ID \"{AUTHORIZATION}\": 404 Not Found: gone"));
}

#[tokio::test]
async fn edge_42_the_owner_is_the_first_user_of_the_unfiltered_list() {
    let place = Place::new().await;
    let organizations = json!({ "orgs": [{ "id": ORG, "name": "plant" }] });
    place.answer("GET", "/api/v2/orgs?org=plant", 200, &organizations);
    place.answer("GET", "/api/v2/users?name=", 200, &users(&[(USER, "ada"), (BUCKET, "bob")]));
    let mut created = authorization();
    created["token"] = json!("the-new-token==");
    place.answer("POST", LIST, 201, &created);
    let create = ["auth", "create", "--write-bucket", BUCKET, "--read-bucket", BUCKET, "--read-dbrps", "-d", "gateway"];
    place.run(&create).await.printed(&format!(
        "ID\t\t\tDescription\tToken\t\tUser Name\tUser ID\t\t\tPermissions\n\
         {AUTHORIZATION}\tgateway\t\tthe-new-token==\tada\t\t{USER}\t{PERMISSIONS}\n"
    ));
    let bucket = format!(r#"{{"id":"{BUCKET}","orgID":"{ORG}","type":"buckets"}}"#);
    assert_eq!(
        place.requests()[2].body,
        format!(
            r#"{{"description":"gateway","orgID":"{ORG}","permissions":[{{"action":"read","resource":{bucket}}},{{"action":"write","resource":{bucket}}},{{"action":"read","resource":{{"orgID":"{ORG}","type":"dbrp"}}}}],"userID":"{USER}"}}"#
        )
    );
}

#[tokio::test]
async fn edge_43_a_name_needs_an_organization_that_can_be_read() {
    let place = Place::new().await;
    place.answer("GET", "/api/v2/orgs?org=other", 200, &json!({ "orgs": [] }));
    place.run(&["auth", "create", "-o", "other"]).await.told("no organization with name \"other\"");
    place.refuse("GET", "/api/v2/orgs?org=other", 404, "not found", "organization name \"other\" not found");
    place
        .run(&["auth", "create", "-o", "other"])
        .await
        .told("failed to lookup org with name \"other\": 404 Not Found: organization name \"other\" not found");
    place.answer("GET", "/api/v2/users?name=bob", 200, &users(&[]));
    place
        .run(&["auth", "create", "--org-id", ORG, "-u", "bob"])
        .await
        .told("could not find user with name \"bob\": %!w(<nil>)");
}

#[tokio::test]
async fn edge_44_active_takes_the_common_flags_too() {
    // Another program does not; this is a difference that is meant.
    let mut place = Place::without_configs().await;
    let host = place.url();
    place.0.variable("INFLUX_HOST", &host);
    for (word, status) in [("active", "active"), ("inactive", "inactive")] {
        place.answer("GET", &one(), 200, &authorization());
        place.answer("PATCH", &one(), 200, &authorization());
        place.run(&["auth", word, "-i", AUTHORIZATION, "-t", "other-token-0123", "--json"]).await.succeeded();
        let requests = place.requests();
        let request = requests.last().unwrap();
        assert_eq!(request.body, format!(r#"{{"status":"{status}"}}"#));
        assert_eq!(request.authorization(), "Token other-token-0123");
    }
    let outcome = place.run(&["auth", "active", "-i", AUTHORIZATION, "--org", "x"]).await;
    assert!(outcome.stdout.starts_with("Incorrect Usage: flag provided but not defined: -org\n\n"), "{outcome:?}");
    assert_eq!((outcome.status, outcome.stderr.as_str()), (1, "Error: flag provided but not defined: -org\n"));
}

#[tokio::test]
async fn deleting_prints_what_was_there() {
    let place = Place::new().await;
    place.answer("GET", &one(), 200, &authorization());
    place.answer_empty("DELETE", &one(), 204);
    place.run(&["auth", "delete", "--token", TOKEN, "--id", AUTHORIZATION]).await.succeeded();
    place.answer("GET", &one(), 200, &authorization());
    place.answer_empty("DELETE", &one(), 204);
    place.run(&["auth", "delete", "--id", AUTHORIZATION]).await.printed(&format!(
        "ID\t\t\tDescription\tToken\t\tUser Name\tUser ID\t\t\tPermissions\t\t\t\t\t\t\t\tDeleted\n\
         {AUTHORIZATION}\tgateway\t\tredacted\tada\t\t{USER}\t{PERMISSIONS}\ttrue\n"
    ));
    place.answer("GET", &one(), 200, &authorization());
    place.refuse("DELETE", &one(), 404, "not found", "authorization not found");
    place
        .run(&["auth", "delete", "--id", AUTHORIZATION])
        .await
        .told(&format!("could not remove auth with ID \"{AUTHORIZATION}\": 404 Not Found: authorization not found"));
}

#[tokio::test]
async fn the_one_liner_that_found_nothing_deletes_nothing() {
    let place = Place::new().await;
    place.refuse("GET", &format!("{LIST}/null"), 400, "invalid", "id must have a length of 16 bytes");
    place
        .run(&["auth", "delete", "--id", "null"])
        .await
        .told("could not find auth with ID \"null\": 400 Bad Request: id must have a length of 16 bytes");
    // An id that leads elsewhere is not even asked for.
    for id in [".", "..", ""] {
        let outcome = place.run(&["auth", "delete", "--id", id]).await;
        assert!(outcome.status == 1 && outcome.stderr.contains("cannot be sent"), "{outcome:?}");
    }
    assert_eq!(place.requests().len(), 1);
}

#[tokio::test]
async fn buckets_are_granted_by_id() {
    let place = Place::new().await;
    place.answer("GET", "/api/v2/users?name=", 200, &users(&[(USER, "ada")]));
    place.run(&["auth", "create", "--org-id", ORG, "--read-bucket", "press"]).await.told(
        "invalid bucket ID 'press': id must have a length of 16 bytes (did you pass a bucket name instead of an ID?)",
    );
}

#[tokio::test]
async fn without_permissions_the_server_decides() {
    let place = Place::new().await;
    place.answer("GET", "/api/v2/users?name=", 200, &users(&[(USER, "ada")]));
    place.refuse("POST", LIST, 400, "invalid", "authorization must include permissions");
    place
        .run(&["auth", "create", "--org-id", ORG])
        .await
        .told("could not write auth with provided arguments: 400 Bad Request: authorization must include permissions");
    assert_eq!(place.requests()[1].json(), json!({ "orgID": ORG, "permissions": null, "userID": USER }));
}

#[tokio::test]
async fn bundles_are_made_of_what_the_server_has() {
    let place = Place::new().await;
    let kinds = json!(["orgs", "users", "buckets", "instance"]);
    let grant = |action: &str, resource: Value| json!({ "action": action, "resource": resource });
    let both = |resource: Value| [grant("read", resource.clone()), grant("write", resource)];
    let cases = [
        (
            "--all-access",
            [
                vec![grant("read", json!({ "type": "orgs", "id": ORG }))],
                both(json!({ "type": "users", "id": USER })).to_vec(),
                both(json!({ "type": "buckets", "orgID": ORG })).to_vec(),
            ]
            .concat(),
        ),
        (
            "--operator",
            ["orgs", "users", "buckets"].iter().flat_map(|kind| both(json!({ "type": kind }))).collect::<Vec<_>>(),
        ),
    ];
    for (flag, expected) in cases {
        place.answer("GET", "/api/v2/users?name=", 200, &users(&[(USER, "ada")]));
        place.answer("GET", "/api/v2/resources", 200, &kinds);
        place.answer("POST", LIST, 201, &authorization());
        place.run(&["auth", "create", "--org-id", ORG, flag]).await.succeeded();
        assert_eq!(place.requests().last().unwrap().json()["permissions"], json!(expected), "{flag}");
    }
}

#[tokio::test]
async fn bundles_are_not_mixed() {
    let place = Place::new().await;
    for (flags, name) in [
        (["--operator", "--read-users"], "operator"),
        (["--operator", "--all-access"], "operator"),
        (["--all-access", "--write-orgs"], "all access"),
    ] {
        place.answer("GET", "/api/v2/users?name=", 200, &users(&[(USER, "ada")]));
        let arguments = [&["auth", "create", "--org-id", ORG][..], &flags].concat();
        place.run(&arguments).await.told(&format!("cannot compose other permissions with {name} permissions"));
    }
}

#[tokio::test]
async fn users_and_organizations_are_granted_without_an_organization() {
    let place = Place::new().await;
    place.answer("GET", "/api/v2/users?name=", 200, &users(&[(USER, "ada")]));
    place.answer("POST", LIST, 201, &authorization());
    let flags = ["--read-user", "--write-users", "--read-orgs", "--write-tasks", "--read-functions"];
    place.run(&[&["auth", "create", "--org-id", ORG][..], &flags].concat()).await.succeeded();
    let grant = |action: &str, resource: Value| json!({ "action": action, "resource": resource });
    assert_eq!(
        place.requests()[1].json()["permissions"],
        json!([
            grant("read", json!({ "type": "orgs" })),
            grant("write", json!({ "type": "tasks", "orgID": ORG })),
            grant("read", json!({ "type": "users" })),
            grant("write", json!({ "type": "users" })),
            grant("read", json!({ "type": "functions", "orgID": ORG })),
        ])
    );
}

/// Standard output that nobody reads.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_token_that_could_not_be_shown_is_named_for_revoking() {
    let place = Place::new().await;
    place.answer("GET", "/api/v2/users?name=", 200, &users(&[(USER, "ada")]));
    let mut created = authorization();
    created["token"] = json!("the-new-token==");
    place.answer("POST", LIST, 201, &created);
    let arguments = ["auth", "create", "--org-id", ORG, "--read-users"].map(Into::into);
    let outcome = place.0.run_with(async |io| {
        io.replace_stdout(Closed);
        crate::influx::run(&arguments, io).await
    });
    outcome.await.failed_with(&format!(
        "Error: token {AUTHORIZATION} was created but could not be printed (broken pipe): revoke it and create another\n"
    ));
}

#[tokio::test]
async fn nobody_can_be_granted_an_instance() {
    let place = Place::new().await;
    let outcome = place.run(&["auth", "create", "--read-instance"]).await;
    assert_eq!(outcome.stderr, "Error: flag provided but not defined: -read-instance\n");
}
