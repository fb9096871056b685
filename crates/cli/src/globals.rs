//! Flags that every command takes, before or after its name (influxctl contract §2).

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tidegate_model::{AccountId, ClusterId};

use crate::io::Verbosity;
use crate::values;

const HEADING: &str = "Global flags";

/// What the global flags say.
#[derive(Debug, Clone)]
pub(crate) struct Globals {
    pub(crate) account: Option<AccountId>,
    pub(crate) cluster: Option<ClusterId>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) profile: Option<String>,
    /// Limit of each request; `None` if the flag is not given.
    pub(crate) timeout: Option<Duration>,
    pub(crate) verbosity: Verbosity,
}

impl Globals {
    const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

    /// From the matches of the program and each chosen subcommand, outermost first. The innermost flag wins.
    pub(crate) fn new(chain: &[&ArgMatches]) -> Self {
        let verbosity = if is_set(chain, "trace") {
            Verbosity::Trace
        } else if is_set(chain, "debug") {
            Verbosity::Debug
        } else {
            Verbosity::Normal
        };
        Self {
            account: last(chain, "account"),
            cluster: last(chain, "cluster"),
            config: last(chain, "config"),
            profile: last(chain, "profile"),
            timeout: last(chain, "timeout"),
            verbosity,
        }
    }

    /// Limit of a request of a command that has none of its own.
    pub(crate) fn request_timeout(&self) -> Duration {
        self.timeout.unwrap_or(Self::DEFAULT_TIMEOUT)
    }
}

fn last<T: Clone + Send + Sync + 'static>(chain: &[&ArgMatches], id: &str) -> Option<T> {
    chain.iter().rev().find_map(|matches| matches.try_get_one::<T>(id).ok().flatten()).cloned()
}

fn is_set(chain: &[&ArgMatches], id: &str) -> bool {
    chain.iter().any(|matches| matches.try_get_one::<bool>(id).ok().flatten() == Some(&true))
}

/// Adds the global flags to a command and all that are below it. clap's own global arguments cannot be used: `write`
/// has a `--timeout` of its own.
pub(crate) fn add(command: Command) -> Command {
    let own_timeout = command.get_arguments().any(|argument| argument.get_long() == Some("timeout"));
    let flags = flags().into_iter().filter(|flag| !(own_timeout && flag.get_id() == "timeout"));
    command.args(flags).mut_subcommands(add)
}

fn flags() -> [Arg; 7] {
    let flag = |name: &'static str| Arg::new(name).long(name).help_heading(HEADING);
    [
        flag("account")
            .value_name("ACCOUNT_ID")
            .value_parser(values::id::<AccountId>)
            .help("Use this account instead of the profile's"),
        flag("cluster")
            .value_name("CLUSTER_ID")
            .value_parser(values::id::<ClusterId>)
            .help("Use this cluster instead of the profile's"),
        flag("config").value_name("FILE").value_parser(value_parser!(PathBuf)).help("Read profiles from this file"),
        flag("profile").value_name("NAME").help("Use this profile [default: default]"),
        flag("timeout")
            .value_name("DURATION")
            .value_parser(values::go_duration)
            .help("Give up on a request after this time [default: 1m0s]"),
        flag("debug").action(ArgAction::SetTrue).help("Log requests to standard error"),
        flag("trace").action(ArgAction::SetTrue).help("Log requests in more detail"),
    ]
}
