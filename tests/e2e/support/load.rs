//! Revocation under load: 32 writers and 32 readers with one credential, whose rights end while all of them are busy.
//!
//! What must hold in each round, whatever the interleaving and however the rights end:
//! - no request that starts after the answer (or, for expiry, at or after the instant) succeeds;
//! - the credential's rows, read by another token right after the answer, are all that there will ever be of it, and
//!   every acknowledged row is among them;
//! - every stream ends, and a client that had stopped reading finds no complete result.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use rand::Rng as _;
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::api::{Api, Fresh, Token, send, try_send};
use super::streams::{Http2, Script, Stalled, fill_big, read_to_end};
use super::{PATIENCE, eventually, in_time};

/// The database that is written and read.
pub(crate) const DATABASE: &str = "plant7";
const WRITERS: usize = 32;
const READERS: usize = 20;
const STREAM_READERS: usize = 4;
const STALLED: usize = 4;
const WITHOUT_WINDOW: usize = 4;
/// Requests that each writer and short reader still makes when the end is known; long readers make one.
const REQUESTS_AFTER_END: usize = 3;

/// How long after an expiry the server may take to end open streams, with some slack.
const STREAMS_END_WITHIN: Duration = Duration::from_secs(2);

/// A way in which rights end.
pub(crate) trait Ending {
    /// Starts the names of its tables.
    const NAME: &'static str;
    /// What a write is answered afterwards.
    const REFUSAL_OF_WRITES: u16 = 401;
    /// Whether only writing ends.
    const READS_GO_ON: bool = false;

    /// What [`Ending::end`] has to know.
    type Subject;

    /// Makes a credential that writes and reads, for a round on this table.
    async fn begin(&self, plant: &Plant, table: &str) -> (Script, Self::Subject);

    /// Ends its rights, and returns when that has been answered.
    async fn end(&self, plant: &Plant, subject: &Self::Subject);

    /// When the rights end by themselves.
    fn expiry(_subject: &Self::Subject) -> Option<DateTime<Utc>> {
        None
    }
}

/// What all clients of a round share.
#[derive(Debug)]
struct Round {
    script: Script,
    table: String,
    refusal_of_writes: u16,
    reads_go_on: bool,
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

    fn write_request(&self, api: &Api, writer: usize, line: String) -> RequestBuilder {
        let target = &self.script.writes[writer % self.script.writes.len()];
        self.with_credential(api.http.post(format!("{}{target}", api.url)).body(line))
    }

    fn read_request(&self, api: &Api, target: &str) -> RequestBuilder {
        self.with_credential(api.http.get(format!("{}{target}", api.url)))
    }

    fn with_credential(&self, request: RequestBuilder) -> RequestBuilder {
        let (name, value) = &self.script.header;
        request.header(*name, value)
    }

    /// Writes rows one by one; gives the numbers of those that were acknowledged.
    async fn write(self: Arc<Self>, writer: usize, api: Api) -> BTreeSet<(usize, u64)> {
        let (mut seq, mut acknowledged) = (0, BTreeSet::new());
        let mut pace = Pace::new(false, REQUESTS_AFTER_END);
        while let Some(over) = pace.next(&self) {
            seq += 1;
            let line = format!("{},writer={writer} seq={seq}i {seq}", self.table);
            let answer = try_send(self.write_request(&api, writer, line)).await.expect("an answer");
            if answer.status == 204 {
                acknowledged.insert((writer, seq));
            } else {
                assert_eq!(answer.status, self.refusal_of_writes, "{answer:?}");
            }
            pace.note(&self, over, answer.status == 204);
        }
        acknowledged
    }

    /// Reads short answers.
    async fn read(self: Arc<Self>, api: Api) {
        let mut pace = Pace::new(self.reads_go_on, REQUESTS_AFTER_END);
        while let Some(over) = pace.next(&self) {
            // An error means that the answer ended in the middle.
            let answer = try_send(self.read_request(&api, &self.script.short)).await;
            let status = answer.as_ref().map_or(401, |answer| answer.status);
            assert!(matches!(status, 200 | 401), "{answer:?}");
            assert!(status == 200 || !self.reads_go_on, "a read failed that is still permitted: {answer:?}");
            pace.note(&self, over, status == 200);
        }
    }

    /// Reads long answers as they come.
    async fn stream(self: Arc<Self>, api: Api) {
        let mut pace = Pace::new(self.reads_go_on, 1);
        while let Some(over) = pace.next(&self) {
            let complete = self.stream_once(&api).await;
            pace.note(&self, over, complete);
        }
    }

    /// Whether a long answer came to its regular end.
    async fn stream_once(&self, api: &Api) -> bool {
        let request = self.read_request(api, &self.script.long);
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
    async fn start(round: &Arc<Round>, api: &Api, apis: &[Api]) -> (Self, bool) {
        let mut apis = apis.iter().cloned();
        let mut next = || apis.next().expect("there is one for each client");
        let writers = (0..WRITERS).map(|writer| tokio::spawn(Arc::clone(round).write(writer, next()))).collect();
        let mut readers = Vec::new();
        readers.extend((0..READERS).map(|_| tokio::spawn(Arc::clone(round).read(next()))));
        readers.extend((0..STREAM_READERS).map(|_| tokio::spawn(Arc::clone(round).stream(next()))));
        let stalled = join_all((0..STALLED).map(|_| Stalled::open_for(api, &round.script))).await;
        let connection = Http2::open(api, 0).await;
        let mut without_window = Vec::new();
        for _ in 0..WITHOUT_WINDOW {
            let (status, body) = connection.read(api, &round.script.header, &round.script.long).await;
            assert!(status == 200 || (status == 401 && round.is_over()), "{status}");
            if status == 200 {
                without_window.push(body);
            }
        }
        // Long streams are started then, but have not come to their end.
        let is_busy = || round.started.load(Ordering::SeqCst) >= WRITERS + READERS;
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
#[derive(Debug)]
pub(crate) struct Plant {
    pub(crate) fresh: Fresh,
    keeper: Token,
    /// One for each client of a round.
    clients: Vec<Api>,
    /// How long credentials live that are to expire: long enough for all clients to get to work.
    pub(crate) lifetime: Duration,
}

impl Plant {
    pub(crate) async fn start() -> Self {
        let fresh = Fresh::start().await;
        fresh.api.create_database(DATABASE).await;
        let keeper = fresh.api.create_token(&[("read", DATABASE), ("write", DATABASE)]).await;
        fill_big(&fresh.api, &keeper.text, DATABASE).await;
        let clients = (1..=WRITERS + READERS + STREAM_READERS)
            .map(|number| fresh.api.at_address(u8::try_from(number).unwrap()))
            .collect();
        Self { fresh, keeper, clients, lifetime: Duration::from_secs(2) }
    }

    async fn begin_round<E: Ending>(&self, number: u32, ending: &E) -> (Arc<Round>, E::Subject) {
        let table = format!("{}_{number}", E::NAME);
        let first = format!("{table},writer=999 seq=0i 1");
        self.fresh.api.write(&self.keeper.text, DATABASE, &first).await.expect_status(204);
        let (script, subject) = ending.begin(self, &table).await;
        let round = Round {
            script,
            table,
            refusal_of_writes: E::REFUSAL_OF_WRITES,
            reads_go_on: E::READS_GO_ON,
            answered: AtomicBool::new(false),
            expiry: E::expiry(&subject),
            started: AtomicUsize::new(0),
        };
        (Arc::new(round), subject)
    }

    /// The rows of a round, read by another token.
    async fn rows_of(&self, round: &Round) -> BTreeSet<(usize, u64)> {
        let sql = format!("SELECT writer, seq FROM {}", round.table);
        let rows = self.fresh.api.rows(&self.keeper.text, DATABASE, &sql).await;
        let writer = |row: &Value| row["writer"].as_str().unwrap().parse().unwrap();
        rows.iter().map(|row| (writer(row), row["seq"].as_u64().unwrap())).collect()
    }

    /// Plays a round; gives the rows that it leaves, and whether all clients were busy when the rights ended.
    async fn play(&self, number: u32, ending: &impl Ending) -> (Arc<Round>, BTreeSet<(usize, u64)>, bool) {
        let (round, subject) = self.begin_round(number, ending).await;
        let (clients, all_busy) = Clients::start(&round, &self.fresh.api, &self.clients).await;
        let jitter = rand::rng().random_range(0..50);
        tokio::time::sleep(Duration::from_millis(jitter)).await;
        // Takes the rights away and notes when that has been answered.
        ending.end(self, &subject).await;
        round.answered.store(true, Ordering::SeqCst);

        let at_answer = self.rows_of(&round).await;
        if let Some(expiry) = round.expiry {
            // Streams end within a second of the expiry; one that is read before may still come to its regular end.
            let streams_ended = expiry + STREAMS_END_WITHIN;
            eventually("streams have ended", async || (Utc::now() >= streams_ended).then_some(())).await;
        }
        let acknowledged =
            tokio::time::timeout(PATIENCE, clients.finish(round.reads_go_on)).await.expect("all clients end");
        let at_end = self.rows_of(&round).await;
        // Expiry has no answer before which commits that have begun would be finished.
        if round.expiry.is_none() {
            assert!(at_end == at_answer, "rows were added after the answer: {:?}", at_end.difference(&at_answer));
        }
        assert!(acknowledged.is_subset(&at_end), "lost: {:?}", acknowledged.difference(&at_end));
        (round, at_end, all_busy)
    }

    /// Plays rounds, then kills the server and finds everything as it was.
    pub(crate) async fn play_rounds(mut self, count: u32, ending: &impl Ending) {
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
        let api = &self.fresh.api;
        for (round, rows) in played {
            assert_eq!(self.rows_of(&round).await, rows);
            for writer in 0..round.script.writes.len() {
                let request = round.write_request(api, writer, "m x=1 1".to_owned());
                send(request).await.expect_status(round.refusal_of_writes);
            }
        }
    }
}
