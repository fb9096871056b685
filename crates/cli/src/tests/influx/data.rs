use std::io::{Read as _, Write as _};
use std::time::Duration;

use serde_json::json;

use super::super::harness::Request;
use super::scene::{BUCKET, ORG, Place};

const WRITE: &str = "/api/v2/write?bucket=press&org=plant&precision=ns";

/// The compressed lines that a request holds. The scene keeps bodies as text, which compressed ones are not.
fn is_compressed(request: &Request) -> bool {
    request.headers["content-encoding"] == "gzip"
}

/// A server that keeps the lines it is sent.
async fn keeping() -> (String, std::sync::Arc<std::sync::Mutex<Vec<(String, String)>>>) {
    let kept: std::sync::Arc<std::sync::Mutex<Vec<(String, String)>>> = std::sync::Arc::default();
    let sink = std::sync::Arc::clone(&kept);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let answer = axum::routing::post(async move |uri: axum::http::Uri, body: axum::body::Bytes| {
        let mut lines = String::new();
        flate2::read::GzDecoder::new(&*body).read_to_string(&mut lines).unwrap();
        sink.lock().unwrap().push((uri.to_string(), lines));
        axum::http::StatusCode::NO_CONTENT
    });
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback_service(answer)).await });
    (host, kept)
}

#[tokio::test]
async fn lines_are_written_without_a_word() {
    let place = Place::new().await;
    place.answer_empty("POST", WRITE, 204);
    place.run(&["write", "-b", "press", "m f=1"]).await.printed("");
    assert!(is_compressed(&place.requests()[0]));
    place.answer_empty("POST", &format!("/api/v2/write?bucket={BUCKET}&org={ORG}&precision=ms"), 204);
    place.run(&["write", "--bucket-id", BUCKET, "--org-id", ORG, "-p", "ms", "m f=1"]).await.printed("");
}

#[tokio::test]
async fn lines_come_from_everywhere() {
    let (host, kept) = keeping().await;
    let mut place = Place::new().await;
    let compressed = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"zipped f=1\n").unwrap();
        encoder.finish().unwrap()
    };
    let path = place.0.file("a.lp", "# no data\na f=1\n\n\r\nb f=2\r\n");
    std::fs::write(path.with_file_name("z.lp.gz"), compressed).unwrap();
    place.0.file("rows.csv", "m|measurement,v|long\nc,3\n");
    place.0.stdin = "d f=4".to_owned();
    let from: [(&[&str], &str); 6] = [
        (&["@a.lp"], "a f=1\nb f=2\n"),
        (&["-f", "a.lp", "-f", "rows.csv", "--file", "z.lp.gz", "e f=5"], "a f=1\nb f=2\nc v=3i\nzipped f=1\ne f=5\n"),
        (&["-"], "d f=4\n"),
        (&[], "d f=4\n"),
        (&["--format", "csv", "m|measurement,v|long\nx,1"], "x v=1i\n"),
        (&["--format", "csv", "--header", "m|measurement,v|long", "--skipHeader", "1", "m,v\nx,1"], "x v=1i\n"),
    ];
    for (arguments, lines) in from {
        let arguments = [&["write", "--host", &host, "-b", "press"][..], arguments].concat();
        place.run(&arguments).await.printed("");
        let (target, written) = kept.lock().unwrap().pop().unwrap();
        assert_eq!((target.as_str(), written.as_str()), (WRITE, lines), "{arguments:?}");
    }
    place.run(&["write", "--host", &host, "-b", "press", "-f", "missing"]).await.told(&format!(
        "failed to open {}: No such file or directory (os error 2)",
        path.with_file_name("missing").display()
    ));
}

#[tokio::test]
async fn lines_can_lie_at_an_address() {
    let (host, kept) = keeping().await;
    let place = Place::new().await;
    let lines: &[(&str, &str)] = &[("content-type", "text/plain")];
    place.0.answer_with_headers("GET", "/rows.csv?key=hunter2", 200, lines, "m|measurement,v|long\nx,1\n");
    let url = format!("{}/rows.csv?key=hunter2", place.url());
    place.run(&["write", "--host", &host, "-b", "press", "--url", &url]).await.printed("");
    assert_eq!(kept.lock().unwrap()[0].1, "x v=1i\n");
    assert!(!place.requests()[0].headers.contains_key("authorization"));
    place.answer_empty("GET", "/rows.csv?key=hunter2", 404);
    place
        .run(&["write", "--host", &host, "-b", "press", "--url", &url])
        .await
        .told(&format!("failed to open the url: 127.0.0.1:{} answers 404 Not Found", place.0.port));
}

#[tokio::test]
async fn many_lines_are_several_requests_and_keep_to_the_rate() {
    let (host, kept) = keeping().await;
    let place = Place::new().await;
    let line = format!("m f=\"{}\"\n", "x".repeat(99_993));
    place.0.file("large.lp", &line.repeat(12));
    let rate = ["--rate-limit", "100kB/s"];
    place.run(&[&["write", "--host", &host, "-b", "press", "-f", "large.lp"][..], &rate].concat()).await.printed("");
    let sizes: Vec<usize> = kept.lock().unwrap().iter().map(|(_, lines)| lines.len()).collect();
    assert_eq!(sizes, [500_000, 500_000, 200_000]);
    assert_eq!(place.0.pauses(), [5, 5, 2].map(Duration::from_secs));
}

#[tokio::test]
async fn what_stops_a_write() {
    let place = Place::new().await;
    place.refuse("POST", WRITE, 400, "invalid", "nothing was written:\nline 1: bad");
    place
        .run(&["write", "-b", "press", "m"])
        .await
        .told("failed to write data: 400 Bad Request: nothing was written:\nline 1: bad");
    let count = place.requests().len();
    for (arguments, reason) in [
        (&["m f=1", "-b", "press"][..], "must specify bucket ID or bucket name"),
        (&["-b", "x", "-p", "m", "m f=1"], "invalid precision \"m\": must be ns, us, ms or s"),
        (&["-b", "x", "--format", "json", "m f=1"], "unsupported input format \"json\": must be lp or csv"),
        (&["-b", "x", "--compression", "zip", "m f=1"], "invalid compression \"zip\": must be none or gzip"),
        (&["-b", "x", "--rate-limit", "5", "m f=1"], "rate limit \"5\" is not written like \"5 MB / 5 min\""),
        (
            &["-b", "x", "--encoding", "latin1", "m f=1"],
            "encoding \"latin1\" is not supported: convert the input to UTF-8",
        ),
        (
            &["-b", "x", "--max-line-length", "4", "m f=1"],
            "failed to write data: line 1: a line of 5 bytes is longer than --max-line-length",
        ),
        (
            &["-b", "x", "--format", "csv", "m|measurement,v|long\na,x"],
            "failed to write data: line 2: column \"v\": \"x\" is not a whole number",
        ),
    ] {
        place.run(&[&["write"], arguments].concat()).await.told(reason);
    }
    assert_eq!(place.requests().len(), count);
}

#[tokio::test]
async fn bad_rows_can_be_left_out() {
    let place = Place::new().await;
    let csv = "m|measurement,v|long\na,x\nb,2";
    let flags = ["write", "dryrun", "--format", "csv", "--skipRowOnError", "--errors-file", "bad.csv", "--debug"];
    let outcome = place.run(&[&flags[..], &[csv]].concat()).await.succeeded();
    assert_eq!(outcome.stdout, "\nb v=2i\n");
    assert_eq!(outcome.stderr, "skipped: line 2: column \"v\": \"x\" is not a whole number: a,x\n");
    let path = place.0.file("other", "").with_file_name("bad.csv");
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        "# error : line 2: column \"v\": \"x\" is not a whole number\na,x\n"
    );
}

#[tokio::test]
async fn a_dry_run_prints_the_flag_and_the_lines() {
    let place = Place::new().await;
    place.run(&["write", "dryrun", "m f=1\n\nm f=2"]).await.printed("\nm f=1\nm f=2\n");
    place.run(&["write", "dryrun", "-o", "plant", "m f=1"]).await.printed("plant\nm f=1\n");
    place.0.no_requests();
}

const ANSWER: &str = "#group,false,false,true\r\n#datatype,string,long,string\r\n#default,_result,,\r\n\
                      ,result,table,line\r\n,,0,L1\r\n";

#[tokio::test]
async fn a_query_is_shown_as_tables_or_as_it_comes() {
    let mut place = Place::new().await;
    let csv: &[(&str, &str)] = &[("content-type", "text/csv; charset=utf-8")];
    let shown = "Result: _result\nTable: keys: [line]\n           line:string\n----------------------\n\
                 \x20                   L1\n";
    place.0.file("q.flux", "buckets()");
    place.0.stdin = "buckets()".to_owned();
    for arguments in [&["buckets()"][..], &["@q.flux"], &["-f", "q.flux"], &["-"], &[]] {
        place.0.answer_with_headers("POST", "/api/v2/query?org=plant", 200, csv, ANSWER);
        place.run(&[&["query"], arguments].concat()).await.printed(shown);
        let body = place.requests().last().unwrap().json();
        assert_eq!((body["query"].as_str(), body["type"].as_str()), (Some("buckets()"), Some("flux")));
        assert!(body.get("extern").is_none());
    }
    place.0.answer_with_headers("POST", &format!("/api/v2/query?orgID={ORG}"), 200, csv, ANSWER);
    place.run(&["query", "--raw", "-p", "operator", "--org-id", ORG, "x"]).await.printed(ANSWER);
    assert!(place.requests().last().unwrap().body.contains("\"value\":\"operator\""));
}

#[tokio::test]
async fn what_this_server_answers_to_queries_and_deletes_is_told() {
    let place = Place::new().await;
    place.refuse("POST", "/api/v2/query?org=plant", 501, "not implemented", "use SQL");
    place.run(&["query", "x"]).await.told("failed to execute query: 501 Not Implemented: use SQL");
    place.refuse("POST", "/api/v2/delete?org=plant&bucket=press", 501, "not implemented", "delete the table");
    let times = ["--start", "1970-01-01T00:00:00Z", "--stop", "2026-01-01T00:00:00.5Z"];
    place
        .run(&[&["delete", "-b", "press"][..], &times].concat())
        .await
        .told("failed to delete data: 501 Not Implemented: delete the table");
}

#[tokio::test]
async fn points_are_deleted_without_a_word() {
    let place = Place::new().await;
    place.answer_empty("POST", &format!("/api/v2/delete?orgID={ORG}&bucketID={BUCKET}"), 204);
    let times = ["--start", "1970-01-01T00:00:00Z", "--stop", "2026-01-01T00:00:00.5Z", "-p", "a=\"b\""];
    let flags = ["delete", "--bucket-id", BUCKET, "--org-id", ORG];
    place.run(&[&flags[..], &times].concat()).await.printed("");
    let expected = json!({ "start": "1970-01-01T00:00:00Z", "stop": "2026-01-01T00:00:00.5Z", "predicate": "a=\"b\"" });
    assert_eq!(place.requests()[0].json(), expected);
    place.run(&[&["delete"][..], &times].concat()).await.told("must specify bucket ID or bucket name");
    let outcome = place.run(&["delete", "-b", "press", "--start", "yesterday", "--stop", "now"]).await;
    assert!(
        outcome.stderr.starts_with("Error: start time \"yesterday\" cannot be parsed as RFC3339Nano: "),
        "{outcome:?}"
    );
    let outcome = place.run(&["delete", "-b", "press"]).await;
    assert_eq!(outcome.stderr, "Error: Required flags \"start, stop\" not set\n");
}
