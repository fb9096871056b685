//! Where to listen: reading addresses, refusing unencrypted ones that others can reach, binding.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::Deserialize;
use tokio::net::TcpListener;

const LOCALHOST: &str = "localhost";
/// How often to look for a port that is free for every address of a host.
const PORT_ATTEMPTS: usize = 16;

/// `HOST:PORT`, `[IPV6]:PORT` or `:PORT`, which is `localhost:PORT`. Port 0 takes any free one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ListenAddress {
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// Both loopback addresses.
    Localhost,
    Address(IpAddr),
    Name(String),
}

/// A text that is not an address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address to listen on, such as localhost:8181, 0.0.0.0:8181 or [::1]:8181")]
pub(crate) struct ListenAddressError(String);

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error(
        "{0} can be reached from other machines, and tokens would cross the network unencrypted: give --tls-cert and \
         --tls-key, or --tls-self-signed, or --allow-plaintext if something in front of this server encrypts"
    )]
    Plaintext(ListenAddress),
    #[error("cannot find the addresses of {0}: {1}")]
    Resolve(ListenAddress, io::Error),
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, io::Error),
    #[error("cannot listen on {0}: this machine has no such address")]
    NoAddress(ListenAddress),
}

/// An address and the listeners that serve it, all on one port.
#[derive(Debug)]
pub(crate) struct Bound {
    /// What was asked for.
    pub(crate) requested: ListenAddress,
    /// The port, also where port 0 was asked for.
    pub(crate) port: u16,
    pub(crate) listeners: Vec<TcpListener>,
}

impl ListenAddress {
    /// Both loopback addresses on this port.
    pub(crate) const fn localhost(port: u16) -> Self {
        Self { host: Host::Localhost, port }
    }

    /// A host by which clients on this machine find the server; `None` if it listens on every address.
    pub(crate) fn client_host(&self) -> Option<String> {
        match &self.host {
            Host::Localhost => Some(LOCALHOST.to_owned()),
            Host::Address(address) if address.is_unspecified() => None,
            Host::Address(address) => Some(address.to_string()),
            Host::Name(name) => Some(name.clone()),
        }
    }

    /// The loopback address that reaches a server listening here on every address.
    pub(crate) fn loopback(&self) -> IpAddr {
        match self.host {
            Host::Address(IpAddr::V6(_)) => Ipv6Addr::LOCALHOST.into(),
            _ => Ipv4Addr::LOCALHOST.into(),
        }
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, ListenError> {
        match &self.host {
            Host::Localhost => Ok(vec![
                SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.port),
                SocketAddr::new(Ipv6Addr::LOCALHOST.into(), self.port),
            ]),
            Host::Address(address) => Ok(vec![SocketAddr::new(*address, self.port)]),
            Host::Name(name) => {
                let found = tokio::net::lookup_host((name.as_str(), self.port)).await;
                let mut addresses: Vec<_> = found.map_err(|error| ListenError::Resolve(self.clone(), error))?.collect();
                addresses.sort_unstable();
                addresses.dedup();
                Ok(addresses)
            }
        }
    }
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, ListenAddressError> {
        let error = || ListenAddressError(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(error)?;
        if port.starts_with('+') {
            return Err(error());
        }
        let port = port.parse().map_err(|_| error())?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = match bracketed {
            Some(address) => Host::Address(IpAddr::V6(address.parse().map_err(|_| error())?)),
            None if host.is_empty() || host.eq_ignore_ascii_case(LOCALHOST) => Host::Localhost,
            None => match host.parse::<Ipv4Addr>() {
                Ok(address) => Host::Address(address.into()),
                Err(_) if is_host_name(host) => Host::Name(host.to_owned()),
                Err(_) => return Err(error()),
            },
        };
        Ok(Self { host, port })
    }
}

fn is_host_name(text: &str) -> bool {
    // Only digits and dots would be an IPv4 address that is not one.
    text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        && text.chars().any(|c| c.is_ascii_alphabetic())
}

impl TryFrom<String> for ListenAddress {
    type Error = ListenAddressError;

    fn try_from(text: String) -> Result<Self, ListenAddressError> {
        text.parse()
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Localhost => write!(f, "{LOCALHOST}:{}", self.port),
            Host::Address(address) => SocketAddr::new(*address, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

/// An address and the socket addresses that it stands for.
#[derive(Debug)]
pub(crate) struct Resolved {
    requested: ListenAddress,
    candidates: Vec<SocketAddr>,
}

/// Finds out what the addresses stand for. Without encryption only those that other machines cannot reach are
/// accepted, unless `allow_exposed`.
pub(crate) async fn resolve(requested: Vec<ListenAddress>, allow_exposed: bool) -> Result<Vec<Resolved>, ListenError> {
    let mut resolved = Vec::with_capacity(requested.len());
    for requested in requested {
        let candidates = requested.resolve().await?;
        if !allow_exposed && !candidates.iter().all(|candidate| candidate.ip().to_canonical().is_loopback()) {
            return Err(ListenError::Plaintext(requested));
        }
        resolved.push(Resolved { requested, candidates });
    }
    Ok(resolved)
}

/// Binds every address, or none.
pub(crate) async fn bind(resolved: Vec<Resolved>) -> Result<Vec<Bound>, ListenError> {
    let mut bound = Vec::with_capacity(resolved.len());
    for Resolved { requested, candidates } in resolved {
        bound.push(bind_host(requested, &candidates).await?);
    }
    Ok(bound)
}

async fn bind_host(requested: ListenAddress, candidates: &[SocketAddr]) -> Result<Bound, ListenError> {
    let mut attempts = PORT_ATTEMPTS;
    loop {
        attempts = attempts.saturating_sub(1);
        match bind_on_one_port(candidates).await {
            Ok(listeners) => {
                let Some(port) = listeners.first().and_then(|listener| listener.local_addr().ok()).map(|a| a.port())
                else {
                    return Err(ListenError::NoAddress(requested));
                };
                return Ok(Bound { requested, port, listeners });
            }
            // The port that was free for the first address is taken for another: look for the next.
            Err((_, error)) if requested.port == 0 && attempts > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            Err((address, error)) => return Err(ListenError::Bind(address, error)),
        }
    }
}

/// Binds the addresses of one host that this machine has. One that is taken by another program is an error: its
/// clients would send their tokens there.
async fn bind_on_one_port(candidates: &[SocketAddr]) -> Result<Vec<TcpListener>, (SocketAddr, io::Error)> {
    let mut listeners: Vec<TcpListener> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let mut address = *candidate;
        if let Some(first) = listeners.first() {
            address.set_port(first.local_addr().map_err(|error| (address, error))?.port());
        }
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if candidates.len() > 1 && is_missing(&error) => {}
            Err(error) => return Err((address, error)),
        }
    }
    Ok(listeners)
}

/// Whether this machine lacks the address or its whole family.
fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bind_all(requested: Vec<ListenAddress>) -> Result<Vec<Bound>, ListenError> {
        bind(resolve(requested, false).await?).await
    }

    fn address(text: &str) -> ListenAddress {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_shown_as_they_are_meant() {
        let cases = [
            ("localhost:8181", "localhost:8181"),
            ("LOCALHOST:1", "localhost:1"),
            (":0", "localhost:0"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:0", "[::1]:0"),
            ("[::]:443", "[::]:443"),
            ("tide-1.example.org:443", "tide-1.example.org:443"),
        ];
        for (text, shown) in cases {
            assert_eq!(address(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "8181",
            "localhost",
            "localhost:",
            "localhost:65536",
            "localhost:-1",
            "localhost:+1",
            "::1:80",
            "[::1]",
            "[::1:80",
            "[localhost]:80",
            "[127.0.0.1]:80",
            "1.2.3:80",
            "1.2.3.4.5:80",
            "http://localhost:80",
            "a b:80",
            "a/b:80",
        ] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn clients_of_this_machine_get_a_host_that_works() {
        assert_eq!(address("localhost:1").client_host().as_deref(), Some("localhost"));
        assert_eq!(address("[::1]:1").client_host().as_deref(), Some("::1"));
        assert_eq!(address("tide.example.org:1").client_host().as_deref(), Some("tide.example.org"));
        assert_eq!(address("0.0.0.0:1").client_host(), None);
        assert_eq!(address("0.0.0.0:1").loopback(), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(address("[::]:1").loopback(), IpAddr::from(Ipv6Addr::LOCALHOST));
    }

    #[tokio::test]
    async fn localhost_has_one_port_for_all_families() {
        let bound = bind_all(vec![address("localhost:0")]).await.unwrap();
        let [bound] = <[Bound; 1]>::try_from(bound).unwrap();
        assert_ne!(bound.port, 0);
        for listener in &bound.listeners {
            let local = listener.local_addr().unwrap();
            assert!(local.ip().is_loopback());
            assert_eq!(local.port(), bound.port);
        }
        let ipv6 = TcpListener::bind("[::1]:0").await.is_ok();
        assert_eq!(bound.listeners.len(), 1 + usize::from(ipv6));
    }

    #[tokio::test]
    async fn a_missing_family_is_no_error_but_no_address_at_all_is_one() {
        // An address for documentation, which no machine has.
        let missing: SocketAddr = "192.0.2.1:0".parse().unwrap();
        let here: SocketAddr = "127.0.0.1:0".parse().unwrap();
        assert_eq!(bind_on_one_port(&[here, missing]).await.unwrap().len(), 1);
        assert!(bind_on_one_port(&[missing]).await.is_err());
        let nowhere = bind_host(address("localhost:0"), &[missing, missing]).await;
        assert!(matches!(nowhere.unwrap_err(), ListenError::NoAddress(_)));
    }

    #[tokio::test]
    async fn a_port_that_is_taken_for_one_family_is_an_error() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = bind_all(vec![ListenAddress::localhost(port)]).await.unwrap_err();
        assert!(matches!(error, ListenError::Bind(..)), "{error}");
    }

    #[tokio::test]
    async fn addresses_that_others_can_reach_need_permission() {
        for text in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
            let error = resolve(vec![address("127.0.0.1:0"), address(text)], false).await.unwrap_err();
            assert!(matches!(error, ListenError::Plaintext(_)), "{text}: {error}");
            assert!(error.to_string().contains("--tls-cert"), "{error}");
        }
        assert_eq!(resolve(vec![address("0.0.0.0:0")], true).await.unwrap().len(), 1);
    }
}
