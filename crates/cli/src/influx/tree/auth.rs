//! `influx auth` (v2 API contract §6.4).

use super::{common, description, id, org};
use crate::influx::commands::Action;
use crate::influx::syntax::{Command, Flag};

/// The kinds of resources that permissions can be about, in the API's order (v2 API contract §3). `instance` is left
/// out: nobody can be granted it.
pub(crate) const RESOURCE_TYPES: [&str; 25] = [
    "authorizations",
    "buckets",
    "dashboards",
    "orgs",
    "tasks",
    "telegrafs",
    "users",
    "variables",
    "secrets",
    "labels",
    "views",
    "documents",
    "notificationRules",
    "notificationEndpoints",
    "checks",
    "dbrp",
    "annotations",
    "sources",
    "scrapers",
    "notebooks",
    "remotes",
    "replications",
    "flows",
    "functions",
    "subscriptions",
];

pub(super) fn auth() -> Command {
    let filters = vec![
        id("Only this authorization"),
        Flag::text("user", "Only those of the user with this name").short("u"),
        Flag::text("user-id", "Only those of the user with this id"),
    ];
    let commands = vec![
        Command::leaf("create", "Create an authorization", Action::AuthCreate, create_flags())
            .common([org(), common()].concat()),
        Command::leaf("delete", "Delete an authorization at once and for good", Action::AuthDelete, one())
            .common(common()),
        Command::leaf("list", "List authorizations", Action::AuthList, filters)
            .aliases(&["find", "ls"])
            .common([org(), common()].concat()),
        Command::leaf("active", "Let an authorization be used", Action::AuthActive, one()).common(common()),
        Command::leaf("inactive", "Stop an authorization from being used", Action::AuthInactive, one())
            .common(common()),
    ];
    Command::group("auth", "Administer authorizations, which are API tokens", commands).aliases(&["authorization"])
}

fn one() -> Vec<Flag> {
    vec![id("Id of the authorization, not the token").required()]
}

fn create_flags() -> Vec<Flag> {
    let mut flags = vec![
        Flag::text("user", "Name of the owner").short("u"),
        description("What the token is for"),
        Flag::texts("read-bucket", "Grant read on the bucket with this id"),
        Flag::texts("write-bucket", "Grant write on the bucket with this id"),
        Flag::switch("operator", "Grant everything in all organizations"),
        Flag::switch("all-access", "Grant everything in one organization"),
    ];
    for kind in RESOURCE_TYPES {
        for action in ["read", "write"] {
            let mut flag = Flag::switch(format!("{action}-{kind}"), format!("Grant {action} on {kind}"));
            flag = match kind {
                // Spellings of published guides.
                "dbrp" => flag.also(format!("{action}-dbrps")),
                "users" => flag.also(format!("{action}-user")),
                "functions" => flag.hidden(),
                _ => flag,
            };
            flags.push(flag);
        }
    }
    flags
}
