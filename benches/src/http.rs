//! A small HTTP/1.1 client: one connection, one request at a time, as little work as possible beside the server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

const PATIENCE: Duration = Duration::from_secs(60);

/// A connection that stays open between requests.
pub(crate) struct Connection(BufReader<TcpStream>);

/// What the server answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// What it sets, each as `name=value`.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body, if the answer has this status.
    pub(crate) fn expect(self, status: u16) -> anyhow::Result<Vec<u8>> {
        let text = String::from_utf8_lossy(&self.body);
        ensure!(self.status == status, "the server answered {} in place of {status}: {text}", self.status);
        Ok(self.body)
    }
}

/// A whole request, ready to be sent.
pub(crate) fn request(method: &str, target: &str, token: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
    if let Some(token) = token {
        bytes.extend_from_slice(format!("authorization: Bearer {token}\r\n").as_bytes());
    }
    if !body.is_empty() {
        let length = body.len();
        bytes.extend_from_slice(format!("content-type: application/json\r\ncontent-length: {length}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends what [`request`] made, and reads the answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.0.get_mut().write_all(request).context("cannot send a request")?;
        self.answer().context("cannot read an answer")
    }

    fn answer(&mut self) -> anyhow::Result<Answer> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("no status in {status_line:?}"))?;
        let mut length = 0;
        let mut chunked = false;
        let mut cookies = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').with_context(|| format!("no header: {line:?}"))?;
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().context("content-length is no number")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.trim().eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("set-cookie") {
                cookies.extend(value.trim().split(';').next().map(str::to_owned));
            }
        }
        let mut body = Vec::new();
        if chunked {
            while self.chunk(&mut body)? {}
        } else {
            self.exactly(length, &mut body)?;
        }
        Ok(Answer { status, cookies, body })
    }

    /// Appends one chunk; false if it was the last one.
    fn chunk(&mut self, body: &mut Vec<u8>) -> anyhow::Result<bool> {
        let length = u64::from_str_radix(&self.line()?, 16).context("no length of a chunk")?;
        self.exactly(length, body)?;
        ensure!(self.line()?.is_empty(), "a chunk is longer than announced");
        Ok(length > 0)
    }

    fn exactly(&mut self, length: u64, body: &mut Vec<u8>) -> anyhow::Result<()> {
        let read = (&mut self.0).take(length).read_to_end(body)?;
        ensure!(read as u64 == length, "the server closed the connection");
        Ok(())
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let line = line.strip_suffix("\r\n").context("the server closed the connection")?;
        Ok(line.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// The answers that a client reads from a server that sends `bytes` and closes.
    fn answers<const N: usize>(bytes: &'static str) -> [anyhow::Result<Answer>; N] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = Connection::open(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap().0.write_all(bytes.as_bytes()).unwrap();
        std::array::from_fn(|_| connection.answer())
    }

    #[test]
    fn answers_follow_each_other_on_one_connection() {
        let [first, second, third] = answers(
            "HTTP/1.1 204 No Content\r\n\r\n\
             HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\na\r\n0123456789\r\n0\r\n\r\n\
             HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nno!",
        );
        assert!(first.unwrap().expect(204).unwrap().is_empty());
        assert_eq!(second.unwrap().body, b"ab0123456789");
        assert_eq!(third.unwrap().expect(200).unwrap_err().to_string(), "the server answered 401 in place of 200: no!");
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        let [first] = answers("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        assert!(first.is_err());
    }

    #[test]
    fn a_request_is_complete() {
        let bytes = request("POST", "/x?y=1", Some("secret"), b"{}");
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "POST /x?y=1 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer secret\r\n\
             content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
        );
    }
}
