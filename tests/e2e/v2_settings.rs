//! Settings of the server that are about the v2 API.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::support::api::{Answer, Fresh, send};

const PASSWORD: &str = "my-password";

/// Sets a server up as a proxy would that speaks for another machine.
async fn set_up_from_afar(fresh: &Fresh) -> Answer {
    let body = json!({ "username": "my-user", "password": PASSWORD, "org": "my-org", "bucket": "plant7" });
    let url = format!("{}/api/v2/setup", fresh.server.url);
    send(fresh.api.http.post(url).header("x-forwarded-for", "192.0.2.1").json(&body)).await
}

#[tokio::test]
async fn others_than_this_machine_may_set_up_only_if_that_is_allowed() {
    let careful = Fresh::start().await;
    set_up_from_afar(&careful).await.expect_status(403);
    let allowed = async || send(careful.api.http.get(format!("{}/api/v2/setup", careful.server.url))).await.json();
    assert_eq!(allowed().await["allowed"], true);

    let open = Fresh::start_with(|launch| launch.arg("--allow-remote-setup")).await;
    set_up_from_afar(&open).await.expect_status(201);
    set_up_from_afar(&open).await.expect_status(422);
}

#[tokio::test]
async fn the_life_of_sessions_can_be_set() {
    for (lifetime, hours) in [(None, 1), (Some("8h"), 8), (Some("2d"), 48)] {
        let fresh = Fresh::start_with(|launch| {
            let launch = launch.arg("--allow-remote-setup");
            lifetime.map_or(launch.clone(), |lifetime| launch.arg("--session-lifetime").arg(lifetime))
        })
        .await;
        set_up_from_afar(&fresh).await.expect_status(201);
        let before = Utc::now();
        let url = format!("{}/api/v2/signin", fresh.server.url);
        let answer = send(fresh.api.http.post(url).basic_auth("my-user", Some(PASSWORD))).await.expect_status(204);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        let expires = cookie.split("; ").find_map(|part| part.strip_prefix("Expires=")).unwrap();
        let begun = DateTime::parse_from_rfc2822(expires).unwrap() - TimeDelta::hours(hours);
        // The header has whole seconds.
        assert!(begun > before - TimeDelta::seconds(1) && begun <= Utc::now(), "{lifetime:?}: {expires}");
    }
}

#[tokio::test]
async fn the_profile_says_which_product_this_resembles() {
    let seen = async |profile: &str| {
        let fresh = Fresh::start_with(|launch| launch.env("TIDEGATE_PROFILE", profile)).await;
        let setup = send(fresh.api.http.get(format!("{}/api/v2/setup", fresh.server.url))).await;
        (setup.status, setup.headers["x-influxdb-build"].to_str().unwrap().to_owned())
    };
    assert_eq!(seen("oss").await, (200, "OSS".to_owned()));
    assert_eq!(seen("cloud").await, (404, "Cloud".to_owned()));
}
