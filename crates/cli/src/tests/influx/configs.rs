use super::super::harness::Scene;
use super::scene::{JSON, Place, TOKEN};
use serde_json::json;

const TWO: &str = "[a]\nurl = \"http://a\"\ntoken = \"ta\"\norg = \"oa\"\nactive = true\n\n[b]\nurl = \"http://b\"\n";

#[tokio::test]
async fn without_configs_the_built_in_one_is_shown() {
    let place = Place::without_configs().await;
    place.run(&["config"]).await.printed(
        "Active\tName\tURL\t\t\tOrg\n\
         *\tdefault\thttp://localhost:8086\t\n",
    );
    place.run(&["config", "ls"]).await.printed("Active\tName\tURL\tOrg\n");
    place.run(&["config", "ls", "--json"]).await.printed("{}\n");
    assert!(!place.configs_path().exists());
}

#[tokio::test]
async fn a_config_is_created_changed_and_removed() {
    let place = Place::without_configs().await;
    let create = ["config", "create", "-n", "lab", "-u", "http://lab:8086", "-t", "-secret", "-o", "plant", "-a"];
    let created = place.run(&create).await;
    let (first, rest) = created.stdout.split_once('\n').unwrap();
    assert!(first.starts_with("warning: ") && !first.contains("secret"), "{first}");
    assert_eq!(rest, "Active\tName\tURL\t\tOrg\n*\tlab\thttp://lab:8086\tplant\n");
    assert!(place.read_configs().starts_with(
        "[lab]\n  url = \"http://lab:8086\"\n  token = \"-secret\"\n  org = \"plant\"\n  active = true\n"
    ));
    let set = place.run(&["config", "set", "-n", "lab", "-p", "ada:hunter2", "--json"]).await.succeeded();
    let shown = "{\n\t\"url\": \"http://lab:8086\",\n\t\"token\": \"\",\n\t\"org\": \"plant\",\n\t\"active\": true,\n\t\
                 \"cookie\": \"YWRhOmh1bnRlcjI=\"\n}\n";
    assert_eq!(set.stdout, shown);
    place.run(&["config", "rm", "nobody", "lab"]).await.printed(
        "Active\tName\tURL\t\tOrg\tDeleted\n\
         *\tlab\thttp://lab:8086\tplant\ttrue\n",
    );
    place.run(&["config", "remove", "nobody"]).await.printed("Active\tName\tURL\tOrg\tDeleted\n");
}

#[tokio::test]
async fn the_file_is_private_and_its_link_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::without_configs().await;
    place.run(&["config", "create", "-n", "lab", "-u", "http://lab"]).await.succeeded();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let path = place.configs_path();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let real = place.0.home().join("real");
    std::fs::rename(&path, &real).unwrap();
    std::os::unix::fs::symlink(&real, &path).unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o644)).unwrap();
    place.run(&["config", "set", "-n", "lab", "-o", "new"]).await.succeeded();
    assert!(path.is_symlink() && std::fs::read_to_string(&real).unwrap().contains("new"));
    assert_eq!(mode(&real), 0o600);
}

#[tokio::test]
async fn what_cannot_be_created() {
    let place = Place::without_configs().await;
    place.configs(TWO);
    let create = |arguments: &[&'static str]| [&["config", "create"], arguments].concat();
    for (arguments, reason) in [
        (create(&["-n", "a", "-u", "http://x"]), "failed to create config \"a\": config \"a\" already exists"),
        (
            create(&["-n", "c", "-u", "ftp://x"]),
            "host URL \"ftp://x\" is invalid: a scheme of http or https must be provided for host url",
        ),
        (
            create(&["-n", "c", "-u", "http://x", "-t", "t", "-p", "u"]),
            "cannot specify `--token` and `--username-password` together, please choose one",
        ),
        (vec!["config", "set", "-n", "c"], "failed to update config \"c\": config \"c\" is not found"),
    ] {
        place.run(&arguments).await.told(reason);
        assert_eq!(place.read_configs(), TWO, "{arguments:?}");
    }
    let list = place.run(&create(&["-n", "list", "-u", "http://x"])).await;
    assert_eq!(list.stderr, "Error: failed to create config \"list\": \"list\" is not a valid config name\n");
    let outcome = place.run(&create(&["-n", "c"])).await;
    assert_eq!((outcome.status, outcome.stderr.as_str()), (1, "Error: Required flag \"host-url\" not set\n"));
    assert!(outcome.stdout.starts_with("Add a config\n\nUsage:\n"), "{}", outcome.stdout);
}

#[tokio::test]
async fn broken_toml_stops_every_command() {
    let place = Place::without_configs().await;
    place.configs("[a]\ntoken = \"hunter2\n");
    for command in [&["config"][..], &["config", "ls"], &["auth", "list"], &["ping"]] {
        let outcome = place.run(command).await;
        assert_eq!((outcome.status, outcome.stdout.as_str()), (1, ""), "{command:?}");
        assert!(outcome.stderr.starts_with("Error: toml: line 2: ") && !outcome.stderr.contains("hunter2"));
    }
}

#[tokio::test]
async fn edge_45_a_config_given_by_flag_stays_active_and_a_dash_returns() {
    let place = Place::without_configs().await;
    place.configs(&TWO.replace("http://b", &place.url()));
    place.0.answer_with_headers("GET", "/health", 200, JSON, json!({ "name": "influxdb", "status": "pass" }));
    place.run(&["ping", "-c", "b"]).await.printed("OK\n");
    let list = |a: &str, b: &str| {
        let url = place.url();
        format!("Active\tName\tURL\t\t\tOrg\n{a}\ta\thttp://a\t\toa\n{b}\tb\t{url}\t\n")
    };
    place.run(&["config", "ls"]).await.printed(&list("", "*"));
    place.run(&["config", "-"]).await.printed("Active\tName\tURL\t\tOrg\n*\ta\thttp://a\toa\n");
    place.run(&["config", "list"]).await.printed(&list("*", ""));
    place.run(&["config", "b"]).await.succeeded();
    place.run(&["config", "nobody"]).await.told("config \"nobody\" is not found");
    place.run(&["ping", "-c", "nobody"]).await.told("config \"nobody\" is not found");
    place.run(&["config", "a", "b"]).await.told("usage: influx config [config name]");
}

#[tokio::test]
async fn without_a_previous_config_there_is_no_way_back() {
    let place = Place::without_configs().await;
    place.configs(TWO);
    place.run(&["config", "-"]).await.told("previous  activated config is not found");
}

#[tokio::test]
async fn another_file_can_be_named_by_flag_or_environment() {
    let mut place = Place::without_configs().await;
    place.configs(TWO);
    let other = place.0.file("other", "[c]\nurl = \"http://c\"\n");
    let other = other.to_str().unwrap();
    let shown = "Active\tName\tURL\t\tOrg\n\tc\thttp://c\t\n";
    place.run(&["config", "ls", "--configs-path", other]).await.printed(shown);
    place.0.variable("INFLUX_CONFIGS_PATH", other);
    place.run(&["config", "ls"]).await.printed(shown);
    place.0.variable("INFLUX_CONFIGS_PATH", "");
    assert!(place.run(&["config", "ls"]).await.stdout.contains("http://a"));
}

#[tokio::test]
async fn a_login_makes_a_session_for_each_command() {
    let mut place = Place::without_configs().await;
    place.configs(&format!("[a]\nurl = \"{}\"\ncookie = \"YWRhOmh1bnRlcjI=\"\n", place.url()));
    let cookie: &[(&str, &str)] = &[("set-cookie", "influxdb-oss-session=Kx9_-==; Path=/api/; HttpOnly")];
    place.0.answer_with_headers("POST", "/api/v2/signin", 204, cookie, "");
    place.answer("GET", "/api/v2/users", 200, &json!({ "users": [] }));
    place.run(&["user", "list"]).await.printed("ID\tName\n");
    let requests = place.requests();
    assert_eq!(requests[0].authorization(), "Basic YWRhOmh1bnRlcjI=");
    assert_eq!(requests[1].headers["cookie"], "influxdb-oss-session=Kx9_-==");
    assert!(!requests[1].headers.contains_key("authorization"));
    // A token makes the session needless, also an empty one.
    place.answer("GET", "/api/v2/users", 200, &json!({ "users": [] }));
    place.run(&["user", "list", "-t", TOKEN]).await;
    place.0.variable("INFLUX_TOKEN", "");
    place.answer("GET", "/api/v2/users", 200, &json!({ "users": [] }));
    place.run(&["user", "list"]).await.succeeded();
    assert_eq!(place.requests().len(), 4);
    place.0.variables.remove(std::ffi::OsStr::new("INFLUX_TOKEN"));
    place.refuse("POST", "/api/v2/signin", 401, "unauthorized", "unauthorized access");
    place.run(&["user", "list"]).await.told(
        "error creating session: error signing in, verify signin was not called against cloud influxdb: 401 \
         Unauthorized: unauthorized access",
    );
}

#[tokio::test]
async fn a_login_without_password_asks_for_it() {
    let mut place = Place::without_configs().await;
    place.configs(&format!("[a]\nurl = \"{}\"\ncookie = \"YWRh\"\n", place.url()));
    place.0.stdin = "hunter2 \n".to_owned();
    let cookie: &[(&str, &str)] = &[("set-cookie", "influxdb-oss-session=K")];
    place.0.answer_with_headers("POST", "/api/v2/signin", 204, cookie, "");
    place.answer("GET", "/health", 200, &json!({}));
    let outcome = place.run(&["ping"]).await.succeeded();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("OK\n", "Please provide your password: \n"));
    assert_eq!(place.requests()[0].authorization(), "Basic YWRhOmh1bnRlcjIg");
}

#[tokio::test]
async fn the_home_of_the_user_database_wins_over_the_variable() {
    let scene = Scene::without_configuration().await;
    let home = scene.home().join("elsewhere");
    let path = home.join(".influxdbv2/configs");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, TWO).unwrap();
    let outcome = scene.run_with(async |io| {
        io.home = Some(home);
        crate::influx::run(&["config".into()], io).await
    });
    assert!(outcome.await.stdout.contains("http://a"));
}
