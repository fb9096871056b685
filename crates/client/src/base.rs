//! Where a server is.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

/// Scheme, host, port and optional path prefix of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text or a host cannot be the address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// Not a URL, or another scheme than `http` and `https`.
    #[error("{0:?} is not a server address, such as https://localhost:8181")]
    Invalid(String),
    /// Holds a user name, a password, a query or a fragment. The text is not repeated: it may hold a secret.
    #[error("a server address must not contain user name, password, query or fragment")]
    Excess,
    /// A host with scheme, port or path.
    #[error("{0:?} is not a host name or address: leave out scheme, port and path")]
    Host(String),
}

impl BaseUrl {
    /// An `http` or `https` URL, perhaps with a path prefix.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError::Invalid(without_userinfo(text)))?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Excess);
        }
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(BaseUrlError::Invalid(text.to_owned()));
        }
        Ok(Self(url))
    }

    /// A server by host name or address. IPv6 addresses may be given with or without brackets.
    pub fn from_host(host: &str, port: u16, encrypted: bool) -> Result<Self, BaseUrlError> {
        let error = || BaseUrlError::Host(without_userinfo(host));
        let scheme = if encrypted { "https" } else { "http" };
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let shown = match bare.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ if host.is_empty() || host.contains(['/', ':', '@', '?', '#', '[', ']', '\\', '%']) => {
                return Err(error());
            }
            _ => host.to_owned(),
        };
        Url::parse(&format!("{scheme}://{shown}:{port}")).map(Self).map_err(|_| error())
    }

    /// The same server without a path prefix.
    #[must_use]
    pub fn without_path(mut self) -> Self {
        self.0.set_path("");
        self
    }

    pub(crate) fn from_url(url: Url) -> Self {
        Self(url)
    }

    /// Host and port, for people.
    pub fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether requests are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The URL of an already encoded path below this address.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{prefix}{path}"));
        url
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn without_userinfo(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_urls() {
        let cases = [
            ("plant7.example.org", 443, true, "https://plant7.example.org"),
            ("localhost", 8181, false, "http://localhost:8181"),
            ("::1", 8181, false, "http://[::1]:8181"),
            ("[::1]", 8181, true, "https://[::1]:8181"),
            ("127.0.0.1", 80, false, "http://127.0.0.1"),
        ];
        for (host, port, encrypted, shown) in cases {
            assert_eq!(BaseUrl::from_host(host, port, encrypted).unwrap().to_string(), shown, "{host}");
        }
    }

    #[test]
    fn hosts_with_more_than_a_host_are_refused() {
        for host in ["", "https://a", "a:80", "a/b", "u@a", "a?b", "a b", "[::1", "%61"] {
            assert!(BaseUrl::from_host(host, 443, true).is_err(), "{host}");
        }
    }

    #[test]
    fn addresses_that_are_refused() {
        for text in
            ["", "localhost:8181", "ftp://a", "http://", "http://u:p@a", "http://a?x=1", "http://a#x", "unix:/x"]
        {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
        let shown = BaseUrl::parse("http://user:secret@a b").unwrap_err().to_string();
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_path_prefix_is_kept_and_slashes_in_names_stay_encoded() {
        let base = BaseUrl::parse("https://proxy.example.org/tidegate/").unwrap();
        assert_eq!(base.join("/api/v0/a%2Fb").as_str(), "https://proxy.example.org/tidegate/api/v0/a%2Fb");
        assert_eq!(base.authority(), "proxy.example.org:443");
        assert_eq!(base.without_path().join("/api/v2").as_str(), "https://proxy.example.org/api/v2");
    }

    #[test]
    fn loopback_is_recognised() {
        for (host, loopback) in
            [("localhost", true), ("127.9.9.9", true), ("::1", true), ("localhost.example.org", false)]
        {
            assert_eq!(BaseUrl::from_host(host, 1, false).unwrap().is_loopback(), loopback, "{host}");
        }
    }
}
