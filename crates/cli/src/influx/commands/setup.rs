//! `influx setup` (v2 API contract §6.5).

use serde_json::json;
use tidegate_client::v2::NewInstance;
use tidegate_model::PlainToken;

use super::Session;
use crate::influx::config::{Config, Configs, DEFAULT_NAME};
use crate::influx::durations;
use crate::influx::error::{Context as _, Error, Result};
use crate::influx::output::Table;
use crate::influx::session::Proof;

const SECONDS_OF_HOUR: i64 = 3600;

/// Sets the server up and adds a config with the token of its operator.
pub(super) async fn setup(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Never).await?;
    let allowed = server.client.may_set_up().await;
    if !allowed.context(|| "failed to check if already set up".to_owned())? {
        return Err(Error::text("instance has already been set up"));
    }
    let mut configs = session.configs()?;
    let name = name_of_config(session, &configs)?;
    let new = new_instance(session).await?;
    // A token that cannot be kept afterwards must not be made.
    configs.save()?;
    for secret in [&new.password, &new.token].into_iter().flatten() {
        session.io.log.hide(secret);
    }
    let set_up = server.client.set_up(&new).await.context(|| "failed to setup instance".to_owned())?;
    session.io.log.hide(&set_up.auth.token);
    let mut config = Config::new(&server.url);
    config.set_token(set_up.auth.token.expose());
    config.org.clone_from(&set_up.org.name);
    config.is_active = configs.all.is_empty();
    let kept = configs.add(&name, config).and_then(|()| configs.save());
    kept.map_err(|error| {
        Error::Text(format!("setup succeeded, but failed to write new config to local path: {error}"))
    })?;
    let mut table = Table::new(&["User", "Organization", "Bucket"]);
    let (user, org, bucket) = (set_up.user.name, set_up.org.name, set_up.bucket.name);
    table.row(vec![user.clone(), org.clone(), bucket.clone()]);
    session.print(&table, &json!({ "user": user, "organization": org, "bucket": bucket }))
}

fn name_of_config(session: &Session<'_>, configs: &Configs) -> Result<String> {
    match session.given.text("name") {
        Some(name) if configs.all.contains_key(name) => {
            Err(Error::Text(format!("config name {name:?} already exists")))
        }
        Some(name) => Ok(name.to_owned()),
        None if configs.all.is_empty() => Ok(DEFAULT_NAME.to_owned()),
        None => Err(Error::text("config name is required if you already have existing configs")),
    }
}

/// What the flags say, and without `--force` what the user answers instead of missing ones.
async fn new_instance(session: &mut Session<'_>) -> Result<NewInstance> {
    let given = |name: &str| session.given.text(name).map(str::to_owned);
    let retention_seconds = given("retention").map(|text| durations::seconds(&text)).transpose()?;
    let token = given("token").map(PlainToken::from_presented);
    if session.given.switch("force") {
        return Ok(NewInstance {
            bucket: given("bucket").unwrap_or_default(),
            org: given("org").unwrap_or_default(),
            password: given("password").map(PlainToken::from_presented),
            retention_seconds: retention_seconds.unwrap_or_default(),
            token,
            username: given("username").unwrap_or_default(),
        });
    }
    let username = ask(session, "username", "Please type your primary username: ").await?;
    let password = session.password("Please type your password: ").await?;
    let org = ask(session, "org", "Please type your primary organization name: ").await?;
    let bucket = ask(session, "bucket", "Please type your primary bucket name: ").await?;
    let retention_seconds = match retention_seconds {
        Some(seconds) => seconds,
        None => ask_retention(session).await?,
    };
    let retention = if retention_seconds == 0 { "infinite".to_owned() } else { durations::cell(retention_seconds) };
    session.io.log.raw("Setup with these parameters?\n");
    for (name, value) in
        [("Username", &username), ("Organization", &org), ("Bucket", &bucket), ("Retention Period", &retention)]
    {
        session.io.log.item(format!("{name}: {value}"));
    }
    session.io.confirm("(y/n) ").await.map_err(|error| match error {
        crate::error::Error::Cancelled => Error::text("setup was canceled"),
        other => other.into(),
    })?;
    Ok(NewInstance { bucket, org, password: Some(password), retention_seconds, token, username })
}

async fn ask(session: &mut Session<'_>, flag: &str, question: &str) -> Result<String> {
    match session.given.text(flag) {
        Some(text) => Ok(text.to_owned()),
        None => Ok(session.io.ask(question).await?),
    }
}

async fn ask_retention(session: &mut Session<'_>) -> Result<i64> {
    let hours = session.io.ask("Please type your retention period in hours, or 0 for infinite (0): ").await?;
    let hours = if hours.is_empty() { "0" } else { &hours };
    let seconds =
        hours.parse().ok().filter(|&hours: &i64| hours >= 0).and_then(|hours| hours.checked_mul(SECONDS_OF_HOUR));
    seconds.ok_or_else(|| Error::Text(format!("retention period {hours:?} is not a number of hours")))
}
