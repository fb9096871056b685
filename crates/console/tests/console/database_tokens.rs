//! Database tokens: list, create, edit, clone, revoke one or several.

use tidegate_model::{Action, DatabaseLimits, Description, NewDatabase, PlainToken, Retention, TokenId, TokenRecord};
use tidegate_service::{Door, TokenRequest};

use crate::browser::{Answer, Browser, Server, server, token};

const LIST: &str = "/console/database-tokens";

async fn server_with(databases: &[&str]) -> (Server, Browser) {
    let server = server().await;
    for name in databases {
        let new = NewDatabase {
            name: name.parse().unwrap(),
            description: Description::default(),
            retention: Retention::FOREVER,
            limits: DatabaseLimits::default(),
            partition_template: None,
        };
        let caller = server.enter(&server.management, Door::Management).await;
        server.service.create_database(caller, new).await.unwrap();
    }
    let browser = server.browser_with_token(&server.management).await;
    (server, browser)
}

fn secret_of(answer: &Answer) -> PlainToken {
    assert_eq!(answer.status, 200, "{}", answer.text);
    token(answer.between("id=\"secret\" tabindex=\"0\">", "<"))
}

async fn record(server: &Server, description: &str) -> TokenRecord {
    let caller = server.enter(&server.management, Door::Management).await;
    let records = server.service.tokens(&caller, true).await.unwrap();
    records.into_iter().find(|record| record.description.as_str() == description).unwrap()
}

fn grants(record: &TokenRecord) -> Vec<String> {
    record.permissions.grants().iter().map(|grant| format!("{}:{}", grant.action, grant.resource.as_str())).collect()
}

async fn make(browser: &mut Browser, fields: &[(&str, &str)]) -> PlainToken {
    secret_of(&browser.post(&format!("{LIST}/new"), fields).await)
}

#[tokio::test]
async fn a_new_token_may_do_what_was_ticked() {
    let (server, mut browser) = server_with(&["flights", "factory/line-1"]).await;
    let form = browser.get(&format!("{LIST}/new")).await.text;
    assert!(!form.contains(" checked"));
    for value in ["read:*", "write:*", "read:factory/line-1", "write:flights"] {
        assert!(form.contains(&format!("value=\"{value}\"")), "{value}");
    }
    let fields = [("description", "gate 7"), ("grant", "read:flights"), ("grant", "write:flights"), ("expires", "7")];
    let made = browser.post(&format!("{LIST}/new"), &fields).await;
    let secret = secret_of(&made);
    for command in ["api/v3/write_lp?db=flights", "[[outputs.influxdb_v2]]", "influxdb_client_3"] {
        assert!(made.text.contains(command), "{command}");
    }
    assert!(made.text.contains("http://db.example:8181"));
    let entry = server.enter(&secret, Door::Data).await;
    let may = |action, name: &str| server.service.permit(&entry, action, &name.parse().unwrap()).is_ok();
    assert!(may(Action::Read, "flights") && may(Action::Write, "flights") && !may(Action::Read, "factory/line-1"));
    assert!(!server.is_usable(&secret, Door::Management).await);
    let record = record(&server, "gate 7").await;
    assert_eq!(grants(&record), ["read:flights", "write:flights"]);
    assert!(record.expires_at.is_some());
    let list = browser.get(LIST).await.text;
    assert!(list.contains("gate 7") && list.contains("1–1 of 1") && !list.contains(secret.expose()));
}

#[tokio::test]
async fn commands_fit_what_the_token_may_do() {
    let (_server, mut browser) = server_with(&["flights"]).await;
    let reads = browser.post(&format!("{LIST}/new"), &[("description", "a"), ("grant", "read:*")]).await.text;
    assert!(reads.contains("/api/v3/query_sql") && !reads.contains("write_lp"), "{reads}");
    let none = browser.post(&format!("{LIST}/new"), &[("description", "b"), ("grant", "write:later")]).await.text;
    assert!(!none.contains("Use it"));
}

#[tokio::test]
async fn what_cannot_be_made_leaves_the_form_as_it_was() {
    let (server, mut browser) = server_with(&["flights"]).await;
    let past = [("expires", "at"), ("expires_at", "2001-01-01T00:00")];
    for (fields, text) in [
        (vec![("grant", "read:flights")], "Describe what the token is for."),
        (vec![("description", "mine")], "Tick at least one box"),
        ([&[("description", "mine"), ("grant", "read:flights")][..], &past].concat(), "must be in the future"),
        (vec![("description", "mine"), ("grant", "read:flights"), ("expires", "9")], "Choose an expiry"),
    ] {
        let refused = browser.post(&format!("{LIST}/new"), &fields).await;
        assert_eq!(refused.status, 422, "{fields:?}");
        assert!(refused.text.contains(text), "{text}");
        let has = |field| fields.iter().any(|(name, _)| *name == field);
        assert_eq!(refused.text.contains("value=\"mine\""), has("description"));
        assert_eq!(refused.text.contains("value=\"read:flights\" aria-label=\"Read flights\" checked"), has("grant"));
    }
    for grant in ["drop:flights", "read:_x", "flights"] {
        let fields = [("description", "mine"), ("grant", grant)];
        assert_eq!(browser.post(&format!("{LIST}/new"), &fields).await.status, 400);
    }
    let caller = server.enter(&server.management, Door::Management).await;
    assert!(server.service.tokens(&caller, true).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_edit_is_in_force_when_it_answers() {
    let (server, mut browser) = server_with(&["flights", "weather"]).await;
    let fields = [("description", "mine"), ("grant", "read:flights"), ("grant", "write:gone")];
    let secret = make(&mut browser, &fields).await;
    let path = format!("{LIST}/{}", record(&server, "mine").await.id);
    let page = browser.get(&path).await.text;
    assert!(page.contains("no such database now"));
    assert!(page.contains("value=\"read:flights\" aria-label=\"Read flights\" checked"));
    let running = server.enter(&secret, Door::Data).await;
    let permit = server.service.permit(&running, Action::Read, &"flights".parse().unwrap());
    assert!(permit.is_ok());
    let ended = tokio::spawn(async move { running.ended().await });
    let changed = [("description", "yours"), ("grant", "read:weather")];
    assert_eq!(browser.post(&path, &changed).await.location(), "/console/database-tokens?done=saved");
    ended.await.unwrap();
    assert_eq!(grants(&record(&server, "yours").await), ["read:weather"]);
    let entry = server.enter(&secret, Door::Data).await;
    assert!(server.service.permit(&entry, Action::Read, &"flights".parse().unwrap()).is_err());
    drop(entry);
    // Taking everything away is an edit as well; an empty description is not.
    assert_eq!(browser.post(&path, &[("description", "")]).await.status, 422);
    assert_eq!(browser.post(&path, &[("description", "yours")]).await.status, 303);
    assert!(grants(&record(&server, "yours").await).is_empty());
}

#[tokio::test]
async fn a_clone_begins_as_the_other_token() {
    let (server, mut browser) = server_with(&["flights"]).await;
    let at = [("expires", "at"), ("expires_at", "2999-01-31T12:00")];
    make(&mut browser, &[&[("description", "mine"), ("grant", "write:flights")][..], &at].concat()).await;
    let form = browser.get(&format!("{LIST}/new?like={}", record(&server, "mine").await.id)).await.text;
    for part in [
        "value=\"mine (Clone)\"",
        "value=\"write:flights\" aria-label=\"Write flights\" checked",
        "value=\"2999-01-31T12:00\"",
        "value=\"at\" selected",
    ] {
        assert!(form.contains(part), "{part}");
    }
    for unknown in ["x", "00000000-0000-4000-8000-0000000000aa"] {
        assert_eq!(browser.get(&format!("{LIST}/new?like={unknown}")).await.status, 404);
    }
}

#[tokio::test]
async fn a_revoked_token_is_dead_when_the_page_says_so() {
    let (server, mut browser) = server_with(&["flights"]).await;
    let secret = make(&mut browser, &[("description", "cut me"), ("grant", "write:flights")]).await;
    let id = record(&server, "cut me").await.id;
    let path = format!("{LIST}/{id}/revoke");
    assert!(browser.get(LIST).await.text.contains(&format!("href=\"{path}\"")));
    let page = browser.get(&path).await.text;
    assert!(page.contains("What will stop") && page.contains("cut me") && page.contains("flights"));
    let running = server.enter(&secret, Door::Data).await;
    assert_eq!(browser.post(&path, &[]).await.status, 422);
    assert!(running.end_reason().is_none() && server.is_usable(&secret, Door::Data).await);
    let ended = tokio::spawn(async move { running.ended().await });
    let revoked = browser.post(&path, &[("understood", "1")]).await;
    assert_eq!(revoked.location(), "/console/database-tokens?done=revoked");
    ended.await.unwrap();
    assert!(!server.is_usable(&secret, Door::Data).await);
    assert!(!browser.get(LIST).await.text.contains("cut me"));
    let inactive = browser.get(&format!("{LIST}?all=1")).await.text;
    assert!(inactive.contains("cut me") && inactive.contains("Revoked"));
    assert!(browser.get(&format!("{LIST}/{id}")).await.text.contains("Permissions it had"));
    let edit = browser.post(&format!("{LIST}/{id}"), &[("description", "x"), ("grant", "read:*")]).await;
    assert_eq!(edit.status, 422);
    assert!(!server.is_usable(&secret, Door::Data).await);
}

#[tokio::test]
async fn what_has_not_ended_is_said_and_can_be_asked_for_again() {
    let (server, mut browser) = server_with(&["flights"]).await;
    let secret = make(&mut browser, &[("description", "busy"), ("grant", "write:flights")]).await;
    let path = format!("{LIST}/{}/revoke", record(&server, "busy").await.id);
    let running = server.enter(&secret, Door::Data).await;
    let draining = browser.post(&path, &[("understood", "1")]).await;
    assert_eq!(draining.status, 503);
    assert!(draining.text.contains("Revoked, still draining") && draining.text.contains("Check again"));
    assert!(!server.is_usable(&secret, Door::Data).await);
    drop(running);
    assert_eq!(browser.post(&path, &[("understood", "1")]).await.location(), "/console/database-tokens?done=revoked");
}

#[tokio::test]
async fn several_are_revoked_each_with_an_outcome() {
    let (server, mut browser) = server_with(&["flights"]).await;
    let mut secrets = Vec::new();
    for description in ["one", "two", "busy", "kept"] {
        secrets.push(make(&mut browser, &[("description", description), ("grant", "read:*")]).await);
    }
    let mut ids = Vec::new();
    for description in ["one", "two", "busy"] {
        ids.push(record(&server, description).await.id.to_string());
    }
    let unknown = "00000000-0000-4000-8000-0000000000aa".to_owned();
    let mut fields: Vec<(&str, &str)> = ids.iter().chain([&unknown]).map(|id| ("id", id.as_str())).collect();
    let asked = browser.post(&format!("{LIST}/revoke"), &fields).await;
    assert_eq!(asked.status, 200);
    assert!(asked.text.contains("Revoke 3 database tokens?") && asked.text.contains("All databases"));
    assert!(server.is_usable(&secrets[0], Door::Data).await);
    let running = server.enter(&secrets[2], Door::Data).await;
    fields.push(("understood", "1"));
    let done = browser.post(&format!("{LIST}/revoke"), &fields).await;
    assert_eq!(done.text.matches("badge good\">Revoked<").count(), 2);
    assert_eq!(done.text.matches("Revoked, still draining").count(), 1);
    assert!(done.text.contains("not found") && done.text.contains("2 of 4 need attention"));
    assert_eq!(done.text.matches("name=\"id\"").count(), 1);
    for (secret, is_usable) in secrets.iter().zip([false, false, false, true]) {
        assert_eq!(server.is_usable(secret, Door::Data).await, is_usable);
    }
    drop(running);
    assert_eq!(browser.post(&format!("{LIST}/revoke"), &[]).await.location(), LIST);
    assert_eq!(browser.post(&format!("{LIST}/revoke"), &[("id", "x")]).await.status, 400);
    let many: Vec<_> = (0..101).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
    let many: Vec<_> = many.iter().map(|id| ("id", id.as_str())).collect();
    assert_eq!(browser.post(&format!("{LIST}/revoke"), &many).await.status, 400);
}

/// The descriptions in a page of the list, in order.
fn descriptions(text: &str) -> Vec<&str> {
    let rows = text.split("<th scope=\"row\" class=\"text\"><a href=").skip(1);
    rows.map(|row| row.split('>').nth(1).unwrap().split('<').next().unwrap()).collect()
}

#[tokio::test]
async fn a_long_list_is_searched_ordered_and_shown_by_pages() {
    let (server, mut browser) = server_with(&[]).await;
    for number in 0..27 {
        let request = TokenRequest {
            description: Description::new(&format!("sensor {number:02}")).unwrap(),
            permissions: Default::default(),
            expires_at: None,
        };
        let caller = server.enter(&server.management, Door::Management).await;
        server.service.create_token(caller, request).await.unwrap();
    }
    let first = browser.get(&format!("{LIST}?sort=description")).await.text;
    let names: Vec<String> = (0..10).map(|number| format!("sensor {number:02}")).collect();
    assert_eq!(descriptions(&first), names);
    assert!(first.contains("1–10 of 27") && first.contains("aria-sort=\"ascending\""));
    let last = browser.get(&format!("{LIST}?sort=description&order=desc&size=25&page=2")).await.text;
    assert_eq!(descriptions(&last), ["sensor 01", "sensor 00"]);
    let found = browser.get(&format!("{LIST}?search=SENSOR%201&sort=description")).await.text;
    assert_eq!(descriptions(&found).len(), 10);
    let id: TokenId = record(&server, "sensor 13").await.id;
    assert_eq!(descriptions(&browser.get(&format!("{LIST}?search={id}")).await.text), ["sensor 13"]);
    let nothing = browser.get(&format!("{LIST}?search=nobody")).await.text;
    assert!(nothing.contains("Nothing found") && nothing.contains("nobody"));
    for sort in ["status", "id", "databases", "created", "expires", "nonsense"] {
        assert_eq!(descriptions(&browser.get(&format!("{LIST}?sort={sort}")).await.text).len(), 10, "{sort}");
    }
}
