//! `influx config` (v2 API contract §6.5).

use std::collections::BTreeMap;

use tidegate_client::BaseUrl;

use crate::influx::config::Config;
use crate::influx::error::{Error, Result};
use crate::influx::output::Table;
use crate::influx::session::{Session, address};

const COLUMNS: [&str; 4] = ["Active", "Name", "URL", "Org"];

/// Shows the active config, or switches to another first.
pub(super) fn show(session: &mut Session<'_>) -> Result<()> {
    let mut configs = session.configs()?;
    let (name, config) = match session.given.arguments.as_slice() {
        [] => configs.active(),
        [word] => {
            let name = if word == "-" {
                configs.switch_back()?
            } else {
                configs.switch(word)?;
                word.clone()
            };
            configs.save()?;
            let config = configs.get(&name)?.clone();
            (name, config)
        }
        _ => return Err(Error::text("usage: influx config [config name]")),
    };
    print_one(session, &name, &config)
}

pub(super) fn list(session: &mut Session<'_>) -> Result<()> {
    let configs = session.configs()?;
    let mut table = Table::new(&COLUMNS);
    for (name, config) in &configs.all {
        table.row(cells(name, config));
    }
    session.print(&table, &configs.all)
}

pub(super) fn create(session: &mut Session<'_>) -> Result<()> {
    let name = session.given.text("config-name").unwrap_or_default().to_owned();
    let mut config = Config::new(session.given.text("host-url").unwrap_or_default());
    usable(&config.url)?;
    change(session, &mut config)?;
    let mut configs = session.configs()?;
    configs.add(&name, config).map_err(|error| Error::Text(format!("failed to create config {name:?}: {error}")))?;
    configs.save()?;
    print_one(session, &name, configs.get(&name)?)
}

pub(super) fn set(session: &mut Session<'_>) -> Result<()> {
    let name = session.given.text("config-name").unwrap_or_default().to_owned();
    let mut configs = session.configs()?;
    let failed = |error: Error| Error::Text(format!("failed to update config {name:?}: {error}"));
    if let Some(url) = session.given.text("host-url") {
        usable(url)?;
    }
    let config = configs.get_mut(&name).map_err(failed)?;
    if let Some(url) = session.given.text("host-url") {
        url.clone_into(&mut config.url);
    }
    change(session, config)?;
    if session.given.switch("active") {
        configs.switch(&name)?;
    }
    configs.save()?;
    print_one(session, &name, configs.get(&name)?)
}

/// Gives a config what the flags give, the address aside.
fn change(session: &Session<'_>, config: &mut Config) -> Result<()> {
    match (session.given.text("token"), session.given.text("username-password")) {
        (Some(_), Some(_)) => {
            return Err(Error::text("cannot specify `--token` and `--username-password` together, please choose one"));
        }
        (Some(token), None) => config.set_token(token),
        (None, Some(login)) => config.set_login(login),
        (None, None) => {}
    }
    if let Some(org) = session.given.text("org") {
        org.clone_into(&mut config.org);
    }
    config.is_active |= session.given.switch("active");
    Ok(())
}

fn usable(url: &str) -> Result<()> {
    address(url).map(|_: BaseUrl| ())
}

/// Removes configs; names that no config has are left out.
pub(super) fn remove(session: &mut Session<'_>) -> Result<()> {
    let mut configs = session.configs()?;
    let mut removed = BTreeMap::new();
    for name in &session.given.arguments {
        if let Some(config) = configs.remove(name) {
            removed.insert(name.clone(), config);
        }
    }
    if !removed.is_empty() {
        configs.save()?;
    }
    let [active, name, url, org] = COLUMNS;
    let mut table = Table::new(&[active, name, url, org, "Deleted"]);
    for (name, config) in &removed {
        table.row([cells(name, config), vec!["true".to_owned()]].concat());
    }
    session.print(&table, &removed)
}

fn print_one(session: &mut Session<'_>, name: &str, config: &Config) -> Result<()> {
    let mut table = Table::new(&COLUMNS);
    table.row(cells(name, config));
    session.print(&table, config)
}

fn cells(name: &str, config: &Config) -> Vec<String> {
    let active = if config.is_active { "*" } else { "" };
    vec![active.to_owned(), name.to_owned(), config.url.clone(), config.org.clone()]
}
