//! User names and passwords of v1 clients: what they are good for, and how they end (v2 API contract §5.8).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::support::api::{Answer, Fresh, send};
use super::support::raw::RawConnection;
use super::support::v2::{OPERATOR_TOKEN, V2, id_of};

const BUCKET: &str = "plant7";
const LEGACY: &str = "/private/legacy/authorizations";
const PASSWORD: &str = "first-password";

/// A credential of a user of its own.
struct Credential {
    id: String,
    owner: String,
    name: String,
}

struct Plant {
    fresh: Fresh,
    operator: V2,
}

impl Plant {
    async fn start() -> Self {
        let fresh = Fresh::start().await;
        let operator = V2::set_up(&fresh.api, BUCKET).await;
        Self { fresh, operator }
    }

    async fn credential(&self, name: &str, actions: &[&str]) -> Credential {
        let operator = &self.operator;
        let owner = operator.create_user(&format!("owner of {name}")).await;
        let permissions: Vec<Value> = actions.iter().map(|action| operator.permission(action, "buckets")).collect();
        let body = json!({
            "token": name, "orgID": operator.organization, "userID": owner, "permissions": permissions
        });
        let made = operator.post(LEGACY, &body).await.expect_status(201).json();
        let credential = Credential { id: id_of(&made), owner, name: name.to_owned() };
        self.set_password(&credential, PASSWORD).await;
        credential
    }

    async fn set_password(&self, credential: &Credential, password: &str) {
        let path = format!("{LEGACY}/{}/password", credential.id);
        self.operator.post(&path, &json!({ "password": password })).await.expect_status(204);
    }

    async fn write(&self, credential: &Credential, password: &str, line: &str) -> Answer {
        let url = format!("{}/write?db={BUCKET}", self.operator.url);
        send(self.operator.http.post(url).basic_auth(&credential.name, Some(password)).body(line.to_owned())).await
    }

    async fn bring_about(&self, ending: &str, credential: &Credential) {
        let (operator, path) = (&self.operator, format!("{LEGACY}/{}", credential.id));
        match ending {
            "password" => self.set_password(credential, "second-password").await,
            "inactive" => drop(operator.patch(&path, &json!({ "status": "inactive" })).await.expect_status(200)),
            "deleted" => drop(operator.delete(&path).await.expect_status(204)),
            "owner inactive" => operator.set_user_status(&credential.owner, "inactive").await,
            _ => drop(operator.delete(&format!("/api/v2/users/{}", credential.owner)).await.expect_status(204)),
        }
    }

    /// Times of all rows.
    async fn times(&self) -> Vec<Value> {
        self.fresh.api.rows(OPERATOR_TOKEN, BUCKET, "SELECT CAST(time AS BIGINT) AS t FROM press ORDER BY time").await
    }
}

const ENDINGS: [&str; 5] = ["password", "inactive", "deleted", "owner inactive", "owner deleted"];

#[tokio::test]
async fn a_password_writes_until_it_ends_and_stays_dead_after_kill_9() {
    let mut plant = Plant::start().await;
    let mut ended = Vec::new();
    for ending in ENDINGS {
        let credential = plant.credential(ending, &["write"]).await;
        plant.write(&credential, PASSWORD, "press speed=1 1").await.expect_status(204);
        plant.write(&credential, "wrong-password", "press speed=2 2").await.expect_status(401);
        plant.bring_about(ending, &credential).await;
        plant.write(&credential, PASSWORD, "press speed=3 3").await.expect_status(401);
        ended.push(credential);
    }
    plant.write(&ended[0], "second-password", "press speed=4 4").await.expect_status(204);
    plant.fresh.server.kill();
    plant.fresh.restart().await;
    plant.operator = plant.operator.at(&plant.fresh.api.url);
    for credential in &ended {
        plant.write(credential, PASSWORD, "press speed=5 5").await.expect_status(401);
    }
    plant.write(&ended[0], "second-password", "press speed=6 6").await.expect_status(204);
    assert_eq!(plant.times().await, [json!({ "t": 1 }), json!({ "t": 4 }), json!({ "t": 6 })]);
}

#[tokio::test]
async fn an_upload_gets_401_in_mid_body_when_its_password_ends() {
    let plant = Plant::start().await;
    let keeper = plant.credential("keeper", &["write"]).await;
    for ending in ENDINGS {
        let credential = plant.credential(ending, &["write"]).await;
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{PASSWORD}", credential.name)));
        let mut connection = RawConnection::open(plant.fresh.api.authority()).await;
        let headers = [("Authorization", basic.as_str()), ("Content-Length", "100000")];
        connection.send_head(&format!("POST /write?db={BUCKET}"), &headers).await;
        connection.send(b"press speed=1 1\n").await.unwrap();
        plant.bring_about(ending, &credential).await;
        // The server may have closed the connection behind its answer.
        let _ = connection.send(b"press").await;
        assert_eq!(connection.receive_answer().await.status(), Some(401), "{ending}");
    }
    plant.write(&keeper, PASSWORD, "press speed=9 9").await.expect_status(204);
    assert_eq!(plant.times().await, [json!({ "t": 9 })]);
}

#[tokio::test]
async fn a_password_grants_what_its_credential_grants_and_no_more() {
    let plant = Plant::start().await;
    let reader = plant.credential("reader", &["read"]).await;
    plant.write(&reader, PASSWORD, "press speed=1 1").await.expect_status(403);
    // The name of a v1 credential is not the name of a user, and its password opens no session.
    plant.operator.try_sign_in("reader", PASSWORD).await.expect_status(401);
    let url = format!("{}/api/v2/authorizations", plant.operator.url);
    send(plant.operator.http.get(url).basic_auth("reader", Some(PASSWORD))).await.expect_status(401);
    // An API token in the place of the password is good under any name.
    let writer = plant.operator.authorize(&[plant.operator.permission("write", "buckets")]).await;
    let anybody = Credential { id: String::new(), owner: String::new(), name: "anybody".to_owned() };
    plant.write(&anybody, &writer.text, "press speed=2 2").await.expect_status(204);
    assert_eq!(plant.times().await, [json!({ "t": 2 })]);
}
