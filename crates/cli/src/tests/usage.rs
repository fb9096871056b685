use super::harness::{Scene, cluster_path, leaves};
use crate::Face;

#[tokio::test]
async fn edge_34_one_argument_too_many_is_an_error_everywhere() {
    let scene = Scene::new().await;
    let id = "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64";
    let commands: &[&[&str]] = &[
        &["token", "create", "x"],
        &["token", "get", id],
        &["token", "list"],
        &["token", "update", "--description", "x", id],
        &["management", "create"],
        &["management", "list"],
        &["database", "create", "x"],
        &["database", "list"],
        &["database", "update", "--max-tables", "5", "x"],
        &["database", "rename", "x", "y"],
        &["database", "undelete", "x"],
        &["table", "create", "x", "y"],
        &["table", "list", "x"],
        &["table", "delete", "x", "y"],
        &["table", "rename", "x", "y", "z"],
        &["table", "undelete", "x", "7"],
        &["table", "iceberg", "enable", "x", "y"],
        &["table", "iceberg", "disable", "x", "y"],
        &["cluster", "get", id],
        &["cluster", "list"],
        &["user", "list"],
        &["auth", "login"],
        &["auth", "logout"],
        &["query", "SELECT 1"],
        &["write", "m f=1"],
        &["version"],
        &["completion", "bash"],
        &["man", "--out", "pages"],
    ];
    let mut untested = leaves(&crate::command(Face::Influxctl));
    // These take any number of targets.
    untested
        .retain(|words| !matches!(words.join(" ").as_str(), "token revoke" | "management revoke" | "database delete"));
    for &command in commands {
        untested.retain(|words| !command.iter().zip(words).all(|(a, b)| a == b));
        let outcome = scene.run(&[command, &["surplus"]].concat()).await.failed("too many arguments");
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{outcome:?}");
        assert!(lines[1].starts_with(&format!("Usage: influxctl {}", command[0])), "{outcome:?}");
    }
    assert_eq!(untested, Vec::<Vec<String>>::new());
    scene.no_requests();
}

#[tokio::test]
async fn usage_errors_name_no_secret() {
    let scene = Scene::new().await;
    for (arguments, reason) in [
        (&["query", "plant7", "my-plain-secret", "SELECT 1"][..], "too many arguments"),
        (&["query", "--tokn=my-plain-secret", "SELECT 1"], "there is no flag --tokn here"),
        (&["token", "get", "apiv1_my-plain-secret-of-some-length"], "is not a UUID"),
        (&["apiv1_my-plain-secret-of-some-length"], "unrecognized subcommand"),
    ] {
        let outcome = scene.run(arguments).await.failed(reason);
        assert!(!outcome.stderr.contains("plain-secret"), "{outcome:?}");
    }
}

#[tokio::test]
async fn every_error_exits_with_1_under_both_names() {
    let mut scene = Scene::new().await;
    scene.answer("GET", &cluster_path("/tokens"), 500, "");
    for face in [Face::Tidegate, Face::Influxctl] {
        scene.face = face;
        for arguments in
            [&["token", "create"][..], &["nonsense"], &["token", "update", "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64"]]
        {
            assert_eq!(scene.run(arguments).await.status, 1, "{arguments:?}");
        }
    }
    assert_eq!(scene.run(&["token", "list"]).await.status, 1);
}

#[tokio::test]
async fn usage_line_is_that_of_the_command_meant() {
    let scene = Scene::new().await;
    let outcome = scene.run(&["--profile", "token", "database", "create"]).await.failed("<DATABASE_NAME>");
    assert!(outcome.stderr.contains("Usage: influxctl database create "), "{}", outcome.stderr);
    let outcome = scene.run(&["token", "--nonsense"]).await.failed("there is no flag --nonsense here");
    assert!(outcome.stderr.contains("Usage: influxctl token"), "{}", outcome.stderr);
}

#[tokio::test]
async fn edge_42_version_and_help_need_no_configuration() {
    let mut scene = Scene::without_configuration().await;
    scene.variables.clear();
    let outcome = scene.run(&["version"]).await.succeeded();
    assert!(outcome.stdout.starts_with("influxctl v2.12.0 (") && outcome.stdout.ends_with(")\n"), "{}", outcome.stdout);
    let general = scene.run(&["help"]).await.succeeded();
    assert!(general.stdout.contains("Usage: influxctl"), "{}", general.stdout);
    for arguments in [&["h"][..], &["--help"], &["-h"], &[]] {
        assert_eq!(scene.run(arguments).await.succeeded().stdout, general.stdout, "{arguments:?}");
    }
    let create = scene.run(&["help", "token", "create"]).await.succeeded();
    assert!(create.stdout.contains("Usage: influxctl token create"), "{}", create.stdout);
    for arguments in [&["token", "help", "create"][..], &["token", "h", "create"], &["token", "create", "-h"]] {
        assert_eq!(scene.run(arguments).await.succeeded().stdout, create.stdout, "{arguments:?}");
    }
    let group = scene.run(&["token"]).await.succeeded();
    assert_eq!(group.stderr, "");
    assert!(group.stdout.contains("revoke"), "{}", group.stdout);
    scene.run(&["help", "nonsense"]).await.failed("nonsense");
    scene.face = Face::Tidegate;
    let outcome = scene.run(&["version"]).await.succeeded();
    assert!(outcome.stdout.starts_with(concat!("tidegate v", env!("CARGO_PKG_VERSION"), " (")), "{}", outcome.stdout);
}

#[tokio::test]
async fn global_flags_work_before_and_after_the_command() {
    let scene = Scene::new().await;
    scene.file("other.toml", &scene.dedicated_profile().replace("\"default\"", "\"lab\""));
    for arguments in [
        &["--config", "other.toml", "--profile=lab", "token", "list"][..],
        &["token", "--config", "other.toml", "list", "--profile", "lab"],
        &["token", "list", "--profile", "lab", "--config", "other.toml"],
    ] {
        scene.answer("GET", &cluster_path("/tokens"), 200, "[]");
        scene.run(arguments).await.succeeded();
    }
    assert_eq!(scene.requests().len(), 3);
    scene.run(&["--timeout", "10", "token", "list"]).await.failed("--timeout");
}

#[tokio::test]
async fn two_dashes_end_the_flags() {
    let scene = Scene::new().await;
    let created =
        serde_json::json!({"id": "4f0c8a52-6d1e-4b7b-9a3c-51e2d07f9b64", "description": "--x", "accessToken": "y"});
    scene.answer("POST", &cluster_path("/tokens"), 200, created);
    scene.run(&["token", "create", "--", "--x"]).await.succeeded();
    assert_eq!(scene.requests()[0].json()["description"], "--x");
}

#[test]
fn both_trees_are_consistent() {
    for face in [Face::Tidegate, Face::Influxctl] {
        crate::command(face).debug_assert();
    }
}

#[test]
fn usage_names_the_face_and_not_the_file_that_was_started() {
    let command = crate::command(Face::Influxctl);
    let arguments = ["/usr/local/bin/renamed", "token", "get", "--help"];
    let help = command.try_get_matches_from(arguments).unwrap_err().to_string();
    assert!(help.contains("Usage: influxctl token get"), "{help}");
}

#[tokio::test]
async fn completion_scripts_know_the_commands_of_their_face() {
    let mut scene = Scene::without_configuration().await;
    for face in [Face::Influxctl, Face::Tidegate] {
        scene.face = face;
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = scene.run(&["completion", shell]).await.succeeded().stdout;
            for word in [face.name(), "undelete", "--include-revoked"] {
                let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
                assert!(script.contains(word), "{word} is missing for {shell}");
            }
        }
    }
    scene.run(&["completion", "cmd"]).await.failed("<SHELL>");
    scene.run(&["completion"]).await.failed("<SHELL>");
}

#[tokio::test]
async fn there_is_a_manual_page_for_every_command() {
    let scene = Scene::without_configuration().await;
    let outcome = scene.run(&["man", "--out", "share/man1"]).await.succeeded();
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    let directory = scene.file("share/x", "").with_file_name("man1");
    for words in leaves(&crate::command(Face::Influxctl)).iter().filter(|words| *words != &["man"]) {
        let page = std::fs::read_to_string(directory.join(format!("influxctl-{}.1", words.join("-")))).unwrap();
        assert!(
            page.contains(".SH SYNOPSIS") && page.contains("\"influxctl 2.12.0\"") && page.contains("\\-\\-profile"),
            "{words:?}: {page}"
        );
    }
    assert!(directory.join("influxctl.1").exists() && !directory.join("influxctl-man.1").exists());
    scene.file("occupied", "");
    scene.run(&["man", "--out", "occupied"]).await.failed("cannot write to ");
}

#[tokio::test]
async fn values_are_refused_in_the_words_of_the_command_line() {
    let scene = Scene::new().await;
    let create = ["database", "create", "x"];
    for (arguments, reason) in [
        (&["--cluster", "zz", "token", "list"][..], "invalid value 'zz' for '--cluster <CLUSTER_ID>': is not a UUID"),
        (&["token", "list", "--account", "zz"], "invalid value 'zz' for '--account <ACCOUNT_ID>': is not a UUID"),
        (
            &["--timeout", "10", "token", "list"],
            "needs numbers with the units ns, us, ms, s, m and h, such as 10s or 1m30s",
        ),
        (&[&create[..], &["--retention-period", "10"]].concat(), "such as 30d or 2h30m"),
        (&[&create[..], &["--max-columns", "1001"]].concat(), "error\t--max-columns must be between 1 and 1000"),
        (
            &[&create[..], &["--template-timeformat", "%Y", "--template-tag-bucket", "a,0"]].concat(),
            "error\t--template-tag-bucket needs a number between 1 and 99999",
        ),
        (
            &[&create[..], &["--template-timeformat", "%Y", "--template-timeformat", "%Y"]].concat(),
            "error\t--template-timeformat can be given only once",
        ),
    ] {
        scene.run(arguments).await.failed(reason);
    }
    scene.no_requests();
}
