//! Ends what runs on expired tokens, and makes sure that they stay dead when the clock is set back.

use std::sync::Arc;
use std::time::Duration;

use tidegate_model::Timestamp;

use crate::Service;

/// Streams end within one second of the instant; new requests are refused from the instant itself.
const CHECK_EVERY: Duration = Duration::from_millis(200);

impl Service {
    /// Watches for tokens that expire, until the service is dropped.
    pub(crate) fn start_expiry(self: &Arc<Self>) {
        let service = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(CHECK_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let Some(service) = service.upgrade() else { return };
                if let Some(reached) = service.access.expiry_due() {
                    // First remembered, then acted upon: a crash in between must not revive a token.
                    service.remember(reached).await;
                    service.access.expire(reached);
                }
            }
        });
    }

    /// Records durably that this time has been reached. A failure is logged: the tokens stay dead while the server
    /// runs, and after a restart unless the clock is set back.
    pub(crate) async fn remember(&self, reached: Timestamp) {
        let _turn = self.remembering.lock().await;
        if self.catalog.clock_mark().is_some_and(|mark| mark >= reached) {
            return;
        }
        // The others that wait their turn asked for a time that has passed by now.
        if let Err(error) = self.catalog.raise_clock_mark(reached.max(self.access.now())).await {
            tracing::error!(%error, "cannot record that a token has expired");
        }
    }
}
