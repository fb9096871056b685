//! Bodies of writes: encodings, sizes, emptiness, line ends (data-plane contract §4.3, line-protocol contract §2).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::fixture::{Answer, Fixture, bare_request, fixture};

const ENDPOINTS: [&str; 3] = ["/write?db=a", "/api/v2/write?bucket=a", "/api/v3/write_lp?db=a&precision=ns"];
const LIMIT: usize = 10_485_760;

async fn send(f: &Fixture, token: &str, path: &str, encodings: &[&str], body: Vec<u8>) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("authorization", authorization.as_bytes())];
    headers.extend(encodings.iter().map(|encoding| ("content-encoding", encoding.as_bytes())));
    f.send(bare_request("POST", path, &headers, body)).await
}

/// The status and the message of an answer in the form of its endpoint.
fn outcome(path: &str, answer: &Answer) -> (u16, String) {
    assert!(answer.is_json(), "{path}");
    let body = answer.json();
    let member = if path.starts_with("/api/v2") { "message" } else { "error" };
    (answer.status.as_u16(), body[member].as_str().unwrap().to_owned())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn count(f: &Fixture, token: &str, table: &str) -> i64 {
    let rows = f.rows(token, "a", &format!("SELECT count(*) AS n FROM {table}")).await;
    rows[0]["n"].as_i64().unwrap()
}

#[tokio::test]
async fn success_is_204_and_empty() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for path in ENDPOINTS {
        let answer = send(&f, &token, path, &[], b"cpu f=1 1\n".to_vec()).await;
        assert_eq!(answer.status, 204, "{path}");
        assert!(answer.body.is_empty());
        assert_eq!(answer.headers.get("content-type"), None);
    }
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let authorization = format!("Token {token}");
    for path in ENDPOINTS {
        for kind in [&b"text/plain; charset=utf-8"[..], b"application/octet-stream", b"application/json", b"\xff"] {
            let headers = [("authorization", authorization.as_bytes()), ("content-type", kind)];
            assert_eq!(f.send(bare_request("POST", path, &headers, "cpu f=1 1")).await.status, 204, "{path}");
        }
    }
}

#[tokio::test]
async fn content_encodings() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let two_members = [gzip(b"members f=1 1\n"), gzip(b"members f=1 2\n")].concat();
    for path in ENDPOINTS {
        assert_eq!(send(&f, &token, path, &["identity"], b"cpu f=1 1".to_vec()).await.status, 204, "{path}");
        assert_eq!(send(&f, &token, path, &["gzip"], gzip(b"zipped f=1 1\nzipped f=1 2")).await.status, 204, "{path}");
        assert_eq!(send(&f, &token, path, &["x-gzip"], two_members.clone()).await.status, 204, "{path}");
        for encoding in ["GZIP", "gzip, identity", "deflate", "br", "zstd", ""] {
            let answer = send(&f, &token, path, &[encoding], gzip(b"cpu f=1 1")).await;
            let expected = format!("unacceptable content-encoding: {encoding}");
            assert_eq!(outcome(path, &answer), (400, expected), "{path}");
        }
        let twice = send(&f, &token, path, &["gzip", "gzip"], gzip(&gzip(b"cpu f=1 1"))).await;
        assert_eq!(outcome(path, &twice), (400, "unacceptable content-encoding: gzip, gzip".to_owned()), "{path}");
    }
    assert_eq!(count(&f, &token, "zipped").await, 2);
    assert_eq!(count(&f, &token, "members").await, 2);
}

#[tokio::test]
async fn what_is_not_gzip_is_refused_whole() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let good = gzip(b"broken f=1 1\nbroken f=1 2");
    let mut wrong_sum = good.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let bodies =
        [b"broken f=1 1".to_vec(), Vec::new(), good[..good.len() - 1].to_vec(), wrong_sum, [&good[..], b"x"].concat()];
    for path in ENDPOINTS {
        for body in &bodies {
            let (status, message) = outcome(path, &send(&f, &token, path, &["gzip"], body.clone()).await);
            assert_eq!(status, 400, "{path}");
            assert!(message.starts_with("error decoding gzip stream: "), "{message}");
        }
    }
    assert_eq!(f.query(&token, "a", "SELECT * FROM broken").await.status, 400, "no such table");
}

#[tokio::test]
async fn bodies_have_a_limit_before_and_after_decompression() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let padded = |table: &str, size: usize| {
        let mut body = format!("{table} f=1 1\n#").into_bytes();
        body.resize(size, b'x');
        body
    };
    for (n, path) in ENDPOINTS.into_iter().enumerate() {
        let exact = send(&f, &token, path, &[], padded(&format!("plain{n}"), LIMIT)).await;
        assert_eq!(exact.status, 204, "{path}");
        let exact = send(&f, &token, path, &["gzip"], gzip(&padded(&format!("zip{n}"), LIMIT))).await;
        assert_eq!(exact.status, 204, "{path}");
        let bomb = gzip(&padded("never", 11 << 20));
        assert!(bomb.len() < 100_000);
        for (encoding, body) in
            [(&[][..], padded("never", LIMIT + 1)), (&["gzip"], gzip(&padded("never", LIMIT + 1))), (&["gzip"], bomb)]
        {
            let answer = send(&f, &token, path, encoding, body).await;
            assert_eq!(
                outcome(path, &answer),
                (413, "max request size (10485760 bytes) exceeded".to_owned()),
                "{path}"
            );
            if path.starts_with("/api/v2") {
                assert_eq!(answer.json()["code"], "request too large");
            }
        }
        assert_eq!(count(&f, &token, &format!("plain{n}")).await, 1);
        assert_eq!(count(&f, &token, &format!("zip{n}")).await, 1);
    }
    assert_eq!(f.query(&token, "a", "SELECT * FROM never").await.status, 400, "nothing of it was written");
}

#[tokio::test]
async fn a_body_without_a_point_is_refused() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for path in ENDPOINTS {
        for body in ["", "\n", "\n\n\r\n", " \t\n", "# comment", "# a\n#b\r\n", "\u{feff}"] {
            let (status, message) = outcome(path, &send(&f, &token, path, &[], body.into()).await);
            assert_eq!(status, 400, "{path} {body:?}");
            assert!(message.ends_with("incoming write was empty"), "{message}");
        }
        let (status, message) = outcome(path, &send(&f, &token, path, &["gzip"], gzip(b"")).await);
        assert_eq!(status, 400);
        assert!(message.ends_with("incoming write was empty"), "{message}");
    }
}

#[tokio::test]
async fn case_110_text_that_is_not_utf8_is_refused_whole() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for path in ENDPOINTS {
        for body in
            [&b"text f=1 1\ntext f=\"\xff\" 2"[..], b"\xfftext f=1", b"text f=1\n# \xc3", b"text f=\"\xed\xa0\x80\""]
        {
            for (encodings, body) in [(&[][..], body.to_vec()), (&["gzip"], gzip(body))] {
                let (status, message) = outcome(path, &send(&f, &token, path, encodings, body).await);
                assert_eq!(status, 400, "{path}");
                assert!(message.starts_with("body content is not valid utf8: "), "{message}");
            }
        }
    }
    assert_eq!(f.query(&token, "a", "SELECT * FROM text").await.status, 400, "no such table");
}

#[tokio::test]
async fn line_ends() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for (n, path) in ENDPOINTS.into_iter().enumerate() {
        let table = format!("ends{n}");
        let body = format!(
            "\r\n{table} f=1 1\r\n{table} f=2 2\n\n{table} f=3\r\n# comment \"=\r\n{table},t=x s=\"a\r\nb\" 4\r\n{table} f=5 5"
        );
        assert_eq!(send(&f, &token, path, &[], body.into_bytes()).await.status, 204, "{path}");
        let rows =
            f.rows(&token, "a", &format!("SELECT f, s FROM {table} WHERE time < '2000-01-01' ORDER BY time")).await;
        assert_eq!(rows, json!([{ "f": 1.0 }, { "f": 2.0 }, { "s": "a\r\nb" }, { "f": 5.0 }]), "{path}");
        assert_eq!(count(&f, &token, &table).await, 5);
    }
    // A lone carriage return is not a line end.
    for path in ENDPOINTS {
        assert_eq!(send(&f, &token, path, &[], b"cpu f=1 1\rcpu f=2 2".to_vec()).await.status, 400, "{path}");
    }
}
