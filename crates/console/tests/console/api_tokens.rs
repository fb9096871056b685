//! API tokens: generate, look, rename, clone, deactivate, delete.

use tidegate_model::{Action, PlainToken, ResourceType, Status, TypedPermission};
use tidegate_service::{ApiTokenQuery, Door};

use crate::browser::{Answer, Browser, Server, server_set_up, token};

const LIST: &str = "/console/api-tokens";

/// The secret that a page shows, and that it shows it nowhere else afterwards.
async fn secret_of(browser: &mut Browser, answer: &Answer) -> PlainToken {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let secret = token(answer.between("id=\"secret\" tabindex=\"0\">", "<"));
    assert!(!browser.get(LIST).await.text.contains(secret.expose()));
    secret
}

async fn records(server: &Server, operator: &PlainToken) -> Vec<tidegate_model::ApiToken> {
    let caller = server.enter(operator, Door::Api).await;
    server.service.api_tokens(&caller, ApiTokenQuery::default()).await.unwrap()
}

async fn id_of(server: &Server, operator: &PlainToken, description: &str) -> String {
    let records = records(server, operator).await;
    let found = records.iter().find(|record| record.description.as_str() == description);
    found.unwrap_or_else(|| panic!("no {description} in {records:?}")).id.to_string()
}

#[tokio::test]
async fn a_custom_token_has_what_was_ticked_and_a_description_of_it() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let form = browser.get("/console/api-tokens/new").await.text;
    assert!(!form.contains(" checked"));
    let (kind, organization, id) = (ResourceType::Buckets, done.organization.id, done.database.id);
    let read = TypedPermission::on(Action::Read, kind, organization, id).to_string();
    let write = TypedPermission::in_organization(Action::Write, ResourceType::Telegrafs, organization).to_string();
    assert!(form.contains(&format!("value=\"{read}\"")) && form.contains(&format!("value=\"{write}\"")));
    let fields = [("permission", read.as_str()), ("permission", write.as_str()), ("expires", "7")];
    let made = browser.post("/console/api-tokens/new", &fields).await;
    let secret = secret_of(&mut browser, &made).await;
    assert!(server.is_usable(&secret, Door::Data).await && !server.is_usable(&secret, Door::Management).await);
    let records = records(&server, &done.token).await;
    let record =
        records.iter().find(|record| record.description.as_str() == "Read buckets sensors Write all telegrafs");
    let record = record.unwrap();
    assert_eq!(record.permissions.iter().map(ToString::to_string).collect::<Vec<_>>(), [read, write]);
    assert!(record.expires_at.is_some());
    let entry = server.enter(&secret, Door::Data).await;
    let name = "sensors".parse().unwrap();
    assert!(server.service.permit(&entry, Action::Read, &name).is_ok());
    assert!(server.service.permit(&entry, Action::Write, &name).is_err());
}

#[tokio::test]
async fn all_access_is_for_one_organization_and_shows_how_to_use_it() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_password("ana").await;
    let made = browser.post("/console/api-tokens/all-access", &[("description", "everything")]).await;
    let secret = secret_of(&mut browser, &made).await;
    for command in ["curl --fail-with-body", "[[outputs.influxdb_v2]]", "from influxdb_client import", "bucket=sensors"]
    {
        assert!(made.text.contains(command), "{command}");
    }
    assert!(server.is_usable(&secret, Door::Api).await && !server.is_usable(&secret, Door::Management).await);
    assert!(browser.get(LIST).await.text.contains("All access"));
    let id = id_of(&server, &done.token, "everything").await;
    assert!(browser.get(&format!("{LIST}/{id}")).await.text.contains("all of plant"));
}

#[tokio::test]
async fn what_cannot_be_made_leaves_the_form_as_it_was() {
    let (server, done) = server_set_up().await;
    let mut user = server.browser_with_password("ana").await;
    let everywhere = TypedPermission::everywhere(Action::Write, ResourceType::Users).to_string();
    let own = TypedPermission::in_organization(Action::Read, ResourceType::Buckets, done.organization.id).to_string();
    for (fields, text) in [
        (vec![], "Tick at least one permission."),
        (vec![("permission", everywhere.as_str())], "is not allowed"),
        (
            vec![("permission", own.as_str()), ("expires", "at"), ("expires_at", "2001-01-01T00:00")],
            "must be in the future",
        ),
        (vec![("permission", own.as_str()), ("expires", "at")], "Choose the day and time"),
    ] {
        let mut all = vec![("description", "my description")];
        all.extend(&fields);
        let refused = user.post("/console/api-tokens/new", &all).await;
        assert_eq!(refused.status, 422, "{fields:?}");
        assert!(refused.text.contains(text) && refused.text.contains("value=\"my description\""), "{}", refused.text);
        if fields.iter().any(|(_, value)| *value == own) {
            assert!(refused.text.contains(&format!("value=\"{own}\" aria-label=\"Read All buckets\" checked")));
        }
    }
    assert_eq!(user.post("/console/api-tokens/new", &[("permission", "own:everything")]).await.status, 400);
    assert_eq!(records(&server, &done.token).await.len(), 1);
}

#[tokio::test]
async fn a_deleted_token_is_dead_when_the_page_says_so() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let made = browser.post("/console/api-tokens/all-access", &[("description", "cut me")]).await;
    let secret = secret_of(&mut browser, &made).await;
    let id = id_of(&server, &done.token, "cut me").await;
    assert!(browser.get(LIST).await.text.contains(&format!("href=\"{LIST}/{id}/delete\"")));
    let page = browser.get(&format!("{LIST}/{id}/delete")).await.text;
    assert!(page.contains("cut me") && page.contains("Confirm") && !page.contains("No other active token"));
    assert!(server.is_usable(&secret, Door::Data).await);
    let deleted = browser.post(&format!("{LIST}/{id}/delete"), &[]).await;
    assert_eq!(deleted.location(), "/console/api-tokens?done=deleted");
    assert!(!server.is_usable(&secret, Door::Data).await);
    assert!(!browser.get(deleted.location()).await.text.contains("cut me"));
    assert_eq!(browser.post(&format!("{LIST}/{id}/delete"), &[]).await.status, 404);
    // Asked for again after "still draining", it is done.
    let again = browser.post(&format!("{LIST}/{id}/delete"), &[("again", "1")]).await;
    assert_eq!(again.location(), "/console/api-tokens?done=deleted");
}

#[tokio::test]
async fn what_it_started_before_shows_as_still_draining() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let made = browser.post("/console/api-tokens/all-access", &[("description", "busy")]).await;
    let secret = secret_of(&mut browser, &made).await;
    let id = id_of(&server, &done.token, "busy").await;
    let writing = server.enter(&secret, Door::Data).await;
    writing.begin_commit().unwrap();
    let draining = browser.post(&format!("{LIST}/{id}/delete"), &[]).await;
    assert_eq!(draining.status, 503);
    assert!(draining.text.contains("Revoked, still draining") && draining.text.contains("name=\"again\""));
    assert!(!server.is_usable(&secret, Door::Data).await);
    drop(writing);
    let again = browser.post(&format!("{LIST}/{id}/delete"), &[("again", "1")]).await;
    assert_eq!(again.location(), "/console/api-tokens?done=deleted");
}

#[tokio::test]
async fn the_last_token_that_can_make_others_is_not_ended_unasked() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_password("ana").await;
    let made = browser.post("/console/api-tokens/all-access", &[("description", "maker")]).await;
    let secret = secret_of(&mut browser, &made).await;
    let id = id_of(&server, &done.token, "maker").await;
    let operator = format!("{LIST}/{}", done.record.id);
    assert!(!browser.get(&format!("{operator}/delete")).await.text.contains("No other active token"));
    browser.post(&format!("{operator}/delete"), &[]).await;
    let path = format!("{LIST}/{id}");
    let warning = "No other active token";
    assert!(browser.get(&format!("{path}/delete")).await.text.contains(warning));
    let asked = browser.post(&format!("{path}/status"), &[("status", "inactive")]).await;
    assert!(asked.status == 200 && asked.text.contains(warning));
    assert!(server.is_usable(&secret, Door::Api).await);
    let bulk = browser.post("/console/api-tokens/delete", &[("id", &id)]).await;
    assert!(bulk.text.contains(warning));
    let confirmed = browser.post(&format!("{path}/status"), &[("status", "inactive"), ("confirm", "1")]).await;
    assert_eq!(confirmed.location(), "/console/api-tokens?done=deactivated");
    assert!(!server.is_usable(&secret, Door::Api).await);
    assert!(browser.get(LIST).await.text.contains("Inactive"));
    browser.post(&format!("{path}/status"), &[("status", "active")]).await;
    assert!(server.is_usable(&secret, Door::Api).await);
    browser.post("/console/api-tokens/all-access", &[]).await;
    assert!(!browser.get(&format!("{path}/delete")).await.text.contains(warning));
    let unasked = browser.post(&format!("{path}/status"), &[("status", "inactive")]).await;
    assert_eq!(unasked.location(), "/console/api-tokens?done=deactivated");
}

#[tokio::test]
async fn renamed_and_cloned() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let path = format!("{LIST}/{}", done.record.id);
    let renamed = browser.post(&format!("{path}/rename"), &[("description", "the first")]).await;
    assert_eq!(renamed.location(), "/console/api-tokens?done=renamed");
    let long = "x".repeat(5000);
    assert_eq!(browser.post(&format!("{path}/rename"), &[("description", &long)]).await.status, 422);
    let cloned = browser.post(&format!("{path}/clone"), &[]).await;
    let secret = secret_of(&mut browser, &cloned).await;
    assert!(server.is_usable(&secret, Door::Management).await);
    let records = records(&server, &done.token).await;
    let of = |description: &str| records.iter().find(|record| record.description.as_str() == description).unwrap();
    assert_eq!(of("the first").permissions, of("the first (Clone)").permissions);
    assert_eq!(of("the first (Clone)").status, Status::Active);
}

#[tokio::test]
async fn several_are_deleted_each_with_its_outcome() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let mut secrets = Vec::new();
    for description in ["one", "two", "busy"] {
        let made = browser.post("/console/api-tokens/all-access", &[("description", description)]).await;
        secrets.push(secret_of(&mut browser, &made).await);
    }
    let mut ids = Vec::new();
    for description in ["one", "two", "busy"] {
        ids.push(id_of(&server, &done.token, description).await);
    }
    let own = done.record.id.to_string();
    let mut fields: Vec<(&str, &str)> = ids.iter().map(|id| ("id", id.as_str())).collect();
    fields.extend([("id", own.as_str()), ("id", "00000000000000aa")]);
    let asked = browser.post("/console/api-tokens/delete", &fields).await;
    assert!(asked.text.contains("Delete 4 API tokens?") && asked.text.contains("ends your session"), "{}", asked.text);
    assert_eq!(records(&server, &done.token).await.len(), 4);

    let writing = server.enter(&secrets[2], Door::Data).await;
    writing.begin_commit().unwrap();
    fields.push(("confirm", "1"));
    let outcome = browser.post("/console/api-tokens/delete", &fields).await;
    assert_eq!(outcome.text.matches(">Deleted<").count(), 3, "{}", outcome.text);
    assert_eq!(outcome.text.matches(">Revoked, still draining<").count(), 1);
    assert_eq!(outcome.text.matches(">Gone already<").count(), 1);
    drop(writing);
    for secret in secrets.iter().chain([&done.token]) {
        assert!(!server.is_usable(secret, Door::Data).await);
    }
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn lists_are_searched_sorted_and_paged() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    for number in 0..12 {
        browser.post("/console/api-tokens/all-access", &[("description", &format!("number {number:02}"))]).await;
    }
    let first = browser.get(LIST).await.text;
    assert!(first.contains("1–10 of 13") && first.contains("number 08") && !first.contains("number 09"));
    let next = browser.get(&format!("{LIST}?page=2")).await.text;
    assert!(next.contains("11–13 of 13") && next.contains("number 11"));
    let turned = browser.get(&format!("{LIST}?sort=description&order=desc")).await.text;
    assert!(turned.contains("number 11") && turned.contains("aria-sort=\"descending\""));
    let found = browser.get(&format!("{LIST}?search=NUMBER+05")).await.text;
    assert!(found.contains("1–1 of 1") && found.contains("number 05"));
    assert!(browser.get(&format!("{LIST}?search=nothing")).await.text.contains("Nothing found"));
    let all = browser.get(&format!("{LIST}?size=100")).await.text;
    assert!(all.contains("1–13 of 13"));
}
