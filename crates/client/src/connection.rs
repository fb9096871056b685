//! Sending requests.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use tidegate_model::PlainToken;

use crate::error::{Error, Result};
use crate::{BaseUrl, TlsOptions, answer};

/// Told of every request when its answer has begun, or when there will be none.
pub type Observer = Arc<dyn Fn(&Exchange<'_>) + Send + Sync>;

/// One request and the head of its answer. Holds neither credential nor query string nor bodies.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// Host and port.
    pub authority: &'a str,
    /// The path, still encoded.
    pub path: &'a str,
    /// Bytes of the request's body.
    pub request_bytes: usize,
    /// The HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// The answer's content type.
    pub content_type: Option<&'a str>,
    /// Time from sending to the answer's head, or to the failure.
    pub elapsed: Duration,
}

/// How to reach a server.
#[derive(Clone)]
pub struct ConnectionOptions {
    /// Where it is.
    pub base: BaseUrl,
    /// TLS settings; unused when the address is not encrypted.
    pub tls: TlsOptions,
    /// Limit for each request, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// Sent as name of the program.
    pub user_agent: String,
    /// Told of every request.
    pub observer: Option<Observer>,
}

/// A credential's way to a server. Redirects are refused, so that the credential stays with the server it is meant for.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    options: ConnectionOptions,
    authorization: HeaderValue,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("base", &self.options.base).finish_non_exhaustive()
    }
}

impl Connection {
    /// Prepares a connection; nothing is sent yet. Fails on unusable TLS settings or an impossible credential.
    pub fn new(options: ConnectionOptions, credential: &PlainToken) -> Result<Self> {
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {}", credential.expose())).map_err(|_| Error::Credential)?;
        authorization.set_sensitive(true);
        let client = http_client(&options.base, &options.tls, options.timeout, &options.user_agent)?;
        Ok(Self { client, options, authorization })
    }

    /// A request to an already encoded path.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.options.base.join(path);
        self.client.request(method, url).header(AUTHORIZATION, self.authorization.clone())
    }

    /// Sends and returns the answer if its status is a success; otherwise the server's reason.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let request = request.build().map_err(|error| self.failed(error))?;
        let method = request.method().clone();
        let path = request.url().path().to_owned();
        let request_bytes = request.body().and_then(|body| body.as_bytes()).map_or(0, <[u8]>::len);
        let start = Instant::now();
        let outcome = self.client.execute(request).await;
        if let Some(observer) = &self.options.observer {
            let response = outcome.as_ref().ok();
            observer(&Exchange {
                method: method.as_str(),
                authority: &self.options.base.authority(),
                path: &path,
                request_bytes,
                status: response.map(|response| response.status().as_u16()),
                content_type: response.and_then(|response| response.headers().get(CONTENT_TYPE)?.to_str().ok()),
                elapsed: start.elapsed(),
            });
        }
        let response = outcome.map_err(|error| self.failed(error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(self.unexpected(format!("a redirect (HTTP {status}), which is not followed")));
        }
        Err(answer::refusal(response).await)
    }

    /// What a failure of the HTTP library means.
    pub(crate) fn failed(&self, error: reqwest::Error) -> Error {
        failed(self.options.base.authority(), self.options.timeout, &error)
    }

    pub(crate) fn unexpected(&self, reason: impl Into<String>) -> Error {
        Error::Unexpected { authority: self.options.base.authority(), reason: reason.into() }
    }
}

/// The HTTP library's client. It follows no redirects.
pub(crate) fn http_client(base: &BaseUrl, tls: &TlsOptions, timeout: Duration, user_agent: &str) -> Result<Client> {
    let mut builder = Client::builder().redirect(redirect::Policy::none()).timeout(timeout).user_agent(user_agent);
    if base.is_loopback() {
        builder = builder.no_proxy();
    }
    builder = if base.is_encrypted() {
        tls.apply(builder)?
    } else {
        // Reading the system's certificates takes longer than most requests.
        TlsOptions::default().apply(builder)?.tls_built_in_root_certs(false)
    };
    builder.build().map_err(|error| Error::Tls(innermost(&error)))
}

/// What a failure of the HTTP library means.
pub(crate) fn failed(authority: String, timeout: Duration, error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::TimedOut { authority, timeout };
    }
    let reason = innermost(error);
    if error.is_body() || error.is_decode() {
        return Error::BrokenOff { authority, reason };
    }
    Error::Unreachable { authority, reason }
}

/// The innermost cause. The outer ones name the URL, whose query string must not be shown.
pub(crate) fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.source().is_none() { "the request could not be sent".to_owned() } else { cause.to_string() }
}
