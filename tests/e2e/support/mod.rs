//! What the tests share: the server as a process, clients for its interfaces, and a disk that loses power.

pub(crate) mod api;
pub(crate) mod cli;
pub(crate) mod load;
pub(crate) mod machine;
#[cfg(target_os = "linux")]
pub(crate) mod powerloss;
pub(crate) mod raw;
pub(crate) mod server;
pub(crate) mod streams;
pub(crate) mod v2;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long anything may take before a test calls it hanging. Never a claim about speed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Calls `probe` until it gives a value, and panics after [`PATIENCE`].
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe().await {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Awaits a future, and panics after [`PATIENCE`].
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited too long until {what}"),
    }
}

/// Rounds of a load or crash test: `usual`, scaled up for all of them together by `TIDEGATE_TEST_ROUNDS`, which is the
/// number that a test with 20 usual rounds shall run.
pub(crate) fn rounds(usual: u32) -> u32 {
    match std::env::var("TIDEGATE_TEST_ROUNDS") {
        Ok(text) => {
            let of_twenty: u32 = text.parse().expect("TIDEGATE_TEST_ROUNDS is a whole number");
            (usual * of_twenty / 20).max(1)
        }
        Err(_) => usual,
    }
}

/// Tests that load the machine hold this, so that they run one after the other.
pub(crate) async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: OnceLock<tokio::sync::Mutex<()>> = OnceLock::new();
    TURN.get_or_init(Default::default).lock().await
}

/// The time in a while from now, as the interfaces write it.
pub(crate) fn in_the_future(delay: Duration) -> String {
    (chrono::Utc::now() + delay).to_rfc3339()
}
