//! `tidegate setup`: the first credentials of the v2 API.

use super::support::api::{Api, Fresh};
use super::support::machine::{LINE, Machine, PASSWORD, V2, setup_of, sign_in};
use super::support::server::Server;

#[tokio::test]
async fn a_running_server_is_set_up_once_and_keeps_what_it_has() {
    let fresh = Fresh::start().await;
    let api = &fresh.api;
    api.create_database("plant7").await;
    let old = api.create_token(&[("write", "plant7"), ("read", "plant7")]).await.text;
    api.write(&old, "plant7", LINE).await.expect_status(204);

    let said = setup_of(&fresh.server, &["--password-file", "-"], &format!("{PASSWORD}\n")).success();
    for word in ["my-user", "my-org", "plant7"] {
        assert!(said.stdout.contains(word), "{said:?}");
    }
    let v2 = V2::of(&fresh.server, said.last_line());
    assert_eq!(v2.token.len(), 88);
    assert_eq!(said.stdout.matches(&v2.token).count() + said.stderr.matches(&v2.token).count(), 1);
    v2.expect_operator(&fresh.server).await;
    assert_eq!(v2.names("/api/v2/users", "users").await, ["my-user"]);
    assert_eq!(v2.names("/api/v2/orgs", "orgs").await, ["my-org"]);
    assert_eq!(v2.names("/api/v2/buckets", "buckets").await, ["plant7"]);
    assert_eq!(api.rows(&old, "plant7", "SELECT * FROM press").await.len(), 1);
    api.get("/tokens").await.expect_status(200);
    assert_eq!(sign_in(&fresh.server, "my-user", PASSWORD).await, 204);

    let again = setup_of(&fresh.server, &[], "").failure();
    assert!(again.stderr.contains("set up before") && again.stdout.is_empty(), "{again:?}");
    assert_eq!(v2.names("/api/v2/users", "users").await, ["my-user"]);
    v2.get("/api/v2/me").await.expect_status(200);
}

#[tokio::test]
async fn a_stopped_server_is_set_up_once_also_after_a_kill() {
    let machine = Machine { directory: tempfile::tempdir().unwrap() };
    let mut server = machine.launch().start().await;
    let api = Api::of(&server);
    api.create_database("plant7").await;
    let old = api.create_token(&[("write", "plant7"), ("read", "plant7")]).await.text;
    api.write(&old, "plant7", LINE).await.expect_status(204);
    server.kill();

    let password = machine.file("password", PASSWORD);
    let said = machine.setup(&["--password-file", &password, "--retention", "30d"], "").success();
    let again = machine.setup(&[], "").failure();
    assert!(again.stderr.contains("set up before") && again.stdout.is_empty(), "{again:?}");

    let server = machine.launch().start().await;
    let v2 = V2::of(&server, said.last_line());
    v2.expect_operator(&server).await;
    assert_eq!(v2.names("/api/v2/users", "users").await, ["my-user"]);
    assert_eq!(sign_in(&server, "my-user", PASSWORD).await, 204);
    let api = Api::of(&server);
    assert_eq!(api.rows(&old, "plant7", "SELECT * FROM press").await.len(), 1);
    let databases = api.get("/databases").await.expect_status(200).json();
    assert_eq!(databases[0]["retentionPeriod"], 0, "a bucket that was there stays as it was: {databases}");
}

#[tokio::test]
async fn a_new_bucket_has_the_retention_that_was_given() {
    let seconds = async |server: &Server, token: &str| {
        let answer = V2::of(server, token).get("/api/v2/buckets?name=plant7").await.expect_status(200).json();
        answer["buckets"][0]["retentionRules"][0]["everySeconds"].clone()
    };
    let running = Fresh::start().await;
    let said = setup_of(&running.server, &["--retention", "1d12h"], "").success();
    assert_eq!(seconds(&running.server, said.last_line()).await, 36 * 60 * 60);
    let machine = Machine::stopped().await;
    let said = machine.setup(&["--retention", "1d12h"], "").success();
    assert_eq!(seconds(&machine.launch().start().await, said.last_line()).await, 36 * 60 * 60);
}

#[tokio::test]
async fn without_a_password_the_user_cannot_sign_in() {
    let (machine, token) = Machine::set_up().await;
    let server = machine.launch().start().await;
    assert_eq!(sign_in(&server, "my-user", "").await, 401);
    V2::of(&server, &token).get("/api/v2/me").await.expect_status(200);
}

#[tokio::test]
async fn a_server_with_a_certificate_of_its_own_is_set_up_as_well() {
    let fresh = Fresh::start_with(|launch| launch.listen(["localhost:0"]).arg("--tls-self-signed")).await;
    assert!(fresh.server.url.starts_with("https://"), "{}", fresh.server.url);
    let said = setup_of(&fresh.server, &[], "").success();
    V2::of(&fresh.server, said.last_line()).get("/api/v2/me").await.expect_status(200);
}

#[tokio::test]
async fn a_token_of_ones_own_is_taken_and_marked_if_it_is_weak() {
    let running = Fresh::start().await;
    setup_of(&running.server, &["--token-file", "-"], "my-token\n").success();
    V2::of(&running.server, "my-token").get("/api/v2/me").await.expect_status(200);

    let machine = Machine::stopped().await;
    let said = machine.setup(&["--token-file", &machine.file("token", "my-token")], "").success();
    assert!(said.last_line() == "my-token" && said.stderr.contains("easy to guess"), "{said:?}");
    let list = machine.recovery(&["list"]).success();
    assert!(list.stdout.contains("active, weak") && !list.stdout.contains("my-token"), "{list:?}");
    V2::of(&machine.launch().start().await, "my-token").get("/api/v2/me").await.expect_status(200);

    for text in ["apiv1_x", "mgmt1_x", "two words", ""] {
        let machine = Machine::stopped().await;
        let said = machine.setup(&["--token-file", "-"], text).failure();
        assert!(said.stdout.is_empty() && (text.is_empty() || !said.stderr.contains(text)), "{said:?}");
        machine.setup(&[], "").success();
    }
}

#[tokio::test]
async fn with_the_cloud_profile_a_server_is_set_up_while_it_is_stopped() {
    let machine = Machine { directory: tempfile::tempdir().unwrap() };
    let mut server = machine.launch().arg("--profile").arg("cloud").start().await;
    let said = machine.setup(&[], "").failure();
    assert!(said.stderr.contains("stop the server"), "{said:?}");
    server.stop();
    let said = machine.setup(&[], "").success();
    let server = machine.launch().arg("--profile").arg("cloud").start().await;
    V2::of(&server, said.last_line()).get("/api/v2/authorizations").await.expect_status(200);
}

#[tokio::test]
async fn a_credential_that_the_server_refuses_sets_up_nothing() {
    let fresh = Fresh::start().await;
    let path = fresh.server.data_dir.join("credentials.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(&fresh.api.management_token, "mgmt1_of-another-server")).unwrap();
    let said = setup_of(&fresh.server, &[], "").failure();
    assert!(said.stderr.contains("credentials.toml") && !said.stderr.contains("of-another-server"), "{said:?}");

    // From this machine itself none is needed.
    std::fs::write(&path, text.replace("mgmt_token", "# mgmt_token")).unwrap();
    setup_of(&fresh.server, &[], "").success();
}

#[tokio::test]
async fn wrong_input_sets_up_nothing() {
    let machine = Machine::stopped().await;
    let before = machine.content();
    let two_inputs = machine.setup(&["--password-file", "-", "--token-file", "-"], "x").failure();
    assert!(two_inputs.stderr.contains("standard input"), "{two_inputs:?}");
    for flag in ["--password", "--token"] {
        let said = machine.setup(&[flag, PASSWORD], "").failure();
        assert!(!said.stderr.contains(PASSWORD), "{said:?}");
    }
    machine.setup(&["--retention", "soon"], "").failure();
    machine.setup(&["--password-file", "/nowhere/password"], "").failure();
    assert_eq!(machine.content(), before);
    let short = machine.setup(&["--password-file", "-"], "1234567").failure();
    assert!(short.stderr.contains("password") && !short.stderr.contains("1234567"), "{short:?}");
    machine.run(&["recovery", "create-operator", "--create-user"], "").failure();
    machine.setup(&[], "").success();
}
