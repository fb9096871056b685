//! `tidegate setup`: the first user, organization, bucket and operator's token, made on the server's machine (v2 API
//! contract §5.8).

mod server;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgMatches, Args, ColorChoice, Command, FromArgMatches as _};
use tidegate_cli::Io;
use tidegate_client::BaseUrlError;
use tidegate_client::v2;
use tidegate_model::{DatabaseName, Name, PlainToken, Retention};
use tidegate_service::{ServiceError, SetupRequest};

use crate::config::ConfigError;
use crate::credentials::CredentialsError;
use crate::data_dir::DataDirError;
use crate::operator::{self, Location};
use crate::secret::{SecretError, SecretSource};
use server::Server;

/// The word of the command.
pub(crate) const SETUP: &str = "setup";

const NANOS_PER_SECOND: i64 = 1_000_000_000;

const AFTER_HELP: &str = "\
It works whether the server runs or not, once: a server that has had a user cannot be set up again. It names the \
server's organization, adopts the bucket if it is there, or makes it, and changes no data. The last line of standard \
output is the token. From then on `influx` and /api/v2 can be used; `tidegate influx setup` does the same through the API.

Secrets are never arguments, which other users of the machine can see. At a terminal the password is asked for; without \
one the user can only use tokens. A token of your own should be a random one: a text that is easy to guess is accepted, \
and shown as weak wherever tokens are listed. See also `tidegate recovery`.";

/// What stands behind `setup`.
#[derive(Debug, Args)]
struct SetupArgs {
    /// Name of the first user
    #[arg(long, value_name = "NAME")]
    username: Name,

    /// What the server's organization will be called
    #[arg(long, value_name = "NAME")]
    org: Name,

    /// The first bucket, which is a database; one of this name stays as it is
    #[arg(long, value_name = "NAME")]
    bucket: DatabaseName,

    /// How long a new bucket keeps its rows, such as 30d or 2h30m; 0 keeps them for ever
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = retention)]
    retention: Retention,

    /// The user's password is in this file, or on standard input (-)
    #[arg(long, value_name = "FILE")]
    password_file: Option<SecretSource>,

    /// The operator's token is in this file, or on standard input (-) [default: a new random one]
    #[arg(long, value_name = "FILE")]
    token_file: Option<SecretSource>,

    #[command(flatten)]
    location: Location,
}

/// Why the server is not set up.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("password and token cannot both be on standard input: give a file for one of them")]
    OneInput,
    #[error("the two passwords differ")]
    PasswordsDiffer,
    #[error("cannot ask for the password: {0}")]
    Prompt(io::Error),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("cannot open the data directory: {0}")]
    Open(#[source] ServiceError),
    #[error(
        "this server has been set up before, which is done only once: if its token is lost, see `tidegate recovery`"
    )]
    AlreadySetUp,
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("cannot use the address in {}: {reason}", path.display())]
    Address { path: PathBuf, reason: BaseUrlError },
    #[error(
        "the server refuses the management token in {}: write a usable one there, or stop the server and repeat this",
        path.display()
    )]
    TokenRefused { path: PathBuf },
    #[error("the API of this server has no set-up, as with --profile cloud: stop the server and repeat this")]
    NoSetup,
    #[error("the running server has not been set up: {0}")]
    Running(#[source] v2::Error),
    #[error(
        "the server is set up, but its operator's token {id} could not be printed ({reason}): make another with \
         `tidegate recovery create-operator`"
    )]
    SecretLost { id: String, reason: io::Error },
}

/// What the server has now.
struct Done {
    user: String,
    organization: String,
    bucket: String,
    token_id: String,
    token: PlainToken,
}

/// The subcommand `setup`.
pub(crate) fn command() -> Command {
    let command = Command::new(SETUP).color(ColorChoice::Never).args_override_self(true);
    SetupArgs::augment_args(command)
        .about("Make the first user, organization, bucket and API token")
        .after_help(AFTER_HELP)
}

/// Runs the command.
pub(crate) fn run(matches: &ArgMatches, io: &mut Io) -> ExitCode {
    operator::run(async {
        let arguments = SetupArgs::from_arg_matches(matches).map_err(|error| error.to_string())?;
        set_up(arguments, io).await.map_err(|error| error.to_string())
    })
}

async fn set_up(arguments: SetupArgs, io: &mut Io) -> Result<(), Error> {
    let SetupArgs { username, org, bucket, retention, password_file, token_file, location } = arguments;
    if password_file == Some(SecretSource::Stdin) && token_file == Some(SecretSource::Stdin) {
        return Err(Error::OneInput);
    }
    let token = token_file.as_ref().map(SecretSource::read).transpose()?;
    let server = Server::find(&location.data_dir()?).await?;
    let result = async {
        if !server.may_be_set_up().await? {
            return Err(Error::AlreadySetUp);
        }
        let password = match &password_file {
            Some(source) => Some(source.read()?),
            None => typed_password(&username, io).await?,
        };
        let database = bucket;
        server.set_up(SetupRequest { username, password, organization: org, database, retention, token }).await
    }
    .await;
    server.close().await;
    print(&result?)
}

/// What somebody types; `None` if nobody is at a terminal, or nothing is typed.
async fn typed_password(username: &Name, io: &mut Io) -> Result<Option<PlainToken>, Error> {
    let first = io.type_secret(&format!("Password of {username} (empty for none): ")).await.map_err(Error::Prompt)?;
    let Some(first) = first.filter(|password| !password.expose().is_empty()) else { return Ok(None) };
    let second = io.type_secret("The same again: ").await.map_err(Error::Prompt)?;
    if second.is_some_and(|second| second.expose() == first.expose()) {
        Ok(Some(first))
    } else {
        Err(Error::PasswordsDiffer)
    }
}

fn print(done: &Done) -> Result<(), Error> {
    if !done.token.is_generated_without_prefix() {
        operator::say(
            "warn",
            &"the token is your own and may be easy to guess: replace it before others can reach the server",
        );
    }
    let details = [
        ("user", done.user.clone()),
        ("organization", done.organization.clone()),
        ("bucket", done.bucket.clone()),
        ("token id", done.token_id.clone()),
    ];
    operator::print_secret(&details, &done.token)
        .map_err(|reason| Error::SecretLost { id: done.token_id.clone(), reason })
}

/// As everywhere on the command line, in whole seconds, which is what the API can say.
fn retention(text: &str) -> Result<Retention, String> {
    let retention = tidegate_cli::parse_retention(text)?;
    let is_whole = retention.nanos() % NANOS_PER_SECOND == 0;
    if is_whole { Ok(retention) } else { Err("must be whole seconds".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 7] = [SETUP, "--username", "my-user", "--org", "my-org", "--bucket", "my-bucket"];

    fn parse(more: &[&str]) -> Result<SetupArgs, clap::Error> {
        SetupArgs::from_arg_matches(&command().try_get_matches_from([&NAMES, more].concat())?)
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn rows_are_kept_for_ever_unless_a_whole_number_of_seconds_is_given() {
        assert_eq!(parse(&[]).unwrap().retention, Retention::FOREVER);
        assert_eq!(parse(&["--retention", "30d"]).unwrap().retention.nanos(), 30 * 86_400 * NANOS_PER_SECOND);
        for text in ["", "30", "-1d", "0.5s", "1.0000001s"] {
            assert!(parse(&["--retention", text]).is_err(), "{text}");
        }
    }

    #[test]
    fn there_is_no_flag_for_a_secret_itself() {
        for flag in ["--password", "--token", "-p", "-t"] {
            assert!(parse(&[flag, "hunter2"]).is_err(), "{flag}");
        }
        let sources = parse(&["--password-file", "-", "--token-file", "token"]).unwrap();
        assert_eq!(sources.password_file, Some(SecretSource::Stdin));
        assert_eq!(sources.token_file, Some(SecretSource::File("token".into())));
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for (flag, name) in [("--username", ""), ("--org", "a\nb"), ("--bucket", "_internal"), ("--bucket", "")] {
            assert!(parse(&[flag, name]).is_err(), "{flag} {name:?}");
        }
    }
}
