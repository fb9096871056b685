use serde_json::{Value, json};

use super::scene::{ORG, Place, USER};

const NO_PASSWORD: &str = "WARN: initial password not set for user, use `influx user password` to set it\n";

fn user() -> Value {
    json!({ "id": USER, "name": "ada", "status": "active" })
}

fn organization() -> Value {
    json!({ "id": ORG, "name": "plant" })
}

#[tokio::test]
async fn lists_send_only_filters_that_are_given() {
    let mut place = Place::new().await;
    place.answer("GET", "/api/v2/users", 200, &json!({ "users": [] }));
    place.run(&["user", "list", "--json"]).await.printed("[]\n");
    place.answer("GET", &format!("/api/v2/users?id={USER}&name=ada"), 200, &json!({ "users": [user()] }));
    place.run(&["user", "find", "-i", USER, "-n", "ada"]).await.printed(&format!("ID\t\t\tName\n{USER}\tada\n"));
    place.answer("GET", "/api/v2/orgs", 200, &json!({ "orgs": [] }));
    place.run(&["org", "list", "--json"]).await.printed("[]\n");
    place.0.variable("INFLUX_ORG", "plant");
    place.answer("GET", "/api/v2/orgs?org=plant", 200, &json!({ "orgs": [organization()] }));
    place.run(&["org", "list"]).await.printed(&format!("ID\t\t\tName\n{ORG}\tplant\n"));
}

#[tokio::test]
async fn a_user_is_made_a_member_and_given_a_password() {
    let place = Place::new().await;
    let expect = |place: &Place| {
        place.answer("POST", "/api/v2/users", 201, &user());
        place.answer("POST", &format!("/api/v2/orgs/{ORG}/members"), 201, &user());
    };
    expect(&place);
    place.answer_empty("POST", &format!("/api/v2/users/{USER}/password"), 204);
    let create = ["user", "create", "-n", "ada", "--org-id", ORG];
    let shown = format!("ID\t\t\tName\n{USER}\tada\n");
    place.run(&[&create[..], &["-p", "correct horse"]].concat()).await.printed(&shown);
    let bodies: Vec<String> = place.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [r#"{"name":"ada"}"#, &format!(r#"{{"id":"{USER}"}}"#), r#"{"password":"correct horse"}"#]);
    expect(&place);
    let outcome = place.run(&create).await.succeeded();
    assert_eq!((outcome.stdout, outcome.stderr.as_str()), (shown, NO_PASSWORD));
}

#[tokio::test]
async fn a_user_that_exists_is_told() {
    let place = Place::new().await;
    place.refuse("POST", "/api/v2/users", 422, "conflict", "user with name ada already exists");
    place
        .run(&["user", "create", "-n", "ada", "--org-id", ORG])
        .await
        .told("failed to create user \"ada\": 422 Unprocessable Entity: user with name ada already exists");
    place.answer("POST", "/api/v2/users", 201, &user());
    place.refuse("POST", &format!("/api/v2/orgs/{ORG}/members"), 404, "not found", "organization not found");
    let outcome = place.run(&["user", "create", "-n", "ada", "-p", "correct horse", "--org-id", ORG]).await;
    assert_eq!(outcome.status, 1);
    assert!(outcome.stderr.ends_with("to retry: 404 Not Found: organization not found\n"), "{outcome:?}");
}

#[tokio::test]
async fn a_user_is_changed_and_deleted() {
    let place = Place::new().await;
    let path = format!("/api/v2/users/{USER}");
    place.answer("PATCH", &path, 200, &user());
    place.run(&["user", "update", "-i", USER, "-n", "ada"]).await.succeeded();
    assert_eq!(place.requests()[0].json(), json!({ "name": "ada" }));
    place.answer("GET", &path, 200, &user());
    place.answer_empty("DELETE", &path, 204);
    place.run(&["user", "delete", "-i", USER]).await.printed(&format!("ID\t\t\tName\tDeleted\n{USER}\tada\ttrue\n"));
    place.refuse("GET", &path, 404, "not found", "user not found");
    place
        .run(&["user", "delete", "-i", USER])
        .await
        .told(&format!("user \"{USER}\" not found: 404 Not Found: user not found"));
}

#[tokio::test]
async fn a_password_is_asked_for_and_not_shown() {
    let mut place = Place::new().await;
    place.0.stdin = "correct horse\n".to_owned();
    place.answer("GET", "/api/v2/users?name=ada", 200, &json!({ "users": [user()] }));
    place.answer_empty("POST", &format!("/api/v2/users/{USER}/password"), 204);
    let outcome = place.run(&["user", "password", "-n", "ada"]).await.succeeded();
    assert_eq!(outcome.stdout, "Successfully updated password for user \"ada\"\n");
    assert_eq!(outcome.stderr, "Please type new password for \"ada\": \n");
    assert_eq!(place.requests()[1].json(), json!({ "password": "correct horse" }));
    place.answer("GET", "/api/v2/users?name=bob", 200, &json!({ "users": [] }));
    place.run(&["user", "password", "-n", "bob"]).await.told("no user found with name \"bob\"");
    place.run(&["user", "password"]).await.told("must specify user ID or user name");
}

#[tokio::test]
async fn members_and_owners() {
    let place = Place::new().await;
    let (members, owners) = (format!("/api/v2/orgs/{ORG}/members"), format!("/api/v2/orgs/{ORG}/owners"));
    let list = |names: &[&str]| {
        let users: Vec<Value> =
            names.iter().map(|name| json!({ "id": USER, "name": name, "status": "active" })).collect();
        json!({ "users": users })
    };
    place.answer("GET", "/api/v2/orgs?org=plant", 200, &json!({ "orgs": [organization()] }));
    place.answer("GET", &members, 200, &list(&["bob"]));
    place.answer("GET", &owners, 200, &list(&["ada"]));
    place.run(&["org", "members", "list"]).await.printed(&format!(
        "ID\t\t\tName\tUser Type\tStatus\n{USER}\tada\towner\t\tactive\n{USER}\tbob\tmember\t\tactive\n"
    ));
    for (flags, path, shown) in [(&[][..], &members, "a member"), (&["--owner"], &owners, "an owner")] {
        place.answer("POST", path, 201, &user());
        place
            .run(&[&["org", "members", "add", "-i", ORG, "-m", USER], flags].concat())
            .await
            .printed(&format!("user \"{USER}\" has been added as {shown} of org \"{ORG}\"\n"));
    }
    let remove = ["org", "members", "remove", "-i", ORG, "-m", USER];
    place.answer_empty("DELETE", &format!("{members}/{USER}"), 204);
    place.run(&remove).await.printed(&format!("user \"{USER}\" has been removed from org \"{ORG}\"\n"));
    place.refuse("DELETE", &format!("{members}/{USER}"), 404, "not found", "user not found");
    place.answer_empty("DELETE", &format!("{owners}/{USER}"), 204);
    place.run(&remove).await.printed(&format!("owner \"{USER}\" has been removed from org \"{ORG}\"\n"));
    place.refuse("GET", &members, 404, "not found", "organization not found");
    place
        .run(&["org", "members", "list", "-i", ORG])
        .await
        .told(&format!("failed to find members of org \"{ORG}\": 404 Not Found: organization not found"));
}

#[tokio::test]
async fn a_member_whose_removal_fails_stays_an_owner() {
    let place = Place::new().await;
    let member = format!("/api/v2/orgs/{ORG}/members/{USER}");
    for (status, code, message, shown) in [
        (503, "unavailable", "removed, still draining", "503 Service Unavailable: removed, still draining"),
        (401, "unauthorized", "you may not", "401 Unauthorized: you may not"),
    ] {
        let count = place.requests().len();
        place.refuse("DELETE", &member, status, code, message);
        place
            .run(&["org", "members", "remove", "-i", ORG, "-m", USER])
            .await
            .told(&format!("failed to remove member \"{USER}\" from org \"{ORG}\": {shown}"));
        assert_eq!(place.requests().len(), count + 1);
    }
}

#[tokio::test]
async fn organizations_are_made_changed_and_deleted() {
    let mut place = Place::new().await;
    place.answer("POST", "/api/v2/orgs", 201, &organization());
    place.run(&["org", "create", "-n", "plant", "-d", "x"]).await.printed(&format!("ID\t\t\tName\n{ORG}\tplant\n"));
    assert_eq!(place.requests()[0].json(), json!({ "name": "plant", "description": "x" }));
    // A variable that selects an organization does not rename one.
    place.0.variable("INFLUX_ORG", "other");
    place.0.variable("INFLUX_ORG_DESCRIPTION", "y");
    let path = format!("/api/v2/orgs/{ORG}");
    place.answer("PATCH", &path, 200, &organization());
    place.run(&["org", "update", "-i", ORG]).await.succeeded();
    assert_eq!(place.requests()[1].json(), json!({ "description": "y" }));
    place.answer("GET", &path, 200, &organization());
    place.refuse("DELETE", &path, 401, "unauthorized", "write:orgs is unauthorized");
    place
        .run(&["org", "delete", "-i", ORG])
        .await
        .told(&format!("failed to delete org \"{ORG}\": 401 Unauthorized: write:orgs is unauthorized"));
    // Without an id the path would be that of the list.
    let outcome = place.run(&["org", "delete"]).await;
    assert_eq!(outcome.stderr, "Error: Required flag \"id\" not set\n");
    assert_eq!(place.requests().len(), 4);
}
