//! `influx org`, `user` and `bucket` (v2 API contract §6.6).

use super::{common, description, id, name, org};
use crate::influx::commands::Action;
use crate::influx::syntax::{Command, Flag};

pub(super) fn organization() -> Command {
    let which = || {
        vec![
            name("Name of the organization").variable("INFLUX_ORG"),
            id("Id of the organization").variable("INFLUX_ORG_ID"),
        ]
    };
    let member = || Flag::text("member", "Id of the user").short("m").required();
    let add = [vec![member(), Flag::switch("owner", "Make the user an owner")], which()].concat();
    let members = vec![
        Command::leaf("list", "List members and owners", Action::MemberList, which())
            .aliases(&["find", "ls"])
            .common(common()),
        Command::leaf("add", "Add a member or owner", Action::MemberAdd, add).common(common()),
        Command::leaf("remove", "Remove a member or owner", Action::MemberRemove, [vec![member()], which()].concat())
            .common(common()),
    ];
    let update = vec![
        id("Id of the organization").required(),
        name("The new name"),
        description("The new description").variable("INFLUX_ORG_DESCRIPTION"),
    ];
    let commands = vec![
        Command::leaf(
            "create",
            "Create an organization",
            Action::OrgCreate,
            vec![name("Name of the organization").required(), description("What it is for")],
        )
        .common(common()),
        Command::leaf(
            "delete",
            "Delete an organization",
            Action::OrgDelete,
            vec![id("Id of the organization").required()],
        )
        .common(common()),
        Command::leaf("list", "List organizations", Action::OrgList, which()).aliases(&["find", "ls"]).common(common()),
        Command::group("members", "Administer who belongs to an organization", members),
        Command::leaf("update", "Change an organization", Action::OrgUpdate, update).common(common()),
    ];
    Command::group("org", "Administer organizations", commands).aliases(&["organization"])
}

pub(super) fn user() -> Command {
    let which = || vec![id("Id of the user"), name("Name of the user")];
    let password = || Flag::text("password", "The password; asked for if not given").short("p");
    let create = vec![
        name("Name of the user").variable("INFLUX_NAME").required(),
        Flag::text("password", "The password").short("p"),
    ];
    let commands = vec![
        Command::leaf("create", "Create a user", Action::UserCreate, create).common([org(), common()].concat()),
        Command::leaf(
            "delete",
            "Delete a user, whose tokens are dead from then on",
            Action::UserDelete,
            vec![id("Id of the user").required()],
        )
        .common(common()),
        Command::leaf("list", "List users", Action::UserList, which()).aliases(&["find", "ls"]).common(common()),
        Command::leaf("password", "Set a user's password", Action::UserPassword, [which(), vec![password()]].concat())
            .common(common()),
        Command::leaf(
            "update",
            "Change a user",
            Action::UserUpdate,
            vec![id("Id of the user").required(), name("The new name")],
        )
        .common(common()),
    ];
    Command::group("user", "Administer users", commands)
}

pub(super) fn bucket() -> Command {
    let retention = || Flag::text("retention", "How long data stays, such as 30d; 0 for ever").short("r");
    let shard = || Flag::text("shard-group-duration", "Time that one shard group covers, such as 1d");
    let create = vec![
        name("Name of the bucket").variable("INFLUX_BUCKET_NAME").required(),
        description("What it is for"),
        retention(),
        shard(),
        Flag::text("schema-type", "implicit or explicit"),
    ];
    let list = vec![
        id("Only the bucket with this id"),
        name("Only the bucket with this name").variable("INFLUX_BUCKET_NAME"),
        Flag::number("limit", "Most buckets to list; 0 for all"),
        Flag::number("offset", "How many to leave out at the start"),
        Flag::number("page-size", "How many to ask for at a time (default 20)"),
    ];
    let update = vec![
        id("Id of the bucket").required(),
        name("The new name").variable("INFLUX_BUCKET_NAME"),
        description("The new description"),
        retention(),
        shard(),
    ];
    let delete = vec![id("Id of the bucket"), name("Name of the bucket").variable("INFLUX_BUCKET_NAME")];
    let commands = vec![
        Command::leaf("create", "Create a bucket", Action::BucketCreate, create).common([org(), common()].concat()),
        Command::leaf("delete", "Delete a bucket with its data", Action::BucketDelete, delete)
            .common([org(), common()].concat()),
        Command::leaf("list", "List buckets", Action::BucketList, list)
            .aliases(&["find", "ls"])
            .common([org(), common()].concat()),
        Command::leaf("update", "Change a bucket", Action::BucketUpdate, update).aliases(&["set"]).common(common()),
    ];
    Command::group("bucket", "Administer buckets", commands)
}
