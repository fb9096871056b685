//! The command line of `serve`.

use std::path::PathBuf;

use clap::{ArgMatches, Args, ColorChoice, Command, FromArgMatches};

use crate::config::Layer;

/// The word that starts the server.
pub(crate) const SERVE: &str = "serve";

const AFTER_HELP: &str = "\
Every flag can also be given as a variable (--data-dir as TIDEGATE_DATA_DIR, several addresses in TIDEGATE_LISTEN with \
commas) or as a key of the file (data-dir = \"…\", listen = [\"…\"]). Flags win over variables, variables over the \
file.

TIDEGATE_LOG filters the log, such as debug or info,tidegate_api=debug [default: info].";

/// What stands behind `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Read settings from this file, TOML
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) settings: Layer,
}

/// The subcommand `serve`.
pub(crate) fn command() -> Command {
    let command = Command::new(SERVE).color(ColorChoice::Never).args_override_self(true);
    ServeArgs::augment_args(command).about("Start the server").after_help(AFTER_HELP)
}

/// Takes the settings out of what was matched.
pub(crate) fn from_matches(matches: &ArgMatches) -> Result<ServeArgs, clap::Error> {
    ServeArgs::from_arg_matches(matches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn load(arguments: &[&str]) -> Config {
        let matches = command().try_get_matches_from([&[SERVE], arguments].concat()).unwrap();
        let arguments = from_matches(&matches).unwrap();
        Config::load(arguments.settings, arguments.config, |_| None).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn listen_may_be_repeated_and_the_last_of_other_flags_counts() {
        let config = load(&["--listen", ":1", "--listen=[::1]:2", "--data-dir", "a", "--data-dir", "b"]);
        assert_eq!(config.listen, [":1".parse().unwrap(), "[::1]:2".parse().unwrap()]);
        assert_eq!(config.data_dir, PathBuf::from("b"));
    }

    #[test]
    fn a_switch_can_be_turned_off_again() {
        assert!(load(&["--allow-plaintext"]).allow_plaintext);
        assert!(load(&["--allow-plaintext=true"]).allow_plaintext);
        assert!(!load(&["--allow-plaintext=false"]).allow_plaintext);
        assert!(load(&["--metrics-public"]).metrics_public);
        assert!(!load(&["--metrics-public=false"]).metrics_public);
        assert!(load(&["--allow-remote-setup"]).allow_remote_setup);
        assert!(!load(&["--allow-remote-setup=false"]).allow_remote_setup);
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for arguments in [
            ["--listen", "nonsense"],
            ["--revocation-bound", "0s"],
            ["--profile", "xml"],
            ["--log-format", "xml"],
            ["--port", "1"],
        ] {
            assert!(command().try_get_matches_from([&[SERVE], &arguments[..]].concat()).is_err(), "{arguments:?}");
        }
    }
}
