//! What a person sees: the transcripts in `tests/cmd`, played against the real program and a server with fixed answers.
//!
//! After a change that is meant: `TRYCMD=overwrite cargo test -p tidegate-cli --test transcripts`, and look at the diff.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod server;

use std::path::Path;

#[test]
fn transcripts() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let port = runtime.block_on(server::start());
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().canonicalize().unwrap();
    configure(&home, port);
    let cases = trycmd::TestCases::new();
    let home = home.to_str().unwrap().to_owned();
    for variable in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "INFLUXCTL_PROFILE", "INFLUXCTL_MGMT_TOKEN"] {
        cases.env(variable, "");
    }
    cases
        .env("HOME", &home)
        .env("COLUMNS", "100")
        .register_bin("influxctl", Path::new(env!("CARGO_BIN_EXE_influxctl")))
        .insert_var("[PORT]", port.to_string())
        .unwrap()
        .insert_var("[HOME]", home)
        .unwrap()
        .case("tests/cmd/*.trycmd")
        .run();
}

fn configure(home: &Path, port: u16) {
    let base = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".config" };
    let directory = home.join(base).join("influxctl");
    std::fs::create_dir_all(&directory).unwrap();
    let account = server::ACCOUNT;
    let cluster = server::CLUSTER;
    let text = format!(
        r#"
[[profile]]
name = "default"
product = "dedicated"
account_id = "{account}"
cluster_id = "{cluster}"
host = "127.0.0.1"
port = "{port}"
database = "plant7"
token = "apiv1_test-database-secret-0123456789"
mgmt_token = "mgmt1_test-management-secret-0123456789"
management_url = "http://127.0.0.1:{port}"
  [profile.tls]
  disable = true

[[profile]]
name = "lab"
product = "clustered"
host = "127.0.0.1"
port = "{port}"
  [profile.tls]
  disable = true
  [profile.auth.oauth2]
  client_id = "influx-cli"
  device_url = "http://127.0.0.1:{port}/device"
  token_url = "http://127.0.0.1:{port}/token"
"#
    );
    std::fs::write(directory.join("config.toml"), text).unwrap();
}

/// The words of every command below this one, groups included, the groups' own `help` not.
fn commands(command: &clap::Command, path: &str) -> Vec<String> {
    let subcommands = command.get_subcommands().filter(|sub| sub.get_name() != "help");
    let words = subcommands.flat_map(|sub| {
        let name = format!("{path} {}", sub.get_name());
        let below = commands(sub, &name);
        std::iter::once(name).chain(below)
    });
    words.collect()
}

#[test]
fn every_command_has_a_transcript_and_so_has_its_help() {
    let files = std::fs::read_dir("tests/cmd").unwrap();
    let texts: Vec<String> = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let lines: Vec<&str> = texts.iter().flat_map(|text| text.lines()).filter(|line| line.starts_with("$ ")).collect();
    let command = tidegate_cli::command(tidegate_cli::Face::Influxctl);
    for words in commands(&command, "influxctl") {
        let help = format!("$ {words} --help");
        assert!(lines.contains(&help.as_str()), "no transcript of `{words} --help`");
        let words = words.trim_start_matches("influxctl");
        let is_used = |line: &&&str| line.contains(&format!("{words} ")) || line.ends_with(words);
        assert!(lines.iter().filter(is_used).any(|line| !line.ends_with("--help")), "no transcript of `{words}`");
    }
}
