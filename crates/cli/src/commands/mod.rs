//! The commands. Each asks the server, prints results to standard output and notes to standard error.

mod auth;
mod cluster;
mod data;
mod database;
mod generated;
mod management;
mod revoke;
mod table;
mod token;
mod user;

use std::fmt::Display;

use clap::{ArgMatches, Command};
use serde::{Serialize, Serializer};
use tidegate_client::{Listing, ServerTime, StatusFilter};
use tidegate_model::{DatabaseName, Grant, PartitionTemplate, PlainToken, Timestamp, TokenId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::output::{self, Format};
use crate::session::Session;
use crate::tree::Status;
use crate::values;

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
        ["database", "update"] => database::update(session, matches).await,
        ["database", "delete"] => database::delete(session, matches).await,
        ["database", "rename"] => database::rename(session, matches).await,
        ["database", "undelete"] => database::undelete(session, matches).await,
        ["table", "create"] => table::create(session, matches).await,
        ["table", "list"] => table::list(session, matches).await,
        ["table", "delete"] => table::delete(session, matches).await,
        ["table", "rename"] => table::rename(session, matches).await,
        ["table", "undelete"] => table::undelete(session, matches).await,
        ["table", "iceberg", "enable"] => table::set_iceberg(session, matches, true).await,
        ["table", "iceberg", "disable"] => table::set_iceberg(session, matches, false).await,
        ["cluster", "get"] => cluster::get(session, matches).await,
        ["cluster", "list"] => cluster::list(session, matches).await,
        ["auth", "login"] => auth::login(session).await,
        ["auth", "logout"] => auth::logout(session),
        ["user", "list"] => user::list(session, matches).await,
        ["query"] => data::query(session, matches).await,
        ["write"] => data::write(session, matches).await,
        ["completion"] => generated::completion(session, command, matches),
        ["man"] => generated::manual(session, command, matches),
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

/// An argument that clap has checked to be there.
fn required<'a, T: Clone + Send + Sync + 'static>(matches: &'a ArgMatches, id: &str) -> Result<&'a T> {
    matches.get_one::<T>(id).ok_or_else(|| Error::Usage("an argument is missing".to_owned()))
}

fn database_of(matches: &ArgMatches) -> Result<&DatabaseName> {
    required(matches, "name")
}

fn status_of(matches: &ArgMatches) -> StatusFilter {
    matches.get_one::<Status>("filter-status").map(|status| status.0).unwrap_or_default()
}

fn template_of(matches: &ArgMatches) -> Result<Option<PartitionTemplate>> {
    let texts = |id| texts_of(matches, id);
    values::template(texts("template-tag"), texts("template-tag-bucket"), texts("template-timeformat"))
        .map_err(Error::Usage)
}

/// Prints a list in the wanted format; an empty one too. Fails afterwards if records had to be left out.
fn print_list<'a, T, J: Serialize>(
    session: &mut Session<'_>,
    matches: &ArgMatches,
    Listing { items, unreadable }: &'a Listing<T>,
    object: impl Fn(&'a T) -> J,
    table: impl FnOnce(&'a [T]) -> output::ListTable,
) -> Result<()> {
    let text = match format_of(matches) {
        Format::Json => output::json(&items.iter().map(object).collect::<Vec<J>>())?,
        Format::Table => table(items).render(),
    };
    session.io.print(&text)?;
    for record in unreadable {
        session.log().error(format!("{record} of the server's answer is not as documented and left out"));
    }
    if unreadable.is_empty() { Ok(()) } else { Err(Error::Reported) }
}

/// Prints one thing in the wanted format.
fn print_details(
    session: &mut Session<'_>,
    matches: &ArgMatches,
    object: &impl Serialize,
    rows: &[(&str, String)],
) -> Result<()> {
    let text = match format_of(matches) {
        Format::Json => output::json(object)?,
        Format::Table => output::detail_table(rows),
    };
    session.io.print(&text)
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

/// An id, or the nil UUID where the server tells none (influxctl contract §17).
fn or_nil<T: Display, S: Serializer>(id: &Option<T>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => Uuid::nil().serialize(serializer),
    }
}

type TokenDetails = [(&'static str, String); 4];

/// What tables show of one token of either kind.
fn token_details(
    id: TokenId,
    description: &str,
    expires_at: Option<&ServerTime>,
    revoked_at: Option<&ServerTime>,
) -> TokenDetails {
    [
        ("id", id.to_string()),
        ("description", description.to_owned()),
        ("expires at", output::time_cell(expires_at)),
        ("revoked at", output::time_cell(revoked_at)),
    ]
}

/// A token that has just been made.
struct NewSecret<'a> {
    id: TokenId,
    secret: &'a PlainToken,
}

impl NewSecret<'_> {
    /// As JSON this object, which holds the secret; else the details, two warnings on standard error, and the token as
    /// last line of standard output.
    fn print(
        &self,
        session: &mut Session<'_>,
        matches: &ArgMatches,
        object: &impl Serialize,
        details: &TokenDetails,
    ) -> Result<()> {
        if format_of(matches) == Format::Json {
            return self.print_text(session, &output::json(object)?);
        }
        self.print_text(session, &output::detail_table(details))?;
        session.log().warn("please copy the token and store in a safe place");
        session.log().warn("this is the *only time* you will see the token");
        self.print_text(session, &format!("{}\n", self.secret.expose()))
    }

    fn print_text(&self, session: &mut Session<'_>, text: &str) -> Result<()> {
        session.io.print(text).map_err(|error| match error {
            Error::Output(reason) => Error::SecretLost { id: self.id.to_string(), reason },
            other => other,
        })
    }
}
