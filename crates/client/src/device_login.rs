//! Logging in on another device: the OAuth 2.0 device authorization grant (RFC 8628).

use std::fmt;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url, redirect};
use serde::{Deserialize, Deserializer};
use tidegate_model::PlainToken;

use crate::connection::{failed, innermost};
use crate::error::{Error, Result};
use crate::{BaseUrl, TlsOptions, answer};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const LARGEST_ANSWER: usize = 1024 * 1024;
const DEFAULT_INTERVAL: u64 = 5;
const LONGEST_INTERVAL: u64 = 60;
const DEFAULT_LIFE_TIME: u64 = 900;
const LONGEST_LIFE_TIME: u64 = 3600;

/// The identity provider and what to ask it for.
#[derive(Debug, Clone)]
pub struct DeviceLoginOptions {
    /// The client that is registered there.
    pub client_id: String,
    /// What the token is for.
    pub scopes: Vec<String>,
    /// Further parameters of the first request, such as `audience`.
    pub parameters: Vec<(String, String)>,
    /// The device authorization endpoint.
    pub device_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// Authorities that are trusted beside those of the system. The provider's certificate is always verified.
    pub tls: TlsOptions,
    /// Limit for each request.
    pub timeout: Duration,
    /// Sent as name of the program.
    pub user_agent: String,
}

/// A login that a person has to confirm elsewhere.
#[derive(Clone, Deserialize)]
pub struct DeviceCode {
    device_code: String,
    /// What the person types in.
    pub user_code: String,
    /// Where.
    #[serde(alias = "verification_url")]
    pub verification_uri: String,
    /// The same address with the code in it, if the provider has one.
    #[serde(default)]
    pub verification_uri_complete: Option<String>,
    /// Seconds between two polls.
    #[serde(default, deserialize_with = "number")]
    interval: Option<u64>,
    /// Seconds until the code is void.
    #[serde(default, deserialize_with = "number")]
    expires_in: Option<u64>,
}

impl DeviceCode {
    /// The shortest time between two polls.
    pub fn interval(&self) -> Duration {
        Duration::from_secs(self.interval.unwrap_or(DEFAULT_INTERVAL).min(LONGEST_INTERVAL))
    }

    /// How long the code can be used.
    pub fn life_time(&self) -> Duration {
        Duration::from_secs(self.expires_in.unwrap_or(DEFAULT_LIFE_TIME).min(LONGEST_LIFE_TIME))
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCode").finish_non_exhaustive()
    }
}

/// The token that a login ends with.
#[derive(Debug, Clone)]
pub struct LoginToken {
    /// The token.
    pub token: PlainToken,
    /// How long it lives, if the provider says so.
    pub life_time: Option<Duration>,
}

/// The answer to a poll.
#[derive(Debug)]
pub enum Polled {
    /// The person has not decided yet.
    Pending,
    /// As `Pending`, and the time between two polls must grow by five seconds.
    SlowDown,
    /// The person has agreed.
    Token(LoginToken),
}

/// A client of the identity provider.
#[derive(Debug, Clone)]
pub struct DeviceLogin {
    client: Client,
    options: DeviceLoginOptions,
    device_url: Url,
    token_url: Url,
}

impl DeviceLogin {
    /// Checks the addresses; nothing is sent yet.
    pub fn new(options: DeviceLoginOptions) -> Result<Self> {
        let device_url = endpoint("device_url", &options.device_url)?;
        let token_url = endpoint("token_url", &options.token_url)?;
        let builder = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(options.timeout)
            .user_agent(&options.user_agent);
        let mut builder = options.tls.trust_too(builder)?;
        if !is_encrypted(&token_url) {
            // Only this machine is reached without encryption, and no proxy leads there.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| Error::Tls(innermost(&error)))?;
        Ok(Self { client, options, device_url, token_url })
    }

    /// Asks for a code that a person can confirm.
    pub async fn start(&self) -> Result<DeviceCode> {
        let mut form = vec![("client_id", self.options.client_id.as_str())];
        let scope = self.options.scopes.join(" ");
        if !scope.is_empty() {
            form.push(("scope", &scope));
        }
        form.extend(self.options.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let (status, body) = self.post(&self.device_url, &form).await?;
        if !status.is_success() {
            return Err(refusal(status, &body));
        }
        let code: DeviceCode = document(&self.device_url, &body)?;
        for address in [Some(&code.verification_uri), code.verification_uri_complete.as_ref()].into_iter().flatten() {
            if !Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "https" | "http")) {
                return Err(unexpected(&self.device_url, "the address to open is not a web address"));
            }
        }
        Ok(code)
    }

    /// Asks whether the person has confirmed. Anything but waiting and success is an error with the provider's words.
    pub async fn poll(&self, code: &DeviceCode) -> Result<Polled> {
        let form = [("grant_type", GRANT), ("device_code", &code.device_code), ("client_id", &self.options.client_id)];
        let (status, body) = self.post(&self.token_url, &form).await?;
        if status.is_success() {
            return document::<TokenAnswer>(&self.token_url, &body).map(|answer| Polled::Token(answer.into()));
        }
        match serde_json::from_slice::<ErrorAnswer>(&body) {
            Ok(answer) if answer.error == "authorization_pending" => Ok(Polled::Pending),
            Ok(answer) if answer.error == "slow_down" => Ok(Polled::SlowDown),
            _ => Err(refusal(status, &body)),
        }
    }

    async fn post(&self, url: &Url, form: &[(&str, &str)]) -> Result<(StatusCode, Vec<u8>)> {
        let error = |error| failed(authority(url), self.options.timeout, &error);
        let request = self.client.post(url.clone()).header("accept", "application/json").form(form);
        let response: Response = request.send().await.map_err(error)?;
        let status = response.status();
        let body = answer::read(response, LARGEST_ANSWER).await.map_err(error)?;
        let body = body.ok_or_else(|| unexpected(url, "more than 1 MiB"))?;
        Ok((status, body.to_vec()))
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default, deserialize_with = "number")]
    expires_in: Option<u64>,
}

impl From<TokenAnswer> for LoginToken {
    fn from(answer: TokenAnswer) -> Self {
        Self {
            token: PlainToken::from_presented(answer.access_token),
            life_time: answer.expires_in.map(Duration::from_secs),
        }
    }
}

#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

/// The provider's own words, or ours for what RFC 8628 names.
fn refusal(status: StatusCode, body: &[u8]) -> Error {
    let Ok(answer) = serde_json::from_slice::<ErrorAnswer>(body) else {
        return Error::Login(format!("HTTP {status} without a reason"));
    };
    let words = match (answer.error_description.filter(|text| !text.is_empty()), answer.error.as_str()) {
        (Some(description), _) => description,
        (None, "access_denied") => "access was denied".to_owned(),
        (None, "expired_token") => "the code has expired".to_owned(),
        (None, _) => "no reason is given".to_owned(),
    };
    Error::Login(format!("{words} ({})", answer.error))
}

/// An address of the provider. Codes and tokens travel to it, so it must be encrypted or this machine.
fn endpoint(key: &str, text: &str) -> Result<Url> {
    let error = || Error::Login(format!("{key} is not an address that begins with https://"));
    let url = Url::parse(text).map_err(|_| error())?;
    let is_safe = is_encrypted(&url) || (url.scheme() == "http" && BaseUrl::from_url(url.clone()).is_loopback());
    if is_safe && url.host_str().is_some() { Ok(url) } else { Err(error()) }
}

fn is_encrypted(url: &Url) -> bool {
    url.scheme() == "https"
}

fn authority(url: &Url) -> String {
    BaseUrl::from_url(url.clone()).authority()
}

/// Never repeats what it read: that can be a secret.
fn document<T: for<'de> Deserialize<'de>>(url: &Url, body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|_| unexpected(url, "not the JSON of RFC 8628"))
}

fn unexpected(url: &Url, reason: &str) -> Error {
    Error::Unexpected { authority: authority(url), reason: reason.to_owned() }
}

/// A number, which some providers send as text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_u64().or_else(|| value.as_str()?.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_or_this_machine() {
        for text in ["https://id.example.org/device", "http://127.0.0.1:8080/device", "http://localhost/x"] {
            assert!(endpoint("device_url", text).is_ok(), "{text}");
        }
        for text in ["http://id.example.org/device", "ftp://localhost/", "id.example.org", "", "file:///etc/passwd"] {
            assert!(matches!(endpoint("device_url", text), Err(Error::Login(_))), "{text}");
        }
    }

    #[test]
    fn times_are_bounded_and_may_be_text() {
        let code = |more: &str| -> DeviceCode {
            let text = format!(r#"{{"device_code":"d","user_code":"u","verification_uri":"https://x"{more}}}"#);
            serde_json::from_str(&text).unwrap()
        };
        let seconds = |code: DeviceCode| (code.interval().as_secs(), code.life_time().as_secs());
        assert_eq!(seconds(code("")), (5, 900));
        assert_eq!(seconds(code(r#","interval":"7","expires_in":"600""#)), (7, 600));
        assert_eq!(seconds(code(r#","interval":1e99,"expires_in":18446744073709551615"#)), (5, 3600));
        assert_eq!(seconds(code(r#","interval":100000,"expires_in":-1"#)), (60, 900));
    }
}
