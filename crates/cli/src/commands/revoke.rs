//! Revoking several tokens in one call (influxctl contract §§5.3 and 7).

use clap::ArgMatches;
use tidegate_model::TokenId;

use crate::error::{Error, Result};
use crate::session::Session;

/// The ids, each once, in the order given.
pub(super) fn targets(matches: &ArgMatches) -> Vec<TokenId> {
    let mut targets: Vec<TokenId> = Vec::new();
    for &id in matches.get_many::<TokenId>("token-id").into_iter().flatten() {
        if !targets.contains(&id) {
            targets.push(id);
        }
    }
    targets
}

/// Lists the targets and asks, unless `--force` is given.
pub(super) async fn confirm(
    session: &mut Session<'_>,
    matches: &ArgMatches,
    targets: &[TokenId],
    kind: &str,
) -> Result<()> {
    if matches.get_flag("force") {
        return Ok(());
    }
    for id in targets {
        session.log().item(id);
    }
    let count = targets.len();
    let plural = if count == 1 { "" } else { "s" };
    session.io.confirm(&format!("Revoke {count} {kind} token{plural}? This cannot be undone. [y/N] ")).await
}

/// Tries every target and reports each; fails if any of them failed.
pub(super) async fn revoke_each(
    session: &Session<'_>,
    targets: &[TokenId],
    revoke: impl AsyncFn(TokenId) -> tidegate_client::Result<()>,
) -> Result<()> {
    let mut failed = false;
    for &id in targets {
        match revoke(id).await {
            Ok(()) => session.log().info(format!("revoked {id}")),
            Err(error) => {
                failed = true;
                session.log().error(format!("{id}: {}", Error::from(error)));
            }
        }
    }
    if failed { Err(Error::Reported) } else { Ok(()) }
}
