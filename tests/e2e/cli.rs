//! The command line against a running server (influxctl contract §§5–9, 14–16).

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::{Value, json};

use super::support::api::Fresh;
use super::support::cli::{Cli, Said};
use super::support::server::binary;

const UNKNOWN_ID: &str = "00000000-0000-4000-8000-000000000000";

struct Shell {
    fresh: Fresh,
    cli: Cli,
}

impl Shell {
    async fn start() -> Self {
        let fresh = Fresh::start().await;
        let cli = Cli::of(&fresh.server);
        Self { fresh, cli }
    }

    /// Makes a token; gives its id and its text.
    fn token(&self, arguments: &[&str]) -> (String, String) {
        let words = [&["token", "create", "--format", "json"], arguments].concat();
        let created = self.cli.run_with_input(&words, "").success().json();
        (created["id"].as_str().unwrap().to_owned(), created["token"].as_str().unwrap().to_owned())
    }

    fn tokens(&self) -> Vec<Value> {
        let said = self.cli.run(["token", "list", "--include-revoked", "--format", "json"]).success();
        said.json().as_array().unwrap().clone()
    }

    fn is_revoked(&self, id: &str) -> bool {
        let tokens = self.tokens();
        let token = tokens.iter().find(|token| token["id"] == id).unwrap();
        token["revoked_at"].is_object()
    }
}

fn has_line(text: &str, start: &str) -> bool {
    text.lines().any(|line| line.starts_with(start))
}

#[tokio::test]
async fn the_main_job_from_a_shell() {
    let shell = Shell::start().await;
    let cli = &shell.cli;
    cli.run(["database", "create", "plant7"]).success();
    let (id, token) = shell.token(&["--read-database", "plant7", "--write-database", "plant7", "gateway"]);
    let write = |line: &str| cli.run(["write", "--database", "plant7", "--token", &token, line]);
    let said = write("press,line=L1 speed=4.5,ticks=120i 1700000000000000000").success();
    assert_eq!(said.stdout, "");
    let query = |format: &str| {
        cli.run([
            "query",
            "--database",
            "plant7",
            "--token",
            &token,
            "--format",
            format,
            "SELECT line, speed, ticks, time FROM press",
        ])
    };
    let table = "\
+-------+-------+-------+----------------------+
| line  | speed | ticks | time                 |
+-------+-------+-------+----------------------+
| L1    |   4.5 |   120 | 2023-11-14T22:13:20Z |
+-------+-------+-------+----------------------+
| TOTAL | 1 ROWS |      |                      |
+-------+-------+-------+----------------------+
";
    let said = query("table").success();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ");
    for (line, expected) in said.stdout.lines().zip(table.lines()) {
        if !line.starts_with('+') {
            assert_eq!(words(line), words(expected), "{}", said.stdout);
        }
    }
    assert_eq!(said.stdout.lines().count(), table.lines().count());
    let rows = query("json").success().json();
    assert_eq!(rows, json!([{ "line": "L1", "speed": 4.5, "ticks": 120, "time": 1_700_000_000_000_000_000_i64 }]));

    cli.run(["token", "revoke", "--force", &id]).success();
    for said in [write("press speed=1 2"), query("json")] {
        let said = said.failure();
        assert!(said.stderr.contains("401"), "{said:?}");
        assert!(!said.stderr.contains(&token[6..]));
    }
}

#[tokio::test]
async fn creating_a_token_shows_it_once_as_the_last_line() {
    let shell = Shell::start().await;
    let said = shell.cli.run(["token", "create", "--read-database", "*", "press line gateway"]).success();
    let token = said.last_line();
    assert!(token.starts_with("apiv1_") && token.len() == 92, "{said:?}");
    assert!(said.stdout.starts_with("+--") && said.stdout.contains("| press line gateway "), "{said:?}");
    assert!(has_line(&said.stderr, "warn\tplease copy the token and store in a safe place"), "{said:?}");
    assert!(has_line(&said.stderr, "warn\tthis is the *only time* you will see the token"), "{said:?}");
    assert!(!said.stderr.contains(token));

    let said = shell.cli.run(["token", "create", "--format", "json", "--write-database", "a", "x"]).success();
    let created = said.json();
    assert_eq!(said.stdout.matches(created["token"].as_str().unwrap()).count(), 1);
    assert_eq!(created["permissions"][0]["action"], "write");

    for arguments in [
        &["token", "create"][..],
        &["token", "create", ""],
        &["token", "create", "a", "b"],
        &["token", "create", "--format", "xml", "a"],
        &["token", "create", "--expires-at", "2001-01-01T00:00:00Z", "a"],
        &["token", "create", "--expires-at", "2999-01-01", "a"],
    ] {
        shell.cli.misused(arguments, "");
    }
    assert_eq!(shell.tokens().len(), 2);
    shell.token(&["--expires-at", "2999-01-01T00:00:00+0200", "a"]);
}

#[tokio::test]
async fn revoking_asks_first_and_goes_on_after_an_unknown_id() {
    let shell = Shell::start().await;
    let (first, _) = shell.token(&["--read-database", "*", "first"]);
    let (third, _) = shell.token(&["--read-database", "*", "third"]);
    let revoke = |input: &str| shell.cli.run_with_input(&["token", "revoke", &first, UNKNOWN_ID, &third], input);

    for refusal in ["n\n", "\n", "", "no\n", "yess\n"] {
        let said = revoke(refusal);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(has_line(&said.stderr, "warn\tcancelled"), "{said:?}");
        assert!(said.stderr.contains("Revoke 3 database tokens?"), "{said:?}");
    }
    assert!(!shell.is_revoked(&first) && !shell.is_revoked(&third));

    // A malformed id is refused before the question.
    shell.cli.misused(&["token", "revoke", &first, "17", &third], "y\n");
    assert!(!shell.is_revoked(&first));

    let said = revoke("y\n").failure();
    for id in [&first, &third] {
        assert!(said.stderr.contains(&format!("info\trevoked {id}")), "{said:?}");
        assert!(shell.is_revoked(id));
    }
    assert!(said.stderr.contains(&format!("error\t{UNKNOWN_ID}: ")), "{said:?}");
    assert_eq!(said.stdout, "");
    shell.cli.run(["token", "revoke", "--force", &first, &first]).success();
}

#[tokio::test]
async fn delete_is_another_word_for_revoke() {
    let shell = Shell::start().await;
    let (id, _) = shell.token(&["--read-database", "*", "x"]);
    let (other, _) = shell.token(&["--read-database", "*", "y"]);
    shell.cli.run(["token", "delete", "--force", &id]).success();
    shell.cli.run_with_input(&["token", "delete", &other], "YES\n").success();
    assert!(shell.is_revoked(&id) && shell.is_revoked(&other));
}

#[tokio::test]
async fn lists_show_what_is_asked_for() {
    let shell = Shell::start().await;
    let cli = &shell.cli;
    assert_eq!(cli.run(["token", "list", "--format", "json"]).success().json(), json!([]));
    let (kept, secret) = shell.token(&["--read-database", "a", "--write-database", "*", "zebra"]);
    let (revoked, _) = shell.token(&["--read-database", "*", "ant"]);
    cli.run(["token", "revoke", "--force", &revoked]).success();

    let listed = cli.run(["token", "list", "--format", "json"]).success().json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let token = &listed[0];
    assert_eq!((&token["id"], &token["description"]), (&json!(kept), &json!("zebra")));
    assert!(token["created_at"]["seconds"].is_i64() && token.get("revoked_at").is_none(), "{token}");
    let permissions: Vec<(&Value, &Value)> =
        token["permissions"].as_array().unwrap().iter().map(|item| (&item["action"], &item["resource"])).collect();
    assert_eq!(permissions, [(&json!("read"), &json!("a")), (&json!("write"), &json!("*"))]);

    let all =
        cli.run(["token", "list", "--include-revoked", "--sort", "description", "--format", "json"]).success().json();
    assert_eq!((&all[0]["description"], &all[1]["description"]), (&json!("ant"), &json!("zebra")));
    assert!(all[0]["revoked_at"]["seconds"].is_i64());

    let table = cli.run(["token", "list", "--include-revoked"]).success();
    for text in ["ID", "DESCRIPTION", "EXPIRES AT", "REVOKED AT", &kept, &revoked] {
        assert!(table.stdout.contains(text), "{text} is missing in {table:?}");
    }
    assert!(!table.stdout.contains(&secret[6..]));

    assert_eq!(cli.run(["token", "get", "--format", "json", &kept]).success().json()["id"], kept);
    let said = cli.run(["token", "get", &revoked]).failure();
    assert!(said.stderr.contains(&format!("error\ttoken {revoked} not found")), "{said:?}");
    cli.run(["token", "get", "--include-revoked", &revoked]).success();
}

#[tokio::test]
async fn updating_replaces_permissions_only_when_some_are_given() {
    let shell = Shell::start().await;
    let (id, _) = shell.token(&["--read-database", "a", "--write-database", "a", "old"]);
    let permissions = || shell.tokens()[0]["permissions"].as_array().unwrap().len();
    shell.cli.run(["token", "update", "--description", "new", &id]).success();
    assert_eq!((permissions(), &shell.tokens()[0]["description"]), (2, &json!("new")));
    shell.cli.run(["token", "update", "--read-database", "b", &id]).success();
    assert_eq!(permissions(), 1);
    shell.cli.misused(&["token", "update", &id], "");
    shell.cli.misused(&["token", "update", "--read-database", "", &id], "");
    assert_eq!(permissions(), 1);
}

#[tokio::test]
async fn databases_are_created_listed_and_deleted() {
    let shell = Shell::start().await;
    let cli = &shell.cli;
    cli.run(["database", "create", "--retention-period", "30d", "--max-tables", "7", "plant7"]).success();
    cli.run(["database", "create", "b", "--retention-period", "0s"]).success();
    cli.run(["database", "create", "b"]).failure();
    for period in ["-1d", "1 d", "5", "300y", "1D"] {
        cli.misused(&["database", "create", &format!("--retention-period={period}"), "c"], "");
    }
    let listed = cli.run(["database", "list", "--format", "json"]).success().json();
    let names: Vec<&Value> = listed.as_array().unwrap().iter().map(|item| &item["database_name"]).collect();
    assert_eq!(names, ["b", "plant7"]);
    assert_eq!(listed[1]["retention_period_ns"], 30 * 86_400_000_000_000_i64);
    assert_eq!((&listed[1]["max_tables"], &listed[1]["max_columns_per_table"]), (&json!(7), &json!(250)));
    let table = cli.run(["database", "list"]).success();
    assert!(table.stdout.contains("infinite") && table.stdout.contains("30d"), "{table:?}");

    let said = cli.run_with_input(&["database", "delete", "plant7"], "n\n");
    assert_eq!(said.code, 1);
    cli.run(["database", "delete", "--force", "missing", "plant7"]).failure();
    let left = cli.run(["database", "list", "--format", "json"]).success().json();
    assert_eq!(left.as_array().unwrap().len(), 1, "the second one is deleted although the first does not exist");
}

#[tokio::test]
async fn a_management_token_can_revoke_itself() {
    let shell = Shell::start().await;
    let cli = &shell.cli;
    let created = cli.run(["management", "create", "--description", "own", "--format", "json"]).success().json();
    let (id, token) = (created["id"].as_str().unwrap(), created["token"].as_str().unwrap());
    assert!(token.starts_with("mgmt1_"));
    let own = cli.clone().env("INFLUXCTL_MGMT_TOKEN", token);
    own.run(["management", "revoke", "--force", id]).success();
    let said = own.run(["token", "list"]).failure();
    assert!(!said.stderr.contains(&token[6..]));

    let listed = cli.run(["management", "list", "--format", "json"]).success();
    assert!(!listed.stdout.contains(&token[10..]));
    let listed = listed.json();
    let entry = listed.as_array().unwrap().iter().find(|entry| entry["id"] == id).unwrap();
    assert_eq!(entry["token_prefix"].as_str().unwrap(), &token[..10]);
    assert!(entry["revoked_at"]["seconds"].is_i64(), "revoked ones are always listed");
    cli.misused(&["management", "create", "--description", ""], "");
    assert!(cli.run(["management", "create"]).success().last_line().starts_with("mgmt1_"));
}

#[tokio::test]
async fn lines_and_secrets_come_from_files_and_stdin() {
    let shell = Shell::start().await;
    let cli = &shell.cli;
    cli.run(["database", "create", "plant7"]).success();
    let (_, token) = shell.token(&["--read-database", "plant7", "--write-database", "plant7", "x"]);
    let directory = shell.fresh.directory.path();
    std::fs::write(directory.join("secret"), format!("{token}\n")).unwrap();
    std::fs::write(directory.join("lines"), "m x=1 1\n# comment\n\nm x=2 2").unwrap();
    std::fs::write(directory.join("query"), "SELECT count(*) AS n\nFROM m").unwrap();
    let with_token = ["--database", "plant7", "--token-file", "secret"];
    let write = |input: &str, more: &[&str]| cli.run_with_input(&[&["write"], &with_token[..], more].concat(), input);
    let query = |input: &str, more: &[&str]| {
        cli.run_with_input(&[&["query", "--format", "json"], &with_token[..], more].concat(), input).success().json()
    };
    write("", &["lines"]).success();
    write("m x=3 3\nm x=4 4\n", &["-"]).success();
    assert_eq!(query("", &["query"]), json!([{ "n": 4 }]));
    assert_eq!(query("SELECT count(*) AS n\nFROM m\n", &["-"]), json!([{ "n": 4 }]));
    write("m x=1 1\nm x=\nm x=3 3\n", &["--batch-size", "1", "-"]).failure();
    cli.misused(&[&["write"], &with_token[..], &["--precision", "h", "-"]].concat(), "m x=1,y=1 7");
    assert_eq!(query("", &["SELECT count(*) AS n FROM m"]), json!([{ "n": 4 }]));
}

#[tokio::test]
async fn the_face_of_influxctl_is_chosen_by_name_or_word() {
    let shell = Shell::start().await;
    let directory = shell.fresh.directory.path();
    let link = directory.join("influxctl");
    symlink(binary(), &link).unwrap();
    let linked = shell.cli.clone().program(link.clone());
    assert_eq!(linked.run(["token", "list", "--format", "json"]).success().json(), json!([]));
    let bare = Cli::bare(directory);
    let config = shell.fresh.server.data_dir.join("credentials.toml");
    let config = config.to_str().unwrap();
    let said = bare.run(["influxctl", "--config", config, "token", "list", "--format", "json"]).success();
    assert_eq!(said.json(), json!([]));
    for said in [bare.run(["version"]), bare.run(["help"]), bare.clone().program(link).run(["version"])] {
        assert!(!said.success().stdout.is_empty());
    }
}

/// Only under its own name the program finds the credentials of a server in the working directory, and only if they
/// are nobody else's to read.
#[tokio::test]
async fn credentials_beside_the_server_are_found_without_a_flag() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("tidegate-data");
    let server = super::support::server::Launch::new(&data_dir).start().await;
    let credentials = data_dir.join("credentials.toml");
    let set_mode = |mode: u32| std::fs::set_permissions(&credentials, std::fs::Permissions::from_mode(mode)).unwrap();

    let list = |face: &[&str], directory: &Path| -> Said {
        Cli::bare(directory).run_with_input(&[face, &["token", "list", "--format", "json"]].concat(), "")
    };
    let said = list(&[], directory.path()).success();
    assert_eq!(said.json(), json!([]));
    assert!(said.stderr.contains("credentials.toml") && said.stderr.contains("127.0.0.1"), "{said:?}");
    list(&["influxctl"], directory.path()).failure();

    set_mode(0o644);
    list(&[], directory.path()).failure();
    set_mode(0o600);
    list(&[], directory.path()).success();
    let elsewhere = tempfile::tempdir().unwrap();
    list(&[], elsewhere.path()).failure();
    drop(server);
}

#[tokio::test]
async fn configuration_faults_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let cli = Cli::bare(directory.path());
    let config = directory.path().join("config.toml");
    let path = config.to_str().unwrap();
    let said = cli.run(["--config", path, "token", "list"]).failure();
    assert!(said.stderr.contains(path), "{said:?}");
    let profile = "[[profile]]\nname = \"default\"\nproduct = \"dedicated\"\nhost = \"127.0.0.1\"\nport = \"1\"\n";
    for (text, named) in [
        ("[[profile", ""),
        ("[[profile]]\nname = \"lab\"\nproduct = \"dedicated\"\n", "default"),
        (&format!("{profile}\nsurprise = 1\n"), "surprise"),
        (&format!("{profile}\n[profile.tls]\nsurprising = true\n"), "surprising"),
        (&format!("{profile}account_id = \"x\"\ncluster_id = \"y\"\nmgmt_token = \"z\"\n"), "account_id"),
    ] {
        std::fs::write(&config, text).unwrap();
        let said = cli.run(["--config", path, "token", "list"]).failure();
        assert!(said.stderr.contains(named), "{named} is not named in {said:?}");
    }
}
