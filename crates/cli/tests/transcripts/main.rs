//! What a person sees: the transcripts in `tests/cmd`, played against the real program and a server with fixed answers.
//!
//! After a change that is meant: `TRYCMD=overwrite cargo test -p tidegate-cli --test transcripts`, and look at the diff.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may panic")]

mod influx_server;
mod server;

use std::path::Path;
use std::process::Command;

/// Plays a test without the variables of whoever runs it, which would count as given: in a process of its own, if there
/// are any.
fn without_inherited_variables(test: &str, play: fn()) {
    let names = std::env::vars_os().map(|(name, _)| name);
    let inherited: Vec<_> = names.filter(|name| name.as_encoded_bytes().starts_with(b"INFLUX")).collect();
    if inherited.is_empty() {
        return play();
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", test, "--nocapture"]);
    for name in inherited {
        again.env_remove(name);
    }
    assert!(again.status().unwrap().success(), "the transcripts are not as written");
}

#[test]
fn transcripts() {
    without_inherited_variables("transcripts", play_influxctl);
}

/// Those of the other face. Each file that changes configs has some of its own.
#[test]
fn influx_transcripts() {
    without_inherited_variables("influx_transcripts", play_influx);
}

fn play_influxctl() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let port = runtime.block_on(server::start());
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().canonicalize().unwrap();
    configure(&home, port);
    let cases = trycmd::TestCases::new();
    let home = home.to_str().unwrap().to_owned();
    for variable in ["XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
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

fn play_influx() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let port = runtime.block_on(server::start());
    let directory = tempfile::tempdir().unwrap();
    let configs = directory.path().join("configs");
    let config = format!(
        "[lab]\n  url = \"http://127.0.0.1:{port}\"\n  token = \"a-token-of-these-transcripts\"\n  org = \"plant\"\n  \
         active = true\n"
    );
    std::fs::write(&configs, config).unwrap();
    for (files, configs) in [
        ("tests/cmd/influx/*.trycmd", configs),
        ("tests/cmd/influx-configs/config.trycmd", directory.path().join("new/configs")),
        ("tests/cmd/influx-configs/setup.trycmd", directory.path().join("other/configs")),
    ] {
        let cases = trycmd::TestCases::new();
        if files.contains("setup") {
            cases.env("INFLUX_HOST", format!("http://127.0.0.1:{port}"));
        }
        cases
            .env("INFLUX_CONFIGS_PATH", configs.to_str().unwrap())
            .register_bin("influx", Path::new(env!("CARGO_BIN_EXE_influx")))
            .insert_var("[PORT]", port.to_string())
            .unwrap()
            .case(files)
            .run();
    }
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
    let directories = ["tests/cmd", "tests/cmd/influx", "tests/cmd/influx-configs"];
    let files = directories.iter().flat_map(|directory| std::fs::read_dir(directory).unwrap());
    let files = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let texts: Vec<String> = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let lines: Vec<&str> = texts.iter().flat_map(|text| text.lines()).filter(|line| line.starts_with("$ ")).collect();
    let command = tidegate_cli::command(tidegate_cli::Face::Influxctl);
    let influx = tidegate_cli::influx_commands();
    for words in commands(&command, "influxctl").into_iter().chain(influx) {
        let help = format!("$ {words} --help");
        assert!(lines.contains(&help.as_str()), "no transcript of `{words} --help`");
        let words = words.trim_start_matches("influxctl");
        // Flags of the one face may stand before its words.
        let is_influx = words.starts_with("influx ");
        let is_used = |line: &&&str| match line.strip_prefix("$ ").filter(|_| is_influx) {
            Some(line) => line == words || line.starts_with(&format!("{words} ")),
            None => line.contains(&format!("{words} ")) || line.ends_with(words),
        };
        assert!(lines.iter().filter(is_used).any(|line| !line.ends_with("--help")), "no transcript of `{words}`");
    }
}
