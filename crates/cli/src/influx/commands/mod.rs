//! What each command does.

mod auth;
mod bucket;
mod config;
mod dbrp;
mod delete;
mod members;
mod organization;
mod query;
mod server;
mod setup;
mod user;
mod v1_auth;
mod write;

use super::error::{Error, Result};
use super::session::Session;

/// The commands that the tree leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    AuthCreate,
    AuthDelete,
    AuthList,
    AuthActive,
    AuthInactive,
    BucketCreate,
    BucketDelete,
    BucketList,
    BucketUpdate,
    ConfigCreate,
    ConfigList,
    ConfigRemove,
    ConfigSet,
    ConfigShow,
    DbrpCreate,
    DbrpDelete,
    DbrpList,
    DbrpUpdate,
    Delete,
    MemberAdd,
    MemberList,
    MemberRemove,
    OrgCreate,
    OrgDelete,
    OrgList,
    OrgUpdate,
    Ping,
    Query,
    Setup,
    UserCreate,
    UserDelete,
    UserList,
    UserPassword,
    UserUpdate,
    V1AuthActive,
    V1AuthCreate,
    V1AuthDelete,
    V1AuthInactive,
    V1AuthList,
    V1AuthPassword,
    Version,
    Write,
    WriteDryRun,
}

/// Runs a command to its end.
pub(crate) async fn dispatch(session: &mut Session<'_>, action: Action) -> Result<()> {
    match action {
        Action::AuthCreate => auth::create(session).await,
        Action::AuthDelete => auth::delete(session).await,
        Action::AuthList => auth::list(session).await,
        Action::AuthActive => auth::set_status(session, "active").await,
        Action::AuthInactive => auth::set_status(session, "inactive").await,
        Action::BucketCreate => bucket::create(session).await,
        Action::BucketDelete => bucket::delete(session).await,
        Action::BucketList => bucket::list(session).await,
        Action::BucketUpdate => bucket::update(session).await,
        Action::ConfigCreate => config::create(session),
        Action::ConfigList => config::list(session),
        Action::ConfigRemove => config::remove(session),
        Action::ConfigSet => config::set(session),
        Action::ConfigShow => config::show(session),
        Action::DbrpCreate => dbrp::create(session).await,
        Action::DbrpDelete => dbrp::delete(session).await,
        Action::DbrpList => dbrp::list(session).await,
        Action::DbrpUpdate => dbrp::update(session).await,
        Action::Delete => delete::delete(session).await,
        Action::MemberAdd => members::add(session).await,
        Action::MemberList => members::list(session).await,
        Action::MemberRemove => members::remove(session).await,
        Action::OrgCreate => organization::create(session).await,
        Action::OrgDelete => organization::delete(session).await,
        Action::OrgList => organization::list(session).await,
        Action::OrgUpdate => organization::update(session).await,
        Action::Ping => oss_only(server::ping(session).await),
        Action::Query => query::query(session).await,
        Action::Setup => oss_only(setup::setup(session).await),
        Action::UserCreate => user::create(session).await,
        Action::UserDelete => user::delete(session).await,
        Action::UserList => user::list(session).await,
        Action::UserPassword => user::password(session).await,
        Action::UserUpdate => user::update(session).await,
        Action::V1AuthActive => v1_auth::set_status(session, "active").await,
        Action::V1AuthCreate => v1_auth::create(session).await,
        Action::V1AuthDelete => v1_auth::delete(session).await,
        Action::V1AuthInactive => v1_auth::set_status(session, "inactive").await,
        Action::V1AuthList => v1_auth::list(session).await,
        Action::V1AuthPassword => v1_auth::set_password(session).await,
        Action::Version => server::version(session),
        Action::Write => write::write(session).await,
        Action::WriteDryRun => write::dry_run(session).await,
    }
}

/// Some commands only a server of one's own has: where another one refuses, that is the reason to tell.
fn oss_only(outcome: Result<()>) -> Result<()> {
    outcome.map_err(|error| {
        if error.is_from_build("Cloud") {
            Error::text("InfluxDB OSS-only command used with InfluxDB Cloud host")
        } else {
            error
        }
    })
}
