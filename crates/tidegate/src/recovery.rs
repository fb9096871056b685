//! `tidegate recovery`: a way back in when every credential that could make another one is lost.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgMatches, Args, ColorChoice, Command, FromArgMatches as _, Subcommand};
use tidegate_cli::ListTable;
use tidegate_model::{
    ApiToken, ApiTokenForm, Clock as _, Description, DescriptionError, Name, Status, SystemClock, Timestamp,
    TokenState, User,
};
use tidegate_service::{Administration, NewOperator, Recovery, RecoveryError, ServiceError};

use crate::config::ConfigError;
use crate::data_dir::{DataDir, DataDirError};
use crate::operator::{self, Location};

/// The word of the commands.
pub(crate) const RECOVERY: &str = "recovery";

const AFTER_HELP: &str = "\
These commands work on the data directory of a stopped server and need no credential: whoever may read the directory \
owns the server. They revoke nothing and change no other credential.

When to use which:
  list               look first: it changes nothing
  create-operator    nobody has an operator's API token any more (for influx and /api/v2), or its owner is inactive
  create-management  nobody has a management token any more (for influxctl, tidegate and /api/v0)
A server that has never been set up has no users: use `tidegate setup`. Whoever still has a management token or an \
operator's token needs no recovery: `tidegate management create` and `influx auth create --operator` make another one \
while the server runs.";

#[derive(Debug, Subcommand)]
enum Task {
    /// Show users, organizations, operator tokens and management tokens, without their secrets
    List(Location),
    /// Make an API token that may do everything
    CreateOperator(CreateOperator),
    /// Make a management token
    CreateManagement(CreateManagement),
}

#[derive(Debug, Args)]
struct CreateOperator {
    /// The user to make it for [default: the only active one]
    #[arg(long, value_name = "NAME")]
    username: Option<Name>,

    /// The organization whose buckets its writes and queries find [default: the server's own]
    #[arg(long, value_name = "NAME")]
    org: Option<Name>,

    /// Make the user, without a password, if there is none of this name
    #[arg(long, requires = "username")]
    create_user: bool,

    /// Activate the user, if it is inactive; its other tokens work again, too
    #[arg(long, requires = "username")]
    activate_user: bool,

    #[command(flatten)]
    location: Location,
}

#[derive(Debug, Args)]
struct CreateManagement {
    /// What to write beside it
    #[arg(long, value_name = "TEXT", default_value = "made by recovery", value_parser = description)]
    description: Description,

    #[command(flatten)]
    location: Location,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("cannot open the data directory: {0}")]
    Open(#[source] ServiceError),
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    #[error("token {id} was created but could not be printed ({reason}): make another, and revoke this one")]
    SecretLost { id: String, reason: io::Error },
}

/// The subcommand `recovery`.
pub(crate) fn command() -> Command {
    let command = Command::new(RECOVERY).color(ColorChoice::Never).args_override_self(true);
    Task::augment_subcommands(command)
        .about("Get back into a stopped server when its credentials are lost")
        .after_help(AFTER_HELP)
}

/// Runs the command that the matches of `recovery` name.
pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    match Task::from_arg_matches(matches) {
        Ok(task) => operator::run(run_task(task)),
        Err(error) => {
            operator::say("error", &error);
            ExitCode::FAILURE
        }
    }
}

async fn run_task(task: Task) -> Result<(), Error> {
    match task {
        Task::List(location) => {
            let look = async |recovery: &Recovery, _: &Path| {
                Ok(recovery.administration().await.map_err(RecoveryError::from)?)
            };
            let seen = with_recovery(location, look).await?;
            operator::print(&report(&seen)).map_err(Error::Output)
        }
        Task::CreateOperator(CreateOperator { username, org, create_user, activate_user, location }) => {
            let new = NewOperator { username, organization: org, create_user, activate_user };
            with_recovery(location, async |recovery, _| create_operator(recovery, new).await).await
        }
        Task::CreateManagement(CreateManagement { description, location }) => {
            with_recovery(location, async |recovery, path| create_management(recovery, path, description).await).await
        }
    }
}

/// Does something while no server can start on the data directory.
async fn with_recovery<T>(
    location: Location,
    task: impl AsyncFnOnce(&Recovery, &Path) -> Result<T, Error>,
) -> Result<T, Error> {
    let data_dir = DataDir::open_used(&location.data_dir()?, SystemClock.now())?;
    let recovery = Recovery::open(data_dir.path()).await.map_err(Error::Open)?;
    let result = task(&recovery, data_dir.path()).await;
    recovery.close().await;
    result
}

async fn create_operator(recovery: &Recovery, new: NewOperator) -> Result<(), Error> {
    let made = recovery.create_operator(new).await?;
    let details = [
        ("id", made.record.id.to_string()),
        ("description", made.record.description.as_str().to_owned()),
        ("user", made.user.name.to_string()),
        ("organization", made.organization.name.to_string()),
    ];
    operator::print_secret(&details, &made.token)
        .map_err(|reason| Error::SecretLost { id: made.record.id.to_string(), reason })
}

async fn create_management(recovery: &Recovery, data_dir: &Path, description: Description) -> Result<(), Error> {
    let made = recovery.create_management(description).await?;
    let details = [("id", made.record.id.to_string()), ("description", made.record.description.as_str().to_owned())];
    operator::print_secret(&details, &made.token)
        .map_err(|reason| Error::SecretLost { id: made.record.id.to_string(), reason })?;
    let credentials = data_dir.join(crate::credentials::FILE_NAME);
    operator::say("info", &format!("commands take it as mgmt_token in {}", credentials.display()));
    Ok(())
}

fn description(text: &str) -> Result<Description, DescriptionError> {
    Description::new(text)
}

/// All of it as tables.
fn report(seen: &Administration) -> String {
    let users =
        seen.users.iter().map(|user| vec![user.id.to_string(), user.name.to_string(), user.status.as_str().to_owned()]);
    let organizations = seen.organizations.iter().map(|one| vec![one.id.to_string(), one.name.to_string()]);
    let operators = seen.operator_tokens.iter().map(|(token, owner)| {
        vec![
            token.id.to_string(),
            token.description.as_str().to_owned(),
            token.created_at.to_rfc3339_seconds(),
            status_of(token, owner.as_ref(), seen.now),
            owner.as_ref().map_or_else(|| "deleted".to_owned(), |owner| owner.name.to_string()),
        ]
    });
    let managers = seen.management_tokens.iter().map(|token| {
        let status = match token.state(seen.now) {
            TokenState::Active => "active",
            TokenState::Expired => "expired",
            TokenState::Revoked => "revoked",
        };
        vec![
            token.id.to_string(),
            token.description.as_str().to_owned(),
            token.created_at.to_rfc3339_seconds(),
            status.to_owned(),
        ]
    });
    [
        section("Users", &["ID", "NAME", "STATUS"], users),
        section("Organizations", &["ID", "NAME"], organizations),
        section("Operator tokens", &["ID", "DESCRIPTION", "CREATED AT", "STATUS", "OWNER"], operators),
        section("Management tokens", &["ID", "DESCRIPTION", "CREATED AT", "STATUS"], managers),
    ]
    .join("\n")
}

fn section(title: &str, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = ListTable::of_texts(columns);
    rows.for_each(|cells| table.row(cells));
    format!("{title}\n{}", table.render())
}

/// Why an operator's token cannot be used, or that it can.
fn status_of(token: &ApiToken, owner: Option<&Arc<User>>, now: Timestamp) -> String {
    let expired = token.expires_at.is_some_and(|expiry| expiry <= now);
    let status = match owner.map(|owner| owner.status) {
        None => "owner deleted",
        Some(Status::Inactive) => "owner inactive",
        Some(Status::Active) if token.status == Status::Inactive => "inactive",
        Some(Status::Active) if expired => "expired",
        Some(Status::Active) => "active",
    };
    let is_weak = token.form == ApiTokenForm::Token { weak: true };
    if is_weak { format!("{status}, weak") } else { status.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Task, clap::Error> {
        let matches = command().try_get_matches_from([&[RECOVERY], arguments].concat())?;
        Task::from_arg_matches(&matches)
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn the_flags_of_a_user_need_its_name() {
        assert!(parse(&["create-operator"]).is_ok());
        assert!(parse(&["create-operator", "--username", "ada", "--create-user", "--activate-user"]).is_ok());
        for arguments in [
            &["create-operator", "--create-user"][..],
            &["create-operator", "--activate-user"],
            &["create-operator", "--username", " "],
            &["create-management", "--username", "ada"],
            &["list", "ada"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
