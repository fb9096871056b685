//! A browser at the console: signs in with a token, then asks for pages.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use crate::http::{Connection, request};

const SIGN_IN: &str = "/console/sign-in?by=token";
const LIST: &str = "/console/database-tokens?sort=description";

/// A connection that is signed in.
pub(crate) struct Console {
    connection: Connection,
    cookie: String,
}

impl Console {
    pub(crate) fn sign_in(address: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let mut connection = Connection::open(address).context("cannot connect")?;
        let form = connection.send(&request("GET", SIGN_IN, None, &[]))?;
        let visitor = form.cookies.first().context("the sign-in page sets no cookie")?.clone();
        let page = String::from_utf8(form.expect(200)?)?;
        let secret = page.split("name=\"form_secret\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        // Neither secret has a character that a form would have to encode.
        let fields = format!("form_secret={}&by=token&token={token}", secret.context("the form has no secret")?);
        let length = fields.len();
        let post = format!(
            "POST {SIGN_IN} HTTP/1.1\r\nhost: localhost\r\ncookie: {visitor}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{fields}"
        );
        let answer = connection.send(post.as_bytes())?;
        let session = answer.cookies.iter().find(|cookie| cookie.starts_with("tidegate-console="));
        let cookie = session.context("signing in gives no session")?.clone();
        answer.expect(303)?;
        Ok(Self { connection, cookie })
    }

    /// How long the first page of the list of database tokens takes, in milliseconds. It must say that there are so many.
    pub(crate) fn list(&mut self, tokens: usize) -> anyhow::Result<f64> {
        let get = format!("GET {LIST} HTTP/1.1\r\nhost: localhost\r\ncookie: {}\r\n\r\n", self.cookie);
        let start = Instant::now();
        let answer = self.connection.send(get.as_bytes())?;
        let took = start.elapsed().as_secs_f64() * 1e3;
        let page = String::from_utf8(answer.expect(200)?)?;
        // The digits are in groups.
        let total = page.split("1–10 of ").nth(1).and_then(|rest| rest.split('<').next()).unwrap_or_default();
        let total: String = total.chars().filter(char::is_ascii_digit).collect();
        ensure!(total == tokens.to_string(), "the page shows 10 of {total} tokens in place of {tokens}");
        Ok(took)
    }
}
