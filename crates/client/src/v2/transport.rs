//! Sending requests and reading answers.

use std::error::Error as _;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use tidegate_model::PlainToken;

use super::error::{Codes, Error, Refusal, Result, header, wrong_type};
use crate::connection::{http_client, innermost};
use crate::{BaseUrl, TlsOptions, answer};

const DOCUMENT_LIMIT: usize = 1024 * 1024 * 1024;

/// The cookie of a session.
pub(super) const SESSION_COOKIE: &str = "influxdb-oss-session";

/// What a request proves its right with.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Nothing.
    None,
    /// An API token.
    Token(PlainToken),
    /// The key of a session, as sign-in gave it.
    Session(PlainToken),
}

/// Told of every request when its answer has begun, or when there will be none.
pub type Observer = Arc<dyn Fn(&Heads) + Send + Sync>;

/// The heads of a request and its answer as lines of text. Credentials are replaced by stars; bodies are left out, they
/// may hold passwords and tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads {
    /// Method, target and headers of the request.
    pub request: Vec<String>,
    /// Status and headers of the answer; empty if none came.
    pub answer: Vec<String>,
    /// The id under which the server traces the request, if it does.
    pub trace: Option<String>,
}

/// How to reach a server.
#[derive(Clone)]
pub struct Options {
    /// Where it is. A path prefix is dropped (v2 API contract §1).
    pub base: BaseUrl,
    /// TLS settings; unused when the address is not encrypted.
    pub tls: TlsOptions,
    /// Limit for each request, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// Sent as name of the program.
    pub user_agent: String,
    /// Sent with every request.
    pub credential: Credential,
    /// Further headers of every request. They may hold secrets.
    pub headers: Vec<(String, String)>,
    /// Told of every request.
    pub observer: Option<Observer>,
}

/// Client of `/api/v2`. Follows no redirects, so that the credential stays with the server it is meant for.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: BaseUrl,
    timeout: Duration,
    headers: HeaderMap,
    observer: Option<Observer>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Client {
    /// Prepares a client; nothing is sent yet. Fails on unusable TLS settings, and on a credential or header that HTTP
    /// cannot carry.
    pub fn new(options: Options) -> crate::Result<Self> {
        let http = http_client(&options.base, &options.tls, options.timeout, &options.user_agent)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &options.headers {
            let name = HeaderName::try_from(name).map_err(|_| crate::Error::Name(name.clone()))?;
            headers.append(name, secret(value)?);
        }
        match &options.credential {
            Credential::None => {}
            Credential::Token(token) => {
                headers.insert(AUTHORIZATION, secret(&format!("Token {}", token.expose()))?);
            }
            Credential::Session(key) => {
                headers.insert(COOKIE, secret(&format!("{SESSION_COOKIE}={}", key.expose()))?);
            }
        }
        let (base, timeout, observer) = (options.base.without_path(), options.timeout, options.observer);
        Ok(Self { http, base, timeout, headers, observer })
    }

    /// A request to an already encoded path.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.base.join(path)).headers(self.headers.clone())
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(super) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    pub(super) fn patch(&self, path: &str) -> RequestBuilder {
        self.request(Method::PATCH, path)
    }

    pub(super) fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// Sends and returns the answer if its status is a success.
    pub(super) async fn send(&self, request: RequestBuilder, codes: Codes) -> Result<Response> {
        let request = request.build().map_err(|error| Error::Undecodable(innermost(&error)))?;
        let place = Place::of(&request);
        let mut heads = self.observer.as_ref().map(|_| Heads { request: head_of(&request), ..Heads::default() });
        let outcome = self.http.execute(request).await;
        if let (Some(observer), Some(mut heads)) = (&self.observer, heads.take()) {
            if let Ok(response) = &outcome {
                heads.answer = head_of_answer(response);
                let is_traced = header(response, "trace-sampled").as_deref() == Some("true");
                heads.trace = header(response, "trace-id").filter(|_| is_traced);
            }
            observer(&heads);
        }
        let response = outcome.map_err(|error| self.no_answer(place, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(Error::Refused(Refusal::read(response, codes).await))
    }

    /// Sends, and reads the answer as JSON. An empty answer stands for an empty object.
    pub(super) async fn document<T: DeserializeOwned>(&self, request: RequestBuilder, codes: Codes) -> Result<T> {
        let response = self.send(request, codes).await?;
        let content_type = header(&response, "content-type").unwrap_or_default();
        let body = whole(response).await?;
        if body.is_empty() {
            return parse(b"{}");
        }
        match wrong_type(&content_type) {
            Some(reason) => Err(Error::Undecodable(reason)),
            None => parse(&body),
        }
    }

    /// Sends; only success matters.
    pub(super) async fn done(&self, request: RequestBuilder, codes: Codes) -> Result<()> {
        self.send(request, codes).await.map(drop)
    }

    fn no_answer(&self, place: Place, error: &reqwest::Error) -> Error {
        let reason = if error.is_timeout() {
            format!("no complete answer within {:?}", self.timeout)
        } else if error.is_connect() {
            let refused = if is_connection_refused(error) { Some("connect: connection refused") } else { None };
            let reason = refused.map_or_else(|| innermost(error), str::to_owned);
            format!("dial tcp {}: {reason}", self.base.authority())
        } else {
            innermost(error)
        };
        Error::NoAnswer { method: place.method, url: place.url, reason }
    }
}

/// The whole body of an answer.
pub(super) async fn whole(response: Response) -> Result<bytes::Bytes> {
    match answer::read(response, DOCUMENT_LIMIT).await {
        Ok(Some(body)) => Ok(body),
        Ok(None) => Err(Error::Undecodable("the answer is longer than 1 GiB".to_owned())),
        Err(error) => Err(Error::Undecodable(format!("the answer broke off: {}", innermost(&error)))),
    }
}

/// The library's own message can repeat what it read, and that can be a secret.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::Undecodable(format!("the answer is not the documented JSON (line {line}, column {column})"))
    })
}

fn secret(text: &str) -> crate::Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| crate::Error::Credential)?;
    value.set_sensitive(true);
    Ok(value)
}

/// What errors name of a request.
struct Place {
    method: String,
    url: String,
}

impl Place {
    fn of(request: &Request) -> Self {
        let word = request.method().as_str().to_ascii_lowercase();
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        let mut url = request.url().clone();
        url.set_query(None);
        Self { method: format!("{}{rest}", first.to_ascii_uppercase()), url: url.into() }
    }
}

fn is_connection_refused(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(source) = cause {
        if source.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = source.source();
    }
    false
}

fn head_of(request: &Request) -> Vec<String> {
    let query = request.url().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut lines = vec![format!("{} {}{query}", request.method(), request.url().path())];
    lines.extend(header_lines(request.headers()));
    lines
}

fn head_of_answer(response: &Response) -> Vec<String> {
    let mut lines = vec![format!("{:?} {}", response.version(), response.status())];
    lines.extend(header_lines(response.headers()));
    lines
}

fn header_lines(headers: &HeaderMap) -> impl Iterator<Item = String> {
    headers.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let shown = match text.split_once(' ') {
            Some((scheme, _)) if name == AUTHORIZATION => format!("{scheme} ***"),
            _ if value.is_sensitive() || name == "set-cookie" => "***".to_owned(),
            _ => text.into_owned(),
        };
        format!("{name}: {shown}")
    })
}
