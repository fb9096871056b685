//! `token`: database tokens (influxctl contract §7).

use clap::ArgMatches;
use serde::Serialize;
use tidegate_client::{DatabaseTokenItem, NewDatabaseToken, TokenChanges};
use tidegate_model::{AccountId, ClusterId, TokenId};
use uuid::Uuid;

use super::{
    NewSecret, TokenDetails, expiry_of, grants_of, or_nil, print_details, print_list, required, revoke as revocation,
    token_details, word_of,
};
use crate::error::{Error, Result};
use crate::output::{JsonTime, ListTable, time_cell};
use crate::session::Session;

pub(super) async fn create(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let new = NewDatabaseToken {
        description: word_of(matches, "description").to_owned(),
        permissions: grants_of(matches),
        expires_at: expiry_of(session, matches)?,
    };
    let created = session.management(matches).await?.create_token(&new).await?;
    let object = JsonToken { token: Some(created.secret.expose()), ..JsonToken::new(&created.record) };
    let new = NewSecret { id: created.record.id, secret: &created.secret };
    new.print(session, matches, &object, &details(&created.record))
}

fn details(token: &DatabaseTokenItem) -> TokenDetails {
    token_details(token.id, &token.description, token.expires_at.as_ref(), token.revoked_at.as_ref())
}

pub(super) async fn get(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let id = *required::<TokenId>(matches, "token-id")?;
    let include_revoked = matches.get_flag("include-revoked");
    let not_found = || Error::Failed(format!("token {id} not found"));
    let token = match session.management(matches).await?.token(id, include_revoked).await {
        Err(error) if error.is_not_found() => return Err(not_found()),
        answer => answer?,
    };
    if token.revoked_at.is_some() && !include_revoked {
        return Err(not_found());
    }
    let permissions = token.permissions.iter().map(|grant| format!("{}:{}", grant.action, grant.resource));
    let mut rows = details(&token).to_vec();
    rows.push(("permissions", permissions.collect::<Vec<_>>().join(", ")));
    print_details(session, matches, &JsonToken::new(&token), &rows)
}

pub(super) async fn list(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let include_revoked = matches.get_flag("include-revoked");
    let mut tokens = session.management(matches).await?.tokens(include_revoked).await?;
    tokens.items.retain(|token| include_revoked || token.revoked_at.is_none());
    tokens.items.sort_by_key(|token| token.id);
    if word_of(matches, "sort") == "description" {
        tokens.items.sort_by(|a, b| a.description.cmp(&b.description));
    }
    print_list(session, matches, &tokens, JsonToken::new, |tokens| table(tokens, include_revoked))
}

fn table(tokens: &[DatabaseTokenItem], include_revoked: bool) -> ListTable {
    let mut columns = vec!["ID", "DESCRIPTION"];
    if include_revoked {
        columns.extend(["EXPIRES AT", "REVOKED AT"]);
    }
    let mut table = ListTable::of_texts(&columns);
    for token in tokens {
        let mut cells = vec![token.id.to_string(), token.description.clone()];
        if include_revoked {
            cells.extend([time_cell(token.expires_at.as_ref()), time_cell(token.revoked_at.as_ref())]);
        }
        table.row(cells);
    }
    table
}

pub(super) async fn update(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let id = *required::<TokenId>(matches, "token-id")?;
    let permissions = Some(grants_of(matches)).filter(|grants| !grants.is_empty());
    let changes = TokenChanges { description: matches.get_one::<String>("description").cloned(), permissions };
    if changes == TokenChanges::default() {
        let flags = "--read-database, --write-database or --description";
        return Err(Error::Usage(format!("nothing to change: give {flags}")));
    }
    match session.management(matches).await?.update_token(id, &changes).await {
        Err(error) if error.is_not_found() => return Err(Error::Failed(format!("token {id} not found"))),
        answer => drop(answer?),
    }
    session.log().info(format!("updated token {id}"));
    Ok(())
}

pub(super) async fn revoke(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let targets = revocation::targets(matches);
    revocation::confirm(session, matches, &targets, "database").await?;
    let client = session.management(matches).await?;
    revocation::revoke_each(session, &targets, async |id| client.revoke_token(id).await).await
}

#[derive(Serialize)]
struct JsonToken<'a> {
    #[serde(serialize_with = "or_nil")]
    account_id: Option<AccountId>,
    #[serde(serialize_with = "or_nil")]
    cluster_id: Option<ClusterId>,
    id: Uuid,
    description: &'a str,
    permissions: Vec<JsonPermission<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<JsonTime<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<JsonTime<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<JsonTime<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

/// Permissions have no ids; scripts expect the member all the same.
#[derive(Serialize)]
struct JsonPermission<'a> {
    id: Uuid,
    action: &'a str,
    resource: &'a str,
}

impl<'a> JsonToken<'a> {
    fn new(token: &'a DatabaseTokenItem) -> Self {
        let permissions = token
            .permissions
            .iter()
            .map(|grant| JsonPermission { id: Uuid::nil(), action: &grant.action, resource: &grant.resource })
            .collect();
        Self {
            account_id: token.account_id,
            cluster_id: token.cluster_id,
            id: token.id.as_uuid(),
            description: &token.description,
            permissions,
            created_at: token.created_at.as_ref().map(JsonTime),
            expires_at: token.expires_at.as_ref().map(JsonTime),
            revoked_at: token.revoked_at.as_ref().map(JsonTime),
            token: None,
        }
    }
}
