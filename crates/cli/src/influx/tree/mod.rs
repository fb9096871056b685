//! The table of all commands and flags (v2 API contract §§6.1 and 6.4 to 6.8).

mod auth;
mod data;
mod local;
mod resources;
mod v1;

use super::INFLUX;
use super::syntax::{Command, Flag};

pub(crate) use auth::RESOURCE_TYPES;

/// The program itself.
pub(crate) fn root() -> Command {
    let commands = vec![
        auth::auth(),
        resources::bucket(),
        local::config(),
        data::delete(),
        resources::organization(),
        local::ping(),
        data::query(),
        local::setup(),
        resources::user(),
        v1::v1(),
        local::version(),
        data::write(),
    ];
    Command::group(INFLUX, "Work with a server of the v2 API", commands)
}

fn host() -> Flag {
    Flag::text("host", "Address of the server").variable("INFLUX_HOST")
}

fn token() -> Flag {
    Flag::text("token", "API token").short("t").variable("INFLUX_TOKEN")
}

fn configs_path() -> Flag {
    Flag::text("configs-path", "File of the configs").variable("INFLUX_CONFIGS_PATH")
}

/// How to reach the server.
fn connection() -> Vec<Flag> {
    vec![
        Flag::switch("skip-verify", "Do not verify the server's certificate").variable("INFLUX_SKIP_VERIFY"),
        configs_path(),
        Flag::text("active-config", "Use this config from now on").short("c").variable("INFLUX_ACTIVE_CONFIG"),
        Flag::switch("http-debug", "Show the heads of requests and answers, without credentials"),
        Flag::text("trace-debug-id", "Id to trace requests by").variable("INFLUX_TRACE_DEBUG_ID").hidden(),
        Flag::texts("extra-http-header", "Header to send, NAME:VALUE").variable("INFLUX_EXTRA_HTTP_HEADER").hidden(),
    ]
}

/// How to print results.
fn printing() -> Vec<Flag> {
    vec![
        Flag::switch("json", "Print JSON").variable("INFLUX_OUTPUT_JSON"),
        Flag::switch("hide-headers", "Print tables without names of columns").variable("INFLUX_HIDE_HEADERS"),
    ]
}

/// The flags of a command that talks to the server.
fn common() -> Vec<Flag> {
    [vec![host(), token()], connection(), printing()].concat()
}

/// The organization that a command is about.
fn org() -> Vec<Flag> {
    vec![
        Flag::text("org", "Name of the organization").short("o").variable("INFLUX_ORG"),
        Flag::text("org-id", "Id of the organization").variable("INFLUX_ORG_ID"),
    ]
}

fn id(what: &'static str) -> Flag {
    Flag::text("id", what).short("i")
}

fn name(what: &'static str) -> Flag {
    Flag::text("name", what).short("n")
}

fn description(what: &'static str) -> Flag {
    Flag::text("description", what).short("d")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command of the tree with its words.
    fn all(command: &Command, path: &str) -> Vec<(String, Vec<String>)> {
        let names = command.flags.iter().flat_map(|flag| {
            let short = flag.short.map(str::to_owned);
            std::iter::once(flag.name.to_string()).chain(short).chain(flag.aliases.clone())
        });
        let mut found = vec![(path.to_owned(), names.collect())];
        for sub in &command.commands {
            found.extend(all(sub, &format!("{path} {}", sub.name)));
        }
        found
    }

    #[test]
    fn no_name_means_two_flags() {
        for (command, mut names) in all(&root(), INFLUX) {
            let count = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), count, "{command}");
            assert!(!names.contains(&"h".to_owned()) && !names.contains(&"help".to_owned()), "{command}");
        }
    }

    #[test]
    fn no_word_means_two_commands() {
        fn check(command: &Command) {
            let mut words: Vec<&str> = command
                .commands
                .iter()
                .flat_map(|sub| std::iter::once(sub.name).chain(sub.aliases.iter().copied()))
                .collect();
            let count = words.len();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), count, "{}", command.name);
            command.commands.iter().for_each(check);
        }
        check(&root());
    }
}
