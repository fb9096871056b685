//! Every command against a server that has what the contract documents and nothing else.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Uri};

use super::contract::{Contract, ID, SECRET, serve};
use super::scene::{BUCKET, ORG, Place, TOKEN, USER};
use crate::influx::syntax::Command;
use crate::influx::tree;

const REQUESTS: &[&[&str]] = &[
    &["ping"],
    &["auth", "list"],
    &["auth", "find", "--json"],
    &["auth", "ls", "-i", ID],
    &["auth", "list", "--user", "ada", "--user-id", USER, "--org-id", ORG],
    &["auth", "delete", "--id", ID],
    &["auth", "active", "--id", ID],
    &["auth", "inactive", "--id", ID, "--json"],
    &["auth", "create", "--read-bucket", BUCKET, "--write-bucket", BUCKET, "-d", "gateway"],
    &["auth", "create", "--read-dbrps", "--write-user", "--read-orgs", "--user", "ada", "--org-id", ORG],
    &["auth", "create", "--all-access"],
    &["auth", "create", "--operator", "--json"],
    &["org", "list", "--name", "plant"],
    &["org", "ls", "--json"],
    &["org", "create", "-n", "plant", "-d", "all of it"],
    &["org", "update", "-i", ORG, "-n", "plant"],
    &["org", "delete", "-i", ORG],
    &["org", "members", "list"],
    &["org", "members", "add", "-m", USER],
    &["org", "members", "add", "-m", USER, "--owner", "-n", "plant"],
    &["org", "members", "remove", "-m", USER, "-i", ORG],
    &["user", "list"],
    &["user", "find", "--id", USER, "--name", "ada"],
    &["user", "create", "-n", "ada", "-p", "correct horse"],
    &["user", "create", "-n", "ada", "--org-id", ORG],
    &["user", "update", "-i", USER, "-n", "ada"],
    &["user", "delete", "-i", USER],
    &["user", "password", "-n", "ada", "-p", "correct horse"],
    &["user", "password", "-i", USER, "-p", "correct horse"],
    &["bucket", "list"],
    &["bucket", "list", "--limit", "1", "--offset", "2", "--page-size", "3", "--org-id", ORG],
    &["bucket", "find", "-n", "press"],
    &["bucket", "ls", "-i", BUCKET, "--json"],
    &["bucket", "create", "-n", "press"],
    &[
        "bucket",
        "create",
        "-n",
        "press",
        "-r",
        "30d",
        "--shard-group-duration",
        "1d",
        "--schema-type",
        "explicit",
        "-d",
        "x",
    ],
    &["bucket", "update", "-i", BUCKET],
    &["bucket", "set", "-i", BUCKET, "-n", "press", "-r", "1w2h", "-d", "x"],
    &["bucket", "delete", "-i", BUCKET],
    &["bucket", "delete", "-n", "press"],
    &["v1", "dbrp", "list"],
    &["v1", "dbrp", "ls", "--bucket-id", BUCKET, "--db", "press", "--default", "--id", ID, "--rp", "autogen", "--json"],
    &["v1", "dbrp", "create", "--bucket-id", BUCKET, "--db", "press", "--rp", "autogen", "--default"],
    &["v1", "dbrp", "update", "--id", ID, "--rp", "autogen", "--default", "--org-id", ORG],
    &["v1", "dbrp", "delete", "--id", ID],
    &["v1", "auth", "list"],
    &["v1", "auth", "ls", "--username", "ada", "--id", ID, "-u", "ada", "--user-id", USER, "-o", "plant", "--json"],
    &["v1", "auth", "create", "--username", "ada", "--password", "correct horse", "--read-bucket", BUCKET],
    &["v1", "auth", "create", "--username", "ada", "--no-password", "--write-bucket", BUCKET, "-d", "gateway"],
    &["v1", "auth", "delete", "--id", ID],
    &["v1", "auth", "set-active", "--username", "ada"],
    &["v1", "auth", "set-inactive", "--id", ID],
    &["v1", "auth", "set-password", "--id", ID, "--password", "correct horse"],
    &["write", "-b", "press", "m f=1 1"],
    &["write", "--bucket-id", BUCKET, "--org-id", ORG, "--precision", "s", "m f=1 1\n\n \nm f=2 2"],
    &["query", "buckets()"],
    &["query", "--raw", "--profilers", "operator", "--org-id", ORG, "buckets()"],
    &["delete", "-b", "press", "--start", "1970-01-01T00:00:00Z", "--stop", "2026-03-09T12:00:00.25Z", "-p", "a=\"b\""],
    &[
        "delete",
        "--bucket-id",
        BUCKET,
        "--org-id",
        ORG,
        "--start",
        "1970-01-01T00:00:00Z",
        "--stop",
        "2030-01-01T00:00:00Z",
    ],
];

/// These work without a token or without a server.
const ELSEWHERE: &[&[&str]] = &[
    &["version"],
    &["write", "dryrun", "m f=1 1"],
    &["config"],
    &["config", "ls"],
    &["config", "create", "-n", "lab", "-u", "http://localhost:8086"],
    &["config", "set", "-n", "lab", "-o", "plant"],
    &["config", "rm", "lab"],
];

/// The words of every command that does something.
fn leaves(command: &Command) -> Vec<Vec<&'static str>> {
    let mut found: Vec<Vec<&'static str>> = command.commands.iter().flat_map(leaves).collect();
    if command.action.is_some() {
        found.push(Vec::new());
    }
    for words in &mut found {
        words.insert(0, command.name);
    }
    found
}

/// The names of the commands that words lead to.
fn names(words: &[&str]) -> Vec<&'static str> {
    let mut command = &tree::root();
    let mut names = vec![command.name];
    for word in words {
        match command.find(word) {
            Some(next) => command = next,
            None => break,
        }
        names.push(command.name);
    }
    names
}

fn place_at(place: &Place, contract: &Contract) {
    place.configs(&format!(
        "[test]\nurl = \"http://127.0.0.1:{}\"\ntoken = \"{TOKEN}\"\norg = \"plant\"\nactive = true\n",
        contract.port
    ));
}

#[tokio::test]
async fn a_documented_server_is_enough_for_every_command() {
    let (place, contract) = (Place::without_configs().await, Contract::start().await);
    place_at(&place, &contract);
    for command in ELSEWHERE.iter().chain(REQUESTS) {
        let outcome = place.run(command).await;
        let surprises = contract.take_surprises();
        assert!(surprises.is_empty() && outcome.status == 0, "{command:?}: {surprises:?} {outcome:?}");
        let creates = command.starts_with(&["auth", "create"]);
        assert_eq!(outcome.stdout.contains(SECRET), creates, "{command:?}");
        assert!(!outcome.stderr.contains(SECRET), "{command:?}");
    }
    let login = "ada:correct horse";
    place.run(&["config", "create", "-n", "session", "-u", &place.url(), "-p", login]).await.succeeded();
    let setup = ["setup", "-f", "-u", "ada", "-p", "correct horse", "-o", "plant", "-b", "press", "-n", "new"];
    let outcome = place.run(&setup).await.succeeded();
    assert_eq!(outcome.stdout, "User\tOrganization\tBucket\nada\tplant\t\tpress\n");
    assert_eq!(contract.take_surprises(), Vec::<String>::new());
    let host = format!("http://127.0.0.1:{}", contract.port);
    place.run(&["ping", "-c", "session", "--host", &host]).await.printed("OK\n");
    assert_eq!(contract.take_surprises(), Vec::<String>::new());
    assert_eq!(contract.unused(), Vec::<String>::new());
}

#[test]
fn no_command_is_left_out() {
    let mut left = leaves(&tree::root());
    for command in REQUESTS.iter().chain(ELSEWHERE).chain([&["setup"] as &[&str]].iter()) {
        let tried = names(command);
        left.retain(|words| *words != tried);
    }
    assert_eq!(left, Vec::<Vec<&str>>::new());
}

#[tokio::test]
async fn the_stub_refuses_what_is_not_documented() {
    let contract = Contract::start().await;
    let headers = HeaderMap::from_iter([
        (AUTHORIZATION, format!("Token {TOKEN}").parse().unwrap()),
        (CONTENT_TYPE, "application/json".parse().unwrap()),
    ]);
    for (method, target, body, fault) in [
        ("GET", "/api/v2/authorizations?limit=1", "", "limit"),
        ("GET", "/api/v2/tokens", "", "path"),
        ("PUT", "/api/v2/authorizations", "", "method"),
        ("GET", "/api/v2/authorizations/0000000000000000", "", "path"),
        ("POST", "/api/v2/users", r#"{"name":"x","password":"y"}"#, "member password"),
        ("POST", "/api/v2/users", r"{}", "name is missing"),
        ("PATCH", "/api/v2/authorizations/0a0b0c0d0e0f0004", r#"{"status":"paused"}"#, "member status"),
        ("POST", "/api/v2/write", "m f=1", "no compressed lines"),
        ("DELETE", "/api/v2/users/0a0b0c0d0e0f0004", "x", "a body"),
    ] {
        let (parsed, uri) = (Method::try_from(method).unwrap(), target.parse::<Uri>().unwrap());
        let answer = serve(State(contract.clone()), parsed, uri, headers.clone(), body.into()).await;
        assert!(answer.status().is_client_error(), "{method} {target}");
        let surprises = contract.take_surprises();
        assert!(surprises.len() == 1 && surprises[0].contains(fault), "{method} {target}: {surprises:?}");
    }
    let uri = "/api/v2/users".parse::<Uri>().unwrap();
    let answer = serve(State(contract.clone()), Method::GET, uri, HeaderMap::new(), Bytes::new()).await;
    assert_eq!(answer.status(), 401);
}
