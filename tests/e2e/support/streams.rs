//! Long query streams, and clients that do not read them.

use std::fmt::Write as _;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};

use super::api::Api;
use super::in_time;
use super::raw::{RawConnection, Received, encode};

/// Many record batches, and together more than all buffers between server and client hold.
const BIG_ROWS: usize = 16_384;
const BIG_PADDING: usize = 512;
const ROWS_PER_WRITE: usize = 8_192;

/// A query whose result is far longer than what the server can hand over to a client that does not read.
pub(crate) const BIG_QUERY: &str = "SELECT seq, pad FROM big";

/// Fills the table that [`BIG_QUERY`] reads.
pub(crate) async fn fill_big(api: &Api, token: &str, database: &str) {
    let padding = "x".repeat(BIG_PADDING);
    for first in (0..BIG_ROWS).step_by(ROWS_PER_WRITE) {
        let mut lines = String::new();
        for seq in first..first + ROWS_PER_WRITE {
            writeln!(lines, "big seq={seq}i,pad=\"{padding}\" {}", seq + 1).unwrap();
        }
        api.write(token, database, &lines).await.expect_status(204);
    }
}

/// Path and query of a query of the v3 endpoint.
fn target(database: &str, sql: &str) -> String {
    format!("/api/v3/query_sql?db={}&q={}&format=json", encode(database), encode(sql))
}

/// How a credential is presented, and what is asked with it. Targets are path and query.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// Name and value of the header that carries the credential.
    pub(crate) header: (&'static str, String),
    /// Where lines are written; each writer keeps to one of them.
    pub(crate) writes: Vec<String>,
    /// Has a short answer.
    pub(crate) short: String,
    /// Has an answer that is longer than what the server can hand over to a client that does not read.
    pub(crate) long: String,
}

impl Script {
    /// A token at the v3 endpoints, in a database where [`fill_big`] has been.
    pub(crate) fn of_token(token: &str, database: &str, table: &str) -> Self {
        Self {
            header: ("authorization", format!("Bearer {token}")),
            writes: vec![format!("/api/v3/write_lp?db={}&precision=nanosecond", encode(database))],
            short: target(database, &format!("SELECT count(*) AS n FROM {table}")),
            long: target(database, BIG_QUERY),
        }
    }
}

/// An HTTP/1.1 client that has read the first bytes of a long answer and then stopped.
#[derive(Debug)]
pub(crate) struct Stalled {
    connection: RawConnection,
}

impl Stalled {
    pub(crate) async fn open(api: &Api, token: &str, database: &str) -> Self {
        Self::open_for(api, &Script::of_token(token, database, "big")).await
    }

    /// For the long answer of a script.
    pub(crate) async fn open_for(api: &Api, script: &Script) -> Self {
        let mut connection = RawConnection::open_with_small_buffer(api.authority()).await;
        let (name, value) = &script.header;
        // The end of the connection is the end of the result.
        let headers = [(*name, value.as_str()), ("Connection", "close")];
        connection.send_head(&format!("GET {}", script.long), &headers).await;
        connection.receive_at_least(4096).await;
        Self { connection }
    }

    /// Reads all that still comes.
    pub(crate) async fn resume(self) -> Received {
        self.connection.receive_rest().await
    }
}

/// An HTTP/2 connection whose streams get only as much window as it is told.
#[derive(Debug, Clone)]
pub(crate) struct Http2 {
    sender: SendRequest<Bytes>,
}

impl Http2 {
    pub(crate) async fn open(api: &Api, window: u32) -> Self {
        let stream = tokio::net::TcpStream::connect(api.authority()).await.unwrap();
        let mut builder = h2::client::Builder::new();
        let (sender, connection) = builder
            .initial_window_size(window)
            .initial_connection_window_size(1 << 24)
            .handshake(stream)
            .await
            .unwrap();
        // It ends when the server is killed or the test is over.
        tokio::spawn(async move { drop(connection.await) });
        Self { sender }
    }

    /// Starts a request with a body that the caller sends.
    pub(crate) async fn request(
        &self,
        request: http::Request<()>,
        end_of_stream: bool,
    ) -> (ResponseFuture, h2::SendStream<Bytes>) {
        let mut sender = in_time("the connection takes a stream", self.sender.clone().ready()).await.unwrap();
        sender.send_request(request, end_of_stream).unwrap()
    }

    /// Starts a query; gives its status and its body, of which nothing has been read.
    pub(crate) async fn query(&self, api: &Api, token: &str, database: &str, sql: &str) -> (u16, RecvStream) {
        self.read(api, &("authorization", format!("Bearer {token}")), &target(database, sql)).await
    }

    /// Starts a GET with this credential; gives its status and its body, of which nothing has been read.
    pub(crate) async fn read(&self, api: &Api, header: &(&'static str, String), target: &str) -> (u16, RecvStream) {
        let request = http::Request::get(format!("{}{target}", api.url)).header(header.0, &header.1).body(()).unwrap();
        let (response, _) = self.request(request, true).await;
        let response = in_time("the head arrives", response).await.unwrap();
        (response.status().as_u16(), response.into_body())
    }
}

/// Reads a body to its end, granting window as it goes; `Err` if the stream was reset.
pub(crate) async fn read_to_end(body: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut all = Vec::new();
    while let Some(data) = in_time("the stream ends", body.data()).await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        all.extend_from_slice(&data);
    }
    Ok(all)
}
