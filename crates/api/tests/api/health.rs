//! `/ping` and `/health` (data-plane contract §8): open, and without detail.

use crate::fixture::{bare_request, fixture};

#[tokio::test]
async fn ping_answers_everybody() {
    let f = fixture().await;
    for method in ["GET", "HEAD"] {
        for headers in [vec![], vec![("authorization", &b"Bearer wrong"[..])], vec![("authorization", &b"\xff"[..])]] {
            let answer = f.send(bare_request(method, "/ping?verbose=true", &headers, "")).await;
            assert_eq!(answer.status, 204, "{method}");
            assert!(answer.body.is_empty());
            assert!(!answer.headers["x-influxdb-version"].is_empty());
            assert!(!answer.headers["x-influxdb-build"].is_empty());
            assert_eq!(answer.headers["cluster-uuid"], f.service.identity().cluster.to_string());
        }
    }
}

#[tokio::test]
async fn health_answers_in_the_form_that_is_asked_for() {
    let f = fixture().await;
    for path in ["/health", "/api/v1/health"] {
        for accept in [None, Some("*/*"), Some("text/plain")] {
            let headers: Vec<_> = accept.into_iter().map(|accept: &str| ("accept", accept.as_bytes())).collect();
            let answer = f.send(bare_request("GET", path, &headers, "")).await;
            assert_eq!(answer.status, 200, "{path} {accept:?}");
            assert_eq!(answer.text(), "OK");
            assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8");
        }
        // As the JavaScript client of InfluxDB 2 asks.
        let headers = [("content-type", &b"application/json; charset=utf-8"[..]), ("content-length", b"0")];
        let answer = f.send(bare_request("GET", path, &headers, "")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["status"], "pass");
        let headers = [("accept", &b"application/json"[..]), ("authorization", b"Bearer wrong")];
        let answer = f.send(bare_request("GET", path, &headers, "")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], "application/json");
        let body = answer.json();
        let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["checks", "message", "name", "status", "version"]);
        assert_eq!(body["name"], "influxdb");
        assert_eq!(body["status"], "pass");
        assert_eq!(body["message"], "ready for queries and writes");
        assert_eq!(body["checks"], serde_json::json!([]));
    }
}

#[tokio::test]
async fn other_methods_and_paths_need_a_credential_and_are_404() {
    let f = fixture().await;
    let (_, token) = f.create_token("", None).await;
    let authorization = format!("Bearer {token}");
    for (method, path) in [
        ("GET", "/write"),
        ("PUT", "/write"),
        ("GET", "/api/v2/write"),
        ("DELETE", "/api/v3/write_lp"),
        ("PUT", "/api/v3/query_sql"),
        ("GET", "/"),
        ("GET", "/write/"),
        ("POST", "/Write"),
        ("GET", "/debug/pprof/heap"),
    ] {
        let stranger = f.send(bare_request(method, path, &[], "")).await;
        assert_eq!(stranger.status, 401, "{method} {path}");
        let known = f.send(bare_request(method, path, &[("authorization", authorization.as_bytes())], "")).await;
        assert_eq!(known.status, 404, "{method} {path}: never 405, which writers take for an older server");
        assert!(known.is_json());
        let body = known.json();
        let text = body.get("error").or(body.get("message")).unwrap();
        assert_eq!(text, "not found");
    }
}

#[tokio::test]
async fn web_pages_of_any_origin_may_call_the_data_endpoints_only() {
    let f = fixture().await;
    let origin = [("origin", &b"https://example.com"[..]), ("access-control-request-method", b"POST")];
    for path in ["/write", "/api/v2/write", "/api/v3/write_lp", "/api/v3/query_sql", "/ping", "/health", "/nothing"] {
        let preflight = f.send(bare_request("OPTIONS", path, &origin, "")).await;
        assert_eq!(preflight.status, 204, "{path}");
        assert!(preflight.body.is_empty());
        assert_eq!(preflight.headers["access-control-allow-origin"], "*");
        assert_eq!(preflight.headers["access-control-allow-methods"], "*");
        assert_eq!(preflight.headers["access-control-max-age"], "86400");
        let headers = preflight.headers["access-control-allow-headers"].to_str().unwrap();
        assert!(headers.split(", ").any(|header| header == "*") && headers.contains("Authorization"), "{headers}");
        let refused = f.send(bare_request("POST", path, &origin, "")).await;
        let is_open = ["/ping", "/health"].contains(&path);
        assert_eq!(refused.status, if is_open { 405 } else { 401 }, "{path}");
        assert_eq!(refused.headers["access-control-allow-origin"], "*", "{path}: pages can read errors");
    }
    let health = f.send(bare_request("GET", "/health", &origin, "")).await;
    assert_eq!(health.headers["access-control-allow-origin"], "*");
    for path in [f.path("/tokens"), f.account_path("/management-tokens")] {
        for method in ["OPTIONS", "GET"] {
            let answer = f.send(bare_request(method, &path, &origin, "")).await;
            assert_eq!(answer.status, 401, "{path}");
            assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{path}");
        }
    }
}
