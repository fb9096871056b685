//! The scripts under `examples/`, run as they are.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::support::api::Fresh;
use super::support::server::{binary, clean_command};

struct Rotation {
    fresh: Fresh,
    token_file: PathBuf,
}

impl Rotation {
    async fn start() -> Self {
        let fresh = Fresh::start().await;
        fresh.api.create_database("plant7").await;
        let token_file = fresh.directory.path().join("gateway token");
        Self { fresh, token_file }
    }

    fn script(&self, first: bool, more: &[&str]) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shell/rotate-token.sh");
        let mut command = clean_command(&script, self.fresh.directory.path());
        command.env("TIDEGATE", binary());
        command.args(first.then_some("--first")).arg(self.fresh.server.data_dir.join("credentials.toml"));
        command.arg(&self.token_file).args(more).current_dir(self.fresh.directory.path());
        command
    }

    fn read(&self, extension: &str) -> String {
        let mut path = self.token_file.clone().into_os_string();
        path.push(extension);
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_token_is_rotated_by_the_shell_example() {
    let rotation = Rotation::start().await;
    let api = &rotation.fresh.api;
    let flags = ["--write-database", "plant7", "--read-database", "*", "line gateway"];
    let made = rotation.script(true, &flags).output().unwrap();
    assert!(made.status.success(), "{}", text(&made));
    let (old, old_id) = (rotation.read(""), rotation.read(".id"));
    api.write(&old, "plant7", "m x=1 1").await.expect_status(204);

    let rotated = rotation.script(false, &[]).output().unwrap();
    assert!(rotated.status.success(), "{}", text(&rotated));
    let (new, new_id) = (rotation.read(""), rotation.read(".id"));
    assert!(old != new && old_id != new_id);
    assert!(text(&rotated).contains(&old_id) && text(&rotated).contains("401"), "{}", text(&rotated));
    for secret in [&old, &new] {
        assert!(!text(&rotated).contains(&secret[6..40]) && !text(&made).contains(&secret[6..40]));
    }
    api.write(&old, "plant7", "m x=1 1").await.expect_status(401);
    api.write(&new, "plant7", "m x=2 2").await.expect_status(204);
    assert_eq!(api.rows(&new, "plant7", "SELECT x FROM m").await.len(), 2);
    let record = |id: &str| format!("/tokens/{id}?includeRevoked=true");
    let (before, after) = (api.get(&record(&old_id)).await.json(), api.get(&record(&new_id)).await.json());
    assert_eq!(before["permissions"], after["permissions"]);
    assert_eq!(after["description"], "line gateway");
    assert!(before["revokedAt"].is_string() && after.get("revokedAt").is_none());

    assert_eq!(rotation.files(), ["data", "gateway token", "gateway token.id"], "the old token is in no file");
}

/// A program in the place of `tidegate`: `AT` says at which command it does not do as it should, `HOW` what it does.
const FAULTY: &str = r#"#!/bin/sh
case " $* " in *" $AT "*)
    case $HOW in
        fail) exit 1 ;;
        empty) echo '{"token":"","id":""}'; exit 0 ;;
        crash-before) kill -KILL "$PPID"; exit 1 ;;
        crash-after) "$TIDEGATE_REAL" "$@"; kill -KILL "$PPID"; exit 1 ;;
    esac ;;
esac
exec "$TIDEGATE_REAL" "$@"
"#;

impl Rotation {
    /// With a token whose description looks like a flag.
    async fn with_token() -> (Self, String, String) {
        let rotation = Self::start().await;
        let made = rotation.script(true, &["--write-database", "plant7", "--dashed gateway"]).output().unwrap();
        assert!(made.status.success(), "{}", text(&made));
        let (token, id) = (rotation.read(""), rotation.read(".id"));
        (rotation, token, id)
    }

    fn faulty(&self, first: bool, more: &[&str], at: &str, how: &str) -> Output {
        let program = self.fresh.server.data_dir.join("faulty");
        std::fs::write(&program, FAULTY).unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o700)).unwrap();
        let mut script = self.script(first, more);
        script.env("TIDEGATE", &program).env("TIDEGATE_REAL", binary()).env("AT", at).env("HOW", how);
        script.output().unwrap()
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.fresh.directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The ids of the database tokens that live.
    async fn living(&self) -> Vec<String> {
        let tokens = self.fresh.api.get("/tokens").await.expect_status(200).json();
        tokens.as_array().unwrap().iter().map(|token| token["id"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_rotation_that_cannot_be_done_leaves_the_old_token() {
    let (mut rotation, old, id) = Rotation::with_token().await;
    for how in ["fail", "empty"] {
        let failed = rotation.faulty(false, &[], "token create", how);
        assert!(!failed.status.success(), "{how}: {}", text(&failed));
        assert_eq!((rotation.read(""), rotation.read(".id")), (old.clone(), id.clone()), "{how}");
    }
    // What the second one left is not taken for a token, and not removed unasked: it may be of a run at work.
    let refused = rotation.script(false, &[]).output().unwrap();
    assert!(!refused.status.success() && text(&refused).contains(".new holds no token"), "{}", text(&refused));
    std::fs::remove_file(rotation.fresh.directory.path().join("gateway token.new")).unwrap();

    assert_eq!(rotation.fresh.server.stop(), Some(0));
    let failed = rotation.script(false, &[]).output().unwrap();
    assert!(!failed.status.success(), "{}", text(&failed));
    assert_eq!((rotation.read(""), rotation.read(".id")), (old.clone(), id.clone()));
    assert_eq!(rotation.files(), ["data", "gateway token", "gateway token.id"]);
    rotation.fresh.restart().await;
    rotation.fresh.api.write(&old, "plant7", "m x=1 1").await.expect_status(204);
    assert_eq!(rotation.living().await, [id]);
}

#[tokio::test]
async fn a_first_token_that_cannot_be_made_leaves_no_file() {
    let rotation = Rotation::start().await;
    for (more, how) in [(&["--no-such-flag", "gateway"][..], ""), (&["gateway"], "fail")] {
        let failed = rotation.faulty(true, more, "token create", how);
        assert!(!failed.status.success(), "{}", text(&failed));
        assert_eq!(rotation.files(), ["data"]);
    }
    let flags = ["--write-database", "plant7", "gateway"];
    assert!(!rotation.faulty(true, &flags, "token create", "crash-after").status.success());
    assert!(rotation.script(true, &flags).status().unwrap().success());
    assert_eq!(rotation.living().await, [rotation.read(".id")], "the token of the run that was cut off is used");
    let again = rotation.script(true, &flags).output().unwrap();
    assert!(!again.status.success() && text(&again).contains("must not be forgotten"), "{}", text(&again));
}

#[tokio::test]
async fn a_rotation_that_is_cut_off_is_finished_by_the_next() {
    for (at, how) in [
        ("token create", "crash-after"),
        ("token revoke", "fail"),
        ("token revoke", "crash-before"),
        ("token revoke", "crash-after"),
        ("query", "fail"),
    ] {
        let (rotation, old, old_id) = Rotation::with_token().await;
        let cut_off = rotation.faulty(false, &[], at, how);
        assert!(!cut_off.status.success(), "{at} {how}: {}", text(&cut_off));
        assert_eq!(rotation.read(".id"), old_id, "{at} {how}: the id of the old token is kept");
        let rotated = rotation.script(false, &[]).output().unwrap();
        assert!(rotated.status.success(), "{at} {how}: {}", text(&rotated));
        let (new, new_id) = (rotation.read(""), rotation.read(".id"));
        assert_eq!(rotation.living().await, [new_id], "{at} {how}: no token is forgotten");
        rotation.fresh.api.write(&old, "plant7", "m x=1 1").await.expect_status(401);
        rotation.fresh.api.write(&new, "plant7", "m x=1 1").await.expect_status(204);
        assert_eq!(rotation.files(), ["data", "gateway token", "gateway token.id"], "{at} {how}");
    }
}

#[tokio::test]
async fn a_token_that_expires_is_replaced_by_one_that_does_too() {
    let rotation = Rotation::start().await;
    let flags = ["--write-database", "plant7", "--expires-at", "2099-01-31T12:00:00.250Z", "gateway"];
    for first in [true, false] {
        let done = rotation.script(first, if first { &flags } else { &[] }).output().unwrap();
        assert!(done.status.success(), "{}", text(&done));
        let record = rotation.fresh.api.get(&format!("/tokens/{}", rotation.read(".id"))).await.json();
        assert_eq!(record["expiresAt"], "2099-01-31T12:00:00.250000Z", "{record}");
    }
}

#[tokio::test]
async fn a_description_is_never_taken_for_a_flag() {
    let (rotation, old, _) = Rotation::with_token().await;
    let rotated = rotation.script(false, &[]).output().unwrap();
    assert!(rotated.status.success(), "{}", text(&rotated));
    let record = rotation.fresh.api.get(&format!("/tokens/{}", rotation.read(".id"))).await.json();
    assert_eq!(record["description"], "--dashed gateway");
    assert_ne!(rotation.read(""), old);
}
