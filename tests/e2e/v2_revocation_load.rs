//! What the v2 API has made is taken away while 64 clients are busy with it: authorizations deleted, deactivated and
//! orphaned, sessions signed out. What must hold then is told in `support::load`.

use serde_json::{Value, json};

use super::support::load::{DATABASE, Ending, Plant};
use super::support::streams::Script;
use super::support::v2::{Authorization, ORGANIZATION, V2};
use super::support::{alone, rounds};

/// So many authorizations with so many permissions are a list that no buffer holds.
const BIG_AUTHORIZATIONS: usize = 64;
const BIG_PERMISSIONS: usize = 1_000;

fn v2_write() -> String {
    format!("/api/v2/write?org={ORGANIZATION}&bucket={DATABASE}")
}

/// A token that writes over every endpoint.
fn script(authorization: &Authorization, table: &str) -> Script {
    let mut script = Script::of_token(&authorization.text, DATABASE, table);
    script.writes.extend([v2_write(), format!("/write?db={DATABASE}")]);
    script
}

fn read_and_write(operator: &V2) -> [Value; 2] {
    ["read", "write"].map(|action| operator.permission(action, "buckets"))
}

struct Delete(V2);

impl Ending for Delete {
    const NAME: &'static str = "delete";
    type Subject = Authorization;

    async fn begin(&self, _plant: &Plant, table: &str) -> (Script, Authorization) {
        let made = self.0.authorize(&read_and_write(&self.0)).await;
        (script(&made, table), made)
    }

    async fn end(&self, _plant: &Plant, authorization: &Authorization) {
        self.0.delete_authorization(&authorization.id).await.expect_status(204);
    }
}

struct Deactivate(V2);

impl Ending for Deactivate {
    const NAME: &'static str = "deactivate";
    type Subject = Authorization;

    async fn begin(&self, _plant: &Plant, table: &str) -> (Script, Authorization) {
        let made = self.0.authorize(&read_and_write(&self.0)).await;
        (script(&made, table), made)
    }

    async fn end(&self, _plant: &Plant, authorization: &Authorization) {
        self.0.set_status(&authorization.id, "inactive").await;
    }
}

struct DeleteOwner(V2);

impl Ending for DeleteOwner {
    const NAME: &'static str = "delete_owner";
    /// The user's id.
    type Subject = String;

    async fn begin(&self, _plant: &Plant, table: &str) -> (Script, String) {
        let user = self.0.create_user(table).await;
        let made = self.0.authorize_for(&user, &read_and_write(&self.0)).await;
        (script(&made, table), user)
    }

    async fn end(&self, _plant: &Plant, user: &String) {
        self.0.delete(&format!("/api/v2/users/{user}")).await.expect_status(204);
    }
}

/// All sessions are one user's, an owner of the organization with many authorizations of his own to list.
struct SignOut {
    operator: V2,
}

impl SignOut {
    const USER: &str = "owner";
    const PASSWORD: &str = "owner-password";

    async fn new(operator: V2) -> Self {
        let user = operator.create_user(Self::USER).await;
        operator.set_password(&user, Self::PASSWORD).await;
        operator.add_owner(&user).await;
        let permissions: Vec<Value> =
            (1..=BIG_PERMISSIONS).map(|number| operator.on_bucket("read", &format!("{number:016x}"))).collect();
        for _ in 0..BIG_AUTHORIZATIONS {
            operator.authorize_for(&user, &permissions).await;
        }
        Self { operator }
    }
}

impl Ending for SignOut {
    const NAME: &'static str = "sign_out";
    type Subject = V2;

    async fn begin(&self, _plant: &Plant, _table: &str) -> (Script, V2) {
        let session = self.operator.sign_in(Self::USER, Self::PASSWORD).await;
        let script = Script {
            header: session.header.clone(),
            writes: vec![v2_write()],
            short: "/api/v2/buckets".to_owned(),
            long: "/api/v2/authorizations".to_owned(),
        };
        (script, session)
    }

    async fn end(&self, _plant: &Plant, session: &V2) {
        session.post("/api/v2/signout", &json!({})).await.expect_status(204);
    }
}

/// Plays rounds of an ending that an operator brings about.
async fn play<E: Ending>(usual_rounds: u32, ending: impl AsyncFnOnce(V2) -> E) {
    let _turn = alone().await;
    let plant = Plant::start().await;
    let operator = V2::set_up(&plant.fresh.api, DATABASE).await;
    plant.play_rounds(rounds(usual_rounds), &ending(operator).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_deletion_nothing_succeeds_and_nothing_is_added() {
    play(20, async |operator| Delete(operator)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_deactivation_nothing_succeeds_and_nothing_is_added() {
    play(20, async |operator| Deactivate(operator)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_deletion_of_the_owner_nothing_succeeds_and_nothing_is_added() {
    play(20, async |operator| DeleteOwner(operator)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_sign_out_nothing_succeeds_and_nothing_is_added() {
    play(20, SignOut::new).await;
}
