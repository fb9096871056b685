//! `kill -9` and power loss at random moments: everything that was acknowledged holds (design §2.4, §2.3a).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::Rng as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::api::{Api, Token, grants, try_send};
#[cfg(target_os = "linux")]
use super::support::powerloss::Disk;
use super::support::server::{Launch, Server};
use super::support::{alone, eventually, in_time, rounds};

const DATABASE: &str = "plant7";
const WRITERS: u64 = 4;
const CHANGERS: usize = 2;
/// Tokens of each state that are tried after each crash; the newest ones.
const TRIED: usize = 12;

/// What lies beneath the server's files.
enum Ground {
    /// The page cache survives.
    Kernel(tempfile::TempDir),
    /// Nothing survives that was not synced.
    #[cfg(target_os = "linux")]
    Disk(Disk),
}

impl Ground {
    fn kernel() -> Self {
        Self::Kernel(tempfile::tempdir().unwrap())
    }

    #[cfg(target_os = "linux")]
    fn disk() -> Self {
        Self::Disk(Disk::new())
    }

    fn data_dir(&self) -> PathBuf {
        let root: &Path = match self {
            Self::Kernel(directory) => directory.path(),
            #[cfg(target_os = "linux")]
            Self::Disk(disk) => disk.root(),
        };
        root.join("data")
    }

    fn launch(&self) -> Launch {
        let launch = Launch::new(self.data_dir());
        match self {
            Self::Kernel(_) => launch,
            #[cfg(target_os = "linux")]
            Self::Disk(disk) => {
                disk.environment().into_iter().fold(launch, |launch, (name, value)| launch.env(name, value))
            }
        }
    }

    /// Kills the server and takes away what the ground does not keep.
    fn crash(&self, server: &mut Server) {
        server.kill();
        match self {
            Self::Kernel(_) => {}
            #[cfg(target_os = "linux")]
            Self::Disk(disk) => disk.lose_power(),
        }
    }
}

/// Everything that the server has acknowledged.
#[derive(Debug, Default)]
struct Ledger {
    /// Rows by writer and number.
    rows: BTreeSet<(u64, u64)>,
    next_seq: u64,
    /// Tokens that may write, newest last.
    live: Vec<Token>,
    /// Tokens that may only read any more.
    narrowed: Vec<Token>,
    revoked: Vec<Token>,
}

type Shared = Arc<Mutex<Ledger>>;

/// Writes rows with one token until the server is gone.
async fn write(api: Api, token: Token, ledger: Shared, writer: u64) {
    loop {
        let seq = {
            let mut ledger = ledger.lock().unwrap();
            ledger.next_seq += 1;
            ledger.next_seq
        };
        let line = format!("crash,writer={writer} seq={seq}i {seq}");
        let Ok(answer) = try_send(api.write_request(&token.text, DATABASE, line)).await else { return };
        assert_eq!(answer.status, 204, "{answer:?}");
        ledger.lock().unwrap().rows.insert((writer, seq));
    }
}

/// Creates, narrows and revokes tokens until the server is gone. A token whose change was not answered is forgotten.
async fn change(api: Api, ledger: Shared) {
    loop {
        let body = json!({ "description": "crash", "permissions": grants(&[("read", DATABASE), ("write", DATABASE)]) });
        let Ok(created) = try_send(api.manage(Method::POST, "/tokens").json(&body)).await else { return };
        let created = created.expect_status(200).json();
        let text = |key: &str| created[key].as_str().unwrap().to_owned();
        let token = Token { id: text("id"), text: text("accessToken") };
        let path = format!("/tokens/{}", token.id);
        let choice = rand::rng().random_range(0..4);
        match choice {
            0 => ledger.lock().unwrap().live.push(token),
            1 => {
                let body = json!({ "permissions": grants(&[("read", DATABASE)]) });
                let Ok(answer) = try_send(api.manage(Method::PATCH, &path).json(&body)).await else { return };
                answer.expect_status(200);
                ledger.lock().unwrap().narrowed.push(token);
            }
            _ => {
                let Ok(answer) = try_send(api.manage(Method::DELETE, &path)).await else { return };
                answer.expect_status(204);
                ledger.lock().unwrap().revoked.push(token);
            }
        }
    }
}

/// Compares the server with what it has acknowledged.
async fn verify(api: &Api, keeper: &Token, ledger: &Ledger) {
    let rows: BTreeSet<(u64, u64)> = api
        .rows(&keeper.text, DATABASE, "SELECT writer, seq FROM crash")
        .await
        .iter()
        .map(|row| (row["writer"].as_str().unwrap().parse().unwrap(), row["seq"].as_u64().unwrap()))
        .collect();
    let lost: Vec<_> = ledger.rows.difference(&rows).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged rows are lost: {lost:?}", lost.len(), ledger.rows.len());

    let statuses = async |token: &Token| {
        let write = api.write(&token.text, DATABASE, "probe x=1 1").await.status;
        (write, api.query(&token.text, DATABASE, "SELECT 1").await.status)
    };
    for (tokens, expected) in
        [(&ledger.live, (204, 200)), (&ledger.narrowed, (403, 200)), (&ledger.revoked, (401, 401))]
    {
        for token in tokens.iter().rev().take(TRIED) {
            assert_eq!(statuses(token).await, expected, "token {}", token.id);
        }
    }
    let listed = api.get("/tokens?includeRevoked=true").await.expect_status(200).json();
    let is_revoked = |id: &str| {
        let record = listed.as_array().unwrap().iter().find(|record| record["id"] == id);
        record.map(|record: &Value| record.get("revokedAt").is_some())
    };
    assert!(ledger.revoked.iter().all(|token| is_revoked(&token.id) == Some(true)), "a revocation is lost");
    for token in ledger.live.iter().chain(&ledger.narrowed) {
        assert_eq!(is_revoked(&token.id), Some(false), "token {}", token.id);
    }
}

/// Rounds of busy clients, a crash at a random moment, and the comparison.
async fn crash_and_verify(ground: Ground, count: u32) {
    let mut server = ground.launch().start().await;
    let mut api = Api::of(&server);
    api.create_database(DATABASE).await;
    let keeper = api.create_token(&[("read", DATABASE), ("write", DATABASE)]).await;
    api.write(&keeper.text, DATABASE, "crash,writer=0 seq=0i 0").await.expect_status(204);
    let mut ledger = Ledger::default();
    for _ in 0..count {
        let before = ledger.rows.len();
        let shared = Arc::new(Mutex::new(ledger));
        let mut clients: Vec<_> = (1..=WRITERS)
            .map(|writer| tokio::spawn(write(api.clone(), keeper.clone(), Arc::clone(&shared), writer)))
            .collect();
        clients.extend((0..CHANGERS).map(|_| tokio::spawn(change(api.clone(), Arc::clone(&shared)))));
        eventually("a row is acknowledged", async || (shared.lock().unwrap().rows.len() > before).then_some(())).await;
        let moment = rand::rng().random_range(0..300);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        ground.crash(&mut server);
        for client in clients {
            in_time("a client notices the crash", client).await.unwrap();
        }
        ledger = Arc::into_inner(shared).unwrap().into_inner().unwrap();
        server = ground.launch().start().await;
        api = Api::of(&server);
        verify(&api, &keeper, &ledger).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill() {
    let _turn = alone().await;
    crash_and_verify(Ground::kernel(), rounds(20)).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_power_loss() {
    let _turn = alone().await;
    crash_and_verify(Ground::disk(), rounds(20)).await;
}

/// The layer lies beneath the log and the catalog: without their syncs, each loses what was acknowledged.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_not_synced_is_lost() {
    let _turn = alone().await;
    for deaf in ["/wal/", "/catalog.sqlite"] {
        let ground = Ground::disk();
        let mut server = ground.launch().start().await;
        let api = Api::of(&server);
        api.create_database(DATABASE).await;
        let keeper = api.create_token(&[("read", DATABASE), ("write", DATABASE)]).await;
        api.write(&keeper.text, DATABASE, "crash x=1 1").await.expect_status(204);
        assert_eq!(server.stop(), Some(0));

        let mut server = ground.launch().env("TIDEGATE_POWERLOSS_DEAF", deaf).start().await;
        let api = Api::of(&server);
        let lost = api.create_token(&[("read", DATABASE)]).await;
        api.write(&keeper.text, DATABASE, "crash x=2 2").await.expect_status(204);
        ground.crash(&mut server);

        let server = ground.launch().start().await;
        let api = Api::of(&server);
        let rows = api.rows(&keeper.text, DATABASE, "SELECT x FROM crash").await.len();
        let token = api.query(&lost.text, DATABASE, "SELECT 1").await.status;
        assert_eq!((rows, token), if deaf == "/wal/" { (1, 200) } else { (2, 401) });
    }
}

/// Crashes during the very first start: the next one comes up, and its credentials work.
async fn crash_first_starts(ground: impl Fn() -> Ground, count: u32) {
    for _ in 0..count {
        let ground = ground();
        let mut server = ground.launch().spawn();
        let moment = rand::rng().random_range(0..250);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        ground.crash(&mut server);
        let mut server = ground.launch().start().await;
        let api = Api::of(&server);
        api.create_database(DATABASE).await;
        // What the first user was shown holds from then on.
        ground.crash(&mut server);
        let server = ground.launch().start().await;
        let after = Api::of(&server);
        assert_eq!(after.management_token, api.management_token);
        let databases = after.get("/databases").await.expect_status(200).json();
        assert_eq!(databases.as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_killed_first_start_can_be_repeated() {
    let _turn = alone().await;
    crash_first_starts(Ground::kernel, rounds(10)).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_first_start_that_lost_power_can_be_repeated() {
    let _turn = alone().await;
    crash_first_starts(Ground::disk, rounds(10)).await;
}
