//! What travels, and what is told of it.

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_model::PlainToken;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::{BaseUrl, Precision, TlsOptions};

const SECRET: &str = "-hunter2_and-more==";

/// A server that answers once, and what it was sent.
async fn server(answer: &'static str) -> (BaseUrl, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = BaseUrl::from_host("127.0.0.1", listener.local_addr().unwrap().port(), false).unwrap();
    let received = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = Vec::new();
        let mut chunk = [0; 4096];
        while !is_complete(&received) {
            let count = stream.read(&mut chunk).await.unwrap();
            received.extend_from_slice(&chunk[..count]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        received
    });
    (base, received)
}

fn split(request: &[u8]) -> Option<(String, &[u8])> {
    let end = request.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8(request[..end].to_vec()).unwrap(), &request[end + 4..]))
}

fn is_complete(request: &[u8]) -> bool {
    let Some((head, body)) = split(request) else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    body.len() >= length.parse().unwrap()
}

fn options(base: BaseUrl, credential: Credential) -> Options {
    Options {
        base,
        tls: TlsOptions::default(),
        timeout: Duration::from_secs(30),
        user_agent: "test".to_owned(),
        credential,
        headers: Vec::new(),
        observer: None,
    }
}

fn token() -> Credential {
    Credential::Token(PlainToken::from_presented(SECRET))
}

#[tokio::test]
async fn lines_travel_compressed_with_the_token() {
    let (base, received) = server("HTTP/1.1 204 No Content\r\n\r\n").await;
    let client = Client::new(options(base, token())).unwrap();
    let target = WriteTarget { bucket: "b&c".to_owned(), org: "o".to_owned(), precision: Precision::Milliseconds };
    client.write(&target, b"m f=1 1\n").await.unwrap();
    let received = received.await.unwrap();
    let (head, body) = split(&received).unwrap();
    assert!(head.starts_with("POST /api/v2/write?bucket=b%26c&org=o&precision=ms HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("authorization: Token {SECRET}")), "{head}");
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let mut lines = String::new();
    flate2::read::GzDecoder::new(body).read_to_string(&mut lines).unwrap();
    assert_eq!(lines, "m f=1 1\n");
}

#[tokio::test]
async fn sign_in_takes_the_cookie_of_the_dialect() {
    let answer = "HTTP/1.1 204 No Content\r\nSet-Cookie: other=1\r\n\
                  Set-Cookie: influxdb-oss-session=Kx-_=; Path=/api/; HttpOnly\r\n\r\n";
    let (base, received) = server(answer).await;
    let client = Client::new(options(base, Credential::None)).unwrap();
    let key = client.sign_in("ada", &PlainToken::from_presented("hunter2")).await.unwrap();
    assert_eq!(key.expose(), "Kx-_=");
    let received = received.await.unwrap();
    let (head, _) = split(&received).unwrap();
    assert!(head.contains("authorization: Basic YWRhOmh1bnRlcjI=") && head.contains("content-length: 0"), "{head}");
}

#[tokio::test]
async fn what_is_told_of_a_request_holds_no_credential() {
    let answer = "HTTP/1.1 204 No Content\r\ntrace-id: 00ff\r\ntrace-sampled: true\r\n\
                  Set-Cookie: influxdb-oss-session=hunter2\r\n\r\n";
    for (credential, shown) in [
        (token(), "authorization: Token ***"),
        (Credential::Session(PlainToken::from_presented(SECRET)), "cookie: ***"),
    ] {
        let (base, received) = server(answer).await;
        let heads: Arc<Mutex<Vec<Heads>>> = Arc::default();
        let sink = Arc::clone(&heads);
        let mut options = options(base, credential);
        options.headers = vec![("x-key".to_owned(), "hunter2-too".to_owned())];
        options.observer = Some(Arc::new(move |heads: &Heads| sink.lock().unwrap().push(heads.clone())));
        let client = Client::new(options).unwrap();
        client.health().await.unwrap();
        let received = received.await.unwrap();
        assert!(split(&received).unwrap().0.contains("x-key: hunter2-too"));
        let heads = heads.lock().unwrap();
        assert!(heads[0].request.iter().any(|line| line == shown), "{heads:?}");
        assert_eq!(heads[0].request[0], "GET /health");
        assert_eq!(heads[0].trace.as_deref(), Some("00ff"));
        assert!(!format!("{heads:?}").contains("hunter2"), "{heads:?}");
    }
}

#[tokio::test]
async fn a_trace_id_that_nobody_samples_is_not_told() {
    let (base, _received) = server("HTTP/1.1 204 No Content\r\ntrace-id: 00ff\r\n\r\n").await;
    let heads: Arc<Mutex<Vec<Heads>>> = Arc::default();
    let sink = Arc::clone(&heads);
    let mut options = options(base, token());
    options.observer = Some(Arc::new(move |heads: &Heads| sink.lock().unwrap().push(heads.clone())));
    Client::new(options).unwrap().health().await.unwrap();
    assert_eq!(heads.lock().unwrap()[0].trace, None);
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let base = BaseUrl::from_host("127.0.0.1", port, false).unwrap();
    let client = Client::new(options(base, token())).unwrap();
    let filter = AuthorizationFilter { user: "ada".to_owned(), ..AuthorizationFilter::default() };
    let error = client.authorizations(AuthorizationKind::Token, &filter).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "Get \"http://127.0.0.1:{port}/api/v2/authorizations\": dial tcp 127.0.0.1:{port}: connect: connection \
             refused"
        )
    );
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (base, _received) = server("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n\r\n").await;
    let error = Client::new(options(base, token())).unwrap().health().await.unwrap_err();
    assert_eq!((error.status(), error.to_string().as_str()), (Some(307), "307 Temporary Redirect: "));
}

#[tokio::test]
async fn bodies_that_are_not_as_documented() {
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
            "unable to decode response content type \"text/html\"",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[x",
            "the answer is not the documented JSON (line 1, column 2)",
        ),
    ] {
        let (base, _received) = server(answer).await;
        let error = Client::new(options(base, token())).unwrap().may_set_up().await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let (base, _received) = server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert!(!Client::new(options(base, token())).unwrap().may_set_up().await.unwrap());
}

#[test]
fn nothing_shows_secrets() {
    let password = Some(PlainToken::from_presented("hunter2"));
    let (bucket, org, username) = ("b".to_owned(), "o".to_owned(), "u".to_owned());
    let new = NewInstance { bucket, org, username, password: password.clone(), token: password, retention_seconds: 0 };
    assert!(!format!("{new:?}").contains("hunter2"));
    let base = BaseUrl::parse("http://localhost/x").unwrap();
    let client = Client::new(options(base, token())).unwrap();
    assert!(!format!("{client:?}").contains("hunter2"));
    let broken = Credential::Token(PlainToken::from_presented("hunter2\n"));
    let error = Client::new(options(BaseUrl::parse("http://localhost").unwrap(), broken)).unwrap_err();
    assert!(!error.to_string().contains("hunter2"));
}
