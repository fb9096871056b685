//! The plain token is in the answer that created it and nowhere else (design §2.5).

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::support::api::{Answer, Fresh, http_client, send};
use super::support::cli::Cli;
use super::support::server::Launch;

/// What must not be found: the first half of the secret part, and the Basic credential made of the token.
fn needles(token: &str) -> [String; 2] {
    let basic = STANDARD.encode(format!("anyone:{token}"));
    [token[6..50].to_owned(), basic[20..70].to_owned()]
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn tokens_are_in_no_file_log_or_later_answer() {
    tokens_are_nowhere("text").await;
}

#[tokio::test]
async fn tokens_are_not_in_a_log_of_json_either() {
    tokens_are_nowhere("json").await;
}

async fn tokens_are_nowhere(log_format: &str) {
    let talkative = |launch: Launch| launch.env("TIDEGATE_LOG", "trace").arg("--log-format").arg(log_format);
    let mut fresh = Fresh::start_with(talkative).await;
    let api = fresh.api.clone();
    api.create_database("plant7").await;
    let token = api.create_token(&[("read", "plant7"), ("write", "plant7")]).await;
    let gone = api.create_token(&[("read", "plant7"), ("write", "plant7")]).await;
    let manager = api.create_management_token("second").await;
    let secrets = [&token.text, &gone.text, &manager.text, &api.management_token];

    let mut answers = Vec::new();
    let http2 = http_client().http2_prior_knowledge().build().unwrap();
    for round in ["before", "after the revocation"] {
        for client in [&api.http, &http2] {
            for secret in secrets {
                answers.extend(use_everywhere(client, &api.url, &api.cluster, secret).await);
            }
        }
        if round == "before" {
            answers.push(api.revoke(&gone.id).await);
        }
    }
    for path in [
        "/tokens".to_owned(),
        "/tokens?includeRevoked=true".to_owned(),
        format!("/tokens/{}", token.id),
        "/databases".to_owned(),
    ] {
        answers.push(api.get(&path).await);
    }
    answers.push(api.patch(&format!("/tokens/{}", token.id), &json!({ "description": "new" })).await);
    let list = api.http.get(format!("{}/management-tokens", api.account)).bearer_auth(&api.management_token);
    answers.push(send(list).await);
    let cli = Cli::of(&fresh.server);
    let said = [
        cli.run(["--trace", "token", "list", "--include-revoked"]),
        cli.run(["--trace", "token", "get", "--format", "json", &token.id]),
        cli.run(["--trace", "management", "list", "--format", "json"]),
        cli.run(["--trace", "query", "--database", "plant7", "--token", &token.text, "SELECT 1"]),
        cli.run(["--trace", "write", "--database", "plant7", "--token", &gone.text, "m x=1 1"]),
    ];

    fresh.server.kill();
    let mut logs = fresh.server.finished_log();
    let line = if log_format == "json" { "\"level\":\"TRACE\"" } else { " TRACE " };
    assert!(logs.contains(line), "the log is as talkative as it can be, and of this format");
    fresh.server = talkative(Launch::new(&fresh.server.data_dir)).start().await;
    fresh.server.stop();
    logs += &fresh.server.finished_log();

    for secret in secrets {
        for needle in needles(secret) {
            assert!(!logs.contains(&needle), "in the log: {}", line_with(&logs, &needle));
            for answer in &answers {
                let shown = format!("{:?} {}", answer.headers, answer.body);
                assert!(!shown.contains(&needle), "in an answer: {answer:?}");
            }
            for said in &said {
                assert!(!said.stdout.contains(&needle) && !said.stderr.contains(&needle), "said: {said:?}");
            }
        }
    }
    for path in files_below(&fresh.server.data_dir) {
        let content = std::fs::read(&path).unwrap();
        let is_credentials = path.file_name().unwrap() == "credentials.toml";
        for secret in secrets {
            let may_be_here = is_credentials && *secret == api.management_token;
            let found = needles(secret).iter().any(|needle| contains(&content, needle));
            assert_eq!(found, may_be_here, "{}", path.display());
        }
    }
}

/// The line of a log in which a needle stands, without it.
fn line_with(log: &str, needle: &str) -> String {
    log.lines().find(|line| line.contains(needle)).unwrap_or_default().replace(needle, "SECRET")
}

/// Sends a secret in every place where it might be looked for, right or wrong.
async fn use_everywhere(client: &reqwest::Client, url: &str, cluster: &str, secret: &str) -> Vec<Answer> {
    let basic = format!("Basic {}", STANDARD.encode(format!("anyone:{secret}")));
    let headers = [
        format!("Bearer {secret}"),
        format!("Token {secret}"),
        basic,
        format!("Bearer {secret} surplus"),
        format!("Digest {secret}"),
        format!("Basic {secret}"),
        secret.to_owned(),
    ];
    let sql = format!("{url}/api/v3/query_sql?db=plant7&q=SELECT%201");
    let writes = [
        format!("{url}/api/v3/write_lp?db=plant7"),
        format!("{url}/api/v2/write?bucket=plant7"),
        format!("{url}/write?db=plant7"),
    ];
    let mut answers = Vec::new();
    for header in &headers {
        answers.push(send(client.get(&sql).header("authorization", header)).await);
        answers.push(send(client.get(format!("{cluster}/tokens")).header("authorization", header)).await);
        answers.push(send(client.get(format!("{url}/metrics")).header("authorization", header)).await);
        for target in &writes {
            answers.push(send(client.post(target).header("authorization", header).body("m x=1 1")).await);
        }
    }
    let p = [("p", secret), ("u", "anyone")];
    answers.push(send(client.get(&sql).query(&p)).await);
    for target in &writes {
        answers.push(send(client.post(target).query(&p).body("m x=1 1")).await);
        answers.push(send(client.post(target).query(&p).query(&[("p", secret)]).body("m x=1 1")).await);
    }
    answers
}
