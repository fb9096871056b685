//! How many connections there may be, altogether and from one client.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places for connections.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    per_client: usize,
    held: Mutex<HashMap<Client, usize>>,
}

/// A place for whoever connects next. Given back when dropped.
pub(super) type Place = OwnedSemaphorePermit;

/// Who holds places: an IPv4 address, or the network of an IPv6 address, of which everybody has as many as he likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

/// Counts a connection of a client until it is dropped.
#[derive(Debug)]
pub(super) struct Admitted {
    /// `None` if the client is not counted.
    client: Option<Client>,
    places: Arc<Places>,
}

impl Places {
    /// `total` places, of which one client may hold half.
    pub(super) fn new(total: usize) -> Arc<Self> {
        let (free, held) = (Arc::new(Semaphore::new(total)), Mutex::default());
        Arc::new(Self { free, per_client: total.div_ceil(2), held })
    }

    /// Waits for a free place.
    pub(super) async fn free(&self) -> Option<Place> {
        self.free.clone().acquire_owned().await.ok()
    }

    /// Lets a connection in, unless its client holds as many as it may.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Option<Admitted> {
        let client = Client::of(peer);
        if let Some(client) = client {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let count = held.entry(client).or_default();
            if *count >= self.per_client {
                return None;
            }
            *count += 1;
        }
        Some(Admitted { client, places: self.clone() })
    }

    fn give_back(&self, client: Client) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Entry::Occupied(mut entry) = held.entry(client) else { return };
        let left = entry.get().saturating_sub(1);
        if left == 0 {
            entry.remove();
        } else {
            entry.insert(left);
        }
    }
}

impl Client {
    /// `None` for this machine itself: there, a proxy speaks for everybody.
    fn of(peer: IpAddr) -> Option<Self> {
        match peer.to_canonical() {
            peer if peer.is_loopback() => None,
            IpAddr::V4(address) => Some(Self::V4(address)),
            IpAddr::V6(address) => Some(Self::V6(network(address))),
        }
    }
}

fn network(address: Ipv6Addr) -> [u16; 4] {
    let [a, b, c, d, ..] = address.segments();
    [a, b, c, d]
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some(client) = self.client {
            self.places.give_back(client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(places: &Arc<Places>, peer: &str, attempts: usize) -> Vec<Admitted> {
        (0..attempts).filter_map(|_| places.admit(peer.parse().unwrap())).collect()
    }

    #[test]
    fn one_client_gets_half_of_the_places() {
        let places = Places::new(6);
        let mut first = admitted(&places, "192.0.2.1", 9);
        assert_eq!(first.len(), 3);
        assert_eq!(admitted(&places, "::ffff:192.0.2.1", 1).len(), 0, "it is the same address");
        let second = admitted(&places, "192.0.2.2", 9);
        assert_eq!(second.len(), 3, "the other half is for others");
        first.pop();
        assert_eq!(admitted(&places, "192.0.2.1", 9).len(), 1);
        drop((first, second));
        assert!(places.held.lock().unwrap().is_empty(), "nothing is remembered of clients that are gone");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let places = Places::new(4);
        let _held = [admitted(&places, "2001:db8::1", 1), admitted(&places, "2001:db8::2", 1)];
        assert_eq!(admitted(&places, "2001:db8::3:0:0:1", 1).len(), 0);
        assert_eq!(admitted(&places, "2001:db8:0:1::1", 1).len(), 1);
    }

    #[test]
    fn this_machine_is_not_counted() {
        for peer in ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(admitted(&Places::new(2), peer, 9).len(), 9, "{peer}");
        }
    }

    #[test]
    fn a_single_place_can_be_had() {
        assert_eq!(admitted(&Places::new(1), "192.0.2.1", 2).len(), 1);
    }
}
