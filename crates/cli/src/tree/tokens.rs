//! `token` and `management` (influxctl contract §§7 and 8).

use clap::{Arg, Command};
use tidegate_model::Resource;

use super::arguments::{administers, choice, expires_at, force, format, not_empty, repeatable, switch, token_id};
use super::{group, leaf};
use crate::Face;

pub(super) fn token() -> Command {
    group("token", "Administer database tokens").subcommands([
        administers(leaf("create", "Create a database token"))
            .arg(
                Arg::new("description")
                    .value_name("TOKEN_DESCRIPTION")
                    .required(true)
                    .value_parser(not_empty)
                    .help("What the token is for"),
            )
            .args(permissions("Grant"))
            .arg(expires_at())
            .arg(format()),
        administers(leaf("get", "Show one database token"))
            .arg(token_id())
            .arg(switch("include-revoked", "Show the token although it is revoked"))
            .arg(format()),
        administers(leaf("list", "List database tokens"))
            .arg(format())
            .arg(choice("sort", ["id", "description"], "id").help("Sort by this column"))
            .arg(switch("include-revoked", "List revoked tokens too")),
        administers(leaf("update", "Change a database token"))
            .arg(token_id())
            .arg(description().help("The new description"))
            .args(permissions("Replace all permissions, grant")),
        revoke("Revoke database tokens at once and for good"),
    ])
}

pub(super) fn management(face: Face) -> Command {
    let group = group("management", "Administer management tokens").subcommands([
        administers(leaf("create", "Create a management token"))
            .arg(description().default_value("created by influxctl").help("What the token is for"))
            .arg(expires_at())
            .arg(format()),
        administers(leaf("list", "List management tokens, revoked ones included")).arg(format()).arg(
            choice("sort", ["created", "id", "description", "prefix", "expires", "revoked"], "created")
                .help("Sort by this column"),
        ),
        revoke("Revoke management tokens at once and for good"),
    ]);
    match face {
        Face::Tidegate => {
            group.subcommand(leaf("generate", "Make a management token for a server's first start, offline"))
        }
        Face::Influxctl => group,
    }
}

fn revoke(about: &'static str) -> Command {
    administers(leaf("revoke", about)).visible_alias("delete").arg(token_id().num_args(1..)).arg(force())
}

fn description() -> Arg {
    Arg::new("description").long("description").value_name("TEXT").value_parser(not_empty)
}

fn permissions(verb: &str) -> [Arg; 2] {
    ["read", "write"].map(|action| {
        repeatable(if action == "read" { "read-database" } else { "write-database" }, "NAME")
            .value_parser(|text: &str| text.parse::<Resource>())
            .help(format!("{verb} {action} on this database, '*' for all; repeatable"))
    })
}
