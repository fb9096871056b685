//! `tidegate recovery`: new credentials when they are lost.

use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::Rng as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::api::{Api, Credentials, Fresh, send};
use super::support::cli::{Cli, Said};
use super::support::machine::{Machine, NAMES, PASSWORD, V2, run_at, setup_of, sign_in};
use super::support::rounds;
use super::support::server::{binary, clean_command};

#[tokio::test]
async fn what_is_no_servers_directory_is_left_alone() {
    let machine = Machine { directory: tempfile::tempdir().unwrap() };
    for arguments in [&NAMES[..], &["recovery", "list"], &["recovery", "create-management"]] {
        let said = machine.run(arguments, "").failure();
        assert!(said.stderr.contains("--data-dir"), "{said:?}");
        run_at(machine.directory.path(), arguments, "").failure();
    }
    assert_eq!(std::fs::read_dir(machine.directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_operator_gets_back_in_after_the_only_token_was_deleted() {
    let (machine, token) = Machine::set_up().await;
    let mut server = machine.launch().start().await;
    let lost = V2::of(&server, &token);
    let authorizations = lost.get("/api/v2/authorizations").await.expect_status(200).json();
    let id = authorizations["authorizations"][0]["id"].as_str().unwrap();
    let path = format!("/api/v2/authorizations/{id}");
    send(lost.request(Method::DELETE, &path)).await.expect_status(204);
    lost.expect_dead().await;
    assert_eq!(server.stop(), Some(0));

    let list = machine.recovery(&["list"]).success();
    assert!(list.stdout.contains("my-user") && !list.stdout.contains(id), "{list:?}");
    let said = machine.recovery(&["create-operator"]).success();
    let list = machine.recovery(&["list"]).success();
    assert!(list.stdout.contains("my-user's Recovery Token"), "{list:?}");
    let server = machine.launch().start().await;
    V2::of(&server, said.last_line()).expect_operator(&server).await;
    V2::of(&server, &token).expect_dead().await;
    Api::of(&server).get("/tokens").await.expect_status(200);
}

#[tokio::test]
async fn an_operator_gets_back_in_after_the_only_management_token_was_revoked() {
    let (machine, operator) = Machine::set_up().await;
    let mut server = machine.launch().start().await;
    let api = Api::of(&server);
    let list = api.http.get(format!("{}/management-tokens", api.account)).bearer_auth(&api.management_token);
    let id = send(list).await.expect_status(200).json()[0]["id"].as_str().unwrap().to_owned();
    send(api.revoke_management_token(&id)).await.expect_status(204);
    server.stop();

    let said = machine.recovery(&["create-management", "--description", "from the safe"]).success();
    let list = machine.recovery(&["list"]).success();
    let line = |word: &str| list.stdout.lines().find(|line| line.contains(word)).unwrap().to_owned();
    assert!(line(&id).contains("revoked") && line("from the safe").contains("active"), "{list:?}");
    let server = machine.launch().start().await;
    let credentials = Credentials::read(&server.data_dir);
    assert_eq!(credentials.management_token(), Some(api.management_token.clone()), "the file is the owner's");
    let api = Api::with_token(&server, &credentials, said.last_line().to_owned());
    api.get("/tokens").await.expect_status(200);
    V2::of(&server, said.last_line()).expect_dead().await;
    V2::of(&server, &operator).expect_operator(&server).await;
}

#[tokio::test]
async fn users_are_activated_and_made_only_when_that_is_asked_for() {
    let (machine, token) = Machine::set_up().await;
    let mut server = machine.launch().start().await;
    let v2 = V2::of(&server, &token);
    let me = v2.get("/api/v2/me").await.expect_status(200).json();
    let path = format!("/api/v2/users/{}", me["id"].as_str().unwrap());
    send(v2.request(Method::PATCH, &path).json(&json!({ "status": "inactive" }))).await.expect_status(200);
    v2.expect_dead().await;
    server.stop();

    let before = machine.content();
    let refused = machine.recovery(&["create-operator", "--username", "my-user"]).failure();
    assert!(refused.stderr.contains("--activate-user"), "{refused:?}");
    let refused = machine.recovery(&["create-operator", "--username", "second"]).failure();
    assert!(refused.stderr.contains("--create-user"), "{refused:?}");
    machine.recovery(&["create-operator"]).failure();
    let refused =
        machine.recovery(&["create-operator", "--username", "second", "--create-user", "--org", "x"]).failure();
    assert!(refused.stderr.contains("no organization"), "{refused:?}");
    assert_eq!(machine.content(), before);
    let list = machine.recovery(&["list"]).success();
    assert!(list.stdout.contains("owner inactive"), "{list:?}");

    let made = machine.recovery(&["create-operator", "--username", "second", "--create-user"]).success();
    let mut server = machine.launch().start().await;
    V2::of(&server, made.last_line()).expect_operator(&server).await;
    V2::of(&server, &token).expect_dead().await;
    server.stop();
    let activated = machine.recovery(&["create-operator", "--username", "my-user", "--activate-user"]).success();
    let server = machine.launch().start().await;
    for token in [activated.last_line(), made.last_line(), &token] {
        V2::of(&server, token).expect_operator(&server).await;
    }
}

#[tokio::test]
async fn nothing_is_done_to_a_running_server_and_its_process_is_named() {
    let fresh = Fresh::start().await;
    let process = format!("process {}", fresh.server.process_id());
    setup_of(&fresh.server, &[], "").success();
    for task in [&["list"][..], &["create-operator"], &["create-management"]] {
        let said = run_at(&fresh.server.data_dir, &[&["recovery"], task].concat(), "").failure();
        assert!(said.stderr.contains(&process) && said.stdout.is_empty(), "{said:?}");
    }
    let list = fresh.api.http.get(format!("{}/management-tokens", fresh.api.account));
    let tokens = send(list.bearer_auth(&fresh.api.management_token)).await.expect_status(200).json();
    assert_eq!(tokens.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_look_changes_nothing() {
    let (machine, _) = Machine::set_up().await;
    let before = machine.content();
    for _ in 0..2 {
        machine.recovery(&["list"]).success();
        assert!(machine.content() == before, "a file has changed");
    }
}

/// Whatever is killed can be done again.
#[tokio::test]
async fn a_crash_in_between_is_harmless() {
    let recover = ["recovery", "create-operator", "--username", "second", "--create-user"];
    let machine = Machine::stopped().await;
    let longest = [&NAMES[..], &recover].map(|arguments| {
        let start = Instant::now();
        machine.run(arguments, "").success();
        start.elapsed()
    });
    for round in 0..rounds(10) {
        let machine = Machine::stopped().await;
        killed_midway(&machine, &NAMES, longest[0]).await;
        let said = machine.setup(&[], "");
        if said.code != 0 {
            assert!(said.failure().stderr.contains("set up before"), "round {round}");
        }
        killed_midway(&machine, &recover, longest[1]).await;
        let token = machine.run(&recover, "").success().last_line().to_owned();
        let server = machine.launch().start().await;
        let v2 = V2::of(&server, &token);
        v2.expect_operator(&server).await;
        let mut users = v2.names("/api/v2/users", "users").await;
        users.sort();
        assert_eq!(users, ["my-user", "second"], "round {round}");
        assert_eq!(v2.names("/api/v2/orgs", "orgs").await, ["my-org"], "round {round}");
        assert_eq!(v2.names("/api/v2/buckets", "buckets").await, ["plant7"], "round {round}");
        Api::of(&server).get("/tokens").await.expect_status(200);
    }
}

/// Starts a command and kills it at some moment of the time that it takes.
async fn killed_midway(machine: &Machine, arguments: &[&str], longest: Duration) {
    let mut child = clean_command(&binary(), machine.directory.path())
        .args(arguments)
        .arg("--data-dir")
        .arg(machine.data_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let moment = rand::rng().random_range(Duration::ZERO..longest);
    tokio::time::sleep(moment).await;
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn secrets_are_printed_once_and_kept_nowhere() {
    let machine = Machine { directory: tempfile::tempdir().unwrap() };
    let talkative = || machine.launch().env("TIDEGATE_LOG", "trace");
    let mut server = talkative().start().await;
    let setup = machine.setup(&["--password-file", "-"], PASSWORD).success();
    assert_eq!(sign_in(&server, "my-user", PASSWORD).await, 204);
    server.kill();
    let mut logs = server.finished_log();
    let operator = machine.recovery(&["create-operator"]).success();
    let manager = machine.recovery(&["create-management"]).success();
    let mut server = talkative().start().await;
    V2::of(&server, operator.last_line()).get("/api/v2/authorizations").await.expect_status(200);
    server.stop();
    logs += &server.finished_log();
    assert!(logs.contains(" TRACE "), "the log is as talkative as it can be");

    let commands = [&setup, &operator, &manager];
    let secrets = [PASSWORD, setup.last_line(), operator.last_line(), manager.last_line()];
    for secret in secrets {
        assert!(!logs.contains(secret));
        for (path, content) in machine.content() {
            let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "in {}", path.display());
        }
        let printed = |said: &&Said| said.stdout.matches(secret).count() + said.stderr.matches(secret).count();
        assert_eq!(commands.iter().map(printed).sum::<usize>(), usize::from(secret != PASSWORD));
    }
    let list = machine.recovery(&["list"]).success();
    assert!(secrets.iter().all(|secret| !list.stdout.contains(secret)), "{list:?}");
}

#[tokio::test]
async fn the_settings_of_the_server_say_where_its_data_is() {
    let machine = Machine::stopped().await;
    let config = machine.file("settings.toml", &format!("data-dir = {}", Value::from(machine.data_dir().to_str())));
    let cli = Cli::bare(machine.directory.path());
    cli.run_with_input(&[&NAMES[..], &["--config", &config]].concat(), "").success();
    let list = cli.env("TIDEGATE_CONFIG", &config).run(["recovery", "list"]).success();
    assert!(list.stdout.contains("my-user"), "{list:?}");
}
