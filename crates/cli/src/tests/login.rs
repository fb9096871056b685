use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::harness::{MANAGEMENT_TOKEN, Outcome, Scene};
use super::provider::{DEVICE_CODE, NEVER, Provider};

const LOGIN: &str = "login-token-of-the-provider-0123456789";

struct Setting {
    scene: Scene,
    provider: Provider,
}

impl Setting {
    async fn new() -> Self {
        let scene = Scene::without_configuration().await;
        let provider = Provider::start().await;
        scene.configure(&(without_token(&scene.clustered_profile()) + &provider.section()));
        Self { scene, provider }
    }

    /// `token list`, which the server answers with this status.
    async fn list(&self, status: u16) -> Outcome {
        self.scene.answer("GET", "/api/v0/tokens", status, "[]");
        let outcome = self.scene.run(&["token", "list"]).await;
        for secret in [LOGIN, DEVICE_CODE] {
            assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{outcome:?}");
        }
        outcome
    }

    fn cache(&self) -> PathBuf {
        self.scene.home().join(".cache/influxctl")
    }

    fn cached(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.cache()) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

fn without_token(profile: &str) -> String {
    profile.replace(&format!("mgmt_token = \"{MANAGEMENT_TOKEN}\""), "")
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn a_command_logs_in_once_and_the_next_ones_use_that() {
    let setting = Setting::new().await;
    setting.provider.refuses("authorization_pending");
    setting.provider.grants(LOGIN);
    let outcome = setting.list(200).await.succeeded();
    let told = "To log in, open\n\n    https://id.example.org/device\n\nand enter the code WDJB-MJHT\n";
    assert_eq!(outcome.stderr, told);
    assert!(outcome.stdout.starts_with("+--"), "{}", outcome.stdout);
    let again = setting.list(200).await.succeeded();
    assert_eq!(again.stderr, "");
    let requests = setting.scene.requests();
    assert!(requests.iter().all(|request| request.authorization() == format!("Bearer {LOGIN}")));

    let asked = &setting.provider.device_requests()[0];
    assert_eq!(setting.provider.device_requests().len(), 1);
    assert_eq!(asked["client_id"], "influx-cli");
    assert_eq!(asked["scope"], "openid influx/.default");
    assert_eq!(asked["audience"], "plant7");
    let polls = setting.provider.token_requests();
    assert_eq!(polls.len(), 2);
    assert_eq!(polls[0]["grant_type"], "urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!((polls[0]["device_code"].as_str(), polls[0]["client_id"].as_str()), (DEVICE_CODE, "influx-cli"));
}

#[tokio::test]
async fn polling_slows_down_when_it_is_told_to() {
    let setting = Setting::new().await;
    for error in ["authorization_pending", "slow_down", "authorization_pending", "slow_down"] {
        setting.provider.refuses(error);
    }
    setting.provider.grants(LOGIN);
    setting.scene.run(&["auth", "login"]).await.succeeded();
    assert_eq!(setting.scene.pauses(), [2, 2, 7, 7, 12].map(Duration::from_secs));
}

#[tokio::test]
async fn polling_goes_on_after_a_poll_without_answer() {
    let setting = Setting::new().await;
    setting.provider.answers_token(NEVER, json!({}));
    setting.provider.grants(LOGIN);
    setting.scene.run(&["--timeout", "1s", "auth", "login"]).await.succeeded();
    assert_eq!(setting.scene.pauses(), [2, 7].map(Duration::from_secs));
}

#[tokio::test]
async fn a_code_that_nobody_confirms_ends_the_login() {
    let setting = Setting::new().await;
    for _ in 0..40 {
        setting.provider.refuses("authorization_pending");
    }
    setting.scene.run(&["auth", "login"]).await.failed("nobody confirmed in time");
    assert_eq!(setting.provider.token_requests().len(), 30);
    assert_eq!(setting.cached(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn refusals_show_the_words_of_the_provider() {
    let setting = Setting::new().await;
    let described = json!({"error": "access_denied", "error_description": "Ada said no"});
    setting.provider.answers_token(403, described);
    setting.scene.run(&["token", "list"]).await.failed("cannot log in: Ada said no (access_denied)");
    for (error, words) in [("access_denied", "access was denied"), ("expired_token", "the code has expired")] {
        setting.provider.refuses(error);
        setting.scene.run(&["auth", "login"]).await.failed(&format!("{words} ({error})"));
    }
    setting.provider.answers_token(200, json!({"token_type": "Bearer"}));
    setting.scene.run(&["auth", "login"]).await.failed("not the JSON of RFC 8628");
    setting.provider.answers_device(401, json!({"error": "invalid_client", "error_description": "who?"}));
    setting.scene.run(&["auth", "login"]).await.failed("cannot log in: who? (invalid_client)");
    setting.provider.answers_device(502, json!("bad gateway"));
    setting.scene.run(&["auth", "login"]).await.failed("HTTP 502");
    let code = |address: &str| json!({"device_code": "d", "user_code": "u", "verification_uri": address});
    setting.provider.answers_device(200, code("file:///etc/passwd"));
    setting.scene.run(&["auth", "login"]).await.failed("not a web address");
    setting.scene.no_requests();
}

#[tokio::test]
async fn edge_6_a_refused_login_is_forgotten() {
    let setting = Setting::new().await;
    setting.provider.grants(LOGIN);
    setting.list(200).await.succeeded();
    assert_eq!(setting.cached().len(), 1);
    let outcome = setting.list(401).await.failed("the server refuses the credential");
    assert!(outcome.stderr.ends_with("run the command again to log in\n"), "{}", outcome.stderr);
    assert_eq!(setting.cached(), Vec::<PathBuf>::new());
    setting.provider.grants(LOGIN);
    let outcome = setting.list(200).await.succeeded();
    assert!(outcome.stderr.contains("WDJB-MJHT"), "{}", outcome.stderr);
    assert_eq!(setting.provider.device_requests().len(), 2);
    // Another refusal says nothing about the login.
    setting.list(403).await.failed("HTTP 403");
    assert_eq!(setting.cached().len(), 1);
}

#[tokio::test]
async fn edge_6_a_login_refused_among_several_targets_is_forgotten() {
    let setting = Setting::new().await;
    setting.provider.grants(LOGIN);
    setting.scene.run(&["auth", "login"]).await.succeeded();
    setting.scene.answer("DELETE", "/api/v0/databases/a", 401, "");
    setting.scene.run(&["database", "delete", "--force", "a"]).await.failed("the server refuses the credential");
    assert_eq!(setting.cached(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn edge_7_only_the_user_can_read_the_login() {
    let mut setting = Setting::new().await;
    std::fs::create_dir_all(setting.cache()).unwrap();
    std::fs::set_permissions(setting.cache(), std::fs::Permissions::from_mode(0o755)).unwrap();
    setting.provider.grants(LOGIN);
    setting.list(200).await.succeeded();
    assert_eq!(mode(&setting.cache()), 0o700);
    let file = &setting.cached()[0];
    assert_eq!((mode(file), setting.cached().len()), (0o600, 1));
    let name = file.file_name().unwrap().to_str().unwrap();
    // SHA-256 of `default`.
    assert_eq!(name, "37a8eec1ce19687d132fe29051dca629d164e2c4958ba141d5f4133a33f0688f.json");
    // One that others could have placed or read is not used.
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    setting.provider.grants(LOGIN);
    let outcome = setting.list(200).await.succeeded();
    assert!(outcome.stderr.contains("its mode is not 0600"), "{}", outcome.stderr);
    assert_eq!((setting.provider.device_requests().len(), mode(file)), (2, 0o600));
    let elsewhere = setting.scene.home().join("elsewhere");
    setting.scene.variable("XDG_CACHE_HOME", elsewhere.to_str().unwrap());
    setting.provider.grants(LOGIN);
    setting.list(200).await.succeeded();
    assert_eq!(mode(&elsewhere.join("influxctl")), 0o700);
}

#[tokio::test]
async fn edge_7_a_token_file_leaves_the_cache_alone() {
    let setting = Setting::new().await;
    setting.provider.grants(LOGIN);
    setting.list(200).await.succeeded();
    let before = std::fs::read(&setting.cached()[0]).unwrap();
    setting.scene.file("admin", "from-file\n");
    let path = setting.scene.file("admin", "from-file\n");
    let section = format!("  [profile.auth.token]\n  token_file = {path:?}\n");
    let profile = without_token(&setting.scene.clustered_profile()) + &setting.provider.section() + &section;
    setting.scene.configure(&profile);
    setting.list(200).await.succeeded();
    assert_eq!(setting.scene.requests()[1].authorization(), "Bearer from-file");
    setting.list(401).await.failed("refuses the credential");
    assert_eq!(std::fs::read(&setting.cached()[0]).unwrap(), before);
    setting.scene.run(&["auth", "login"]).await.failed("no login is needed: token_file is set");
    assert_eq!(setting.provider.device_requests().len(), 1);
}

#[tokio::test]
async fn a_login_is_used_neither_after_its_end_nor_elsewhere() {
    let setting = Setting::new().await;
    let expired = json!({"access_token": LOGIN, "expires_in": 0});
    setting.provider.answers_token(200, expired);
    setting.list(200).await.succeeded();
    setting.provider.grants(LOGIN);
    setting.list(200).await.succeeded();
    assert_eq!(setting.provider.device_requests().len(), 2);
    // A profile of the same name in another file leads to another server.
    let other = Scene::without_configuration().await;
    let profile = without_token(&other.clustered_profile()) + &setting.provider.section();
    let path = setting.scene.file("other.toml", &profile);
    setting.provider.refuses("access_denied");
    setting.scene.run(&["--config", path.to_str().unwrap(), "token", "list"]).await.failed("access_denied");
    other.no_requests();
}

#[tokio::test]
async fn logout_forgets_the_login_of_its_profile() {
    let setting = Setting::new().await;
    let outcome = setting.scene.run(&["auth", "logout"]).await.succeeded();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", "info\tlogged out\n"));
    setting.provider.grants(LOGIN);
    let outcome = setting.scene.run(&["auth", "login"]).await.succeeded();
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.ends_with("info\tlogged in\n"), "{}", outcome.stderr);
    let other = setting.cache().join("of-another-profile.json");
    std::fs::write(&other, "{}").unwrap();
    setting.scene.run(&["auth", "logout"]).await.succeeded();
    assert_eq!(setting.cached(), [other]);
}

#[tokio::test]
async fn a_login_that_is_not_needed_is_an_error() {
    let mut setting = Setting::new().await;
    setting.scene.configure(&(setting.scene.clustered_profile() + &setting.provider.section()));
    setting.scene.run(&["auth", "login"]).await.failed("no login is needed: mgmt_token is set");
    setting.scene.variable("INFLUXCTL_MGMT_TOKEN", "x");
    setting.scene.run(&["auth", "login"]).await.failed("no login is needed: INFLUXCTL_MGMT_TOKEN is set");
    assert_eq!(setting.provider.device_requests().len(), 0);
}

#[tokio::test]
async fn a_profile_without_a_provider_names_what_to_set() {
    let scene = Scene::without_configuration().await;
    scene.configure(&without_token(&scene.dedicated_profile()));
    scene.run(&["auth", "login"]).await.failed("has no client_id in [profile.auth.oauth2]: set it, or set mgmt_token");
    scene.run(&["token", "list"]).await.failed("no management token is known: set mgmt_token");
    let section = "  [profile.auth.oauth2]\n  client_id = \"x\"\n";
    scene.configure(&(without_token(&scene.dedicated_profile()) + section));
    scene.run(&["token", "list"]).await.failed("has no device_url");
    let section = format!("{section}  device_url = \"http://id.example.org/device\"\n  token_url = \"https://x\"\n");
    scene.configure(&(without_token(&scene.dedicated_profile()) + &section));
    scene.run(&["token", "list"]).await.failed("device_url is not an address that begins with https://");
    scene.no_requests();
}

#[tokio::test]
async fn faults_of_the_section_are_found_before_any_request() {
    let setting = Setting::new().await;
    let good = without_token(&setting.scene.clustered_profile()) + &setting.provider.section();
    for (from, to, reason) in [
        ("scopes = [\"openid\", \"influx/.default\"]", "scopes = [1]", "scopes must be an array of strings"),
        ("scopes = [\"openid\", \"influx/.default\"]", "scopes = \"openid\"", "scopes must be an array of strings"),
        ("audience = \"plant7\"", "audience = 7", "parameters must be a table of strings"),
        ("client_id = \"influx-cli\"", "client_id = true", "client_id must be a string"),
    ] {
        let profile = good.replace(from, to);
        assert_ne!(profile, good);
        setting.scene.configure(&profile);
        setting.scene.run(&["token", "list"]).await.failed(reason);
    }
    assert_eq!(setting.provider.device_requests().len(), 0);
}

#[tokio::test]
async fn what_the_provider_says_cannot_steer_the_terminal() {
    let setting = Setting::new().await;
    setting.provider.answers_device(
        200,
        json!({"device_code": "d", "user_code": "A\u{1b}[2J", "verification_uri": "https://id.example.org/\u{7}"}),
    );
    setting.provider.answers_token(400, json!({"error": "x", "error_description": "bad\u{1b}[2J"}));
    let outcome = setting.scene.run(&["auth", "login"]).await.failed("bad");
    assert!(!outcome.stderr.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{outcome:?}");
}

#[tokio::test]
async fn a_login_that_cannot_be_kept_is_used_all_the_same() {
    let setting = Setting::new().await;
    std::fs::create_dir_all(setting.cache().parent().unwrap()).unwrap();
    std::fs::write(setting.cache(), "a file in the place of the directory").unwrap();
    setting.provider.grants(LOGIN);
    let outcome = setting.list(200).await.succeeded();
    assert!(outcome.stderr.contains("warn\tthe login is not kept for later commands: "), "{}", outcome.stderr);
}

#[tokio::test]
async fn a_login_token_that_is_repeated_is_not_shown() {
    let setting = Setting::new().await;
    setting.provider.grants(LOGIN);
    setting.scene.answer("GET", "/api/v0/tokens", 500, format!("bad: {LOGIN}"));
    let outcome = setting.scene.run(&["token", "list"]).await.failed("bad: … (HTTP 500)");
    assert!(!outcome.stderr.contains(LOGIN), "{outcome:?}");
}

#[tokio::test]
async fn what_an_ended_process_left_of_a_login_goes_with_the_next_login_or_logout() {
    let setting = Setting::new().await;
    let hash = "37a8eec1ce19687d132fe29051dca629d164e2c4958ba141d5f4133a33f0688f";
    let leave = |name: &str| {
        std::fs::create_dir_all(setting.cache()).unwrap();
        std::fs::write(setting.cache().join(name), LOGIN).unwrap();
    };
    let names = || {
        let mut names: Vec<String> =
            setting.cached().iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let others = [format!("{hash}.notes"), "ffff.4711.new".to_owned()];
    for name in &others {
        leave(name);
    }
    leave(&format!("{hash}.4711.new"));
    setting.scene.run(&["auth", "logout"]).await.succeeded();
    assert_eq!(names(), others);
    leave(&format!("{hash}.4712.new"));
    setting.provider.grants(LOGIN);
    setting.scene.run(&["auth", "login"]).await.succeeded();
    assert_eq!(names(), [format!("{hash}.json"), others[0].clone(), others[1].clone()]);
    setting.scene.run(&["auth", "logout"]).await.succeeded();
    assert_eq!(names(), others);
}
