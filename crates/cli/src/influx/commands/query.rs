//! `influx query` (v2 API contract §6.7).

use super::Session;
use crate::influx::annotated;
use crate::influx::error::{Context as _, Error, Result};
use crate::influx::session::Proof;
use crate::io::read_limited;

const LONGEST_QUERY: u64 = 10 * 1024 * 1024;

pub(super) async fn query(session: &mut Session<'_>) -> Result<()> {
    let query = text(session).await?;
    let server = session.server(Proof::Full).await?;
    let organization = session.organization(&server)?;
    let answer = server.client.query(&organization, &query, session.given.texts("profilers")).await;
    let answer = answer.context(|| "failed to execute query".to_owned())?;
    let shown = if session.given.switch("raw") {
        String::from_utf8_lossy(&answer).into_owned()
    } else {
        annotated::render(&answer)
            .map_err(|reason| Error::Text(format!("failed to decode query response: {reason}")))?
    };
    Ok(session.io.print(&shown)?)
}

/// The query of the file, the argument, or standard input.
async fn text(session: &mut Session<'_>) -> Result<String> {
    let argument = session.given.arguments.first().cloned();
    let file = session.given.text("file").map(str::to_owned);
    let name = file.or_else(|| Some(argument.as_deref()?.strip_prefix('@')?.to_owned()));
    let bytes = match (name, argument) {
        (Some(name), _) => {
            let path = session.io.environment.current_dir.join(name);
            let read = std::fs::File::open(&path).and_then(|file| read_limited(file, LONGEST_QUERY));
            read.map_err(|reason| Error::Text(format!("failed to read {}: {reason}", path.display())))?
        }
        (None, Some(text)) if text != "-" => text.into_bytes(),
        _ => session.io.read_stdin(LONGEST_QUERY).await?,
    };
    String::from_utf8(bytes).map_err(|_| Error::text("the query is not UTF-8 text"))
}
