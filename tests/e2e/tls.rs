//! `--tls-self-signed`: clients that are given the certificate just work, others do not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::support::api::{Api, Credentials, http_client, send};
use super::support::cli::Cli;
use super::support::server::{Launch, Server};

fn launch(directory: &tempfile::TempDir) -> Launch {
    Launch::new(directory.path().join("data")).arg("--tls-self-signed")
}

fn certificate(server: &Server) -> PathBuf {
    server.data_dir.join("tls/cert.pem")
}

fn trusting(server: &Server) -> reqwest::Client {
    let pem = std::fs::read(certificate(server)).unwrap();
    http_client().add_root_certificate(reqwest::Certificate::from_pem(&pem).unwrap()).build().unwrap()
}

#[tokio::test]
async fn the_command_line_works_and_strangers_do_not_trust_it() {
    let directory = tempfile::tempdir().unwrap();
    let server = launch(&directory).start().await;
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let tls = server.data_dir.join("tls");
    assert_eq!([mode(tls.clone()), mode(tls.join("cert.pem")), mode(tls.join("key.pem"))], [0o700, 0o600, 0o600]);
    assert!(server.log().contains(certificate(&server).to_str().unwrap()), "{}", server.log());
    let profile = Credentials::read(&server.data_dir).profile;
    assert_eq!(profile["tls"]["ca"].as_str(), certificate(&server).to_str());

    let cli = Cli::of(&server);
    cli.run(["database", "create", "plant7"]).success();
    cli.influxctl().run(["token", "list"]).success();
    let mut api = Api::of(&server);
    api.http = trusting(&server);
    let token = api.create_token(&[("write", "plant7"), ("read", "plant7")]).await.text;
    api.write(&token, "plant7", "m x=1 1").await.expect_status(204);
    assert!(http_client().build().unwrap().get(format!("{}/health", server.url)).send().await.is_err());
}

#[tokio::test]
async fn curl_accepts_the_certificate_under_every_name() {
    let directory = tempfile::tempdir().unwrap();
    let server = launch(&directory).start().await;
    let port = server.url.rsplit(':').next().unwrap();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for name in ["127.0.0.1", "localhost", &host] {
        let status = |ca: &[&str]| {
            let mut curl = Command::new("curl");
            curl.args(["--silent", "--noproxy", "*", "--output", "/dev/null", "--write-out", "%{http_code}"]);
            curl.args(["--connect-to", &format!("{name}:{port}:127.0.0.1:{port}")]).args(ca);
            let said = curl.arg(format!("https://{name}:{port}/health")).output().unwrap();
            String::from_utf8(said.stdout).unwrap()
        };
        assert_eq!(status(&["--cacert", certificate(&server).to_str().unwrap()]), "200", "{name}");
        assert_eq!(status(&[]), "000", "{name}: nobody trusts it unasked");
    }
}

#[tokio::test]
async fn clients_that_trust_it_go_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = launch(&directory).start().await;
    let client = trusting(&server);
    assert_eq!(server.stop(), Some(0));
    let server = launch(&directory).start().await;
    send(client.get(format!("{}/health", server.url))).await.expect_status(200);
}

#[tokio::test]
async fn a_start_that_fails_leaves_the_certificate_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut server = launch(&directory).start().await;
    let before = std::fs::read(certificate(&server)).unwrap();
    assert_eq!(server.stop(), Some(0));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = taken.local_addr().unwrap().to_string();
    // The certificate lacks the second address.
    let (code, said) = launch(&directory).listen([&busy, "127.0.0.2:0"]).refuses_to_start();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&busy), "{said}");
    assert_eq!(std::fs::read(certificate(&server)).unwrap(), before);
}

#[tokio::test]
async fn it_can_listen_on_every_address() {
    let directory = tempfile::tempdir().unwrap();
    let server = launch(&directory).listen(["0.0.0.0:0", "127.0.0.1:0"]).start().await;
    assert!(server.url.starts_with("https://"), "{}", server.url);
    Cli::of(&server).run(["token", "list"]).success();
}

#[test]
fn a_given_certificate_and_a_made_one_exclude_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let (code, said) = launch(&directory).arg("--tls-cert=c").arg("--tls-key=k").refuses_to_start();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--tls-self-signed"), "{said}");
    assert!(!directory.path().join("data").exists());
}
