//! Database tokens are taken away while 64 clients are busy with them; what must hold then is told in `support::load`.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::support::api::{Token, grants};
use super::support::load::{DATABASE, Ending, Plant};
use super::support::streams::Script;
use super::support::{alone, eventually, in_the_future, rounds};

/// A token that reads and writes the database.
async fn token(plant: &Plant, table: &str, expires_at: Option<&str>) -> (Script, Token) {
    let permissions = grants(&[("read", DATABASE), ("write", DATABASE)]);
    let body = json!({ "description": table, "permissions": permissions, "expiresAt": expires_at });
    let token = plant.fresh.api.create_token_of(&body).await;
    (Script::of_token(&token.text, DATABASE, table), token)
}

struct Revoke;

impl Ending for Revoke {
    const NAME: &'static str = "revoke";
    type Subject = Token;

    async fn begin(&self, plant: &Plant, table: &str) -> (Script, Token) {
        token(plant, table, None).await
    }

    async fn end(&self, plant: &Plant, token: &Token) {
        plant.fresh.api.revoke(&token.id).await.expect_status(204);
    }
}

struct RemoveWrite;

impl Ending for RemoveWrite {
    const NAME: &'static str = "remove_write";
    const REFUSAL_OF_WRITES: u16 = 403;
    const READS_GO_ON: bool = true;
    type Subject = Token;

    async fn begin(&self, plant: &Plant, table: &str) -> (Script, Token) {
        token(plant, table, None).await
    }

    async fn end(&self, plant: &Plant, token: &Token) {
        let body = json!({ "permissions": grants(&[("read", DATABASE)]) });
        plant.fresh.api.patch(&format!("/tokens/{}", token.id), &body).await.expect_status(200);
    }
}

struct Expire;

impl Ending for Expire {
    const NAME: &'static str = "expire";
    type Subject = DateTime<Utc>;

    async fn begin(&self, plant: &Plant, table: &str) -> (Script, DateTime<Utc>) {
        let at = in_the_future(plant.lifetime);
        let (script, _) = token(plant, table, Some(&at)).await;
        (script, at.parse().unwrap())
    }

    async fn end(&self, _plant: &Plant, expiry: &DateTime<Utc>) {
        eventually("the token expires", async || (Utc::now() >= *expiry).then_some(())).await;
    }

    fn expiry(expiry: &DateTime<Utc>) -> Option<DateTime<Utc>> {
        Some(*expiry)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_revocation_nothing_succeeds_and_nothing_is_added() {
    let _turn = alone().await;
    Plant::start().await.play_rounds(rounds(50), &Revoke).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_write_is_removed_no_write_succeeds_and_reads_go_on() {
    let _turn = alone().await;
    Plant::start().await.play_rounds(rounds(50), &RemoveWrite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_instant_of_expiry_nothing_succeeds() {
    let _turn = alone().await;
    Plant::start().await.play_rounds(rounds(50), &Expire).await;
}
