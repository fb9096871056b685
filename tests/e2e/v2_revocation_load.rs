//! What the v2 API has made is taken away while 64 clients are busy with it: authorizations deleted, deactivated and
//! orphaned, sessions signed out, passwords of v1 credentials changed. What must hold then is told in `support::load`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::support::load::{DATABASE, Ending, Plant};
use super::support::streams::Script;
use super::support::v2::{Authorization, ORGANIZATION, V2, id_of};
use super::support::{alone, rounds};

/// So many authorizations with so many permissions are a list that no buffer holds.
const BIG_AUTHORIZATIONS: usize = 16;
const BIG_PERMISSIONS: usize = 4_000;

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

struct ChangeLegacyPassword(V2);

impl ChangeLegacyPassword {
    async fn set_password(&self, id: &str, password: &str) {
        let path = format!("/private/legacy/authorizations/{id}/password");
        self.0.post(&path, &json!({ "password": password })).await.expect_status(204);
    }
}

impl Ending for ChangeLegacyPassword {
    const NAME: &'static str = "change_legacy_password";
    /// The authorization's id.
    type Subject = String;

    async fn begin(&self, _plant: &Plant, table: &str) -> (Script, String) {
        let body = json!({ "token": table, "orgID": self.0.organization, "permissions": read_and_write(&self.0) });
        let made = self.0.post("/private/legacy/authorizations", &body).await.expect_status(201).json();
        let (id, password) = (id_of(&made), "legacy-password");
        self.set_password(&id, password).await;
        let mut script = Script::of_token("", DATABASE, table);
        script.header.1 = format!("Basic {}", STANDARD.encode(format!("{table}:{password}")));
        script.writes.push(format!("/write?db={DATABASE}"));
        (script, id)
    }

    async fn end(&self, _plant: &Plant, id: &String) {
        self.set_password(id, "another-password").await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_change_of_a_legacy_password_nothing_succeeds_with_the_former_one() {
    play(5, async |operator| ChangeLegacyPassword(operator)).await;
}
