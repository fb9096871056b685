//! A revocation that has answered is final: one case at a time (design §2.3). Under load: `revocation_load`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::support::api::{Api, Fresh, Token, grants, send, try_send};
use super::support::raw::RawConnection;
use super::support::streams::{BIG_QUERY, Http2, Stalled, fill_big, read_to_end};
use super::support::{alone, eventually, in_the_future, in_time};

const DATABASE: &str = "plant7";

/// A server with a database and a token that may do everything with it and is never revoked.
struct Plant {
    fresh: Fresh,
    keeper: Token,
}

impl Plant {
    async fn start() -> Self {
        let fresh = Fresh::start().await;
        fresh.api.create_database(DATABASE).await;
        let keeper = fresh.api.create_token(&[("read", DATABASE), ("write", DATABASE)]).await;
        fresh.api.write(&keeper.text, DATABASE, "m x=1 1").await.expect_status(204);
        Self { fresh, keeper }
    }

    /// With a table that is too long for the buffers on the way to a client.
    async fn start_big() -> Self {
        let plant = Self::start().await;
        fill_big(plant.api(), &plant.keeper.text, DATABASE).await;
        plant
    }

    fn api(&self) -> &Api {
        &self.fresh.api
    }

    async fn token(&self) -> Token {
        self.api().create_token(&[("read", DATABASE), ("write", DATABASE)]).await
    }

    async fn permit_only(&self, token: &Token, permissions: &[(&str, &str)]) {
        let body = json!({ "permissions": grants(permissions) });
        self.api().patch(&format!("/tokens/{}", token.id), &body).await.expect_status(200);
    }

    async fn count(&self, table: &str) -> Value {
        self.api().rows(&self.keeper.text, DATABASE, &format!("SELECT count(*) AS n FROM {table}")).await[0]["n"]
            .clone()
    }

    async fn can_write(&self, token: &Token) -> u16 {
        self.api().write(&token.text, DATABASE, "m x=1 1").await.status
    }

    async fn can_read(&self, token: &Token) -> u16 {
        self.api().query(&token.text, DATABASE, "SELECT x FROM m").await.status
    }
}

#[tokio::test]
async fn a_revoked_token_can_do_nothing_also_after_restarts() {
    let mut plant = Plant::start().await;
    let token = plant.token().await;
    assert_eq!((plant.can_write(&token).await, plant.can_read(&token).await), (204, 200));
    plant.api().revoke(&token.id).await.expect_status(204);
    assert_eq!((plant.can_write(&token).await, plant.can_read(&token).await), (401, 401));
    plant.fresh.server.kill();
    plant.fresh.restart().await;
    assert_eq!((plant.can_write(&token).await, plant.can_read(&token).await), (401, 401));
    assert_eq!((plant.can_write(&plant.keeper).await, plant.can_read(&plant.keeper).await), (204, 200));
}

#[tokio::test]
async fn repeated_and_parallel_revocations_all_answer_204() {
    let plant = Plant::start().await;
    let token = plant.token().await;
    let answers = futures::future::join_all((0..16).map(|_| plant.api().revoke(&token.id))).await;
    assert!(answers.iter().all(|answer| answer.status == 204), "{answers:?}");
    assert_eq!(plant.can_write(&token).await, 401);
}

/// Sends a body byte by byte until an answer comes; gives its status. `change` runs in mid-body.
async fn status_of_slow_upload(plant: &Plant, token: &Token, change: impl AsyncFnOnce()) -> Option<u16> {
    let mut connection = RawConnection::open(plant.api().authority()).await;
    let bearer = format!("Bearer {}", token.text);
    let headers = [("Authorization", bearer.as_str()), ("Content-Length", "100000")];
    connection.send_head("POST /api/v3/write_lp?db=plant7", &headers).await;
    for byte in b"slow x=1 1\nslow x=2 2\n" {
        connection.send(&[*byte]).await.unwrap();
    }
    change().await;
    // The server may have closed the connection behind its answer.
    let _ = connection.send(b"s").await;
    connection.receive_answer().await.status()
}

#[tokio::test]
async fn a_slow_upload_gets_401_in_mid_body() {
    let plant = Plant::start().await;
    let token = plant.token().await;
    let revoke = async || drop(plant.api().revoke(&token.id).await.expect_status(204));
    assert_eq!(status_of_slow_upload(&plant, &token, revoke).await, Some(401));

    let narrowed = plant.token().await;
    let narrow = async || plant.permit_only(&narrowed, &[("read", DATABASE)]).await;
    assert_eq!(status_of_slow_upload(&plant, &narrowed, narrow).await, Some(403));
    plant.api().query(&plant.keeper.text, DATABASE, "SELECT * FROM slow").await.expect_status(400);
}

#[tokio::test]
async fn a_slow_http2_upload_ends_and_its_neighbour_does_not() {
    let plant = Plant::start().await;
    let token = plant.token().await;
    let connection = Http2::open(plant.api(), 65_535).await;
    let upload = async |token: &Token| {
        let request = http::Request::post(format!("{}/api/v3/write_lp?db={DATABASE}", plant.api().url))
            .header("authorization", format!("Bearer {}", token.text))
            .body(())
            .unwrap();
        let (response, mut body) = connection.request(request, false).await;
        body.send_data(Bytes::from_static(b"slow x=1 "), false).unwrap();
        (response, body)
    };
    let (doomed, _doomed_body) = upload(&token).await;
    let (neighbour, mut neighbour_body) = upload(&plant.keeper).await;
    // Both have begun when a later request on the same connection has been answered.
    let (status, _) = connection.query(plant.api(), &plant.keeper.text, DATABASE, "SELECT 1").await;
    assert_eq!(status, 200);
    plant.api().revoke(&token.id).await.expect_status(204);
    let answer = in_time("the doomed upload is answered", doomed).await.expect("an answer before any reset");
    assert_eq!(answer.status(), 401);
    neighbour_body.send_data(Bytes::from_static(b"7"), true).unwrap();
    assert_eq!(in_time("the neighbour is answered", neighbour).await.unwrap().status(), 204);
    assert_eq!(plant.count("slow").await, 1);
}

#[tokio::test]
async fn streams_end_however_their_clients_read() {
    let _turn = alone().await;
    let plant = Plant::start_big().await;
    let token = plant.token().await;
    let stalled = Stalled::open(plant.api(), &token.text, DATABASE).await;
    let no_window = Http2::open(plant.api(), 0).await;
    let (status, mut unread) = no_window.query(plant.api(), &token.text, DATABASE, BIG_QUERY).await;
    assert_eq!(status, 200);
    let shared = Http2::open(plant.api(), 1024).await;
    let (_, mut doomed) = shared.query(plant.api(), &token.text, DATABASE, BIG_QUERY).await;
    let neighbour_query = format!("{BIG_QUERY} ORDER BY time LIMIT 1000");
    let (_, mut neighbour) = shared.query(plant.api(), &plant.keeper.text, DATABASE, &neighbour_query).await;
    let mut reading = plant.api().query_request(&token.text, DATABASE, BIG_QUERY).send().await.unwrap();
    reading.chunk().await.unwrap().unwrap();

    plant.api().revoke(&token.id).await.expect_status(204);

    assert!(read_to_end(&mut unread).await.is_err(), "a stream without window is reset");
    assert!(read_to_end(&mut doomed).await.is_err(), "a stream beside another token's is reset");
    let received = stalled.resume().await;
    assert_eq!(received.status(), Some(200));
    assert!(!received.is_complete_chunked(), "a client that resumes gets no complete result");
    let rest = in_time("the reading client's stream ends", async {
        while let Some(chunk) = reading.chunk().await.transpose() {
            chunk?;
        }
        Ok::<(), reqwest::Error>(())
    });
    assert!(rest.await.is_err(), "a client that reads on meets an error");
    let body = read_to_end(&mut neighbour).await.expect("the other token's stream goes on");
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap().as_array().unwrap().len(), 1000);
    let (status, _) = shared.query(plant.api(), &token.text, DATABASE, "SELECT 1").await;
    assert_eq!(status, 401, "the connection lives, the token does not");
}

#[tokio::test]
async fn narrowing_ends_only_what_is_no_longer_covered() {
    let _turn = alone().await;
    let plant = Plant::start_big().await;
    let token = plant.token().await;
    let stalled = Stalled::open(plant.api(), &token.text, DATABASE).await;
    plant.permit_only(&token, &[("read", DATABASE)]).await;
    assert_eq!((plant.can_write(&token).await, plant.can_read(&token).await), (403, 200));
    let received = stalled.resume().await;
    assert!(received.is_complete_chunked(), "a reader goes on when only `write` is taken");

    let stalled = Stalled::open(plant.api(), &token.text, DATABASE).await;
    plant.permit_only(&token, &[("write", DATABASE)]).await;
    assert_eq!((plant.can_write(&token).await, plant.can_read(&token).await), (204, 403));
    assert!(!stalled.resume().await.is_complete_chunked(), "a reader ends when `read` is taken");

    plant.permit_only(&token, &[("read", "*"), ("write", DATABASE)]).await;
    let stalled = Stalled::open(plant.api(), &token.text, DATABASE).await;
    plant.permit_only(&token, &[("read", DATABASE)]).await;
    assert!(stalled.resume().await.is_complete_chunked(), "a grant by name covers what a wildcard did");
}

#[tokio::test]
async fn deleting_a_database_ends_its_streams() {
    let _turn = alone().await;
    let plant = Plant::start_big().await;
    let stalled = Stalled::open(plant.api(), &plant.keeper.text, DATABASE).await;
    plant.api().delete("/databases/plant7").await.expect_status(204);
    assert!(!stalled.resume().await.is_complete_chunked());
    plant.api().create_database(DATABASE).await;
    assert_eq!(plant.can_write(&plant.keeper).await, 204, "the token still holds its grant by name");
}

#[tokio::test]
async fn expiry_ends_requests_and_streams_for_good() {
    let _turn = alone().await;
    let mut plant = Plant::start_big().await;
    let expiry = in_the_future(Duration::from_secs(3));
    let body = json!({
        "description": "short", "expiresAt": expiry, "permissions": grants(&[("read", DATABASE), ("write", DATABASE)]),
    });
    let token = plant.api().create_token_of(&body).await;
    assert_eq!((plant.can_write(&token).await, plant.can_read(&token).await), (204, 200));
    let stalled = Stalled::open(plant.api(), &token.text, DATABASE).await;
    let no_window = Http2::open(plant.api(), 0).await;
    let (_, mut unread) = no_window.query(plant.api(), &token.text, DATABASE, BIG_QUERY).await;
    let upload = status_of_slow_upload(&plant, &token, async || {
        let past = async || (in_the_future(Duration::ZERO) > expiry).then_some(());
        eventually("the token expires", past).await;
    });
    assert_eq!(upload.await, Some(401));
    assert_eq!((plant.can_write(&token).await, plant.can_read(&token).await), (401, 401));
    assert!(read_to_end(&mut unread).await.is_err());
    assert!(!stalled.resume().await.is_complete_chunked());
    plant.fresh.server.kill();
    plant.fresh.restart().await;
    assert_eq!((plant.can_write(&token).await, plant.can_read(&token).await), (401, 401));
    plant.api().revoke(&token.id).await.expect_status(204);
}

#[tokio::test]
async fn a_management_token_revokes_itself() {
    let plant = Plant::start().await;
    let own = plant.api().create_management_token("own").await;
    let as_own = plant.api().as_manager(&own.text);
    send(as_own.revoke_management_token(&own.id)).await.expect_status(204);
    send(as_own.revoke_management_token(&own.id)).await.expect_status(401);
    as_own.get("/tokens").await.expect_status(401);
    plant.api().get("/tokens").await.expect_status(200);
}

#[tokio::test]
async fn two_management_tokens_that_revoke_each_other_both_get_an_answer() {
    let plant = Plant::start().await;
    for _ in 0..20 {
        let (one, two) =
            (plant.api().create_management_token("one").await, plant.api().create_management_token("two").await);
        let (as_one, as_two) = (plant.api().as_manager(&one.text), plant.api().as_manager(&two.text));
        let (first, second) =
            tokio::join!(send(as_one.revoke_management_token(&two.id)), send(as_two.revoke_management_token(&one.id)));
        for answer in [&first, &second] {
            assert!(matches!(answer.status, 204 | 401), "{answer:?}");
        }
        assert!(first.status == 204 || second.status == 204, "{first:?} {second:?}");
        // Whoever was told 204 finds the other's token dead.
        if first.status == 204 {
            as_two.get("/tokens").await.expect_status(401);
        }
        if second.status == 204 {
            as_one.get("/tokens").await.expect_status(401);
        }
    }
}

/// Creations, reads and updates of a management token that is revoked while they run.
#[tokio::test]
async fn a_revoked_management_token_changes_nothing_more() {
    let plant = Plant::start().await;
    let manager = plant.api().create_management_token("busy").await;
    let busy = plant.api().as_manager(&manager.text);
    let create = async || {
        let mut made = 0;
        loop {
            let body = json!({ "description": "made by busy" });
            match try_send(busy.manage(reqwest::Method::POST, "/tokens").json(&body)).await.unwrap().status {
                200 => made += 1,
                401 => return made,
                status => panic!("{status}"),
            }
        }
    };
    let revoke = async {
        eventually("the first tokens are made", async || {
            let list = plant.api().get("/tokens").await.json();
            (list.as_array().unwrap().len() > 20).then_some(())
        })
        .await;
        send(plant.api().revoke_management_token(&manager.id)).await.expect_status(204);
        plant.api().get("/tokens").await.json().as_array().unwrap().len()
    };
    let (made, at_answer) = tokio::join!(futures::future::join_all((0..8).map(|_| create())), revoke);
    let at_end = plant.api().get("/tokens").await.json().as_array().unwrap().len();
    assert_eq!(at_answer, at_end, "nothing was made after the answer");
    assert!(made.iter().sum::<usize>() < at_end);
}
