//! `cluster`, `user` and `auth` (influxctl contract §§11 to 13).

use clap::{Arg, Command};
use tidegate_model::ClusterId;

use super::arguments::{administers, format};
use super::{group, leaf};
use crate::values;

pub(super) fn clusters() -> Command {
    group("cluster", "Show clusters").subcommands([
        administers(leaf("get", "Show one cluster"))
            .arg(
                Arg::new("cluster-id")
                    .value_name("CLUSTER_ID")
                    .required(true)
                    .value_parser(values::id::<ClusterId>)
                    .help("Its id"),
            )
            .arg(format()),
        administers(leaf("list", "List the clusters of the account")).arg(format()),
    ])
}

pub(super) fn users() -> Command {
    group("user", "Show users")
        .visible_alias("users")
        .subcommand(administers(leaf("list", "List the users of the account")).arg(format()))
}

pub(super) fn auth() -> Command {
    group("auth", "Log in at the identity provider of a profile, or out").subcommands([
        leaf("login", "Log in now and keep the login for later commands"),
        leaf("logout", "Forget the kept login of the profile"),
    ])
}
