//! Where a credential is found in a request (data-plane contract §3).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate_model::PlainToken;

/// What the `Authorization` header holds.
#[derive(Debug)]
pub(crate) enum Presented {
    /// There is no such header.
    Missing,
    /// There is one, but no token can be read from it.
    Malformed,
    /// A token, known or not.
    Token(Scheme, PlainToken),
}

/// How the token was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bearer,
    Token,
    Basic,
}

/// Reads the `Authorization` header. The scheme may be in any case; the token is everything after the first space.
pub(crate) fn from_headers(headers: &HeaderMap) -> Presented {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Presented::Missing };
    if values.next().is_some() {
        return Presented::Malformed;
    }
    let Ok(text) = value.to_str() else { return Presented::Malformed };
    let Some((scheme, rest)) = text.split_once(' ') else { return Presented::Malformed };
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("token") {
        Scheme::Token
    } else if scheme.eq_ignore_ascii_case("basic") {
        Scheme::Basic
    } else {
        return Presented::Malformed;
    };
    let token = if scheme == Scheme::Basic { basic_password(rest) } else { Some(rest.to_owned()) };
    match token.filter(|token| !token.is_empty()) {
        Some(token) => Presented::Token(scheme, PlainToken::from_presented(token)),
        None => Presented::Malformed,
    }
}

/// The token of `Basic` is the password, which starts after the first colon. The user name does not matter.
fn basic_password(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(value: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        match from_headers(&headers) {
            Presented::Token(_, token) => Some(token.expose().to_owned()),
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
    fn two_headers_are_malformed() {
        let mut headers = HeaderMap::new();
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer b"));
        assert!(matches!(from_headers(&headers), Presented::Malformed));
    }
}
