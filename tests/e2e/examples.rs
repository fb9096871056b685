//! The scripts under `examples/`, run as they are.

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

    let mut left: Vec<_> = std::fs::read_dir(rotation.fresh.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["data", "gateway token", "gateway token.id"], "the old token is in no file");
}

#[tokio::test]
async fn a_rotation_that_cannot_be_done_leaves_the_old_token() {
    let mut rotation = Rotation::start().await;
    let made = rotation.script(true, &["--write-database", "plant7", "gateway"]).output().unwrap();
    assert!(made.status.success(), "{}", text(&made));
    let (old, id) = (rotation.read(""), rotation.read(".id"));
    assert_eq!(rotation.fresh.server.stop(), Some(0));
    let failed = rotation.script(false, &[]).output().unwrap();
    assert!(!failed.status.success(), "{}", text(&failed));
    assert_eq!((rotation.read(""), rotation.read(".id")), (old.clone(), id));
    rotation.fresh.restart().await;
    rotation.fresh.api.write(&old, "plant7", "m x=1 1").await.expect_status(204);
}
