//! Whatever people call things, a page shows it as text.

use tidegate_model::{
    ApiTokenChange, DatabaseLimits, DatabaseName, Description, NewDatabase, NewTable, PartitionTemplate, PermissionSet,
    PlainToken, Retention, Role, TemplatePart,
};
use tidegate_service::{Door, OrganizationChange, SetupAuthority, SetupRequest, TokenRequest, UserChange};

use crate::browser::{Browser, PASSWORD, Server, server, token};

/// Breaks out of text, of attributes in either quote, and of comments.
const HOSTILE: &str = "--></title></textarea>'\"><script>alert(1)</script><img src=x onerror=alert(2)>&lt;";

fn assert_harmless(text: &str, page: &str) {
    for part in ["<script>", "alert(1)</", "<img", "'\">", "-->"] {
        assert!(!text.contains(part), "{page} shows {part}");
    }
}

async fn assert_page_harmless(browser: &mut Browser, page: &str) {
    let answer = browser.get(page).await;
    assert_eq!(answer.status, 200, "{page}");
    assert_harmless(&answer.text, page);
    assert!(answer.text.contains("&#60;script&#62;"), "{page} does not show the name");
}

/// A server where everything has the hostile name.
async fn hostile_server() -> (Server, PlainToken, [String; 3]) {
    let server = server().await;
    let request = SetupRequest {
        username: "ana".parse().unwrap(),
        password: Some(token(PASSWORD)),
        organization: "plant".parse().unwrap(),
        database: "sensors".parse::<DatabaseName>().unwrap(),
        retention: Retention::FOREVER,
        token: None,
    };
    let done = server.service.set_up(request, SetupAuthority::Local).await.unwrap();
    let operator = || server.enter(&done.token, Door::Api);
    let named = UserChange { name: Some(HOSTILE.parse().unwrap()), status: None };
    server.service.update_user(operator().await, done.user.id, named).await.unwrap();
    let description = Description::new(HOSTILE).unwrap();
    let change = OrganizationChange { name: Some(HOSTILE.parse().unwrap()), description: Some(description.clone()) };
    server.service.update_organization(operator().await, done.organization.id, change).await.unwrap();
    let change = ApiTokenChange { description: Some(description), status: None };
    server.service.update_api_token(operator().await, done.record.id, change).await.unwrap();
    let ids = [done.record.id.to_string(), done.user.id.to_string(), done.organization.id.to_string()];
    (server, done.token, ids)
}

#[tokio::test]
async fn names_and_descriptions_are_text() {
    let (server, operator, [api_token, user, organization]) = hostile_server().await;
    let mut browser = server.browser_with_token(&operator).await;
    for page in [
        "/console".to_owned(),
        "/console/api-tokens".to_owned(),
        "/console/api-tokens/new".to_owned(),
        format!("/console/api-tokens/{api_token}"),
        format!("/console/api-tokens/{api_token}/delete"),
        "/console/buckets".to_owned(),
        "/console/buckets/new".to_owned(),
        "/console/users".to_owned(),
        format!("/console/users/{user}"),
        format!("/console/users/{user}/delete"),
        "/console/organizations".to_owned(),
        format!("/console/organizations/{organization}"),
        format!("/console/organizations/{organization}/delete"),
    ] {
        assert_page_harmless(&mut browser, &page).await;
    }
    for (path, fields) in [
        (format!("/console/api-tokens/{api_token}/status"), vec![("status", "inactive")]),
        ("/console/api-tokens/delete".to_owned(), vec![("id", api_token.as_str())]),
        (format!("/console/users/{user}/status"), vec![("status", "inactive")]),
        (
            format!("/console/organizations/{organization}/members/remove"),
            vec![("user", &*user), ("role", Role::Owner.as_str())],
        ),
        ("/console/api-tokens/new".to_owned(), vec![("description", HOSTILE)]),
        (
            "/console/api-tokens/all-access".to_owned(),
            vec![("description", HOSTILE), ("expires", "at"), ("expires_at", HOSTILE)],
        ),
        ("/console/users/new".to_owned(), vec![("name", HOSTILE)]),
        ("/console/organizations/new".to_owned(), vec![("name", HOSTILE), ("description", HOSTILE)]),
    ] {
        let answer = browser.post(&path, &fields).await;
        assert!(answer.status == 200 || answer.status == 422, "{path}: {}", answer.status);
        assert_harmless(&answer.text, &path);
        assert!(answer.text.contains("&#60;script&#62;"), "{path} does not show the name");
    }
    let cloned = browser.post(&format!("/console/api-tokens/{api_token}/clone"), &[]).await;
    assert_harmless(&cloned.text, "the secret");
}

#[tokio::test]
async fn what_is_typed_or_in_the_address_is_text() {
    let (server, operator, _) = hostile_server().await;
    let mut browser = server.browser_with_token(&operator).await;
    let encoded: String = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for list in ["/console/api-tokens", "/console/users", "/console/organizations"] {
        for query in ["search", "sort", "size", "page", "done", "x"] {
            let page = format!("{list}?search=x{encoded}&{query}={encoded}");
            assert_harmless(&browser.get(&page).await.text, &page);
        }
    }
    for page in ["/console/sign-in", "/console/first-line", "/console/nothing"] {
        assert_harmless(&browser.get(&format!("{page}?then={encoded}&bucket={encoded}")).await.text, page);
    }
    let mut visitor = server.browser();
    let answer = visitor.sign_in(&[("username", HOSTILE), ("password", "x"), ("then", HOSTILE)]).await;
    assert_eq!(answer.status, 422);
    assert_harmless(&answer.text, "sign-in");
    // A host that means something to a shell is not written into commands.
    let mut browser = server.browser_with_token(&operator).await;
    browser.host = "$(reboot)".to_owned();
    let shown = browser.get("/console/first-line").await.text;
    assert!(!shown.contains("reboot") && shown.contains("http://localhost:8181/api/v2/write"));
}

#[tokio::test]
async fn what_is_typed_at_set_up_is_text() {
    let server = server().await;
    let mut browser = server.browser();
    let secret = browser.get("/console/set-up").await.form_secret();
    let fields = [
        ("form_secret", secret.as_str()),
        ("username", HOSTILE),
        ("organization", HOSTILE),
        ("bucket", HOSTILE),
        ("password", "x"),
    ];
    let answer = browser.post_bare("/console/set-up", &fields).await;
    assert_eq!(answer.status, 422);
    assert_harmless(&answer.text, "set-up");
}

#[tokio::test]
async fn descriptions_of_tokens_and_databases_and_names_of_tables_are_text() {
    let server = server().await;
    let mut browser = server.browser_with_token(&server.management).await;
    let hostile = Description::new(HOSTILE).unwrap();
    let caller = || server.enter(&server.management, Door::Management);
    let request = TokenRequest { description: hostile.clone(), permissions: PermissionSet::none(), expires_at: None };
    let token = server.service.create_token(caller().await, request.clone()).await.unwrap().record.id;
    let management = server.service.create_management_token(caller().await, request).await.unwrap().record.id;
    let new = NewDatabase {
        name: "a".parse().unwrap(),
        description: hostile,
        retention: Retention::FOREVER,
        limits: DatabaseLimits::default(),
        partition_template: None,
    };
    let database = server.service.create_database(caller().await, new.clone()).await.unwrap();
    let tag = TemplatePart::Tag(HOSTILE.to_owned());
    let template = PartitionTemplate::new(vec![TemplatePart::Time("%Y".to_owned()), tag]).unwrap();
    let new_table = NewTable { name: HOSTILE.parse().unwrap(), partition_template: Some(template) };
    let name = database.name.clone();
    let table = server.service.create_table(caller().await, name.clone(), new_table.clone()).await.unwrap().id;
    server.service.delete_table(caller().await, name.clone(), HOSTILE.to_owned()).await.unwrap();
    let live = server.service.create_table(caller().await, name, new_table).await.unwrap().id;
    let tables = format!("/console/databases/{}/tables", database.id);
    for page in [
        "/console/database-tokens".to_owned(),
        format!("/console/database-tokens/{token}"),
        format!("/console/database-tokens/{token}/revoke"),
        format!("/console/database-tokens/new?like={token}"),
        "/console/management-tokens".to_owned(),
        format!("/console/management-tokens/{management}"),
        format!("/console/management-tokens/{management}/revoke"),
        format!("/console/management-tokens/new?like={management}"),
        "/console/databases".to_owned(),
        format!("/console/databases/{}", database.id),
        format!("{tables}?all=1"),
        format!("{tables}/{live}"),
        format!("{tables}/{live}/delete"),
        format!("{tables}/{table}/restore"),
    ] {
        assert_page_harmless(&mut browser, &page).await;
    }
    let (token, management) = (token.to_string(), management.to_string());
    for (path, fields) in [
        ("/console/database-tokens/revoke", vec![("id", token.as_str())]),
        ("/console/database-tokens/new", vec![("description", HOSTILE)]),
        ("/console/management-tokens/new", vec![("description", HOSTILE), ("expires", "x")]),
        ("/console/databases/new", vec![("name", HOSTILE), ("description", HOSTILE)]),
        (&format!("/console/databases/{}", database.id), vec![("description", HOSTILE), ("max_tables", HOSTILE)]),
        (&format!("{tables}/new"), vec![("name", HOSTILE), ("partition", "custom"), ("tag", HOSTILE)]),
        (&format!("{tables}/{live}/delete"), vec![]),
        (&format!("{tables}/{table}/restore"), vec![]),
        ("/console/database-tokens/new", vec![("description", HOSTILE), ("grant", "read:a")]),
        ("/console/database-tokens/revoke", vec![("id", token.as_str()), ("understood", "1")]),
        ("/console/management-tokens/revoke", vec![("id", management.as_str()), ("understood", "1")]),
    ] {
        let answer = browser.post(path, &fields).await;
        assert!([200, 422].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
        assert_harmless(&answer.text, path);
        assert!(answer.text.contains("&#60;script&#62;"), "{path} does not show what was typed");
    }
    let encoded: String = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for list in ["/console/database-tokens", "/console/management-tokens", "/console/databases", tables.as_str()] {
        let found = browser.get(&format!("{list}?all=1&search={encoded}&sort={encoded}")).await;
        assert_eq!(found.status, 200);
        assert_harmless(&found.text, list);
    }
}
