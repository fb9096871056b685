//! `influx config`, `version`, `ping` and `setup` (v2 API contract §6.5).

use super::{configs_path, connection, host, name, printing};
use crate::influx::commands::Action;
use crate::influx::syntax::{Command, Flag};

pub(super) fn config() -> Command {
    let file = || [vec![configs_path()], printing()].concat();
    let fields = || {
        [
            Flag::text("host-url", "Address of the server").short("u"),
            Flag::text("token", "API token").short("t"),
            Flag::text("username-password", "User to sign in as, NAME or NAME:PASSWORD").short("p"),
            Flag::text("org", "Name of the organization").short("o"),
            Flag::switch("active", "Use it from now on").short("a"),
        ]
    };
    let with_name = |fields: [Flag; 5]| {
        let name = Flag::text("config-name", "Name of the config").short("n").required();
        std::iter::once(name).chain(fields).collect::<Vec<_>>()
    };
    let create = with_name(fields().map(|flag| if flag.name == "host-url" { flag.required() } else { flag }));
    let commands = vec![
        Command::leaf("create", "Add a config", Action::ConfigCreate, create).common(file()),
        Command::leaf("ls", "List configs", Action::ConfigList, Vec::new()).aliases(&["list"]).common(file()),
        Command::leaf("rm", "Remove configs", Action::ConfigRemove, Vec::new())
            .aliases(&["delete", "remove"])
            .arguments("<name>...")
            .common(file()),
        Command::leaf("set", "Change a config", Action::ConfigSet, with_name(fields()))
            .aliases(&["update"])
            .common(file()),
    ];
    Command::leaf(
        "config",
        "Show the active config, or switch to another; - is the one before",
        Action::ConfigShow,
        Vec::new(),
    )
    .arguments("[name | -]")
    .commands(commands)
    .common(file())
}

pub(super) fn version() -> Command {
    Command::leaf("version", "Show the version", Action::Version, Vec::new())
}

pub(super) fn ping() -> Command {
    Command::leaf("ping", "Ask the server whether it is well", Action::Ping, Vec::new())
        .common([vec![host()], connection()].concat())
}

pub(super) fn setup() -> Command {
    let flags = vec![
        Flag::text("username", "Name of the first user").short("u"),
        Flag::text("password", "Password of the first user").short("p"),
        Flag::text("token", "API token of the first user; the server makes one if not given")
            .short("t")
            .variable("INFLUX_TOKEN"),
        Flag::text("org", "Name of the organization").short("o"),
        Flag::text("bucket", "Name of the first bucket").short("b"),
        Flag::text("retention", "How long the bucket keeps data, such as 30d; 0 for ever").short("r"),
        Flag::switch("force", "Ask nothing").short("f"),
        name("Name of the config to add"),
    ];
    Command::leaf("setup", "Set up a new server", Action::Setup, flags)
        .common([vec![host()], connection(), printing()].concat())
}
