//! How much a browser loads.

use crate::browser::server_set_up;

const MOST: usize = 100 * 1024;

#[tokio::test]
async fn a_page_without_data_weighs_little() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    for page in [
        "/console",
        "/console/api-tokens",
        "/console/api-tokens/new",
        "/console/users",
        "/console/organizations",
        "/console/database-tokens",
        "/console/database-tokens/new",
        "/console/management-tokens",
        "/console/databases",
        "/console/databases/new",
        "/console/databases/1/tables",
        "/console/databases/1/tables/new",
    ] {
        let text = browser.get(page).await.text;
        let mut weight = text.len();
        let assets = text.split('"').filter(|part| part.starts_with("/console/assets/")).map(str::to_owned);
        let assets: Vec<_> = assets.collect();
        assert_eq!(assets.len(), 3, "{assets:?}");
        for asset in assets {
            let answer = browser.get(&asset).await;
            assert_eq!(answer.status, 200, "{asset}");
            assert_eq!(answer.headers["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
            weight += answer.text.len();
        }
        assert!(weight <= MOST, "{page}: {weight} bytes");
    }
}

#[tokio::test]
async fn pages_have_no_script_or_style_of_their_own() {
    let (server, done) = server_set_up().await;
    let mut browser = server.browser_with_token(&done.token).await;
    for page in [
        "/console",
        "/console/api-tokens",
        "/console/api-tokens/new",
        "/console/users/new",
        "/console/first-line",
        "/console/database-tokens/new",
        "/console/management-tokens",
        "/console/databases/1",
        "/console/databases/1/tables/new",
    ] {
        let text = browser.get(page).await.text;
        for part in ["<style", " style=", " onclick=", "javascript:", "<script>"] {
            assert!(!text.contains(part), "{page} has {part}");
        }
        assert_eq!(text.matches("<script").count(), 1, "{page}");
    }
}
