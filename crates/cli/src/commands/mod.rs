//! The commands. Each asks the server, prints results to standard output and notes to standard error.

mod data;
mod database;
mod management;
mod revoke;
mod token;

use clap::{ArgMatches, Command};
use tidegate_model::{Grant, PlainToken, Timestamp};

use crate::error::{Error, Result};
use crate::output::{self, Format};
use crate::session::Session;

pub(crate) async fn dispatch(
    session: &mut Session<'_>,
    command: &Command,
    path: &[&str],
    matches: &ArgMatches,
) -> Result<()> {
    match path {
        ["token", "create"] => token::create(session, matches).await,
        ["token", "get"] => token::get(session, matches).await,
        ["token", "list"] => token::list(session, matches).await,
        ["token", "update"] => token::update(session, matches).await,
        ["token", "revoke"] => token::revoke(session, matches).await,
        ["management", "create"] => management::create(session, matches).await,
        ["management", "list"] => management::list(session, matches).await,
        ["management", "revoke"] => management::revoke(session, matches).await,
        ["management", "generate"] => management::generate(session),
        ["database", "create"] => database::create(session, matches).await,
        ["database", "list"] => database::list(session, matches).await,
        ["database", "delete"] => database::delete(session, matches).await,
        ["query"] => data::query(session, matches).await,
        ["write"] => data::write(session, matches).await,
        ["version"] => version(session),
        [groups @ .., "help"] => {
            let asked = matches.get_many::<String>("command").into_iter().flatten().map(String::as_str);
            let names: Vec<&str> = groups.iter().copied().chain(asked).collect();
            help(session, command, &names)
        }
        group => help(session, command, group),
    }
}

/// Help on the command with these names.
fn help(session: &mut Session<'_>, command: &Command, names: &[&str]) -> Result<()> {
    let mut root = command.clone();
    root.build();
    let mut innermost = &mut root;
    for name in names {
        innermost = innermost
            .find_subcommand_mut(name)
            .ok_or_else(|| Error::Usage(format!("there is no command {:?}", names.join(" "))))?;
    }
    let text = innermost.render_help().to_string();
    session.io.print(&text)
}

fn version(session: &mut Session<'_>) -> Result<()> {
    // The words of the Go tool chain, which scripts may look for.
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let face = session.face;
    session.io.print(&format!("{} v{} ({system}/{architecture})\n", face.name(), face.version()))
}

fn format_of(matches: &ArgMatches) -> Format {
    matches.get_one::<Format>("format").copied().unwrap_or(Format::Table)
}

fn texts_of(matches: &ArgMatches, id: &str) -> Vec<String> {
    matches.get_many::<String>(id).into_iter().flatten().cloned().collect()
}

fn word_of<'a>(matches: &'a ArgMatches, id: &str) -> &'a str {
    matches.get_one::<String>(id).map(String::as_str).unwrap_or_default()
}

/// The grants of `--read-database`, then those of `--write-database`, each once.
fn grants_of(matches: &ArgMatches) -> Vec<Grant> {
    use tidegate_model::{Action, PermissionSet, Resource};
    let flag = |id: &str, action: Action| {
        let resources: Vec<Resource> = matches.get_many(id).into_iter().flatten().cloned().collect();
        resources.into_iter().map(move |resource| Grant { action, resource })
    };
    let grants = flag("read-database", Action::Read).chain(flag("write-database", Action::Write));
    grants.collect::<PermissionSet>().grants().to_vec()
}

/// `--expires-at`, which must be in the future.
fn expiry_of(session: &Session<'_>, matches: &ArgMatches) -> Result<Option<Timestamp>> {
    let expiry = matches.get_one::<Timestamp>("expires-at").copied();
    match expiry {
        Some(time) if time <= session.io.clock.now() => {
            Err(Error::Usage(format!("--expires-at {} is not in the future", time.to_rfc3339_seconds())))
        }
        _ => Ok(expiry),
    }
}

/// What is printed of a token that has just been made.
struct NewSecret<'a> {
    id: String,
    description: &'a str,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    secret: &'a PlainToken,
}

impl NewSecret<'_> {
    /// The details, two warnings on standard error, and the token as last line of standard output.
    fn print_table(&self, session: &mut Session<'_>) -> Result<()> {
        let details = output::detail_table(&[
            ("id", self.id.clone()),
            ("description", self.description.to_owned()),
            ("expires at", output::time_cell(self.expires_at)),
            ("revoked at", output::time_cell(self.revoked_at)),
        ]);
        self.print(session, &details)?;
        session.log().warn("please copy the token and store in a safe place");
        session.log().warn("this is the *only time* you will see the token");
        self.print(session, &format!("{}\n", self.secret.expose()))
    }

    fn print(&self, session: &mut Session<'_>, text: &str) -> Result<()> {
        session.io.print(text).map_err(|error| match error {
            Error::Output(reason) => Error::SecretLost { id: self.id.clone(), reason },
            other => other,
        })
    }
}
