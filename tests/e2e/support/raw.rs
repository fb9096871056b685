//! HTTP/1.1 by hand, for clients that behave as no library does.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::in_time;

/// What came from a connection that has ended.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
}

impl Received {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn status(&self) -> Option<u16> {
        self.text().strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
    }

    /// Whether a chunked body came to its regular end.
    pub(crate) fn is_complete_chunked(&self) -> bool {
        self.bytes.ends_with(b"\r\n0\r\n\r\n")
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct RawConnection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl RawConnection {
    pub(crate) async fn open(authority: &str) -> Self {
        Self { stream: TcpStream::connect(authority).await.unwrap(), received: Vec::new() }
    }

    /// A connection on which the system takes little for a client that does not read.
    pub(crate) async fn open_with_small_buffer(authority: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        Self { stream: socket.connect(authority.parse().unwrap()).await.unwrap(), received: Vec::new() }
    }

    /// Sends bytes; an error means that the server has closed the connection.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends the head of a request.
    pub(crate) async fn send_head(&mut self, request_line: &str, headers: &[(&str, &str)]) {
        let mut head = format!("{request_line} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        self.send(head.as_bytes()).await.unwrap();
    }

    /// Reads until at least this many bytes have come in all, or the connection ends.
    pub(crate) async fn receive_at_least(&mut self, count: usize) {
        let mut buffer = [0; 4096];
        while self.received.len() < count {
            let length = in_time("bytes arrive", self.stream.read(&mut buffer)).await.unwrap();
            if length == 0 {
                return;
            }
            self.received.extend_from_slice(&buffer[..length]);
        }
    }

    /// Reads head and body of one answer whose length is given; the connection stays open.
    pub(crate) async fn receive_answer(&mut self) -> Received {
        loop {
            let before = self.received.len();
            if whole_answer(&self.received).is_some_and(|length| length <= before) {
                break;
            }
            self.receive_at_least(before + 1).await;
            if self.received.len() == before {
                break;
            }
        }
        Received { bytes: std::mem::take(&mut self.received) }
    }

    /// Reads until the connection is closed or reset.
    pub(crate) async fn receive_rest(mut self) -> Received {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match in_time("the connection ends", self.stream.read(&mut buffer)).await {
                Ok(0) | Err(_) => return Received { bytes: self.received },
                Ok(length) => self.received.extend_from_slice(&buffer[..length]),
            }
        }
    }
}

/// The length of head and body of an answer, once the head is there.
fn whole_answer(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let head = text.find("\r\n\r\n")? + 4;
    let body = text[..head]
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    Some(head + body)
}

/// Percent-encodes a value for a query string.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
