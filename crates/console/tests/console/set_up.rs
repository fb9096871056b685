//! The first pages of a new server.

use tidegate_line_protocol::Precision;
use tidegate_model::{Action, DatabaseName};
use tidegate_service::{Door, WriteBatch};

use crate::browser::{Answer, Browser, PASSWORD, server, server_set_up, token};

const FIELDS: [(&str, &str); 5] = [
    ("username", "ana"),
    ("password", PASSWORD),
    ("password_again", PASSWORD),
    ("organization", "Plant 7"),
    ("bucket", "sensors"),
];

async fn set_up(browser: &mut Browser, changed: &[(&str, &str)]) -> Answer {
    let secret = browser.get("/console/set-up").await.form_secret();
    let mut fields = vec![("form_secret", secret.as_str())];
    fields.extend(FIELDS.iter().filter(|(name, _)| changed.iter().all(|(other, _)| other != name)));
    fields.extend(changed);
    browser.post_bare("/console/set-up", &fields).await
}

fn local(mut browser: Browser) -> Browser {
    browser.peer = "127.0.0.1:4711".parse().unwrap();
    browser.host = "localhost:8181".to_owned();
    browser
}

#[tokio::test]
async fn this_machine_sets_up_and_is_signed_in() {
    let server = server().await;
    let mut browser = local(server.browser());
    assert_eq!(browser.get("/").await.location(), "/console/set-up");
    let done = set_up(&mut browser, &[]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let operator = token(done.between("id=\"secret\" tabindex=\"0\">", "<"));
    assert!(server.is_usable(&operator, Door::Management).await);
    assert!(browser.is_signed_in().await);
    assert!(!browser.get("/console/api-tokens").await.text.contains(operator.expose()));
    assert_eq!(browser.get("/console/set-up").await.status, 404);
    assert_eq!(browser.get("/").await.location(), "/console");
    assert!(server.browser_with_password("ana").await.is_signed_in().await);
}

#[tokio::test]
async fn others_need_a_management_token() {
    let server = server().await;
    let mut rebound = local(server.browser());
    rebound.host = "evil.example:8181".to_owned();
    for mut browser in [server.browser(), rebound] {
        assert!(browser.get("/console/set-up").await.text.contains("name=\"management_token\""));
        for changed in [&[][..], &[("management_token", "nonsense")]] {
            let refused = set_up(&mut browser, changed).await;
            assert_eq!(refused.status, 422);
            assert!(refused.text.contains("value=\"Plant 7\"") && !refused.text.contains(PASSWORD));
        }
    }
    assert!(server.service.setup_allowed());
    let done = set_up(&mut server.browser(), &[("management_token", server.management.expose())]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(!server.service.setup_allowed());
}

#[tokio::test]
async fn what_is_wrong_is_said_and_changes_nothing() {
    let server = server().await;
    let mut browser = local(server.browser());
    for (changed, text) in [
        (("password", "short"), "differ"),
        (("username", " "), "User name: name is empty"),
        (("organization", ""), "Organization: name is empty"),
        (("bucket", "_x"), "must not start with"),
        (("bucket", "a b"), "may contain only"),
    ] {
        let refused = set_up(&mut browser, &[changed]).await;
        assert_eq!(refused.status, 422, "{changed:?}");
        assert!(refused.text.contains(text), "{changed:?}: {}", refused.text);
    }
    let short = [("password", "short"), ("password_again", "short")];
    assert!(set_up(&mut browser, &short).await.text.contains("A password has at least 8 characters"));
    assert!(server.service.setup_allowed());
}

#[tokio::test]
async fn the_first_line_turns_the_page_green() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let json = [("accept", "application/json")];
    let path = "/console/first-line?bucket=0000000000000001";
    let state = "/console/first-line/state?bucket=0000000000000001";
    assert!(browser.get(path).await.text.contains("Waiting for data in"));
    assert_eq!(browser.send("GET", state, &json, String::new()).await.text, r#"{"reload":false}"#);

    let entry = server.enter(&done.token, Door::Data).await;
    let name: DatabaseName = "sensors".parse().unwrap();
    let permit = server.service.permit(&entry, Action::Write, &name).unwrap();
    let body = "home,room=kitchen temp=21.5 1".to_owned();
    let batch = WriteBatch { body, precision: Precision::Nanosecond, accept_partial: true };
    server.service.write(entry, permit, batch).await.unwrap();

    assert_eq!(browser.send("GET", state, &json, String::new()).await.text, r#"{"reload":true}"#);
    let green = browser.get(path).await.text;
    assert!(green.contains("Data has arrived in") && green.contains("<code>home</code>"), "{green}");
    assert_eq!(browser.get("/console/first-line?bucket=00000000000000aa").await.status, 404);
}
