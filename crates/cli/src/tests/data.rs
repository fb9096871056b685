use std::path::Path;

use serde_json::json;

use super::harness::{DATABASE_TOKEN, Scene};

const QUERY: &str = "/api/v3/query_sql";
const WRITE: &str = "/api/v2/write?bucket=plant7&precision=ns";
const ROWS: &str = "{\"bar\":36.0,\"line\":\"L1\",\"time\":\"2026-03-01T08:00:00\"}\n{\"line\":\"L2\",\"time\":\"2026-03-01T08:01:00.5\"}\n";

#[tokio::test]
async fn query_prints_a_table() {
    let scene = Scene::new().await;
    scene.answer("POST", QUERY, 200, ROWS);
    let outcome = scene.run(&["query", "SELECT 1"]).await.succeeded();
    assert_eq!(
        outcome.stdout,
        "\
+-------+--------+------------------------+
|   bar | line   | time                   |
+-------+--------+------------------------+
|    36 | L1     | 2026-03-01T08:00:00Z   |
|       | L2     | 2026-03-01T08:01:00.5Z |
+-------+--------+------------------------+
| TOTAL | 2 ROWS |                        |
+-------+--------+------------------------+
"
    );
    assert_eq!(outcome.stderr, "");
    let request = &scene.requests()[0];
    assert_eq!(request.json(), json!({"db": "plant7", "q": "SELECT 1", "format": "jsonl"}));
    assert_eq!(request.authorization(), format!("Bearer {DATABASE_TOKEN}"));
}

#[tokio::test]
async fn edge_36_query_from_stdin_file_or_text() {
    let mut scene = Scene::new().await;
    let sent = async |scene: &Scene, arguments: &[&str]| {
        scene.answer("POST", QUERY, 200, "");
        scene.run(arguments).await.succeeded();
        scene.requests().last().unwrap().json()["q"].as_str().unwrap().to_owned()
    };
    scene.stdin = "SELECT *\n  FROM press\n;\n".to_owned();
    assert_eq!(sent(&scene, &["query", "-"]).await, scene.stdin);
    assert_eq!(sent(&scene, &["query", "SELECT 2"]).await, "SELECT 2");
    scene.file("SELECT 2", "SELECT 3");
    assert_eq!(sent(&scene, &["query", "SELECT 2"]).await, "SELECT 3");
    std::fs::create_dir(scene.file("x", "").with_file_name("SELECT 4")).unwrap();
    assert_eq!(sent(&scene, &["query", "SELECT 4"]).await, "SELECT 4");
    let count = scene.requests().len();
    for empty in ["", " \n\t"] {
        scene.stdin = empty.to_owned();
        scene.run(&["query", "-"]).await.failed("the query is empty");
        scene.run(&["query", empty]).await.failed("the query is empty");
    }
    assert_eq!(scene.requests().len(), count);
}

#[tokio::test]
async fn edge_37_time_format_does_not_change_json() {
    let scene = Scene::new().await;
    scene.answer("POST", QUERY, 200, ROWS);
    let outcome = scene.run(&["query", "--format", "json", "--time-format", "unixnano", "SELECT 1"]).await.succeeded();
    assert_eq!(
        outcome.json(),
        json!([
            {"bar": 36, "line": "L1", "time": 1_772_352_000_000_000_000_i64},
            {"bar": null, "line": "L2", "time": 1_772_352_060_500_000_000_i64}
        ])
    );
}

#[tokio::test]
async fn edge_38_no_rows() {
    let scene = Scene::new().await;
    for (format, expected) in [("table", "0 ROWS"), ("json", "[]\n")] {
        scene.answer("POST", QUERY, 200, "");
        let outcome = scene.run(&["query", "--format", format, "SELECT 1"]).await.succeeded();
        assert!(outcome.stdout.contains(expected), "{}", outcome.stdout);
    }
}

#[tokio::test]
async fn edge_38_no_rows_have_a_header_and_nulls_a_column() {
    const COLUMNS: &str = r#"[["w","number"],["line","string"],["at","time"]]"#;
    let scene = Scene::new().await;
    scene.answer_with_columns(COLUMNS, "");
    assert_eq!(
        scene.run(&["query", "SELECT 1"]).await.succeeded().stdout,
        "\
+-------+--------+----+
|     w | line   | at |
+-------+--------+----+
| TOTAL | 0 ROWS |    |
+-------+--------+----+
"
    );
    scene.answer_with_columns(COLUMNS, "");
    assert_eq!(scene.run(&["query", "--format", "json", "SELECT 1"]).await.succeeded().stdout, "[]\n");
    scene.answer_with_columns(COLUMNS, "{\"line\":\"L1\",\"at\":\"2026-03-01T08:00:00\"}\n");
    assert_eq!(
        scene.run(&["query", "--format", "json", "SELECT 1"]).await.succeeded().json(),
        json!([{"at": 1_772_352_000_000_000_000_i64, "line": "L1", "w": null}])
    );
}

#[tokio::test]
async fn edge_38_a_broken_answer_prints_nothing() {
    let scene = Scene::new().await;
    scene.answer("POST", QUERY, 200, "{\"a\":1}\n{\"a\":");
    scene.run(&["query", "SELECT 1"]).await.failed("row 2");
    scene.answer("POST", QUERY, 400, r#"{"error":"Error during planning: table 'x' not found"}"#);
    scene
        .run(&["query", "SELECT 1"])
        .await
        .failed_with("error\tError during planning: table 'x' not found (HTTP 400)\n");
}

#[tokio::test]
async fn edge_39_system_tables_are_asked_about() {
    let mut scene = Scene::new().await;
    let arguments = ["query", "--enable-system-tables", "SELECT 1"];
    scene
        .run(&["query", "--enable-system-tables", "--language", "influxql", "SELECT 1"])
        .await
        .failed("--enable-system-tables is for SQL only");
    let outcome = scene.run(&arguments).await;
    assert_eq!(outcome.status, 1);
    assert_eq!(outcome.stderr, "System tables can slow the cluster down. Continue? [y/N] \nwarn\tcancelled\n");
    scene.no_requests();
    scene.stdin = "y\n".to_owned();
    scene.answer("POST", QUERY, 200, ROWS);
    scene.run(&arguments).await.succeeded();
    scene.stdin = "SELECT 5".to_owned();
    scene.answer("POST", QUERY, 200, ROWS);
    let outcome = scene.run(&["query", "--enable-system-tables", "-"]).await.succeeded();
    assert_eq!(outcome.stderr, "warn\tsystem tables can slow the cluster down\n");
    assert_eq!(scene.requests()[1].json()["q"], "SELECT 5");
}

#[tokio::test]
async fn database_and_token_flags_win_over_the_profile() {
    let mut scene = Scene::new().await;
    scene.answer("POST", QUERY, 200, "");
    scene.run(&["query", "--database", "other", "--token", "apiv1_flag", "SELECT 1"]).await.succeeded();
    scene.answer("POST", QUERY, 200, "");
    scene.run(&["query", "--token", "-begins-with-a-dash", "SELECT 1"]).await.succeeded();
    scene.file("secret", "apiv1_file\n");
    scene.answer("POST", QUERY, 200, "");
    scene.run(&["query", "--token-file", "secret", "SELECT 1"]).await.succeeded();
    scene.stdin = "apiv1_stdin\n".to_owned();
    scene.answer("POST", "/api/v2/write?bucket=a%2Fb&precision=s", 204, "");
    scene.run(&["write", "--token-file=-", "--database=a/b", "--precision=s", "m f=1 1"]).await.succeeded();
    let requests = scene.requests();
    assert_eq!(requests[0].json()["db"], "other");
    let tokens: Vec<&str> = requests.iter().map(|request| request.authorization()).collect();
    assert_eq!(tokens, ["Bearer apiv1_flag", "Bearer -begins-with-a-dash", "Bearer apiv1_file", "Bearer apiv1_stdin"]);
}

#[tokio::test]
async fn unusable_token_sources_are_errors() {
    let scene = Scene::new().await;
    scene.file("empty", "\n");
    scene.file("two", "apiv1_aaaaaaaaaaaaaaaaaaaaaaaa\napiv1_bbbbbbbbbbbbbbbbbbbbbbbbbbb\n");
    scene.run(&["query", "--token-file", "empty", "SELECT 1"]).await.failed("exactly one token");
    let outcome = scene.run(&["query", "--token-file", "two", "SELECT 1"]).await.failed("exactly one token");
    assert!(!outcome.stderr.contains("aaaa"));
    scene.run(&["query", "--token-file", "missing", "SELECT 1"]).await.failed("missing");
    scene.run(&["query", "--token-file", "-", "-"]).await.failed("both");
    scene.run(&["query", "--token-file", "two", "--token", "x", "SELECT 1"]).await.failed("cannot be used with");
    let outcome =
        scene.run(&["query", "--token", "apiv1_a\nb", "SELECT 1"]).await.failed("characters that no token has");
    assert!(!outcome.stderr.contains("apiv1_a"));
    scene.no_requests();
}

#[tokio::test]
async fn database_and_token_are_needed() {
    let scene = Scene::without_configuration().await;
    scene.configure("[[profile]]\nname = \"default\"\nproduct = \"dedicated\"\nhost = \"127.0.0.1\"\n");
    scene.run(&["query", "SELECT 1"]).await.failed("no database is known");
    scene.run(&["write", "--database", "x", "m f=1"]).await.failed("no token is known");
}

#[tokio::test]
async fn write_sends_lines_and_is_silent() {
    let scene = Scene::new().await;
    scene.answer("POST", WRITE, 204, "");
    let outcome = scene.run(&["write", "# comment\n\nm f=1 1\r\nm f=2 2"]).await.succeeded();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    let request = &scene.requests()[0];
    assert_eq!(request.body, "m f=1 1\nm f=2 2\n");
    assert_eq!(request.authorization(), format!("Bearer {DATABASE_TOKEN}"));
}

#[tokio::test]
async fn write_refuses_nothing_to_write() {
    let mut scene = Scene::new().await;
    scene.stdin = "# only a comment\n\n".to_owned();
    scene.run(&["write", "-"]).await.failed("no lines");
    scene.run(&["write", ""]).await.failed("no lines");
    scene.run(&["write", "--precision", "m", "m f=1"]).await.failed("--precision");
    scene.run(&["write", "--batch-size", "0", "m f=1"]).await.failed("--batch-size");
    scene.no_requests();
}

#[tokio::test]
async fn edge_40_more_lines_than_one_batch() {
    let mut scene = Scene::new().await;
    scene.stdin = (0..10_001).map(|number| format!("m f={number}\n")).collect();
    scene.answer("POST", WRITE, 204, "");
    scene.answer("POST", WRITE, 204, "");
    scene.run(&["write", "-"]).await.succeeded();
    let requests = scene.requests();
    let lines: Vec<usize> = requests.iter().map(|request| request.body.lines().count()).collect();
    assert_eq!(lines, [10_000, 1]);
    assert_eq!(requests[1].body, "m f=10000\n");
}

#[tokio::test]
async fn edge_40_a_failing_batch_stops_and_names_its_bad_lines() {
    let scene = Scene::new().await;
    let path = scene.file("lines.lp", "m f=1\n\n# x\nm f=2\nbad\nm f=4\nm f=5\n");
    let path = path.to_str().unwrap();
    let one = r#"{"code":"invalid","line":1,"message":"nothing was written, errors encountered on line(s):\nline 1: no fields"}"#;
    scene.answer("POST", WRITE, 204, "");
    scene.answer("POST", WRITE, 400, one);
    scene
        .run(&["write", "--batch-size", "2", path])
        .await
        .failed_with("error\tline 5: no fields; lines 1-4 were written\n");
    assert_eq!(scene.requests().len(), 2);

    let several =
        r#"{"code":"invalid","line":1,"message":"errors encountered on line(s):\nline 1: x\nline 3: y\nline 9: z"}"#;
    scene.answer("POST", WRITE, 400, several);
    scene.run(&["write", path]).await.failed_with("error\tline 1: x; line 5: y; nothing was written\n");

    scene.answer("POST", WRITE, 204, "");
    scene.answer("POST", WRITE, 400, one);
    scene
        .run(&["write", "--batch-size", "1", path])
        .await
        .failed_with("error\tline 4: no fields; line 1 was written\n");
}

#[tokio::test]
async fn edge_40_a_batch_that_fails_as_a_whole_is_named_by_its_first_line() {
    let scene = Scene::new().await;
    scene.answer("POST", WRITE, 204, "");
    scene.answer("POST", WRITE, 503, r#"{"code":"unavailable","message":"the disk is full"}"#);
    scene
        .run(&["write", "--batch-size", "1", "m f=1\n\nm f=2\nm f=3"])
        .await
        .failed_with("error\tlines from line 3 on were not written: the disk is full (HTTP 503)\n");
}

#[tokio::test]
async fn edge_41_write_has_its_own_timeout() {
    let scene = Scene::new().await;
    scene.answer("POST", WRITE, 204, "");
    scene.run(&["--timeout", "20s", "write", "--timeout", "20", "m f=1"]).await.succeeded();
    scene.run(&["write", "--timeout", "20s", "m f=1"]).await.failed("--timeout");
    scene.run(&["write", "--timeout", "0", "m f=1"]).await.failed("--timeout");
    assert_eq!(scene.requests().len(), 1);
}

#[tokio::test]
async fn edge_41_a_timeout_is_an_error_without_output() {
    let scene = Scene::new().await;
    scene.answer("POST", QUERY, 0, "");
    scene.run(&["query", "--timeout", "30ms", "SELECT 1"]).await.failed("no complete answer");
    scene.answer("POST", WRITE, 0, "");
    scene.run(&["--timeout", "30ms", "write", "m f=1"]).await.failed("no complete answer");
}

#[tokio::test]
async fn an_interrupt_ends_the_command_with_130() {
    let scene = Scene::new().await;
    scene.answer("POST", QUERY, 0, "");
    let interrupt = async {
        while !scene.has_requests() {
            tokio::task::yield_now().await;
        }
    };
    let outcome = scene.run_until(&["query", "SELECT 1"], interrupt).await;
    assert_eq!((outcome.status, outcome.stdout.as_str()), (130, ""));
}

#[tokio::test]
async fn logs_hold_neither_credentials_nor_query_strings() {
    let scene = Scene::new().await;
    scene.answer("POST", WRITE, 204, "");
    let outcome = scene.run(&["--trace", "write", "m f=1"]).await.succeeded();
    assert!(outcome.stderr.contains("/api/v2/write: 204 after "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("sent 6 bytes"), "{}", outcome.stderr);
    for hidden in ["bucket=", "Bearer", "uthorization", "m f=1"] {
        assert!(!outcome.stderr.contains(hidden), "{}", outcome.stderr);
    }
    assert!(outcome.stderr.lines().all(|line| line.starts_with("debug\t")), "{}", outcome.stderr);
    scene.answer("POST", WRITE, 204, "");
    let outcome = scene.run(&["write", "--debug", "m f=1"]).await.succeeded();
    assert!(outcome.stderr.contains("204") && !outcome.stderr.contains("6 bytes"), "{}", outcome.stderr);
}

#[tokio::test]
async fn an_unreachable_server_is_named_without_the_query_string() {
    let scene = Scene::without_configuration().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let profile = scene.dedicated_profile().replace(&scene.port.to_string(), &port.to_string());
    scene.configure(&profile);
    let outcome = scene.run(&["write", "m f=1"]).await.failed(&format!("cannot reach 127.0.0.1:{port}"));
    assert!(!outcome.stderr.contains("bucket"), "{}", outcome.stderr);
    assert!(Path::new(&scene.default_configuration()).exists());
}

#[tokio::test]
async fn influxql_is_refused_before_any_request() {
    let scene = Scene::new().await;
    scene.run(&["query", "--language", "influxql", "SELECT 1"]).await.failed("InfluxQL is not supported");
    scene.run(&["query", "--language", "flux", "SELECT 1"]).await.failed("--language");
    scene.no_requests();
}

#[tokio::test]
async fn statistics_stand_in_place_of_the_rows() {
    let scene = Scene::new().await;
    scene.answer("POST", QUERY, 200, ROWS);
    let outcome = scene.run(&["query", "--perf-debug", "SELECT 1"]).await.succeeded();
    let size = format!("| Output Size     | {} B", ROWS.len());
    assert!(outcome.stdout.contains("| Output Rows     | 2 ") && outcome.stdout.contains(&size), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("L1"));
    scene.answer("POST", QUERY, 200, ROWS);
    let shown = scene.run(&["query", "--perf-debug", "--format", "json", "SELECT 1"]).await.succeeded().json();
    assert_eq!((&shown["output_rows"], &shown["output_bytes"]), (&json!(2), &json!(ROWS.len())));
    assert!(shown["client_duration_secs"].as_f64().unwrap() > 0.0 && shown.as_object().unwrap().len() == 3);
}

#[tokio::test]
async fn a_server_without_sql_over_http_is_told_from_a_missing_database() {
    let scene = Scene::new().await;
    for (status, body, reason) in [
        (404, r#"{"error":"query error: database not found: plant7"}"#, "database not found: plant7 (HTTP 404)"),
        (404, "Not found", "SQL over HTTP is not supported by this server"),
        (405, "", "SQL over HTTP is not supported by this server"),
    ] {
        scene.answer("POST", QUERY, status, body);
        scene.run(&["query", "SELECT 1"]).await.failed(reason);
    }
}
