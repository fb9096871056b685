//! `management`: management tokens (influxctl contract §8).

use std::cmp::Ordering;

use clap::ArgMatches;
use serde::Serialize;
use tidegate_client::{ManagementTokenItem, NewManagementToken, ServerTime};
use tidegate_model::{AccountId, OsRandomness, PlainToken, TokenKind};
use uuid::Uuid;

use super::{NewSecret, TokenDetails, expiry_of, or_nil, print_list, revoke as revocation, token_details, word_of};
use crate::error::Result;
use crate::output::{JsonTime, ListTable, time_cell};
use crate::session::Session;

pub(super) async fn create(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let new = NewManagementToken {
        description: word_of(matches, "description").to_owned(),
        expires_at: expiry_of(session, matches)?,
    };
    let created = session.management(matches).await?.create_management_token(&new).await?;
    let object = JsonToken { token: Some(created.secret.expose()), ..JsonToken::new(&created.record) };
    let new = NewSecret { id: created.record.id, secret: &created.secret };
    new.print(session, matches, &object, &details(&created.record))
}

fn details(token: &ManagementTokenItem) -> TokenDetails {
    token_details(token.id, &token.description, token.expires_at.as_ref(), token.revoked_at.as_ref())
}

pub(super) async fn list(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let mut tokens = session.management(matches).await?.management_tokens().await?;
    sort(&mut tokens.items, word_of(matches, "sort"));
    print_list(session, matches, &tokens, JsonToken::new, table)
}

/// Ascending, unset times last, equal ones by id.
fn sort(tokens: &mut [ManagementTokenItem], column: &str) {
    tokens.sort_by_key(|token| token.id);
    match column {
        "description" => tokens.sort_by(|a, b| a.description.cmp(&b.description)),
        "prefix" => tokens.sort_by(|a, b| a.token_prefix.cmp(&b.token_prefix)),
        "created" => tokens.sort_by(|a, b| by_time(&a.created_at, &b.created_at)),
        "expires" => tokens.sort_by(|a, b| by_time(&a.expires_at, &b.expires_at)),
        "revoked" => tokens.sort_by(|a, b| by_time(&a.revoked_at, &b.revoked_at)),
        _ => {}
    }
}

fn by_time(a: &Option<ServerTime>, b: &Option<ServerTime>) -> Ordering {
    (a.is_none(), a).cmp(&(b.is_none(), b))
}

fn table(tokens: &[ManagementTokenItem]) -> ListTable {
    let columns = ["ID", "DESCRIPTION", "PREFIX", "CREATED AT", "EXPIRES AT", "REVOKED AT"];
    let mut table = ListTable::of_texts(&columns);
    for token in tokens {
        table.row(vec![
            token.id.to_string(),
            token.description.clone(),
            token.token_prefix.clone(),
            time_cell(token.created_at.as_ref()),
            time_cell(token.expires_at.as_ref()),
            time_cell(token.revoked_at.as_ref()),
        ]);
    }
    table
}

pub(super) async fn revoke(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let targets = revocation::targets(matches);
    revocation::confirm(session, matches, &targets, "management").await?;
    let client = session.management(matches).await?;
    revocation::revoke_each(session, &targets, async |id| client.revoke_management_token(id).await).await
}

/// Makes a token without any server; one that has never had a management token can be started with it.
pub(super) fn generate(session: &mut Session<'_>) -> Result<()> {
    let token = PlainToken::generate(TokenKind::Management, &OsRandomness);
    session.io.print(&format!("{}\n", token.expose()))
}

#[derive(Serialize)]
struct JsonToken<'a> {
    id: Uuid,
    #[serde(serialize_with = "or_nil")]
    account_id: Option<AccountId>,
    token_prefix: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<JsonTime<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<JsonTime<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<JsonTime<'a>>,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

impl<'a> JsonToken<'a> {
    fn new(token: &'a ManagementTokenItem) -> Self {
        Self {
            id: token.id.as_uuid(),
            account_id: token.account_id,
            token_prefix: &token.token_prefix,
            revoked_at: token.revoked_at.as_ref().map(JsonTime),
            expires_at: token.expires_at.as_ref().map(JsonTime),
            created_at: token.created_at.as_ref().map(JsonTime),
            description: &token.description,
            created_by: token.created_by,
            token: None,
        }
    }
}
