use serde_json::json;

use super::scene::{AUTHORIZATION, JSON, ORG, Place, TOKEN, authorization};

const LIST: &str = "/api/v2/authorizations";
const CONTEXT: &str = "could not find authorization with given parameters";

#[tokio::test]
async fn edge_46_bodies_of_refusals() {
    let place = Place::new().await;
    let html: &[(&str, &str)] = &[("content-type", "text/html")];
    for (status, headers, body, told) in [
        (400, JSON, r#"{"code":"odd","message":"bad"}"#, "400 Bad Request: odd is not a valid ErrorCode"),
        (400, JSON, r#"{"code":"invalid","message":"bad","err":"worse"}"#, "400 Bad Request: bad: worse"),
        (502, html, "<html>", "502 Bad Gateway: unable to decode response content type \"text/html\""),
        (500, html, "", "500 Internal Server Error: "),
        (404, JSON, r#"{"code":"not found","message":"a <tag> & \"more\""}"#, "404 Not Found: a <tag> & \"more\""),
    ] {
        place.0.answer_with_headers("GET", LIST, status, headers, body);
        place.run(&["auth", "list"]).await.told(&format!("{CONTEXT}: {told}"));
    }
}

#[tokio::test]
async fn edge_46_a_compressed_refusal_is_told() {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(br#"{"code":"invalid","message":"told"}"#).unwrap();
    let body = encoder.finish().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let answer = axum::routing::get(async move || {
        let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
        (axum::http::StatusCode::BAD_REQUEST, headers, body)
    });
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback_service(answer)).await });
    let place = Place::new().await;
    place.run(&["auth", "list", "--host", &host]).await.told(&format!("{CONTEXT}: 400 Bad Request: told"));
}

#[tokio::test]
async fn a_success_must_be_json_or_empty() {
    let place = Place::new().await;
    place.0.answer_with_headers("GET", LIST, 200, &[("content-type", "text/html")], "<html>");
    place
        .run(&["auth", "list"])
        .await
        .told(&format!("{CONTEXT}: unable to decode response content type \"text/html\""));
    place.answer_empty("GET", LIST, 200);
    place.run(&["auth", "list", "--json"]).await.printed("null\n");
}

#[tokio::test]
async fn edge_47_ping_goes_by_the_status_and_knows_the_other_kind_of_server() {
    let place = Place::new().await;
    let cloud: &[(&str, &str)] = &[("content-type", "application/json"), ("x-influxdb-build", "Cloud")];
    let sick = json!({ "name": "influxdb", "status": "fail", "message": "sick" });
    let wrong_host = "InfluxDB OSS-only command used with InfluxDB Cloud host";
    for headers in [JSON, cloud] {
        place.0.answer_with_headers("GET", "/health", 200, headers, &sick);
        place.run(&["ping"]).await.printed("OK\n");
        assert!(!place.requests().last().unwrap().headers.contains_key("authorization"));
    }
    for status in [404, 503] {
        place.0.answer_with_headers("GET", "/health", status, cloud, &sick);
        place.run(&["ping"]).await.told(wrong_host);
    }
    place.0.answer_with_headers("GET", "/health", 503, JSON, &sick);
    place.run(&["ping"]).await.told("503 Service Unavailable: sick");
    place.0.answer_with_headers("GET", "/api/v2/setup", 404, cloud, "");
    place.run(&["setup", "-f"]).await.told(wrong_host);
    // Other commands say what the server says.
    place.0.answer_with_headers("GET", "/api/v2/users", 404, cloud, r#"{"code":"not found","message":"no"}"#);
    place.run(&["user", "list"]).await.told("failed to list users: 404 Not Found: no");
}

#[tokio::test]
async fn edge_49_an_organization_is_named_in_one_way() {
    let mut place = Place::new().await;
    let told = format!("ambiguous org: use OrgId or OrgName, but not both. OrgID: {ORG}, OrgName: plant");
    place.run(&["bucket", "list", "--org", "plant", "--org-id", ORG]).await.told(&told);
    place.0.variable("INFLUX_ORG_ID", ORG);
    let both = ["--org", "plant"];
    for command in [
        &["auth", "create"][..],
        &["auth", "list"],
        &["bucket", "list"],
        &["bucket", "create", "-n", "x"],
        &["user", "create", "-n", "x"],
        &["v1", "auth", "list"],
        &["v1", "dbrp", "list"],
        &["write", "-b", "x"],
        &["query"],
        &["delete", "-b", "x", "--start", "1970-01-01T00:00:00Z", "--stop", "1970-01-01T00:00:00Z"],
    ] {
        place.run(&[command, &both].concat()).await.told(&told);
    }
    place.0.no_requests();
}

#[tokio::test]
async fn edge_50_a_path_prefix_of_the_host_is_lost() {
    let place = Place::new().await;
    let host = format!("{}/proxy/influx/", place.url());
    place.answer("GET", LIST, 200, &json!({ "authorizations": [] }));
    place.run(&["auth", "list", "--host", &host, "--hide-headers"]).await.printed("");
}

#[tokio::test]
async fn edge_51_tables_count_characters() {
    let place = Place::new().await;
    let with = |description: &str| {
        let mut authorization = authorization();
        authorization["description"] = json!(description);
        authorization["permissions"] = json!([]);
        authorization
    };
    for (descriptions, lines) in [
        (&["1234567"][..], &["1234567\tredacted"][..]),
        (&["12345678"], &["12345678\tredacted"]),
        (&["1234567890123456", "x"], &["1234567890123456\tredacted", "x\t\t\tredacted"]),
        (&["größe78", "x"], &["größe78\tredacted", "x\tredacted"]),
        (&["größe789", "x"], &["größe789\tredacted", "x\t\tredacted"]),
    ] {
        let rows: Vec<_> = descriptions.iter().map(|text| with(text)).collect();
        place.answer("GET", LIST, 200, &json!({ "authorizations": rows }));
        let outcome = place.run(&["auth", "list", "--hide-headers"]).await.succeeded();
        let expected: String =
            lines.iter().map(|line| format!("{AUTHORIZATION}\t{line}\tada\t0a0b0c0d0e0f0002\t[]\n")).collect();
        assert_eq!(outcome.stdout, expected);
    }
}

#[tokio::test]
async fn hosts_that_cannot_be_used() {
    let place = Place::new().await;
    place.run(&["ping", "--host", "127.0.0.1:8086"]).await.told(
        "host URL \"127.0.0.1:8086\" is invalid: parse \"127.0.0.1:8086\": first path segment in URL cannot contain \
         colon",
    );
    let port = place.0.port;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_ne!(nobody.port(), port);
    place
        .run(&["auth", "list", "--host", &format!("http://{nobody}")])
        .await
        .told(&format!("{CONTEXT}: Get \"http://{nobody}{LIST}\": dial tcp {nobody}: connect: connection refused"));
}

#[tokio::test]
async fn traces_and_extra_headers() {
    let mut place = Place::new().await;
    let traced: &[(&str, &str)] =
        &[("content-type", "application/json"), ("trace-sampled", "true"), ("trace-id", "00ff")];
    let flags = ["ping", "--trace-debug-id", "mine", "--extra-http-header", "X-One: 1", "--extra-http-header=X-Two:2"];
    place.0.answer_with_headers("GET", "/health", 200, traced, "{}");
    let outcome = place.run(&flags).await.succeeded();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("OK\n", "trace-id: 00ff\n"));
    let headers = place.requests()[0].headers.clone();
    for (name, value) in [("zap-trace-span", "mine"), ("influx-debug-id", "mine"), ("x-one", "1"), ("x-two", "2")] {
        assert_eq!(headers[name], value);
    }
    assert!(headers["user-agent"].to_str().unwrap().starts_with("influx/2."));
    place.0.variable("INFLUX_CLI_TRACE_PRINT_PREFIX", "T=");
    place.0.answer_with_headers("GET", "/health", 200, traced, "{}");
    assert_eq!(place.run(&["ping"]).await.stderr, "T=00ff\n");
}

#[tokio::test]
async fn debugging_shows_no_token_and_no_password() {
    let place = Place::new().await;
    let mut created = authorization();
    created["token"] = json!("the-new-token-0123456789");
    place.answer("GET", &format!("{LIST}/{AUTHORIZATION}"), 200, &created);
    let outcome = place.run(&["auth", "list", "-i", AUTHORIZATION, "--http-debug", "--hide-headers"]).await.succeeded();
    assert!(outcome.stderr.contains(&format!("GET {LIST}/{AUTHORIZATION}\n")), "{outcome:?}");
    assert!(outcome.stderr.contains("authorization: Token ***\n"), "{outcome:?}");
    assert!(outcome.stderr.contains("HTTP/1.1 200 OK\n"), "{outcome:?}");
    assert!(!outcome.stderr.contains("the-new-token") && !outcome.stderr.contains(TOKEN), "{outcome:?}");
    place.answer_empty("POST", "/api/v2/users/0a0b0c0d0e0f0002/password", 204);
    let flags = ["user", "password", "-i", "0a0b0c0d0e0f0002", "-p", "hunter2-hunter2", "--http-debug"];
    assert!(!place.run(&flags).await.succeeded().stderr.contains("hunter2"));
}

#[tokio::test]
async fn a_server_that_repeats_a_secret_does_not_get_it_shown() {
    let place = Place::new().await;
    place.refuse("GET", LIST, 400, "invalid", &format!("what is {TOKEN}?"));
    place.run(&["auth", "list"]).await.told(&format!("{CONTEXT}: 400 Bad Request: what is …?"));
    place.refuse("GET", LIST, 400, "invalid", "line one\nline \u{1b}[31mtwo");
    place.run(&["auth", "list"]).await.told(&format!("{CONTEXT}: 400 Bad Request: line one\nline \\u{{1b}}[31mtwo"));
}
