//! Stopping on SIGTERM and SIGINT.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A token that the first signal cancels. The second one ends the process at once: what was acknowledged is on disk.
pub(crate) fn on_signal() -> io::Result<CancellationToken> {
    let mut signals =
        Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? };
    let stop = CancellationToken::new();
    let trigger = stop.clone();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping: requests in progress may finish, a second signal ends them");
        trigger.cancel();
        signals.next().await;
        tracing::warn!("stopped at once");
        std::process::exit(1);
    });
    Ok(stop)
}
