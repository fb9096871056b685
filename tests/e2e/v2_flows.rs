//! The documented ways to find and delete a token, pasted into a shell: `influx auth find`, `influx auth delete`, and
//! curl with jq.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};

use super::support::api::Fresh;
use super::support::server::{binary, clean_command};
use super::support::v2::{Authorization, OPERATOR_TOKEN, ORGANIZATION, V2};

const BUCKET: &str = "my-bucket";

/// Deletes the first authorization listed for the user, as the guides write it; says the status.
const DELETE_FIRST_OF_USER: &str = r#"
curl --silent --request GET "$INFLUX_HOST/api/v2/authorizations?user=user2" \
  --header "Authorization: Token $INFLUX_TOKEN" --header 'Content-type: application/json' \
| jq .authorizations[0].id -r \
| xargs -I authid curl --silent --request DELETE "$INFLUX_HOST/api/v2/authorizations/authid" \
  --header "Authorization: Token $INFLUX_TOKEN" --header 'Content-type: application/json' --write-out '%{http_code}'
"#;

/// A shell that finds our binary under the name `influx`, and the server's address in the environment.
struct Shell {
    home: PathBuf,
    path: String,
    url: String,
}

impl Shell {
    fn of(fresh: &Fresh) -> Self {
        let home = fresh.directory.path().to_owned();
        let programs = home.join("bin");
        std::fs::create_dir(&programs).unwrap();
        std::os::unix::fs::symlink(binary(), programs.join("influx")).unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        Self { home, path, url: fresh.api.url.clone() }
    }

    /// Runs a script, perhaps with a token in the environment; gives its exit code, and what it said on stdout and
    /// stderr.
    fn try_run(&self, token: Option<&str>, script: &str) -> (i32, String, String) {
        let output = clean_command("sh".as_ref(), &self.home)
            .args(["-c", script])
            .env("PATH", &self.path)
            .env("INFLUX_HOST", &self.url)
            .env("INFLUX_CONFIGS_PATH", self.home.join("configs"))
            .envs(token.map(|token| ("INFLUX_TOKEN", token)))
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .output()
            .expect("sh is installed");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Runs a script that must succeed and say nothing on stderr; gives its stdout.
    #[track_caller]
    fn run(&self, token: Option<&str>, script: &str) -> String {
        let (code, stdout, stderr) = self.try_run(token, script);
        assert_eq!((code, stderr.as_str()), (0, ""), "{stdout}");
        stdout
    }
}

/// A server after its set-up, with a second user.
struct Plant {
    _fresh: Fresh,
    shell: Shell,
    operator: V2,
    user2: String,
}

impl Plant {
    async fn start() -> Self {
        let fresh = Fresh::start().await;
        let operator = V2::set_up(&fresh.api, BUCKET).await;
        let user2 = operator.create_user("user2").await;
        Self { shell: Shell::of(&fresh), _fresh: fresh, operator, user2 }
    }

    /// Runs a script with this token in the environment.
    #[track_caller]
    fn run(&self, token: &str, script: &str) -> String {
        self.shell.run(Some(token), script)
    }

    async fn writer(&self, description: &str) -> Authorization {
        let permission = self.operator.permission("write", "buckets");
        let body = json!({ "userID": self.user2, "description": description });
        self.operator.authorize_with(&[permission], body).await
    }

    async fn write_status(&self, authorization: &Authorization) -> u16 {
        self.operator.with_token(&authorization.text).write(BUCKET, "press speed=1 1").await.status
    }
}

#[tokio::test]
async fn influx_auth_find_shows_what_influx_auth_delete_deletes() {
    let plant = Plant::start().await;
    let (leaked, other) = (plant.writer("press 4").await, plant.writer("press 5").await);
    assert_eq!((plant.write_status(&leaked).await, plant.write_status(&other).await), (204, 204));

    let (code, found, warning) = plant.shell.try_run(Some(OPERATOR_TOKEN), "influx auth find");
    assert_eq!(code, 0, "{warning}");
    assert!(warning.contains("is weak") && warning.lines().count() == 1, "that of the set-up alone: {warning}");
    let (head, rows) = found.split_once('\n').unwrap();
    assert_eq!(
        head.split('\t').filter(|cell| !cell.is_empty()).collect::<Vec<_>>(),
        ["ID", "Description", "Token", "User Name", "User ID", "Permissions"]
    );
    assert_eq!(rows.lines().count(), 3, "the operator's and two of user2");
    assert!(!found.contains(&leaked.text) && !found.contains(OPERATOR_TOKEN));
    let id = plant.run(OPERATOR_TOKEN, "influx auth find 2>/dev/null | awk -F '\\t+' '$2 == \"press 4\" { print $1 }'");
    assert_eq!(id.trim(), leaked.id);

    let delete = format!("influx auth delete --token {OPERATOR_TOKEN} --id {}", leaked.id);
    let deleted = plant.shell.run(None, &delete);
    assert!(deleted.lines().nth(1).unwrap().starts_with(&leaked.id), "{deleted}");
    assert_eq!((plant.write_status(&leaked).await, plant.write_status(&other).await), (401, 204));
    let (code, stdout, stderr) = plant.shell.try_run(None, &delete);
    assert_eq!((code, stdout.as_str()), (1, ""));
    let reason = "404 Not Found: authorization not found\n";
    assert_eq!(stderr, format!("Error: could not find auth with ID \"{}\": {reason}", leaked.id));
}

#[tokio::test]
async fn curl_and_jq_delete_the_first_token_of_a_user() {
    let plant = Plant::start().await;
    let mut tokens = [plant.writer("first").await, plant.writer("second").await];
    tokens.sort_by(|a, b| a.id.cmp(&b.id));
    for gone in 0..2 {
        assert_eq!(plant.run(OPERATOR_TOKEN, DELETE_FIRST_OF_USER), "204");
        for (number, token) in tokens.iter().enumerate() {
            assert_eq!(plant.write_status(token).await, if number <= gone { 401 } else { 204 });
        }
    }
    let nothing_left = plant.run(OPERATOR_TOKEN, DELETE_FIRST_OF_USER);
    assert_eq!(nothing_left, r#"{"code":"invalid","message":"id must have a length of 16 bytes"}400"#);
    assert_eq!(plant.operator.authorizations().await.len(), 1, "the operator's own");
}

#[tokio::test]
async fn a_token_that_only_manages_tokens_deletes_those_of_its_user_and_nothing_else() {
    let plant = Plant::start().await;
    let operator = &plant.operator;
    let manages = ["read", "write"].map(|action| operator.permission(action, "authorizations"));
    let manager = operator.authorize_for(&plant.user2, &manages).await;
    let own = plant.writer("own").await;
    let foreign = operator.authorize(&[operator.permission("write", "buckets")]).await;
    let caller = operator.with_token(&manager.text);

    let mut visible = vec![manager.id.clone(), own.id.clone()];
    visible.sort();
    assert_eq!(caller.authorizations().await, visible);
    let refused = caller.delete_authorization(&foreign.id).await.expect_status(404).json();
    assert_eq!(refused, json!({ "code": "not found", "message": "authorization not found" }));
    let user2 = format!("/api/v2/users/{}", plant.user2);
    for (path, status) in [
        (format!("/api/v2/buckets/{}", operator.bucket(BUCKET).await), 404),
        (format!("/api/v2/orgs/{}", operator.organization), 404),
        (user2, 401),
    ] {
        assert_eq!(caller.delete(&path).await.status, status, "{path}");
    }
    caller.post("/api/v2/users", &json!({ "name": "user3" })).await.expect_status(401);
    let wider = json!({ "orgID": operator.organization, "permissions": [operator.permission("write", "buckets")] });
    caller.post("/api/v2/authorizations", &wider).await.expect_status(403);
    caller.write(BUCKET, "press speed=1 1").await.expect_status(403);

    let delete = format!("influx auth delete --id {}", own.id);
    assert_eq!(plant.write_status(&own).await, 204);
    plant.run(&manager.text, &delete);
    assert_eq!(plant.write_status(&own).await, 401);
    assert_eq!(plant.run(&manager.text, DELETE_FIRST_OF_USER), "204", "the last one is its own");
    let next = plant.run(&manager.text, "influx auth find 2>&1 || true");
    assert_eq!(
        next,
        "Error: could not find authorization with given parameters: 401 Unauthorized: unauthorized access\n"
    );
    assert_eq!(plant.write_status(&foreign).await, 204);
    assert_eq!(operator.authorizations().await.len(), 2, "the operator's own and the foreign one");
}

/// The command looks before it deletes.
#[tokio::test]
async fn edge_36_influx_deletes_nothing_that_its_token_may_not_read() {
    let plant = Plant::start().await;
    let own = plant.writer("own").await;
    let writes = plant.operator.permission("write", "authorizations");
    let manager = plant.operator.authorize_for(&plant.user2, &[writes]).await;
    let delete = format!("influx auth delete --id {}", own.id);
    let (code, stdout, stderr) = plant.shell.try_run(Some(&manager.text), &delete);
    let reason = "404 Not Found: authorization not found\n";
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert_eq!(stderr, format!("Error: could not find auth with ID \"{}\": {reason}", own.id));
    assert_eq!(plant.write_status(&own).await, 204);
    assert_eq!(plant.operator.authorizations().await.len(), 3, "the operator's and two of user2");
    // The right to delete it was there.
    plant.operator.with_token(&manager.text).delete_authorization(&own.id).await.expect_status(204);
    assert_eq!(plant.write_status(&own).await, 401);
}

#[tokio::test]
async fn a_token_of_another_user_finds_nothing_to_delete() {
    let plant = Plant::start().await;
    let own = plant.writer("own").await;
    let manages = ["read", "write"].map(|action| plant.operator.permission(action, "authorizations"));
    let stranger = plant.operator.create_user("user3").await;
    let stranger = plant.operator.authorize_for(&stranger, &manages).await;
    let refused = plant.run(&stranger.text, DELETE_FIRST_OF_USER);
    assert_eq!(refused, r#"{"code":"invalid","message":"id must have a length of 16 bytes"}400"#);
    assert_eq!(plant.write_status(&own).await, 204);
}

#[tokio::test]
async fn influx_sets_a_server_up_and_makes_a_token() {
    let fresh = Fresh::start().await;
    let shell = Shell::of(&fresh);
    let set_up = format!(
        "influx setup --username my-user --password my-password --org {ORGANIZATION} \
         --bucket {BUCKET} --token {OPERATOR_TOKEN} --force"
    );
    let said = shell.run(None, &set_up);
    assert!(said.contains("my-user") && said.contains(ORGANIZATION) && said.contains(BUCKET), "{said}");

    // The configuration that the set-up wrote holds the token.
    let made = shell.run(None, "influx auth create --description gateway --write-buckets --json");
    let made: Value = serde_json::from_str(&made).unwrap();
    let text = made["token"].as_str().unwrap();
    let write = format!("influx write --token={text} --bucket {BUCKET} 'press speed=1 1'");
    assert_eq!(shell.run(None, &write), "");
    let inactive = format!("influx auth inactive --id {}", made["id"].as_str().unwrap());
    assert!(shell.run(None, &inactive).contains("gateway"));
    let (code, _, stderr) = shell.try_run(None, &write);
    let refused = "Error: failed to write data: 401 Unauthorized: unauthorized access\n";
    assert_eq!((code, stderr.as_str()), (1, refused));
}
