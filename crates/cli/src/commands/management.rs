//! `management`: management tokens (influxctl contract §8).

use clap::ArgMatches;
use serde::Serialize;
use tidegate_client::{ManagementTokenItem, NewManagementToken};
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
    token_details(token.id, &token.description, token.expires_at, token.revoked_at)
}

pub(super) async fn list(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let mut tokens = session.management(matches).await?.management_tokens().await?;
    sort(&mut tokens, word_of(matches, "sort"));
    print_list(session, matches, &tokens, JsonToken::new, table)
}

/// Ascending, unset times last, equal ones by id.
fn sort(tokens: &mut [ManagementTokenItem], column: &str) {
    tokens.sort_by_key(|token| token.id);
    match column {
        "description" => tokens.sort_by(|a, b| a.description.cmp(&b.description)),
        "prefix" => tokens.sort_by(|a, b| a.token_prefix.cmp(&b.token_prefix)),
        "created" => tokens.sort_by_key(|token| (token.created_at.is_none(), token.created_at)),
        "expires" => tokens.sort_by_key(|token| (token.expires_at.is_none(), token.expires_at)),
        "revoked" => tokens.sort_by_key(|token| (token.revoked_at.is_none(), token.revoked_at)),
        _ => {}
    }
}

fn table(tokens: &[ManagementTokenItem]) -> ListTable {
    let columns = ["ID", "DESCRIPTION", "PREFIX", "CREATED AT", "EXPIRES AT", "REVOKED AT"];
    let mut table = ListTable::of_texts(&columns);
    for token in tokens {
        table.row(vec![
            token.id.to_string(),
            token.description.clone(),
            token.token_prefix.clone(),
            time_cell(token.created_at),
            time_cell(token.expires_at),
            time_cell(token.revoked_at),
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
    revoked_at: Option<JsonTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<JsonTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<JsonTime>,
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
            revoked_at: token.revoked_at.map(JsonTime),
            expires_at: token.expires_at.map(JsonTime),
            created_at: token.created_at.map(JsonTime),
            description: &token.description,
            created_by: token.created_by,
            token: None,
        }
    }
}
