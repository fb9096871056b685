//! Management tokens: create, clone, revoke, also the one behind the session.

use tidegate_model::{PlainToken, TokenId};
use tidegate_service::Door;

use crate::browser::{Answer, Server, server, server_set_up, token};

const LIST: &str = "/console/management-tokens";

fn secret_of(answer: &Answer) -> PlainToken {
    assert_eq!(answer.status, 200, "{}", answer.text);
    token(answer.between("id=\"secret\" tabindex=\"0\">", "<"))
}

async fn id_of(server: &Server, caller: &PlainToken, description: &str) -> TokenId {
    let caller = server.enter(caller, Door::Management).await;
    let tokens = server.service.management_tokens(&caller).await.unwrap();
    tokens.iter().find(|token| token.description.as_str() == description).unwrap().id
}

#[tokio::test]
async fn a_new_one_administers_and_does_nothing_else() {
    let server = server().await;
    let mut browser = server.browser_with_token(&server.management).await;
    let form = browser.get(&format!("{LIST}/new")).await.text;
    assert!(form.contains("It administers everything") && !form.contains("name=\"grant\""));
    let made = browser.post(&format!("{LIST}/new"), &[("description", "pipeline"), ("grant", "read:*")]).await;
    let secret = secret_of(&made);
    assert!(made.text.contains("/api/v0/accounts/"));
    assert!(server.is_usable(&secret, Door::Management).await && !server.is_usable(&secret, Door::Data).await);
    let id = id_of(&server, &secret, "pipeline").await;
    let page = browser.get(&format!("{LIST}/{id}")).await.text;
    assert!(page.contains("pipeline") && page.contains("Created by") && !page.contains("Save changes"));
    assert_eq!(browser.post(&format!("{LIST}/{id}"), &[("description", "x")]).await.status, 404);
    assert!(browser.get(&format!("{LIST}/new?like={id}")).await.text.contains("value=\"pipeline (Clone)\""));
    // It needs no description.
    secret_of(&browser.post(&format!("{LIST}/new"), &[]).await);
    assert!(browser.get(LIST).await.text.contains("this session"));
}

#[tokio::test]
async fn revoking_ones_own_ends_the_session() {
    let server = server().await;
    let mut browser = server.browser_with_token(&server.management).await;
    let other = secret_of(&browser.post(&format!("{LIST}/new"), &[("description", "other")]).await);
    let own = id_of(&server, &server.management, "").await;
    let path = format!("{LIST}/{own}/revoke");
    let page = browser.get(&path).await.text;
    assert!(page.contains("your session ends with it") && !page.contains("No other active management token"));
    let answer = browser.post(&path, &[("understood", "1")]).await;
    assert!(answer.location().starts_with("/console/sign-in?ended=1"), "{}", answer.location());
    assert!(!browser.is_signed_in().await && !server.is_usable(&server.management, Door::Management).await);
    assert!(server.is_usable(&other, Door::Management).await);
}

#[tokio::test]
async fn before_the_last_one_goes_the_page_warns() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    let other = secret_of(&browser.post(&format!("{LIST}/new"), &[("description", "other")]).await);
    let (first, second) =
        (id_of(&server, &other, "").await.to_string(), id_of(&server, &other, "other").await.to_string());
    let warning = "No other active management token";
    let both = [("id", first.as_str()), ("id", second.as_str())];
    assert!(browser.post(&format!("{LIST}/revoke"), &both).await.text.contains(warning));
    assert!(!browser.post(&format!("{LIST}/revoke"), &both[..1]).await.text.contains(warning));
    let revoked = browser.post(&format!("{LIST}/revoke"), &[both[0], ("understood", "1")]).await;
    assert!(revoked.text.contains("Revoked: 1."));
    assert!(!server.is_usable(&server.management, Door::Management).await);
    assert!(browser.get(&format!("{LIST}/{second}/revoke")).await.text.contains(warning));
    assert!(!browser.get(&format!("{LIST}/{first}/revoke")).await.text.contains("your session ends with it"));
}

#[tokio::test]
async fn ones_own_among_several_is_revoked_last() {
    let server = server().await;
    let mut browser = server.browser_with_token(&server.management).await;
    let mut secrets = Vec::new();
    for description in ["a", "b", "c"] {
        let fields = [("description", description)];
        secrets.push(secret_of(&browser.post(&format!("{LIST}/new"), &fields).await));
    }
    let caller = server.enter(&secrets[0], Door::Management).await;
    let ids: Vec<String> =
        server.service.management_tokens(&caller).await.unwrap().iter().map(|token| token.id.to_string()).collect();
    drop(caller);
    let mut fields: Vec<_> = ids.iter().map(|id| ("id", id.as_str())).collect();
    fields.push(("understood", "1"));
    let done = browser.post(&format!("{LIST}/revoke"), &fields).await;
    assert!(done.text.contains("Revoked: 4."), "{}", done.text);
    for secret in secrets.iter().chain([&server.management]) {
        assert!(!server.is_usable(secret, Door::Management).await);
    }
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn the_list_on_its_way_ends_with_the_token() {
    use http_body_util::BodyExt as _;

    let server = server().await;
    let browser = server.browser_with_token(&server.management).await;
    let mut unread = Vec::new();
    for path in [LIST, "/console/database-tokens", "/console/database-tokens/new", "/console/databases"] {
        unread.push(browser.begin(path).await.into_body());
    }
    let caller = server.enter(&server.management, Door::Management).await;
    let own = id_of(&server, &server.management, "").await;
    server.service.revoke_management_token(caller, own).await.unwrap();
    for body in unread {
        assert!(body.collect().await.is_err());
    }
}
