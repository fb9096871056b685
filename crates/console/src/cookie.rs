//! The cookies of the console. `__Host-` makes a browser refuse one that another host, or plain HTTP, has set.

use axum::http::header::COOKIE;
use axum::http::{Extensions, HeaderMap, HeaderValue};
use tidegate_api::Encrypted;
use tidegate_model::PlainToken;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jar {
    /// The key of a session.
    Session,
    /// The secret of forms that are filled in before there is a session.
    Visitor,
}

impl Jar {
    fn name(self, encrypted: bool) -> &'static str {
        match (self, encrypted) {
            (Self::Session, true) => "__Host-tidegate-console",
            (Self::Session, false) => "tidegate-console",
            (Self::Visitor, true) => "__Host-tidegate-visitor",
            (Self::Visitor, false) => "tidegate-visitor",
        }
    }
}

/// Whether the request came over TLS.
pub(crate) fn is_encrypted(extensions: &Extensions) -> bool {
    extensions.get::<Encrypted>().is_some()
}

/// What a browser sends in this cookie. If it sends several of the name, the first one: that of the longest path.
pub(crate) fn find(headers: &HeaderMap, jar: Jar, encrypted: bool) -> Option<PlainToken> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    let mut found =
        pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == jar.name(encrypted));
    found.next().map(|(_, value)| value).filter(|value| !value.is_empty()).map(PlainToken::from_presented)
}

/// The header that sets a cookie until the browser closes.
pub(crate) fn set(jar: Jar, value: &PlainToken, encrypted: bool) -> Option<HeaderValue> {
    header(jar, value.expose(), "", encrypted)
}

/// The header that takes a cookie away.
pub(crate) fn clear(jar: Jar, encrypted: bool) -> Option<HeaderValue> {
    header(jar, "", "; Max-Age=0", encrypted)
}

fn header(jar: Jar, value: &str, more: &str, encrypted: bool) -> Option<HeaderValue> {
    let secure = if encrypted { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}", jar.name(encrypted));
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cookies: &[&str], encrypted: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        find(&headers, Jar::Session, encrypted).map(|token| token.expose().to_owned())
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        assert_eq!(found(&["a=b; tidegate-console=key; c=d"], false).as_deref(), Some("key"));
        assert_eq!(found(&["a=b", "tidegate-console=key"], false).as_deref(), Some("key"));
        assert_eq!(found(&["tidegate-console="], false), None);
        assert_eq!(found(&["xtidegate-console=key; tidegate-console-x=key"], false), None);
        assert_eq!(found(&[], false), None);
    }

    #[test]
    fn over_tls_only_the_prefixed_cookie_counts() {
        assert_eq!(found(&["tidegate-console=planted; __Host-tidegate-console=key"], true).as_deref(), Some("key"));
        assert_eq!(found(&["tidegate-console=planted"], true), None);
    }

    #[test]
    fn attributes() {
        let key = PlainToken::from_presented("key");
        let plain = set(Jar::Session, &key, false).unwrap();
        assert_eq!(plain, "tidegate-console=key; Path=/; HttpOnly; SameSite=Strict");
        let encrypted = set(Jar::Session, &key, true).unwrap();
        assert_eq!(encrypted, "__Host-tidegate-console=key; Path=/; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(format!("{encrypted:?}"), "Sensitive");
    }
}
