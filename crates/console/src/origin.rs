//! Whether a request comes from one of our own pages, as the browser says.

use axum::http::header::{FORWARDED, HOST, ORIGIN, VIA};
use axum::http::{HeaderMap, HeaderName, Uri};
use std::net::{IpAddr, SocketAddr};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether nothing says that another site has sent the browser here. Old browsers may say nothing at all: the secret of
/// the form then has to do alone.
pub(crate) fn is_own(uri: &Uri, headers: &HeaderMap) -> bool {
    let same_site = headers.get(FETCH_SITE).is_none_or(|site| site == "same-origin");
    let same_origin = headers.get(ORIGIN).is_none_or(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        origin.is_some_and(|(_, of_page)| host(uri, headers).is_some_and(|host| host.eq_ignore_ascii_case(of_page)))
    });
    same_site && same_origin
}

/// Host and port that the browser asked for.
pub(crate) fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let of_uri = uri.authority().map(|authority| authority.as_str());
    of_uri.or_else(|| headers.get(HOST).and_then(|host| host.to_str().ok()))
}

/// Where clients reach this server, as the browser does. A host that could mean something in a shell is left out.
pub(crate) fn url(uri: &Uri, headers: &HeaderMap, encrypted: bool) -> String {
    let is_plain = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    let host = host(uri, headers).filter(is_plain).unwrap_or("localhost:8181");
    format!("{}://{host}", if encrypted { "https" } else { "http" })
}

/// Whether the browser runs on this machine, and no proxy speaks for another one. A name that somebody else's DNS leads
/// to this machine is not its own.
pub(crate) fn is_this_machine(peer: SocketAddr, uri: &Uri, headers: &HeaderMap) -> bool {
    let is_forwarded = headers
        .keys()
        .any(|name| [FORWARDED, VIA].contains(name) || name == "x-real-ip" || name.as_str().starts_with("x-forwarded"));
    peer.ip().to_canonical().is_loopback() && !is_forwarded && host(uri, headers).is_some_and(is_loopback_name)
}

fn is_loopback_name(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A path of the console that a redirect may lead to; never one of another site.
pub(crate) fn own_path(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/console")?;
    let begins = rest.is_empty() || rest.starts_with('/') || rest.starts_with('?');
    let is_plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/?=&-_.%+~".contains(&byte));
    (begins && is_plain && !rest.contains("//") && !rest.contains("..")).then_some(path)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_our_own_pages_are_ours() {
        let uri = Uri::from_static("/console");
        let host = ("host", "db.example:8181");
        for own in [
            vec![host],
            vec![host, ("origin", "http://db.example:8181")],
            vec![host, ("origin", "https://DB.example:8181"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(is_own(&uri, &headers(&own)), "{own:?}");
        }
        for other in [
            vec![host, ("origin", "null")],
            vec![host, ("origin", "http://db.example")],
            vec![host, ("origin", "http://db.example:8181.evil.example")],
            vec![host, ("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
            vec![host, ("sec-fetch-site", "cross-site")],
            vec![host, ("sec-fetch-site", "same-site")],
            vec![host, ("sec-fetch-site", "none")],
            vec![("origin", "http://db.example:8181")],
        ] {
            assert!(!is_own(&uri, &headers(&other)), "{other:?}");
        }
        let absolute = Uri::from_static("https://db.example:8181/console");
        assert!(is_own(&absolute, &headers(&[("origin", "https://db.example:8181")])));
    }

    #[test]
    fn only_loopback_by_its_own_name_is_this_machine() {
        let uri = Uri::from_static("/console");
        let local = "127.0.0.1:9".parse().unwrap();
        for host in ["localhost", "LOCALHOST:8181", "127.0.0.1:8181", "127.1.2.3", "[::1]", "[::1]:8181"] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            assert!(is_this_machine(local, &uri, &headers), "{host}");
            assert!(!is_this_machine("192.0.2.1:9".parse().unwrap(), &uri, &headers), "{host}");
            for name in ["forwarded", "via", "x-real-ip", "x-forwarded-for"] {
                let mut headers = headers.clone();
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static("x"));
                assert!(!is_this_machine(local, &uri, &headers), "{host} {name}");
            }
        }
        for host in ["evil.example:8181", "localhost.evil.example", "192.0.2.1", "127.0.0.1.evil.example", "[::2]:1"] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            assert!(!is_this_machine(local, &uri, &headers), "{host}");
        }
        assert!(!is_this_machine(local, &uri, &HeaderMap::new()));
    }

    #[test]
    fn redirects_stay_in_the_console() {
        for own in ["/console", "/console/api-tokens?search=a%2Fb&page=2", "/console?x=1"] {
            assert_eq!(own_path(own), Some(own));
        }
        for other in [
            "",
            "/",
            "//evil.example",
            "/console//evil.example",
            "/consolex",
            "https://evil.example/console",
            "/console/\\evil.example",
            "/console/\nx",
            "/console/../api",
            "/console@evil.example",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_path(other), None, "{other}");
        }
    }
}
