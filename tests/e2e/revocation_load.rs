//! Revocation under load: 32 writers and 32 readers on one token, taken away while all of them are busy.
//!
//! What must hold in each round, whatever the interleaving:
//! - no request that starts after the answer (or, for expiry, at or after the instant) succeeds;
//! - the token's rows, read by another token right after the answer, are all that there will ever be of it, and every
//!   acknowledged row is among them;
//! - every stream ends, and a client that had stopped reading finds no complete result.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use rand::Rng as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::support::api::{Api, Fresh, Token, grants, try_send};
use super::support::streams::{BIG_QUERY, Http2, Stalled, fill_big, read_to_end};
use super::support::{PATIENCE, alone, eventually, in_the_future, in_time, rounds};

const DATABASE: &str = "plant7";
const WRITERS: usize = 32;
const QUERY_LOOPS: usize = 20;
const STREAM_LOOPS: usize = 4;
const STALLED: usize = 4;
const WITHOUT_WINDOW: usize = 4;
/// Requests that each writer and short reader still makes when the end is known; long readers make one.
const REQUESTS_AFTER_END: usize = 3;

/// How long after an expiry the server may take to end open streams, with some slack.
const STREAMS_END_WITHIN: Duration = Duration::from_secs(2);

/// How the rights end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Revoke,
    RemoveWrite,
    Expire,
}

impl Ending {
    /// What a write is answered afterwards.
    fn refusal_of_writes(self) -> u16 {
        if self == Self::RemoveWrite { 403 } else { 401 }
    }

    fn reads_go_on(self) -> bool {
        self == Self::RemoveWrite
    }
}

/// What all clients of a round share.
#[derive(Debug)]
struct Round {
    ending: Ending,
    api: Api,
    token: Token,
    table: String,
    /// Set when the answer has arrived.
    answered: AtomicBool,
    /// The instant of expiry.
    expiry: Option<DateTime<Utc>>,
    /// Clients that have had their first success.
    started: AtomicUsize,
}

impl Round {
    /// Whether a request that starts now must fail.
    fn is_over(&self) -> bool {
        self.answered.load(Ordering::SeqCst) || self.expiry.is_some_and(|expiry| Utc::now() >= expiry)
    }

    /// Writes rows one by one; gives the numbers of those that were acknowledged.
    async fn write(self: Arc<Self>, writer: usize, api: Api) -> BTreeSet<(usize, u64)> {
        let (mut seq, mut acknowledged) = (0, BTreeSet::new());
        let mut pace = Pace::new(false, REQUESTS_AFTER_END);
        while let Some(over) = pace.next(&self) {
            seq += 1;
            let line = format!("{},writer={writer} seq={seq}i {seq}", self.table);
            let answer = try_send(api.write_request(&self.token.text, DATABASE, line)).await.expect("an answer");
            if answer.status == 204 {
                acknowledged.insert((writer, seq));
            } else {
                assert_eq!(answer.status, self.ending.refusal_of_writes(), "{answer:?}");
            }
            pace.note(&self, over, answer.status == 204);
        }
        acknowledged
    }

    /// Runs short queries.
    async fn query(self: Arc<Self>, api: Api) {
        let sql = format!("SELECT count(*) AS n FROM {}", self.table);
        let mut pace = Pace::new(self.ending.reads_go_on(), REQUESTS_AFTER_END);
        while let Some(over) = pace.next(&self) {
            // An error means that the answer ended in the middle.
            let answer = try_send(api.query_request(&self.token.text, DATABASE, &sql)).await.ok();
            let status = answer.as_ref().map_or(401, |answer| answer.status);
            assert!(matches!(status, 200 | 401), "{answer:?}");
            pace.note(&self, over, status == 200);
        }
    }

    /// Reads long results as they come.
    async fn stream(self: Arc<Self>, api: Api) {
        let mut pace = Pace::new(self.ending.reads_go_on(), 1);
        while let Some(over) = pace.next(&self) {
            let complete = self.stream_once(&api).await;
            pace.note(&self, over, complete);
        }
    }

    /// Whether a long result came to its regular end.
    async fn stream_once(&self, api: &Api) -> bool {
        let request = api.query_request(&self.token.text, DATABASE, BIG_QUERY);
        let Ok(mut response) = request.send().await else { return false };
        assert!(matches!(response.status().as_u16(), 200 | 401), "{response:?}");
        if response.status() != 200 {
            return false;
        }
        while let Some(chunk) = in_time("the stream ends", response.chunk()).await.transpose() {
            if chunk.is_err() {
                return false;
            }
        }
        true
    }
}

/// The rows of a round, read by another token.
async fn rows_of(api: &Api, table: &str, reader: &Token) -> BTreeSet<(usize, u64)> {
    let rows = api.rows(&reader.text, DATABASE, &format!("SELECT writer, seq FROM {table}")).await;
    let writer = |row: &Value| row["writer"].as_str().unwrap().parse().unwrap();
    rows.iter().map(|row| (writer(row), row["seq"].as_u64().unwrap())).collect()
}

/// Lets one client make requests until the rights have ended, and some more.
struct Pace {
    /// Whether this client's requests are still permitted afterwards.
    survives: bool,
    has_succeeded: bool,
    left_after_end: usize,
}

impl Pace {
    fn new(survives: bool, left_after_end: usize) -> Self {
        Self { survives, has_succeeded: false, left_after_end }
    }

    /// Whether the rights have ended before the next request starts; `None` when there is to be no next one.
    fn next(&self, round: &Round) -> Option<bool> {
        (self.left_after_end > 0).then(|| round.is_over())
    }

    /// Notes how a request went that was started when the rights had (not) ended.
    fn note(&mut self, round: &Round, over: bool, succeeded: bool) {
        assert!(self.survives || !(over && succeeded), "a request that started after the end succeeded");
        assert!(succeeded || !self.survives, "a request failed that is still permitted");
        if succeeded && !self.has_succeeded {
            self.has_succeeded = true;
            round.started.fetch_add(1, Ordering::SeqCst);
        }
        self.left_after_end -= usize::from(over);
    }
}

/// Everything that goes on in a round.
struct Clients {
    writers: Vec<JoinHandle<BTreeSet<(usize, u64)>>>,
    readers: Vec<JoinHandle<()>>,
    stalled: Vec<Stalled>,
    without_window: Vec<h2::RecvStream>,
}

impl Clients {
    /// Starts all of them; also tells whether each was at work before the rights ended by themselves.
    async fn start(round: &Arc<Round>, apis: &[Api]) -> (Self, bool) {
        let mut apis = apis.iter().cloned();
        let mut next = || apis.next().expect("there is one for each client");
        let writers = (0..WRITERS).map(|writer| tokio::spawn(Arc::clone(round).write(writer, next()))).collect();
        let mut readers = Vec::new();
        readers.extend((0..QUERY_LOOPS).map(|_| tokio::spawn(Arc::clone(round).query(next()))));
        readers.extend((0..STREAM_LOOPS).map(|_| tokio::spawn(Arc::clone(round).stream(next()))));
        let stalled = join_all((0..STALLED).map(|_| Stalled::open(&round.api, &round.token.text, DATABASE))).await;
        let connection = Http2::open(&round.api, 0).await;
        let mut without_window = Vec::new();
        for _ in 0..WITHOUT_WINDOW {
            let (status, body) = connection.query(&round.api, &round.token.text, DATABASE, BIG_QUERY).await;
            assert!(status == 200 || (status == 401 && round.is_over()), "{status}");
            if status == 200 {
                without_window.push(body);
            }
        }
        // Long streams are started then, but have not come to their end.
        let is_busy = || round.started.load(Ordering::SeqCst) >= WRITERS + QUERY_LOOPS;
        eventually("every client is busy", async || (is_busy() || round.is_over()).then_some(())).await;
        let all_busy = is_busy() && !round.is_over();
        (Self { writers, readers, stalled, without_window }, all_busy)
    }

    /// Waits until all have come to their end; gives the acknowledged rows.
    async fn finish(self, reads_go_on: bool) -> BTreeSet<(usize, u64)> {
        let mut acknowledged = BTreeSet::new();
        for writer in self.writers {
            acknowledged.extend(in_time("a writer ends", writer).await.unwrap());
        }
        for reader in self.readers {
            in_time("a reader ends", reader).await.unwrap();
        }
        for received in join_all(self.stalled.into_iter().map(Stalled::resume)).await {
            assert_eq!(received.is_complete_chunked(), reads_go_on);
        }
        if !reads_go_on {
            for mut body in self.without_window {
                assert!(read_to_end(&mut body).await.is_err(), "a stream without window is reset");
            }
        }
        acknowledged
    }
}

/// One server for all rounds, with a token that is never taken away.
struct Plant {
    fresh: Fresh,
    keeper: Token,
    /// One for each client of a round.
    clients: Vec<Api>,
    /// How long tokens live that are to expire: long enough for all clients to get to work.
    lifetime: Duration,
}

impl Plant {
    async fn start() -> Self {
        let fresh = Fresh::start().await;
        fresh.api.create_database(DATABASE).await;
        let keeper = fresh.api.create_token(&[("read", DATABASE), ("write", DATABASE)]).await;
        fill_big(&fresh.api, &keeper.text, DATABASE).await;
        let clients = (1..=WRITERS + QUERY_LOOPS + STREAM_LOOPS)
            .map(|number| fresh.api.at_address(u8::try_from(number).unwrap()))
            .collect();
        Self { fresh, keeper, clients, lifetime: Duration::from_secs(2) }
    }

    async fn begin_round(&self, number: u32, ending: Ending) -> Arc<Round> {
        let table = format!("{ending:?}_{number}").to_lowercase();
        let first = format!("{table},writer=999 seq=0i 1");
        self.fresh.api.write(&self.keeper.text, DATABASE, &first).await.expect_status(204);
        let mut body =
            json!({ "description": table, "permissions": grants(&[("read", DATABASE), ("write", DATABASE)]) });
        let mut expiry = None;
        if ending == Ending::Expire {
            let at = in_the_future(self.lifetime);
            body["expiresAt"] = json!(at);
            expiry = Some(at.parse().unwrap());
        }
        Arc::new(Round {
            ending,
            api: self.fresh.api.clone(),
            token: self.fresh.api.create_token_of(&body).await,
            table,
            answered: AtomicBool::new(false),
            expiry,
            started: AtomicUsize::new(0),
        })
    }

    /// Takes the rights away and notes when that has been answered.
    async fn end(&self, round: &Round, ending: Ending) {
        let path = format!("/tokens/{}", round.token.id);
        match ending {
            Ending::Revoke => drop(self.fresh.api.delete(&path).await.expect_status(204)),
            Ending::RemoveWrite => {
                let body = json!({ "permissions": grants(&[("read", DATABASE)]) });
                self.fresh.api.patch(&path, &body).await.expect_status(200);
            }
            Ending::Expire => eventually("the token expires", async || round.is_over().then_some(())).await,
        }
        round.answered.store(true, Ordering::SeqCst);
    }

    /// Plays a round; gives the rows that it leaves, and whether all clients were busy when the rights ended.
    async fn play(&self, number: u32, ending: Ending) -> (Arc<Round>, BTreeSet<(usize, u64)>, bool) {
        let round = self.begin_round(number, ending).await;
        let (clients, all_busy) = Clients::start(&round, &self.clients).await;
        let jitter = rand::rng().random_range(0..50);
        tokio::time::sleep(Duration::from_millis(jitter)).await;
        self.end(&round, ending).await;

        let at_answer = rows_of(&round.api, &round.table, &self.keeper).await;
        if let Some(expiry) = round.expiry {
            // Streams end within a second of the expiry; one that is read before may still come to its regular end.
            let streams_ended = expiry + STREAMS_END_WITHIN;
            eventually("streams have ended", async || (Utc::now() >= streams_ended).then_some(())).await;
        }
        let acknowledged =
            tokio::time::timeout(PATIENCE, clients.finish(ending.reads_go_on())).await.expect("all clients end");
        let at_end = rows_of(&round.api, &round.table, &self.keeper).await;
        // Expiry has no answer before which commits that have begun would be finished.
        if ending != Ending::Expire {
            assert!(at_end == at_answer, "rows were added after the answer: {:?}", at_end.difference(&at_answer));
        }
        assert!(acknowledged.is_subset(&at_end), "lost: {:?}", acknowledged.difference(&at_end));
        (round, at_end, all_busy)
    }

    /// Plays rounds, then kills the server and finds everything as it was.
    async fn play_rounds(mut self, count: u32, ending: Ending) {
        let (mut played, mut number, mut counting) = (Vec::new(), 0, 0);
        while counting < count {
            let (round, rows, all_busy) = self.play(number, ending).await;
            played.push((round, rows));
            number += 1;
            if all_busy {
                counting += 1;
            } else {
                self.lifetime *= 2;
                assert!(self.lifetime < PATIENCE, "the clients do not get to work");
            }
        }
        self.fresh.server.kill();
        self.fresh.restart().await;
        for (round, rows) in played {
            assert_eq!(rows_of(&self.fresh.api, &round.table, &self.keeper).await, rows);
            let refusal = ending.refusal_of_writes();
            self.fresh.api.write(&round.token.text, DATABASE, "m x=1 1").await.expect_status(refusal);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_revocation_nothing_succeeds_and_nothing_is_added() {
    let _turn = alone().await;
    Plant::start().await.play_rounds(rounds(50), Ending::Revoke).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_write_is_removed_no_write_succeeds_and_reads_go_on() {
    let _turn = alone().await;
    Plant::start().await.play_rounds(rounds(50), Ending::RemoveWrite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_instant_of_expiry_nothing_succeeds() {
    let _turn = alone().await;
    Plant::start().await.play_rounds(rounds(50), Ending::Expire).await;
}
