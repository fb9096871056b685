//! Starting and stopping the server.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use rcgen::CertifiedKey;
use serde_json::json;

use super::support::api::{Api, Credentials, Fresh, http_client, send};
use super::support::cli::Cli;
use super::support::eventually;
use super::support::raw::RawConnection;
use super::support::server::{Launch, binary, clean_command};

const CREDENTIALS: &str = "credentials.toml";

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_first_start_makes_credentials_and_says_where_they_are() {
    let fresh = Fresh::start().await;
    let path = fresh.server.data_dir.join(CREDENTIALS);
    assert_eq!(mode(&path), 0o600);
    let credentials = Credentials::read(&fresh.server.data_dir);
    assert_eq!((credentials.text("name"), credentials.text("product")), ("default".to_owned(), "dedicated".to_owned()));
    assert_eq!(credentials.text("host"), "127.0.0.1");
    assert_eq!(format!("{}:{}", credentials.text("host"), credentials.text("port")), fresh.server.authority());
    assert!(credentials.text("management_url").starts_with(&fresh.server.url));
    for key in ["account_id", "cluster_id"] {
        let parts: Vec<usize> = credentials.text(key).split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{key} is a UUID");
    }
    fresh.api.get("/tokens").await.expect_status(200);

    let log = fresh.server.log();
    assert!(log.contains(path.to_str().unwrap()), "{log}");
    let commands: Vec<&str> = log.lines().filter(|line| line.contains("--config")).collect();
    assert_eq!(commands.len(), 5, "{log}");
    for word in ["database create", "token create", "write", "query", "token revoke"] {
        assert!(commands.iter().any(|line| line.contains(word)), "{word} is missing in {log}");
    }
    assert!(!log.contains(&fresh.api.management_token[6..]));
}

#[tokio::test]
async fn a_later_start_refreshes_only_the_address() {
    let mut fresh = Fresh::start().await;
    let path = fresh.server.data_dir.join(CREDENTIALS);
    let (id, token) =
        (Credentials::read(&fresh.server.data_dir).text("account_id"), fresh.api.management_token.clone());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("# a note of the owner\n{text}")).unwrap();
    assert_eq!(fresh.server.stop(), Some(0));
    fresh.restart().await;
    let credentials = Credentials::read(&fresh.server.data_dir);
    assert_eq!(credentials.management_token(), Some(token));
    assert_eq!(credentials.text("account_id"), id);
    assert_eq!(format!("{}:{}", credentials.text("host"), credentials.text("port")), fresh.server.authority());
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("# a note of the owner\n"));
    assert_eq!(mode(&path), 0o600);
    fresh.api.get("/tokens").await.expect_status(200);
}

#[tokio::test]
async fn one_data_directory_has_one_server() {
    let fresh = Fresh::start().await;
    let (code, said) = Launch::new(&fresh.server.data_dir).refuses_to_start();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&fresh.server.process_id().to_string()), "it names the process that holds it: {said}");
    fresh.api.get("/tokens").await.expect_status(200);
}

#[tokio::test]
async fn a_taken_port_is_a_failure_that_names_it() {
    let fresh = Fresh::start().await;
    let directory = tempfile::tempdir().unwrap();
    let (code, said) = Launch::new(directory.path().join("data")).listen([fresh.server.authority()]).refuses_to_start();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(fresh.server.authority()), "{said}");
}

#[tokio::test]
async fn several_addresses_and_ipv6_are_served() {
    let directory = tempfile::tempdir().unwrap();
    let server = Launch::new(directory.path().join("data")).listen(["[::1]:0", "127.0.0.1:0"]).start().await;
    let client = http_client().build().unwrap();
    let log = server.log();
    let mut urls: Vec<String> =
        log.match_indices("http://").map(|(at, _)| log[at..].lines().next().unwrap().to_owned()).collect();
    urls.sort();
    urls.dedup();
    let hosts: Vec<&str> = ["http://[::1]:", "http://127.0.0.1:"]
        .into_iter()
        .filter(|host| urls.iter().any(|url| url.starts_with(host)))
        .collect();
    assert_eq!(hosts.len(), 2, "{}", server.log());
    for url in &urls {
        let base = url.trim_end_matches(|character: char| !character.is_ascii_digit());
        send(client.get(format!("{base}/health"))).await.expect_status(200);
    }
}

#[test]
fn usage_faults_exit_with_2() {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::new(directory.path().join("data"));
    for (launch, named) in [
        (launch.clone().arg("--no-such-flag"), "--no-such-flag"),
        (launch.clone().arg("surplus"), "too many arguments"),
        (launch.clone().arg("--log-format=xml"), "xml"),
        (launch.clone().listen(["nonsense"]), "nonsense"),
        (launch.clone().listen(["127.0.0.1:70000"]), "70000"),
        (launch.clone().arg("--tls-cert=cert.pem"), "--tls-key"),
    ] {
        let (code, said) = launch.refuses_to_start();
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(named), "{named} is not named: {said}");
    }
    assert!(!directory.path().join("data").exists(), "a start that is refused leaves nothing behind");
}

#[tokio::test]
async fn plaintext_beyond_loopback_must_be_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::new(directory.path().join("data")).listen(["0.0.0.0:0", "127.0.0.1:0"]);
    let (code, said) = launch.refuses_to_start();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--allow-plaintext"), "{said}");
    let server = launch.arg("--allow-plaintext").start().await;
    Api::of(&server).get("/tokens").await.expect_status(200);
}

#[tokio::test]
async fn settings_come_from_flag_then_variable_then_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let file = path("settings.toml");
    std::fs::write(&file, format!("data-dir = {:?}\nlisten = [\"127.0.0.1:0\"]\n", path("from-file"))).unwrap();
    let mut made = Vec::new();
    for (flag, variable) in [(true, true), (false, true), (false, false)] {
        let mut command = clean_command(&binary(), directory.path());
        command.args(["serve", "--config", &file]).current_dir(directory.path());
        if flag {
            command.args(["--data-dir", &path("from-flag")]);
        }
        if variable {
            command.env("TIDEGATE_DATA_DIR", path("from-variable"));
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let new = eventually("a data directory appears", async || {
            ["from-flag", "from-variable", "from-file"]
                .into_iter()
                .find(|name| !made.contains(name) && directory.path().join(name).join(CREDENTIALS).exists())
        })
        .await;
        made.push(new);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(made, ["from-flag", "from-variable", "from-file"]);

    std::fs::write(&file, "surprise = 1\n").unwrap();
    let (code, said) = Launch::new(path("never")).arg("--config").arg(&file).refuses_to_start();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("surprise"), "{said}");
}

#[tokio::test]
async fn a_stop_is_clean_though_clients_stay_connected() {
    let mut fresh = Fresh::start().await;
    let api = &fresh.api;
    api.create_database("plant7").await;
    let token = api.create_token(&[("write", "plant7"), ("read", "plant7")]).await.text;
    api.write(&token, "plant7", "m x=1 1").await.expect_status(204);
    let idle = RawConnection::open(fresh.server.authority()).await;
    let mut half_sent = RawConnection::open(fresh.server.authority()).await;
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Length", "1000")];
    half_sent.send_head("POST /api/v3/write_lp?db=plant7", &headers).await;
    half_sent.send(b"m x=2 ").await.unwrap();

    assert_eq!(fresh.server.stop(), Some(0), "{}", fresh.server.log());
    drop((idle, half_sent));
    fresh.restart().await;
    let rows = fresh.api.rows(&token, "plant7", "SELECT x FROM m").await;
    assert_eq!(rows, [json!({ "x": 1.0 })]);
}

#[tokio::test]
async fn ctrl_c_ends_it_in_order_too() {
    let mut fresh = Fresh::start().await;
    let api = &fresh.api;
    api.create_database("plant7").await;
    let token = api.create_token(&[("write", "plant7"), ("read", "plant7")]).await.text;
    api.write(&token, "plant7", "m x=1 1").await.expect_status(204);
    let idle = RawConnection::open(fresh.server.authority()).await;
    fresh.server.interrupt();
    assert_eq!(fresh.server.wait(), Some(0), "{}", fresh.server.log());
    assert!(fresh.server.finished_log().contains("stopped"));
    drop(idle);
    fresh.restart().await;
    assert_eq!(fresh.api.rows(&token, "plant7", "SELECT x FROM m").await, [json!({ "x": 1.0 })]);
}

#[tokio::test]
async fn the_recovery_window_says_for_how_long_deleted_databases_come_back() {
    for (window, comes_back) in [(None, true), (Some("1ms"), false)] {
        let with_window = |launch: Launch| match window {
            Some(window) => launch.arg("--recovery-window").arg(window),
            None => launch,
        };
        let fresh = Fresh::start_with(with_window).await;
        fresh.api.create_database("plant7").await;
        fresh.api.delete("/databases/plant7").await.expect_status(204);
        let deleted = async || fresh.api.get("/databases?status=deleted").await.expect_status(200).json();
        let expected = usize::from(comes_back);
        eventually("the window has passed", async || {
            (deleted().await.as_array().unwrap().len() == expected).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn metrics_are_for_the_operator_or_for_everybody() {
    let http = http_client().build().unwrap();
    let fresh = Fresh::start().await;
    let metrics = format!("{}/metrics", fresh.server.url);
    send(http.get(&metrics)).await.expect_status(401);
    let database_token = fresh.api.create_token(&[("read", "*"), ("write", "*")]).await.text;
    send(http.get(&metrics).bearer_auth(&database_token)).await.expect_status(401);
    let shown = send(http.get(&metrics).bearer_auth(&fresh.api.management_token)).await.expect_status(200);
    assert!(shown.body.contains("\ntidegate_credentials 2\n") && shown.body.ends_with("# EOF\n"), "{}", shown.body);

    let public = Fresh::start_with(|launch| launch.arg("--metrics-public")).await;
    let shown = send(http.get(format!("{}/metrics", public.server.url))).await.expect_status(200);
    assert!(shown.body.contains("\ntidegate_credentials 1\n"), "{}", shown.body);
    send(http.get(format!("{}/tokens", public.api.cluster))).await.expect_status(401);
}

#[tokio::test]
async fn tls_serves_http1_and_http2() {
    let directory = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (cert_path, key_path) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&cert_path, cert.pem()).unwrap();
    std::fs::write(&key_path, signing_key.serialize_pem()).unwrap();
    let server = Launch::new(directory.path().join("data"))
        .arg("--tls-cert")
        .arg(cert_path.to_str().unwrap())
        .arg("--tls-key")
        .arg(key_path.to_str().unwrap())
        .start()
        .await;
    assert!(server.url.starts_with("https://"));

    let trusting = || {
        let root = reqwest::Certificate::from_pem(cert.pem().as_bytes()).unwrap();
        http_client().add_root_certificate(root)
    };
    let mut api = Api::of(&server);
    api.http = trusting().build().unwrap();
    api.create_database("plant7").await;
    let token = api.create_token(&[("write", "plant7"), ("read", "plant7")]).await.text;
    for (client, version) in [(trusting(), http::Version::HTTP_2), (trusting().http1_only(), http::Version::HTTP_11)] {
        api.http = client.build().unwrap();
        let written = api.write_request(&token, "plant7", "m x=1 1").send().await.unwrap();
        assert_eq!((written.status().as_u16(), written.version()), (204, version));
    }
    assert_eq!(api.rows(&token, "plant7", "SELECT x FROM m").await, [json!({ "x": 1.0 })]);

    let plain = http_client().build().unwrap().get(server.url.replace("https", "http")).send().await;
    assert!(plain.is_err() || plain.is_ok_and(|answer| answer.status() == 400), "plain HTTP is not served");
    let credentials = Credentials::read(&server.data_dir);
    assert!(credentials.text("management_url").starts_with("https://"));
    Cli::of(&server).run(["token", "list", "--format", "json"]).success();
}

#[tokio::test]
async fn a_management_token_can_be_brought_along() {
    let directory = tempfile::tempdir().unwrap();
    let cli = Cli::bare(directory.path());
    let token = cli.run(["management", "generate"]).success().last_line().to_owned();
    assert!(token.starts_with("mgmt1_") && token.len() == 92, "{token}");
    let other = cli.run(["management", "generate"]).success().last_line().to_owned();
    assert_ne!(token, other);
    let file = directory.path().join("bootstrap");
    let data_dir = directory.path().join("data");
    let launch = Launch::new(&data_dir).arg("--bootstrap-management-token-file").arg(file.to_str().unwrap());

    std::fs::write(&file, "hunter2\n").unwrap();
    let (code, said) = launch.refuses_to_start();
    assert_eq!(code, 1, "{said}");
    assert!(!said.contains("hunter2"), "{said}");

    std::fs::write(&file, format!("{token}\n")).unwrap();
    let mut server = launch.start().await;
    let credentials = Credentials::read(&data_dir);
    assert_eq!(credentials.management_token(), None);
    let api = |server: &_, token: &str| Api::with_token(server, &credentials, token.to_owned());
    api(&server, &token).get("/tokens").await.expect_status(200);
    assert!(!server.log().contains(&token[6..]));
    assert_eq!(server.stop(), Some(0));

    std::fs::write(&file, &other).unwrap();
    let mut server = launch.start().await;
    api(&server, &other).get("/tokens").await.expect_status(401);
    let second = api(&server, &token).create_management_token("second").await;
    let list =
        http_client().build().unwrap().get(api(&server, "").account + "/management-tokens").bearer_auth(&second.text);
    let listed = send(list).await.expect_status(200).json();
    let brought = listed.as_array().unwrap().iter().find(|entry| entry["id"] != second.id.as_str()).unwrap();
    let revoke = api(&server, &second.text).revoke_management_token(brought["id"].as_str().unwrap());
    send(revoke).await.expect_status(204);
    assert_eq!(server.stop(), Some(0));

    std::fs::write(&file, &token).unwrap();
    let server = launch.start().await;
    api(&server, &token).get("/tokens").await.expect_status(401);
    api(&server, &second.text).get("/tokens").await.expect_status(200);
}
