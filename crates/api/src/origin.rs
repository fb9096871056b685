//! Which web page has made a browser send a request, as the browser says. The browser sends the cookie of a session along
//! with requests of pages on other ports and sibling hosts too, whose makers may be anybody.

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether this request may change something and comes from a page of another origin. What is no browser says nothing
/// of the kind.
pub(crate) fn is_foreign(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(method) {
        return false;
    }
    let host = uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = host.or_else(|| headers.get(HOST).map(HeaderValue::as_bytes));
    let is_own_origin = |origin: &HeaderValue| {
        let of_page = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, of_page)| of_page);
        of_page.zip(host).is_some_and(|(of_page, host)| of_page.as_bytes().eq_ignore_ascii_case(host))
    };
    // The user may also have asked for it without a page, which browsers call none.
    let is_own_site = |site: &HeaderValue| site == "same-origin" || site == "none";
    !headers.get_all(ORIGIN).iter().all(is_own_origin) || !headers.get_all(FETCH_SITE).iter().all(is_own_site)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    const HOST: (&str, &str) = ("host", "db.example:8181");

    #[test]
    fn changes_come_from_no_page_or_an_own_one() {
        let uri = Uri::from_static("/api/v2/users");
        for own in [
            vec![],
            vec![HOST],
            vec![HOST, ("origin", "http://db.example:8181")],
            vec![HOST, ("origin", "https://DB.example:8181"), ("sec-fetch-site", "same-origin")],
            vec![HOST, ("sec-fetch-site", "none")],
        ] {
            assert!(!is_foreign(&Method::POST, &uri, &headers(&own)), "{own:?}");
        }
        for other in [
            vec![HOST, ("origin", "null")],
            vec![HOST, ("origin", "")],
            vec![HOST, ("origin", "http://db.example")],
            vec![HOST, ("origin", "http://db.example:3000"), ("sec-fetch-site", "same-origin")],
            vec![HOST, ("origin", "http://evil.db.example:8181")],
            vec![HOST, ("origin", "http://db.example:8181.evil.example")],
            vec![HOST, ("origin", "http://db.example:8181"), ("origin", "http://evil.example")],
            vec![HOST, ("origin", "http://db.example:8181"), ("sec-fetch-site", "same-site")],
            vec![HOST, ("sec-fetch-site", "cross-site")],
            vec![HOST, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            vec![("origin", "http://db.example:8181")],
        ] {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert!(is_foreign(&method, &uri, &headers(&other)), "{method} {other:?}");
            }
            for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
                assert!(!is_foreign(&method, &uri, &headers(&other)), "{method} {other:?}");
            }
        }
    }

    #[test]
    fn http_2_names_the_host_in_the_address() {
        let uri = Uri::from_static("https://db.example:8181/api/v2/users");
        assert!(!is_foreign(&Method::POST, &uri, &headers(&[("origin", "https://db.example:8181")])));
        assert!(is_foreign(&Method::POST, &uri, &headers(&[("origin", "https://evil.example")])));
    }
}
