use std::os::unix::fs::PermissionsExt;

use super::harness::{ACCOUNT, CLUSTER, MANAGEMENT_TOKEN, Scene, cluster_path};
use crate::Face;

const OTHER: &str = "00000000-0000-4000-8000-00000000000f";

/// Runs `token list` and expects one request.
async fn lists(scene: &Scene, arguments: &[&str]) -> String {
    scene.answer("GET", &cluster_path("/tokens"), 200, "[]");
    let before = scene.requests().len();
    let outcome = scene.run(&[arguments, &["token", "list"]].concat()).await.succeeded();
    assert_eq!(scene.requests().len(), before + 1);
    outcome.stderr
}

#[tokio::test]
async fn edge_1_unknown_keys_are_named() {
    let scene = Scene::without_configuration().await;
    let profile = scene.dedicated_profile();
    for (extra, key) in [
        ("insecur = true", "profile.tls.insecur"),
        ("[profile.auth]\noauth = {}", "profile.auth.oauth"),
        ("[profile.auth.oauth2]\nclient_idd = \"x\"", "profile.auth.oauth2.client_idd"),
        ("[profile.auth.token]\nfile = \"x\"", "profile.auth.token.file"),
        ("[[profile]]\nname = \"b\"\nmgmt_tokn = \"hidden-value\"", "profile.mgmt_tokn"),
        ("[[profiles]]\nname = \"b\"", "profiles"),
    ] {
        scene.configure(&format!("{profile}{extra}\n"));
        let outcome = scene.run(&["token", "list"]).await.failed(&format!("unknown key {key}"));
        assert!(!outcome.stderr.contains("hidden-value"));
    }
    scene.no_requests();
}

#[tokio::test]
async fn edge_1_client_secret_is_only_warned_about() {
    let scene = Scene::without_configuration().await;
    let extra = "[profile.auth.oauth2]\nclient_id = \"x\"\nclient_secret = \"hidden-value\"\nscopes = [\"a\"]\n";
    scene.configure(&format!("{}{extra}", scene.dedicated_profile()));
    let stderr = lists(&scene, &[]).await;
    assert!(stderr.starts_with("warn\t") && stderr.contains("client_secret"), "{stderr}");
    assert!(!stderr.contains("hidden-value"));
}

#[tokio::test]
async fn edge_2_missing_and_broken_files() {
    let scene = Scene::new().await;
    let path = scene.default_configuration().display().to_string();
    let outcome = scene.run(&["--profile", "lab", "token", "list"]).await.failed("no profile named \"lab\"");
    assert!(outcome.stderr.contains(&path), "{}", outcome.stderr);
    scene.file("empty.toml", "");
    scene.run(&["--config", "empty.toml", "token", "list"]).await.failed("no profile named \"default\"");
    scene.file("broken.toml", "[[profile]]\nmgmt_token = \"hidden-value\n");
    let outcome = scene.run(&["--config", "broken.toml", "token", "list"]).await.failed("line 2");
    assert!(!outcome.stderr.contains("hidden-value"), "{}", outcome.stderr);
    scene.run(&["--config", "..", "token", "list"]).await.failed("cannot read profile \"default\" from ");
    let outcome = scene.run(&["--config", "missing.toml", "token", "list"]).await.failed("missing.toml");
    assert!(outcome.stderr.contains("profile \"default\""), "{}", outcome.stderr);
    let profile = scene.dedicated_profile();
    scene.configure(&format!("{profile}{profile}"));
    scene.run(&["token", "list"]).await.failed("two profiles named \"default\"");
    scene.no_requests();
}

#[tokio::test]
async fn edge_3_bad_values_are_refused_before_any_request() {
    let scene = Scene::without_configuration().await;
    let profile = scene.dedicated_profile();
    for (from, to, reason) in [
        ("\"dedicated\"", "\"Clustered\"", "product"),
        (ACCOUNT, "not-a-uuid", ": account_id is not a UUID"),
        (CLUSTER, "7", ": cluster_id is not a UUID"),
        ("disable = true", "disable = \"yes\"", "disable must be true or false"),
        ("\"plant7\"", "\"_x\"", "database"),
        ("management_url = \"http://", "management_url = \"http://u:p@", "management_url"),
        ("host = ", "port = \"0\"\n#", "port"),
        ("mgmt_token = ", "mgmt_token = 5 #", "mgmt_token must be a string"),
        ("name = \"default\"", "name = \"default\"\nauth = 5", "auth must be a table"),
    ] {
        let changed = profile.replacen(from, to, 1);
        let changed =
            if reason == "port" { changed.replacen(&format!("\nport = \"{}\"", scene.port), "", 1) } else { changed };
        assert_ne!(changed, profile);
        scene.configure(&changed);
        scene.run(&["token", "list"]).await.failed(reason);
    }
    scene.run(&["--account", "not-a-uuid", "token", "list"]).await.failed("--account");
    scene.no_requests();
}

#[tokio::test]
async fn edge_4_account_and_cluster_flags_win() {
    let scene = Scene::new().await;
    let path = format!("/api/v0/accounts/{OTHER}/clusters/{OTHER}/tokens");
    scene.answer("GET", &path, 200, "[]");
    scene.run(&["--account", OTHER, "token", "list", "--cluster", OTHER]).await.succeeded();
    assert_eq!(scene.requests()[0].target, path);
    scene.configure(&scene.dedicated_profile().replace(&format!("account_id = \"{ACCOUNT}\""), ""));
    scene.run(&["token", "list"]).await.failed("no account_id");
    scene.answer("GET", &cluster_path("/tokens"), 200, "[]");
    scene.run(&["--account", ACCOUNT, "token", "list"]).await.succeeded();
}

#[tokio::test]
async fn edge_4_profile_flag_wins_over_the_variable() {
    let mut scene = Scene::new().await;
    scene.variable("INFLUXCTL_PROFILE", "lab");
    scene.run(&["token", "list"]).await.failed("\"lab\"");
    lists(&scene, &["--profile", "default"]).await;
    scene.file("lab.toml", &scene.dedicated_profile());
    std::fs::remove_file(scene.default_configuration()).unwrap();
    scene.variable("INFLUXCTL_PROFILE", "lab.toml");
    lists(&scene, &[]).await;
    scene.run(&["--config", "missing.toml", "token", "list"]).await.failed("missing.toml");
}

#[tokio::test]
async fn edge_5_port_as_number_and_plain_http() {
    let scene = Scene::without_configuration().await;
    let port = scene.port;
    let profile = scene
        .dedicated_profile()
        .replace(&format!("port = \"{port}\""), &format!("port = {port}"))
        .replace("disable = true", "disable = true\ninsecure = true");
    scene.configure(&profile);
    scene.answer("POST", "/api/v2/write?bucket=plant7&precision=ns", 204, "");
    scene.run(&["write", "m f=1"]).await.succeeded();
    assert_eq!(scene.requests().len(), 1);
}

#[tokio::test]
async fn management_token_comes_from_flag_then_variable_then_profile_then_file() {
    let mut scene = Scene::new().await;
    let without_token = scene.dedicated_profile().replace(&format!("mgmt_token = \"{MANAGEMENT_TOKEN}\""), "");
    let extra = "[profile.auth.token]\ntoken_file = \"admin.json\"\n";
    let token_file = scene.default_configuration().with_file_name("admin.json");
    lists(&scene, &[]).await;
    scene.configure(&format!("{without_token}{extra}"));
    std::fs::write(&token_file, r#"{"access_token":"from-json"}"#).unwrap();
    lists(&scene, &[]).await;
    std::fs::write(&token_file, "from-text\n").unwrap();
    lists(&scene, &[]).await;
    scene.variable("INFLUXCTL_MGMT_TOKEN", "from-variable");
    lists(&scene, &[]).await;
    scene.answer("GET", &cluster_path("/tokens"), 200, "[]");
    scene.stdin = "from-stdin\n".to_owned();
    scene.run(&["token", "list", "--mgmt-token-file", "-"]).await.succeeded();
    let requests = scene.requests();
    let sent: Vec<&str> =
        requests.iter().map(|request| request.authorization().trim_start_matches("Bearer ")).collect();
    assert_eq!(sent, [MANAGEMENT_TOKEN, "from-json", "from-text", "from-variable", "from-stdin"]);
    scene.variables.remove(std::ffi::OsStr::new("INFLUXCTL_MGMT_TOKEN"));
    scene.configure(&without_token);
    scene.run(&["token", "list"]).await.failed("no management token is known");
}

#[tokio::test]
async fn relative_certificate_paths_start_at_the_configuration() {
    let scene = Scene::without_configuration().await;
    scene.configure(&scene.dedicated_profile().replace("disable = true", "ca = \"lab-ca.pem\""));
    let path = scene.default_configuration().with_file_name("lab-ca.pem");
    scene.run(&["write", "m f=1"]).await.failed(&format!("cannot read {}", path.display()));
    scene.no_requests();
}

fn credentials(scene: &Scene, mode: u32) -> std::path::PathBuf {
    let path = scene.file("tidegate-data/credentials.toml", &scene.dedicated_profile());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[tokio::test]
async fn credentials_of_a_server_nearby_are_used_and_named() {
    let mut scene = Scene::without_configuration().await;
    scene.configure("this file is not even looked at");
    scene.face = Face::Tidegate;
    credentials(&scene, 0o600);
    let stderr = lists(&scene, &[]).await;
    assert_eq!(stderr, format!("info\tusing tidegate-data/credentials.toml for 127.0.0.1:{}\n", scene.port));
    scene.answer("POST", "/api/v2/write?bucket=plant7&precision=ns", 204, "");
    let outcome = scene.run(&["write", "m f=1"]).await.succeeded();
    assert_eq!(outcome.stderr, stderr);
}

#[tokio::test]
async fn credentials_nearby_give_way_to_whatever_the_user_names() {
    let mut scene = Scene::new().await;
    credentials(&scene, 0o600);
    assert_eq!(lists(&scene, &[]).await, "", "influxctl knows nothing of them");
    scene.face = Face::Tidegate;
    let configuration = scene.default_configuration();
    assert_eq!(lists(&scene, &["--config", configuration.to_str().unwrap()]).await, "");
    scene.variable("INFLUXCTL_PROFILE", "default");
    assert_eq!(lists(&scene, &[]).await, "");
}

#[tokio::test]
async fn credentials_nearby_that_others_could_have_placed_are_ignored() {
    let mut scene = Scene::new().await;
    scene.face = Face::Tidegate;
    for mode in [0o640, 0o604, 0o400, 0o700, 0o4600] {
        let path = credentials(&scene, mode);
        let stderr = lists(&scene, &[]).await;
        assert_eq!(stderr, "warn\tignoring tidegate-data/credentials.toml: its mode is not 0600\n", "{mode:o}");
        std::fs::remove_file(path).unwrap();
    }
    let path = credentials(&scene, 0o600);
    let elsewhere = path.with_file_name("elsewhere.toml");
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert!(lists(&scene, &[]).await.starts_with("warn\tignoring tidegate-data/credentials.toml: "));
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(lists(&scene, &[]).await.starts_with("warn\tignoring tidegate-data/credentials.toml: "));
}

#[tokio::test]
async fn xdg_config_home_is_honoured_if_it_is_absolute() {
    let mut scene = Scene::without_configuration().await;
    let path = scene.file("elsewhere/influxctl/config.toml", &scene.dedicated_profile());
    let base = path.parent().unwrap().parent().unwrap().to_str().unwrap().to_owned();
    scene.variable("XDG_CONFIG_HOME", "elsewhere");
    scene.run(&["token", "list"]).await.failed("cannot read profile");
    if cfg!(not(target_os = "macos")) {
        scene.variable("XDG_CONFIG_HOME", &base);
        lists(&scene, &[]).await;
    }
    scene.variables.clear();
    scene.run(&["token", "list"]).await.failed("no home directory is known");
}

#[tokio::test]
async fn every_key_of_a_profile_is_known() {
    let scene = Scene::without_configuration().await;
    let profile = scene.dedicated_profile().replace("disable = true", "disable = true\ninsecure = false\nca = \"\"");
    let rest = r#"cert = ""
key = ""
[profile.auth.oauth2]
client_id = "x"
scopes = ["a"]
token_url = "https://id.example.org/token"
device_url = "https://id.example.org/device"
[profile.auth.oauth2.parameters]
audience = "a"
[profile.auth.token]
token_file = ""
"#;
    scene.configure(&format!("{profile}{rest}"));
    assert_eq!(lists(&scene, &[]).await, "");
    scene.configure(&format!("{profile}{rest}[[profile]]\nproduct = \"clustered\"\n"));
    scene.run(&["token", "list"]).await.failed("a profile has no name");
}

/// A scene whose profile names a token file, and the path of that file.
async fn with_token_file() -> (Scene, std::path::PathBuf) {
    let scene = Scene::new().await;
    let without_token = scene.dedicated_profile().replace(&format!("mgmt_token = \"{MANAGEMENT_TOKEN}\""), "");
    scene.configure(&format!("{without_token}[profile.auth.token]\ntoken_file = \"admin.json\"\n"));
    let path = scene.default_configuration().with_file_name("admin.json");
    (scene, path)
}

#[tokio::test]
async fn a_token_file_that_others_can_read_is_warned_about() {
    let (scene, path) = with_token_file().await;
    std::fs::write(&path, "from-text\n").unwrap();
    for (mode, is_exposed) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o620, true)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let stderr = lists(&scene, &[]).await;
        let warned =
            stderr.starts_with("warn\ttoken_file ") && stderr.contains("can be read or changed by other users");
        assert_eq!((warned, stderr.is_empty()), (is_exposed, !is_exposed), "{mode:o}: {stderr}");
    }
    let elsewhere = path.with_file_name("mounted.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    assert_eq!(lists(&scene, &[]).await, "", "a link is followed");
}

#[tokio::test]
async fn a_token_file_must_be_a_regular_file_of_sane_size() {
    let (scene, path) = with_token_file().await;
    std::fs::create_dir(&path).unwrap();
    scene.run(&["token", "list"]).await.failed("not a regular file");
    std::fs::remove_dir(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    scene.run(&["token", "list"]).await.failed("not a regular file");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "x".repeat(64 * 1024 + 1)).unwrap();
    scene.run(&["token", "list"]).await.failed("more than 65536 bytes");
    scene.no_requests();
}

#[tokio::test]
async fn an_unverified_certificate_is_warned_about_once() {
    let scene = Scene::new().await;
    let port = scene.port;
    let encrypted = scene.dedicated_profile().replace("http://", "https://");
    let warning = |unused: &str| format!("warn\tthe certificate of 127.0.0.1:{port} is not verified{unused}: ");
    let warnings = |stderr: &str| stderr.lines().filter(|line| line.starts_with("warn\t")).count();
    for (tls, unused) in [("insecure = true", ""), ("insecure = true\nca = \"lab-ca.pem\"", ", and ca is not used")] {
        scene.configure(&encrypted.replace("disable = true", tls));
        let commands: [&[&str]; 2] = [&["write", "m f=1"], &["database", "delete", "--force", "a", "b"]];
        for command in commands {
            // The server speaks no TLS, and there is no such `ca`; what is said before is all that matters here.
            let outcome = scene.run(command).await.failed("cannot rea");
            let deletion = if command[0] == "database" { 3 } else { 0 };
            assert_eq!(warnings(&outcome.stderr), 1 + deletion, "{}", outcome.stderr);
            assert!(outcome.stderr.contains(&warning(unused)), "{}", outcome.stderr);
        }
    }
    scene.configure(&encrypted.replace("disable = true", ""));
    let outcome = scene.run(&["write", "m f=1"]).await.failed("cannot reach");
    assert_eq!(warnings(&outcome.stderr), 0, "{}", outcome.stderr);
    scene.configure(&scene.dedicated_profile().replace("disable = true", "disable = true\ninsecure = true"));
    assert_eq!(lists(&scene, &[]).await, "", "nothing is verified where nothing is encrypted");
}
