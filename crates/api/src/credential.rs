//! Where a credential is found in a request (data-plane contract §3).

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, Method, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate_model::PlainToken;

use crate::origin;

/// What the `Authorization` header holds.
#[derive(Debug)]
pub(crate) enum Presented {
    /// There is no such header.
    Missing,
    /// There is one, but no token can be read from it.
    Malformed,
    /// A token, known or not.
    Token(Scheme, PlainToken),
    /// A user name, perhaps empty, and a password, which may be a token.
    Basic { user: String, password: PlainToken },
}

/// How the token was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bearer,
    Token,
}

/// The cookie that holds the key of a session.
pub(crate) const SESSION_COOKIE: &str = "influxdb-oss-session";

/// Reads the `Authorization` header. The scheme may be in any case; the token is everything after the first space.
pub(crate) fn from_headers(headers: &HeaderMap) -> Presented {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Presented::Missing };
    if values.next().is_some() {
        return Presented::Malformed;
    }
    let Ok(text) = value.to_str() else { return Presented::Malformed };
    let Some((scheme, rest)) = text.split_once(' ') else { return Presented::Malformed };
    if scheme.eq_ignore_ascii_case("basic") {
        return basic(rest).unwrap_or(Presented::Malformed);
    }
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("token") {
        Scheme::Token
    } else {
        return Presented::Malformed;
    };
    if rest.is_empty() { Presented::Malformed } else { Presented::Token(scheme, PlainToken::from_presented(rest)) }
}

/// The password starts after the first colon.
fn basic(encoded: &str) -> Option<Presented> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = decoded.split_once(':').filter(|(_, password)| !password.is_empty())?;
    Some(Presented::Basic { user: user.to_owned(), password: PlainToken::from_presented(password) })
}

/// The key of a session, among cookies and whatever stands beside them: some clients send back the attributes that
/// they were given with it. A page of another origin changes nothing with it.
pub(crate) fn session_key(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<PlainToken> {
    if origin::is_foreign(method, uri, headers) {
        return None;
    }
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|cookie| cookie.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let key = pairs.filter(|(name, _)| *name == SESSION_COOKIE).map(|(_, key)| key).find(|key| !key.is_empty());
    key.map(PlainToken::from_presented)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(value: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        match from_headers(&headers) {
            Presented::Token(_, token) | Presented::Basic { password: token, .. } => Some(token.expose().to_owned()),
            Presented::Malformed => None,
            Presented::Missing => panic!("the header is there"),
        }
    }

    #[test]
    fn tokens_in_every_scheme() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (value, token) in [
            ("Bearer tok".to_owned(), "tok"),
            ("bearer tok".to_owned(), "tok"),
            ("TOKEN tok".to_owned(), "tok"),
            ("Token tok extra".to_owned(), "tok extra"),
            ("Bearer  tok".to_owned(), " tok"),
            (basic("user:tok"), "tok"),
            (basic(":tok"), "tok"),
            (basic("user:to:k"), "to:k"),
        ] {
            assert_eq!(read(value.as_bytes()).as_deref(), Some(token), "{value}");
        }
    }

    #[test]
    fn malformed_headers() {
        for value in [
            "",
            "Bearer",
            "Bearer ",
            "tok",
            "Digest x",
            "Basic !!!",
            "Basic dXNlcg==",
            "Basic dXNlcjo=",
            "Basic dXNlcjp0b2s_",
            "Basic dXNlcjp0b2",
        ] {
            assert_eq!(read(value.as_bytes()), None, "{value}");
        }
        assert_eq!(read(b"Bearer t\xc3\xb6k"), None);
    }

    #[test]
    fn the_key_of_a_session_is_found_by_name() {
        let key = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(COOKIE, HeaderValue::from_str(value).unwrap());
            }
            session_key(&Method::GET, &Uri::default(), &headers).map(|key| key.expose().to_owned())
        };
        for values in [
            &["influxdb-oss-session=K"][..],
            &["influxdb-oss-session=K; Path=/api/; Expires=Wed, 25 Nov 2026 10:00:00 GMT; HttpOnly; SameSite=Strict"],
            &["a=b; influxdb-oss-session=K;c"],
            &["a=b", "influxdb-oss-session=K"],
        ] {
            assert_eq!(key(values).as_deref(), Some("K"), "{values:?}");
        }
        for values in [&[][..], &["influxdb-oss-session"], &["influxdb-oss-session="], &["x-influxdb-oss-session=K"]] {
            assert_eq!(key(values), None, "{values:?}");
        }
    }

    #[test]
    fn two_headers_are_malformed() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        assert!(matches!(from_headers(&headers), Presented::Malformed));
    }
}
