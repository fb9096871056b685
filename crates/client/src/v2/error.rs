//! Why a request has no usable answer, in the words that users of the dialect know (v2 API contract §6.3).

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::answer;

/// The result of a request.
pub type Result<T> = std::result::Result<T, Error>;

/// The codes that a server may name (v2 API contract §1.2).
const CODES: [&str; 14] = [
    "internal error",
    "not implemented",
    "not found",
    "conflict",
    "invalid",
    "unprocessable entity",
    "empty value",
    "unavailable",
    "forbidden",
    "too many requests",
    "unauthorized",
    "method not allowed",
    "request too large",
    "unsupported media type",
];

const REFUSAL_LIMIT: usize = 1024 * 1024;

/// Why a request has no usable answer. Holds neither a credential nor a query string.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing could be sent.
    #[error(transparent)]
    Unsendable(#[from] crate::Error),
    /// No complete answer came.
    #[error("{method} \"{url}\": {reason}")]
    NoAnswer {
        /// The HTTP method.
        method: String,
        /// Where it went, without a query string.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server said no.
    #[error("{0}")]
    Refused(Refusal),
    /// The server's answer is not the documented one.
    #[error("{0}")]
    Undecodable(String),
}

impl Error {
    /// What the server says about itself in an answer that says no (`X-Influxdb-Build`).
    pub fn build(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.build.as_deref(),
            _ => None,
        }
    }

    /// The HTTP status with which the server said no.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status.as_u16()),
            _ => None,
        }
    }
}

/// An answer with a status of at least 300.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
    detail: String,
    build: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reason = self.status.canonical_reason().unwrap_or_default();
        write!(f, "{} {reason}: {}", self.status.as_u16(), self.detail)
    }
}

/// Which codes make a refusal readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codes {
    /// The known ones, and with 401 any.
    AnyIfUnauthorized,
    /// The known ones.
    Known,
}

impl Refusal {
    pub(super) async fn read(response: reqwest::Response, codes: Codes) -> Self {
        let status = response.status();
        let build = header(&response, "x-influxdb-build");
        let content_type = header(&response, "content-type").unwrap_or_default();
        let any_code = codes == Codes::AnyIfUnauthorized && status == StatusCode::UNAUTHORIZED;
        let detail = match answer::read(response, REFUSAL_LIMIT).await {
            Ok(Some(body)) => detail(&body, &content_type, any_code),
            Ok(None) => "the answer is longer than 1 MiB".to_owned(),
            Err(error) => format!("the answer broke off: {}", crate::connection::innermost(&error)),
        };
        Self { status, detail, build }
    }
}

pub(super) fn header(response: &reqwest::Response, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

/// The refusal of a body that is no JSON; an empty body needs no type.
pub(super) fn wrong_type(content_type: &str) -> Option<String> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = media_type == "application/json"
        || media_type == "text/json"
        || (media_type.starts_with("application/vnd.") && media_type.ends_with("+json"));
    (!is_json).then(|| format!("unable to decode response content type {content_type:?}"))
}

/// The text behind the status line.
fn detail(body: &[u8], content_type: &str, any_code: bool) -> String {
    #[derive(Deserialize)]
    struct Body {
        code: Option<Value>,
        message: Option<String>,
        err: Option<String>,
    }
    if body.is_empty() {
        return String::new();
    }
    if let Some(reason) = wrong_type(content_type) {
        return reason;
    }
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return "the answer is not the documented JSON".to_owned();
    };
    match body.code {
        Some(Value::String(code)) if !any_code && !CODES.contains(&code.as_str()) => {
            return format!("{code} is not a valid ErrorCode");
        }
        Some(code) if !any_code && !code.is_string() => return format!("{code} is not a valid ErrorCode"),
        _ => {}
    }
    let message = body.message.unwrap_or_default();
    match body.err.filter(|err| !err.is_empty()) {
        Some(err) => format!("{message}: {err}"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "application/json; charset=utf-8";

    #[test]
    fn details_of_refusals() {
        let cases = [
            (r#"{"code":"not found","message":"no such thing"}"#, JSON, "no such thing"),
            (r#"{"message":"no code"}"#, JSON, "no code"),
            (r#"{"code":"invalid","message":"bad","err":"worse"}"#, JSON, "bad: worse"),
            (r#"{"code":"invalid","message":"bad","err":""}"#, JSON, "bad"),
            (r#"{"code":"odd","message":"bad"}"#, JSON, "odd is not a valid ErrorCode"),
            (r#"{"code":404,"message":"bad"}"#, JSON, "404 is not a valid ErrorCode"),
            (r#"{"code":null,"message":null}"#, JSON, ""),
            ("<html>", "text/html", "unable to decode response content type \"text/html\""),
            ("plain", "", "unable to decode response content type \"\""),
            ("", "text/html", ""),
            ("[]", "APPLICATION/JSON", "the answer is not the documented JSON"),
            (r#"{"message":"x"}"#, "application/vnd.influx+json", "x"),
        ];
        for (body, content_type, expected) in cases {
            assert_eq!(detail(body.as_bytes(), content_type, false), expected, "{body}");
        }
        assert_eq!(detail(br#"{"code":"odd","message":"bad"}"#, JSON, true), "bad");
    }

    #[test]
    fn every_documented_code_is_known() {
        for code in CODES {
            let body = format!(r#"{{"code":"{code}","message":"told"}}"#);
            assert_eq!(detail(body.as_bytes(), JSON, false), "told");
        }
    }
}
