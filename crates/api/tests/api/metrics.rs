//! `/metrics` (data-plane contract §8): what it shows, and what it never does.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::Request;
use futures::FutureExt as _;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tidegate_api::{Cutoff, MetricsAccess, Peer};
use tower::ServiceExt as _;

use crate::fixture::{Answer, Fixture, bare_request, fixture};

async fn metrics_with(f: &Fixture, headers: &[(&str, &[u8])]) -> Answer {
    f.send(bare_request("GET", "/metrics", headers, "")).await
}

async fn metrics(f: &Fixture) -> String {
    let authorization = format!("Bearer {}", f.management);
    let answer = metrics_with(f, &[("authorization", authorization.as_bytes())]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text()
}

/// The value of a series, 0 if it is not there.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn only_management_tokens_may_read_them() {
    let f = fixture().await;
    let (_, database) = f.create_token("read:* write:*", None).await;
    let (id, gone) = f.create_management_token(None).await;
    let path = f.account_path(&format!("/management-tokens/{id}"));
    let own = format!("Bearer {}", f.management);
    assert_eq!(f.send(bare_request("DELETE", &path, &[("authorization", own.as_bytes())], "")).await.status, 204);
    let without = metrics_with(&f, &[]).await;
    assert_eq!((without.status.as_u16(), without.json()), (401, json!({ "code": 401, "message": "unauthorized" })));
    for credential in [
        format!("Bearer {database}"),
        format!("Bearer {gone}"),
        format!("Token {}", f.management),
        "Bearer".to_owned(),
        String::new(),
    ] {
        let answer = metrics_with(&f, &[("authorization", credential.as_bytes())]).await;
        assert_eq!((answer.status, &answer.body), (without.status, &without.body), "{credential:?}");
    }
    assert!(metrics(&f).await.contains("tidegate_credentials 2"));
}

#[tokio::test]
async fn they_are_open_if_the_operator_says_so() {
    let f = fixture().await;
    let router = tidegate_api::router_with(f.service.clone(), MetricsAccess::Everybody);
    for method in ["GET", "HEAD"] {
        let request: Request<Body> = bare_request(method, "/metrics", &[("authorization", b"Bearer wrong")], "");
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "web pages cannot read them");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.ends_with(b"# EOF\n"), method == "GET");
    }
    let other: Request<Body> = bare_request("GET", &f.path("/tokens"), &[], "");
    assert_eq!(router.oneshot(other).await.unwrap().status(), 401);
}

#[tokio::test]
async fn everything_that_happens_is_counted() {
    let f = fixture().await;
    let token = f.database_and_token("plant7").await;
    assert_eq!(f.write(&token, "plant7", "press bar=1 1\npress bar=2 2").await.status, 204);
    assert_eq!(f.write(&token, "plant7", "nonsense").await.status, 400);
    assert_eq!(f.query(&token, "plant7", "SELECT * FROM press").await.status, 200);
    assert_eq!(f.query(&token, "plant7", "SELECT nothing FROM nowhere").await.status, 400);
    assert_eq!(f.query(&token, "other", "SELECT 1").await.status, 403);
    let (id, gone) = f.create_token("read:plant7", None).await;
    assert_eq!(f.manage("DELETE", &format!("/tokens/{id}"), Value::Null).await.status, 204);
    assert_eq!(f.query(&gone, "plant7", "SELECT 1").await.status, 401);

    let text = metrics(&f).await;
    for (series, expected) in [
        ("tidegate_write_duration_seconds_count", 1.0),
        ("tidegate_write_lines_count", 1.0),
        ("tidegate_write_lines_sum", 2.0),
        ("tidegate_write_size_bytes_sum", 27.0),
        (r#"tidegate_write_size_bytes_bucket{le="100.0"}"#, 1.0),
        ("tidegate_query_duration_seconds_count", 2.0),
        ("tidegate_revocation_duration_seconds_count", 1.0),
        ("tidegate_credentials", 2.0),
        (r#"tidegate_http_refused_requests_total{reason="unauthorized"}"#, 1.0),
        ("tidegate_refused_credentials_total", 1.0),
        (r#"tidegate_http_refused_requests_total{reason="forbidden"}"#, 1.0),
        (r#"tidegate_http_refused_requests_total{reason="invalid"}"#, 2.0),
        (r#"tidegate_http_request_duration_seconds_count{route="/api/v3/write_lp",method="POST",status="2xx"}"#, 1.0),
        (r#"tidegate_http_request_duration_seconds_count{route="/api/v3/query_sql",method="POST",status="4xx"}"#, 3.0),
        (
            r#"tidegate_http_request_duration_seconds_count{route="/api/v0/accounts/{accountId}/clusters/{clusterId}/tokens/{tokenId}",method="DELETE",status="2xx"}"#,
            1.0,
        ),
    ] {
        assert_eq!(value(&text, series), expected, "{series} in {text}");
    }
    // Each request above, and the one that asks.
    let checks = value(&text, "tidegate_token_check_duration_seconds_count");
    assert!(checks >= 11.0, "{checks}");
    assert_eq!(checks, value(&text, r#"tidegate_token_check_duration_seconds_bucket{le="+Inf"}"#));
    assert!(value(&text, "tidegate_token_check_duration_seconds_sum") > 0.0);
}

#[tokio::test]
async fn guesses_count_though_nobody_waits_for_their_answers() {
    let f = fixture().await;
    let guesses = 60;
    let mut answered = 0;
    for guess in 0..guesses {
        let headers: &[(&str, &[u8])] = if guess % 2 == 0 { &[("authorization", b"Bearer guess")] } else { &[] };
        let request = bare_request("GET", "/metrics", headers, "");
        // Looked at once, and dropped if it is held back.
        answered += usize::from(f.router.clone().oneshot(request).now_or_never().is_some());
    }
    let text = metrics(&f).await;
    assert!(answered < guesses, "the later ones are held back");
    assert_eq!(value(&text, "tidegate_refused_credentials_total"), guesses as f64);
    let refused = r#"tidegate_http_refused_requests_total{reason="unauthorized"}"#;
    assert_eq!(value(&text, refused), answered as f64);
}

#[tokio::test]
async fn the_text_is_what_scrapers_read() {
    let f = fixture().await;
    let text = metrics(&f).await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(series.starts_with("tidegate_") && value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(text.contains("# TYPE tidegate_query_duration_seconds histogram\n"), "{text}");
    assert!(text.contains("# TYPE tidegate_running_queries gauge\ntidegate_running_queries 0\n"), "{text}");
    let authorization = format!("Bearer {}", f.management);
    let accept = b"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    let answer = metrics_with(&f, &[("authorization", authorization.as_bytes()), ("accept", accept)]).await;
    assert_eq!(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

#[tokio::test]
async fn labels_hold_nothing_that_a_client_sent() {
    let f = fixture().await;
    let token = f.database_and_token("needle-name").await;
    f.write(&token, "needle-name", "needle_table,needle_tag=needle_value needle_field=1 1").await;
    f.query(&token, "needle-name", "SELECT 'needle text' FROM needle_table").await;
    for (method, path) in [
        ("GET", "/needle/path?needle=query"),
        ("NEEDLE", "/write?db=needle-name"),
        ("POST", "/write?db=needle-unknown&p=needle"),
        ("GET", &f.path("/tokens/needle-id")),
        ("DELETE", &f.path("/databases/needle-database")),
    ] {
        for credential in [format!("Bearer {token}"), format!("Bearer {}", f.management), "needle-scheme x".to_owned()]
        {
            let headers = [("authorization", credential.as_bytes()), ("user-agent", b"needle-agent")];
            f.send(bare_request(method, path, &headers, "needle body")).await;
        }
    }
    let text = metrics(&f).await;
    assert!(
        value(&text, r#"tidegate_http_request_duration_seconds_count{route="none",method="GET",status="4xx"}"#) >= 3.0
    );
    assert!(text.contains(r#"method="other""#), "{text}");
    for secret in ["needle", &token[6..40], &f.management[6..40], &f.service.identity().cluster.to_string()] {
        assert!(!text.to_lowercase().contains(&secret.to_lowercase()), "{text}");
    }
}

#[tokio::test]
async fn a_running_query_is_shown_and_its_time_counts_when_it_ends() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let sql = "SELECT * FROM generate_series(1, 1000000)";
    let request = Request::builder()
        .uri(format!("/api/v3/query_sql?db=a&q={}", crate::fixture::percent_encoded(sql)))
        .header("authorization", format!("Bearer {token}"))
        .extension(Peer(SocketAddr::from(([192, 0, 2, 1], 4711))))
        .extension(Cutoff::default())
        .body(Body::empty())
        .unwrap();
    let answer = f.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = metrics(&f).await;
    assert_eq!(value(&text, "tidegate_running_queries"), 1.0, "its rows wait for the client");
    assert_eq!(value(&text, "tidegate_query_duration_seconds_count"), 0.0);
    drop(answer);
    assert_eq!(value(&metrics(&f).await, "tidegate_query_duration_seconds_count"), 1.0);
    let mut running = 1.0;
    while running > 0.0 {
        tokio::task::yield_now().await;
        running = value(&metrics(&f).await, "tidegate_running_queries");
    }
}
