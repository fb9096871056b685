//! What happens on the wire: TLS, redirects, answers that break off.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tidegate_model::PlainToken;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::{BaseUrl, Connection, ConnectionOptions, DataClient, Error, Precision, TlsOptions};

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

fn client(port: u16, encrypted: bool, tls: TlsOptions) -> DataClient {
    let options = ConnectionOptions {
        base: BaseUrl::from_host("localhost", port, encrypted).unwrap(),
        tls,
        timeout: Duration::from_secs(30),
        user_agent: "test".to_owned(),
        observer: None,
    };
    DataClient::new(Connection::new(options, &PlainToken::from_presented("apiv1_x")).unwrap())
}

async fn write(client: &DataClient) -> crate::Result<()> {
    client.write(&"plant7".parse().unwrap(), Precision::Nanoseconds, Bytes::from_static(b"m f=1\n")).await
}

/// Reads a request's head and answers with `answer`, then closes.
async fn answer_once(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    // The client may be gone already; what it makes of that is what the test is about.
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn plain_server(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_once(stream, answer));
        }
    });
    port
}

async fn tls_server() -> (u16, String) {
    tls_server_for(None).await
}

/// A server with a certificate of its own, and that certificate. It may want clients to show this one.
async fn tls_server_for(client: Option<CertificateDer<'static>>) -> (u16, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(certificate) => {
            let mut roots = RootCertStore::empty();
            roots.add(certificate).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(vec![certified.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(answer_once(stream, NO_CONTENT));
            }
        }
    });
    (port, certified.cert.pem())
}

#[tokio::test]
async fn a_server_is_trusted_through_its_authority_or_not_at_all() {
    let (port, certificate) = tls_server().await;
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let own = TlsOptions { ca: file("own.pem", &certificate), ..TlsOptions::default() };
    write(&client(port, true, own)).await.unwrap();
    let (_, stranger) = tls_server().await;
    let other = TlsOptions { ca: file("other.pem", &stranger), ..TlsOptions::default() };
    assert!(matches!(write(&client(port, true, other)).await, Err(Error::Unreachable { .. })));
    let blind = TlsOptions { insecure: true, ..TlsOptions::default() };
    write(&client(port, true, blind)).await.unwrap();
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_who_wants_one() {
    let own = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let (port, certificate) = tls_server_for(Some(own.cert.der().clone())).await;
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let without = TlsOptions { ca: file("ca.pem", &certificate), ..TlsOptions::default() };
    assert!(write(&client(port, true, without.clone())).await.is_err());
    let with = TlsOptions {
        certificate: file("own.pem", &own.cert.pem()),
        key: file("own.key", &own.signing_key.serialize_pem()),
        ..without.clone()
    };
    write(&client(port, true, with)).await.unwrap();
    let stranger = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let other = TlsOptions {
        certificate: file("other.pem", &stranger.cert.pem()),
        key: file("other.key", &stranger.signing_key.serialize_pem()),
        ..without
    };
    assert!(write(&client(port, true, other)).await.is_err());
}

#[test]
fn unusable_tls_files_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let missing = directory.path().join("missing.pem");
    let connect = |tls| {
        let options = ConnectionOptions {
            base: BaseUrl::parse("https://localhost").unwrap(),
            tls,
            timeout: Duration::from_secs(1),
            user_agent: "test".to_owned(),
            observer: None,
        };
        Connection::new(options, &PlainToken::from_presented("x")).unwrap_err()
    };
    let none = TlsOptions::default;
    assert!(matches!(connect(TlsOptions { ca: Some(empty.clone()), ..none() }), Error::Tls(_)));
    assert!(matches!(connect(TlsOptions { ca: Some(missing), ..none() }), Error::TlsFile { .. }));
    assert!(matches!(connect(TlsOptions { key: Some(empty.clone()), ..none() }), Error::Tls(_)));
    let both = TlsOptions { key: Some(empty.clone()), certificate: Some(empty), ..none() };
    assert!(matches!(connect(both), Error::Tls(_)));
}

#[tokio::test]
async fn redirects_do_not_take_the_credential_elsewhere() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = listener.local_addr().unwrap().port();
    let answer = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{elsewhere}/\r\n\r\n");
    let port = plain_server(answer.leak()).await;
    let error = write(&client(port, false, TlsOptions::default())).await.unwrap_err();
    assert!(matches!(error, Error::Unexpected { .. }), "{error}");
    assert!(listener.into_std().unwrap().accept().is_err(), "somebody has connected");
}

#[tokio::test]
async fn an_answer_that_breaks_off_gives_no_rows() {
    let port = plain_server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"a\":1}\n\r\n").await;
    let client = client(port, false, TlsOptions::default());
    let error = client.query_sql(&"plant7".parse().unwrap(), "SELECT 1").await.unwrap_err();
    assert!(matches!(error, Error::BrokenOff { .. }), "{error}");
}

#[tokio::test]
async fn rows_may_be_cut_anywhere_by_chunks() {
    let port = plain_server(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n9\r\n\":1}\n{\"a\"\r\n4\r\n:2}\n\r\n0\r\n\r\n",
    )
    .await;
    let client = client(port, false, TlsOptions::default());
    let rows = client.query_sql(&"plant7".parse().unwrap(), "SELECT 1").await.unwrap().rows;
    let values: Vec<i64> = rows.iter().map(|row| row.0[0].1.as_i64().unwrap()).collect();
    assert_eq!(values, [1, 2]);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for (answer, not_found, conflict, unauthorized) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", true, false, false),
        ("HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n", false, true, false),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", false, false, true),
    ] {
        let port = plain_server(answer).await;
        let error = write(&client(port, false, TlsOptions::default())).await.unwrap_err();
        assert_eq!(
            (error.is_not_found(), error.is_conflict(), error.is_unauthorized()),
            (not_found, conflict, unauthorized)
        );
    }
}
