//! `influx v1` (v2 API contract §6.8).

use super::{common, description, org};
use crate::influx::commands::Action;
use crate::influx::syntax::{Command, Flag};

pub(super) fn v1() -> Command {
    Command::group("v1", "Administer what clients of v1 use", vec![auth(), dbrp()])
}

fn auth() -> Command {
    let which = || {
        vec![
            Flag::text("id", "Id of the authorization").short("i"),
            Flag::text("username", "User name of the authorization"),
        ]
    };
    let password = || Flag::text("password", "The password; asked for if not given");
    let list = [
        which(),
        vec![
            Flag::text("user", "Only those of the v2 user with this name").short("u"),
            Flag::text("user-id", "Only those of the v2 user with this id"),
        ],
    ];
    let create = vec![
        Flag::text("username", "User name of the authorization").required(),
        password(),
        Flag::switch("no-password", "Set no password"),
        Flag::texts("read-bucket", "Grant read on the bucket with this id"),
        Flag::texts("write-bucket", "Grant write on the bucket with this id"),
        description("What it is for"),
    ];
    let commands = vec![
        Command::leaf("create", "Create a v1 authorization", Action::V1AuthCreate, create)
            .common([org(), common()].concat()),
        Command::leaf("delete", "Delete a v1 authorization at once and for good", Action::V1AuthDelete, which())
            .common(common()),
        Command::leaf("list", "List v1 authorizations", Action::V1AuthList, list.concat())
            .aliases(&["ls", "find"])
            .common([org(), common()].concat()),
        Command::leaf("set-active", "Let a v1 authorization be used", Action::V1AuthActive, which()).common(common()),
        Command::leaf("set-inactive", "Stop a v1 authorization from being used", Action::V1AuthInactive, which())
            .common(common()),
        Command::leaf(
            "set-password",
            "Set the password of a v1 authorization",
            Action::V1AuthPassword,
            [which(), vec![password()]].concat(),
        )
        .common(common()),
    ];
    Command::group("auth", "Administer user names and passwords of v1", commands).aliases(&["authorization"])
}

fn dbrp() -> Command {
    let bucket = || Flag::text("bucket-id", "Id of the bucket");
    let database = || Flag::text("db", "Name of the v1 database");
    let policy = || Flag::text("rp", "Name of the v1 retention policy");
    let default = |about: &'static str| Flag::switch("default", about);
    let id = || Flag::text("id", "Id of the mapping");
    let list = vec![bucket(), database(), default("Only default ones"), id(), policy()];
    let create = vec![
        bucket().required(),
        database().required(),
        policy().required(),
        default("Without effect here: the first mapping of a database is its default, update makes another one it"),
    ];
    let update = vec![id().required(), policy(), default("Make it the default of its database")];
    let commands = vec![
        Command::leaf("create", "Create a mapping", Action::DbrpCreate, create).common([org(), common()].concat()),
        Command::leaf("delete", "Delete a mapping", Action::DbrpDelete, vec![id().required()])
            .common([org(), common()].concat()),
        Command::leaf("list", "List mappings", Action::DbrpList, list)
            .aliases(&["find", "ls"])
            .common([org(), common()].concat()),
        Command::leaf("update", "Change a mapping", Action::DbrpUpdate, update).common([org(), common()].concat()),
    ];
    Command::group("dbrp", "Administer mappings of v1 databases and retention policies to buckets", commands)
}
