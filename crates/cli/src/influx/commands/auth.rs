//! `influx auth` (v2 API contract §6.4).

use serde::Serialize;
use tidegate_client::v2::{
    Action as Allowed, Authorization, AuthorizationFilter, AuthorizationKind, NewAuthorization, Permission, Resource,
};

use super::Session;
use crate::error::Error as Local;
use crate::influx::error::{Context as _, Error, Result};
use crate::influx::output::{Table, list_cell};
use crate::influx::session::{Proof, Server};
use crate::influx::tree::RESOURCE_TYPES;

const KIND: AuthorizationKind = AuthorizationKind::Token;

const COLUMNS: [&str; 6] = ["ID", "Description", "Token", "User Name", "User ID", "Permissions"];

/// An authorization as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    id: String,
    description: String,
    token: String,
    status: String,
    user_name: String,
    #[serde(rename = "userID")]
    user_id: String,
    permissions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weak: Option<bool>,
}

impl Shown {
    pub(super) fn new(authorization: &Authorization, user_name: &str) -> Self {
        Self {
            id: authorization.id.clone(),
            description: authorization.description.clone(),
            token: authorization.token.expose().to_owned(),
            status: authorization.status.clone(),
            user_name: user_name.to_owned(),
            user_id: authorization.user_id.clone(),
            permissions: authorization.permissions.iter().map(Permission::to_string).collect(),
            weak: authorization.weak.then_some(true),
        }
    }

    pub(super) fn cells(&self) -> Vec<String> {
        let texts = [&self.id, &self.description, &self.token, &self.user_name, &self.user_id];
        texts.into_iter().cloned().chain([list_cell(&self.permissions)]).collect()
    }
}

pub(super) async fn list(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    if let Some(id) = session.given.text("id") {
        let found = server.client.authorization(KIND, id).await;
        let found = found.context(|| format!("could not find authorization with ID {id:?}"))?;
        warn_of_weak(session, std::slice::from_ref(&found));
        return print_one(session, &found, false);
    }
    session.organization_flags("org", "org-id")?;
    let text = |name: &str| session.given.text(name).unwrap_or_default().to_owned();
    let filter = AuthorizationFilter {
        user: text("user"),
        user_id: text("user-id"),
        org: text("org"),
        org_id: text("org-id"),
        ..AuthorizationFilter::default()
    };
    let found = server.client.authorizations(KIND, &filter).await;
    let found = found.context(|| "could not find authorization with given parameters".to_owned())?;
    warn_of_weak(session, &found);
    let shown: Vec<Shown> = found.iter().map(|found| Shown::new(found, &found.user_name)).collect();
    let mut table = Table::new(&COLUMNS);
    for row in &shown {
        table.row(row.cells());
    }
    // No rows are `null`, not an empty list.
    session.print(&table, &Some(&shown).filter(|shown| !shown.is_empty()))
}

/// Marks weak tokens where no script looks for cells; JSON has a member for it.
fn warn_of_weak(session: &Session<'_>, listed: &[Authorization]) {
    if session.given.switch("json") {
        return;
    }
    for authorization in listed.iter().filter(|authorization| authorization.weak) {
        let id = crate::output::one_line(&authorization.id);
        session
            .io
            .log
            .raw(&format!("WARN: the token of authorization {id} is weak, replace it with a generated one\n"));
    }
}

pub(super) async fn delete(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let id = session.given.text("id").unwrap_or_default().to_owned();
    let found = find(&server, &id).await?;
    let deleted = server.client.delete_authorization(KIND, &id).await;
    deleted.context(|| format!("could not remove auth with ID {id:?}"))?;
    print_one(session, &found, true)
}

pub(super) async fn set_status(session: &mut Session<'_>, status: &str) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let id = session.given.text("id").unwrap_or_default().to_owned();
    find(&server, &id).await?;
    let changed = server.client.set_authorization_status(KIND, &id, status).await;
    let changed = changed.context(|| format!("could not update status of auth with ID {id:?}"))?;
    print_one(session, &changed, false)
}

async fn find(server: &Server, id: &str) -> Result<Authorization> {
    let found = server.client.authorization(KIND, id).await;
    found.context(|| format!("could not find auth with ID {id:?}"))
}

fn print_one(session: &mut Session<'_>, authorization: &Authorization, is_deleted: bool) -> Result<()> {
    let shown = Shown::new(authorization, &authorization.user_name);
    let table = if is_deleted {
        let [id, description, token, user, user_id, permissions] = COLUMNS;
        let mut table = Table::new(&[id, description, token, user, user_id, permissions, "Deleted"]);
        table.row([shown.cells(), vec!["true".to_owned()]].concat());
        table
    } else {
        let mut table = Table::new(&COLUMNS);
        table.row(shown.cells());
        table
    };
    session.print(&table, &shown)
}

pub(super) async fn create(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let org_id = session.organization_id(&server).await?;
    let user = session.given.text("user").unwrap_or_default().to_owned();
    let users = server.client.users(None, Some(&user)).await;
    let users = users.context(|| format!("could not find user with name {user:?}"))?;
    // The tail is what the known program prints where it has no cause to name.
    let owner = users
        .first()
        .map(|user| user.known.id.clone())
        .ok_or_else(|| Error::Text(format!("could not find user with name {user:?}: %!w(<nil>)")))?;
    let permissions = permissions(session, &server, &org_id, &owner).await?;
    let new = NewAuthorization {
        description: session.given.text("description").unwrap_or_default().to_owned(),
        org_id,
        permissions: Some(permissions).filter(|permissions| !permissions.is_empty()),
        v1_username: None,
        user_id: Some(owner),
    };
    let created = server.client.create_authorization(KIND, &new).await;
    let created = created.context(|| "could not write auth with provided arguments".to_owned())?;
    print_one(session, &created, false).map_err(|error| match error {
        Error::Local(Local::Output(reason)) => Local::SecretLost { id: created.id.clone(), reason }.into(),
        other => other,
    })
}

/// The permissions that the flags ask for: those of single buckets, then those of whole kinds, or a bundle.
async fn permissions(session: &Session<'_>, server: &Server, org: &str, owner: &str) -> Result<Vec<Permission>> {
    let mut permissions = bucket_permissions(session, org)?;
    for kind in RESOURCE_TYPES {
        for allowed in [Allowed::Read, Allowed::Write] {
            if session.given.switch(&format!("{}-{kind}", allowed.as_str())) {
                // Users and organizations belong to no organization.
                let scope = if matches!(kind, "orgs" | "users") { None } else { Some(org) };
                permissions.push(permission(allowed, kind, None, scope));
            }
        }
    }
    for (flag, name) in [("operator", "operator"), ("all-access", "all access")] {
        if !session.given.switch(flag) {
            continue;
        }
        let is_mixed = !permissions.is_empty() || (flag == "operator" && session.given.switch("all-access"));
        if is_mixed {
            return Err(Error::Text(format!("cannot compose other permissions with {name} permissions")));
        }
        let kinds = server.client.resources().await?;
        return Ok(if flag == "operator" { operator(&kinds) } else { all_access(&kinds, org, owner) });
    }
    Ok(permissions)
}

/// The permissions of the flags `--read-bucket` and `--write-bucket`.
pub(super) fn bucket_permissions(session: &Session<'_>, org: &str) -> Result<Vec<Permission>> {
    let mut permissions = Vec::new();
    for (allowed, flag) in [(Allowed::Read, "read-bucket"), (Allowed::Write, "write-bucket")] {
        for id in session.given.texts(flag) {
            if let Some(reason) = fault_of_id(id) {
                return Err(Error::Text(format!(
                    "invalid bucket ID '{id}': {reason} (did you pass a bucket name instead of an ID?)"
                )));
            }
            permissions.push(permission(allowed, "buckets", Some(id), Some(org)));
        }
    }
    Ok(permissions)
}

fn fault_of_id(id: &str) -> Option<&'static str> {
    if id.len() != 16 {
        return Some("id must have a length of 16 bytes");
    }
    let is_id = id.bytes().all(|byte| byte.is_ascii_hexdigit()) && id.bytes().any(|byte| byte != b'0');
    (!is_id).then_some("invalid ID")
}

fn operator(kinds: &[String]) -> Vec<Permission> {
    bundle(kinds, |kind, allowed| Some(permission(allowed, kind, None, None)))
}

fn all_access(kinds: &[String], org: &str, owner: &str) -> Vec<Permission> {
    bundle(kinds, |kind, allowed| match (kind, allowed) {
        ("orgs", Allowed::Read) => Some(permission(allowed, kind, Some(org), None)),
        ("orgs", Allowed::Write) => None,
        ("users", _) => Some(permission(allowed, kind, Some(owner), None)),
        _ => Some(permission(allowed, kind, None, Some(org))),
    })
}

/// What `of` gives for read and write of every kind; nobody can be granted `instance`.
fn bundle(kinds: &[String], of: impl Fn(&str, Allowed) -> Option<Permission>) -> Vec<Permission> {
    let kinds = kinds.iter().filter(|kind| *kind != "instance");
    kinds.flat_map(|kind| [Allowed::Read, Allowed::Write].map(|allowed| of(kind, allowed))).flatten().collect()
}

fn permission(allowed: Allowed, kind: &str, id: Option<&str>, org: Option<&str>) -> Permission {
    let resource = Resource { id: id.map(str::to_owned), org_id: org.map(str::to_owned), kind: kind.to_owned() };
    Permission { action: allowed.as_str().to_owned(), resource }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sixteen_hexadecimal_digits() {
        assert_eq!(fault_of_id("0123456789abcDEF"), None);
        for (id, fault) in [
            ("my-bucket", "id must have a length of 16 bytes"),
            ("0000000000000000", "invalid ID"),
            ("0123456789abcdeg", "invalid ID"),
            ("größe-größe-", "invalid ID"),
        ] {
            assert_eq!(fault_of_id(id), Some(fault), "{id}");
        }
    }
}
