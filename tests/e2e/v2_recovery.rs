//! `tidegate setup` and `tidegate recovery`: the first credentials of the v2 API, and new ones when they are lost.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::Rng as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::api::{Answer, Api, Credentials, Fresh, http_client, send};
use super::support::cli::{Cli, Said};
use super::support::rounds;
use super::support::server::{Launch, Server, binary, clean_command};

const PASSWORD: &str = "correct horse battery staple";
const NAMES: [&str; 7] = ["setup", "--username", "my-user", "--org", "my-org", "--bucket", "plant7"];
const LINE: &str = "press,line=L1 speed=1 1000000000";

/// A data directory, and the commands that are run on it.
struct Machine {
    directory: tempfile::TempDir,
}

impl Machine {
    /// With a server that has been started and stopped.
    async fn stopped() -> Self {
        let machine = Self { directory: tempfile::tempdir().unwrap() };
        assert_eq!(machine.launch().start().await.stop(), Some(0));
        machine
    }

    /// The same, set up; with the token of the operator.
    async fn set_up() -> (Self, String) {
        let machine = Self::stopped().await;
        let token = machine.setup(&[], "").success().last_line().to_owned();
        (machine, token)
    }

    fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn launch(&self) -> Launch {
        Launch::new(self.data_dir())
    }

    fn run(&self, arguments: &[&str], input: &str) -> Said {
        run_at(&self.data_dir(), arguments, input)
    }

    fn setup(&self, more: &[&str], input: &str) -> Said {
        self.run(&[&NAMES, more].concat(), input)
    }

    fn recovery(&self, arguments: &[&str]) -> Said {
        self.run(&[&["recovery"], arguments].concat(), "")
    }

    /// A private file beside the data directory.
    fn file(&self, name: &str, content: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Every file below the data directory, but the lock, which says who had it last.
    fn content(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut content = BTreeMap::new();
        let mut directories = vec![self.data_dir()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else if path.file_name().unwrap() != "LOCK" {
                    content.insert(path.clone(), std::fs::read(path).unwrap());
                }
            }
        }
        content
    }
}

fn run_at(data_dir: &Path, arguments: &[&str], input: &str) -> Said {
    let place = ["--data-dir", data_dir.to_str().unwrap()];
    Cli::bare(data_dir.parent().unwrap()).run_with_input(&[arguments, &place].concat(), input)
}

fn setup_of(server: &Server, more: &[&str], input: &str) -> Said {
    run_at(&server.data_dir, &[&NAMES, more].concat(), input)
}

/// The v2 API with one token.
struct V2 {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl V2 {
    fn of(server: &Server, token: &str) -> Self {
        let http = http_client().danger_accept_invalid_certs(true).build().unwrap();
        Self { http, url: server.url.clone(), token: token.to_owned() }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let header = format!("Token {}", self.token);
        self.http.request(method, format!("{}{path}", self.url)).header("authorization", header)
    }

    async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    async fn names(&self, path: &str, list: &str) -> Vec<String> {
        let answer = self.get(path).await.expect_status(200).json();
        answer[list].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }

    /// That this is an operator's token: good for everything in the v2 API, for data, and for the Management API.
    async fn expect_operator(&self, server: &Server) {
        let me = self.get("/api/v2/me").await.expect_status(200).json();
        let user = json!({ "name": format!("made-by-{}", me["id"].as_str().unwrap()), "status": "inactive" });
        let made = send(self.request(Method::POST, "/api/v2/users").json(&user)).await.expect_status(201).json();
        let path = format!("/api/v2/users/{}", made["id"].as_str().unwrap());
        send(self.request(Method::DELETE, &path)).await.expect_status(204);
        let write = self.request(Method::POST, "/api/v2/write?bucket=plant7&org=my-org").body(LINE);
        send(write).await.expect_status(204);
        let api = Api::with_token(server, &Credentials::read(&server.data_dir), self.token.clone());
        let databases = api.get("/databases").await.expect_status(200).json();
        assert!(databases.as_array().unwrap().iter().any(|database| database["name"] == "plant7"), "{databases}");
    }

    async fn expect_dead(&self) {
        self.get("/api/v2/me").await.expect_status(401);
    }
}

async fn sign_in(server: &Server, user: &str, password: &str) -> u16 {
    let http = http_client().build().unwrap();
    let request = http.post(format!("{}/api/v2/signin", server.url)).basic_auth(user, Some(password));
    send(request).await.status
}

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
