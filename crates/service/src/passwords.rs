//! Passwords: hashed with Argon2id, a few at a time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, mpsc};
use std::thread;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use parking_lot::Mutex;
use tidegate_access::{FailureLimiter, PeerNetwork};
use tidegate_catalog::PasswordHash;
use tidegate_model::{PlainToken, Randomness};
use tokio::sync::{Semaphore, oneshot};

use crate::ServiceError;

/// Each hash takes 19 MiB and some ten milliseconds of a core. It has threads of its own, for the memory stays with the
/// thread that has taken it.
const AT_A_TIME: usize = 2;
/// How many wait for their turn; further ones are told to come back.
const MOST_WAITING: usize = 64;
/// How many passwords of one peer are checked or wait for it, so that others find a place.
const MOST_OF_PEER: usize = 8;

const SHORTEST: usize = 8;
const LONGEST: usize = 1024;
const SALT_BYTES: usize = 16;

type Job = Box<dyn FnOnce() + Send>;

/// Hashes and checks passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    jobs: mpsc::Sender<Job>,
    places: Arc<Semaphore>,
    peers: Arc<Peers>,
}

/// How many passwords of each peer are checked or wait for it.
#[derive(Debug, Default)]
struct Peers(Mutex<HashMap<PeerNetwork, usize>>);

/// One of the places that a peer may have.
#[derive(Debug)]
struct PlaceOfPeer {
    peers: Arc<Peers>,
    peer: PeerNetwork,
}

impl Drop for PlaceOfPeer {
    fn drop(&mut self) {
        let mut peers = self.peers.0.lock();
        if let Some(held) = peers.get_mut(&self.peer) {
            *held -= 1;
            if *held == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

impl Passwords {
    /// Starts the threads. They end when this is dropped.
    ///
    /// # Errors
    /// The system has no threads left.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..AT_A_TIME {
            let queue = queue.clone();
            thread::Builder::new().name(format!("password-{number}")).spawn(move || work(&queue))?;
        }
        Ok(Self { jobs, places: Arc::new(Semaphore::new(AT_A_TIME + MOST_WAITING)), peers: Arc::default() })
    }

    /// The hash to keep of a new password.
    pub(crate) async fn hash(
        &self,
        password: &PlainToken,
        randomness: &dyn Randomness,
    ) -> Result<PasswordHash, ServiceError> {
        let length = password.expose().chars().count();
        if length < SHORTEST || password.expose().len() > LONGEST {
            return Err(ServiceError::BadPassword { shortest: SHORTEST, longest: LONGEST });
        }
        let mut salt = [0; SALT_BYTES];
        randomness.fill(&mut salt);
        let password = password.clone();
        self.in_turn(None, move || {
            let hashed: Phc = Argon2::default()
                .hash_password_with_salt(password.expose().as_bytes(), &salt)
                .map_err(ServiceError::internal)?;
            Ok(PasswordHash::new(hashed.to_string()))
        })
        .await
    }

    /// Whether the password that this peer shows is the one that was hashed. A peer that has shown many wrong credentials
    /// waits before: guessing is slowed down, and not only answered late.
    ///
    /// # Errors
    /// [`ServiceError::TooManyPasswordChecks`].
    pub(crate) async fn check(
        &self,
        password: &PlainToken,
        hash: Option<PasswordHash>,
        peer: IpAddr,
        limiter: &FailureLimiter,
    ) -> Result<bool, ServiceError> {
        let place = self.place_of(peer)?;
        limiter.wait(peer).await;
        self.verify(password, hash, place).await
    }

    fn place_of(&self, peer: IpAddr) -> Result<PlaceOfPeer, ServiceError> {
        let peer = PeerNetwork::of(peer);
        let mut peers = self.peers.0.lock();
        let held = peers.entry(peer).or_default();
        if *held >= MOST_OF_PEER {
            return Err(ServiceError::TooManyPasswordChecks);
        }
        *held += 1;
        Ok(PlaceOfPeer { peers: self.peers.clone(), peer })
    }

    /// Takes as long if there is no hash, so that the time tells nobody which names exist.
    async fn verify(
        &self,
        password: &PlainToken,
        hash: Option<PasswordHash>,
        place: PlaceOfPeer,
    ) -> Result<bool, ServiceError> {
        if password.expose().len() > LONGEST {
            return Ok(false);
        }
        let password = password.clone();
        self.in_turn(Some(place), move || {
            let presented = password.expose().as_bytes();
            let Some(hash) = hash else {
                let _unused: Phc = Argon2::default()
                    .hash_password_with_salt(presented, &[0; SALT_BYTES])
                    .map_err(ServiceError::internal)?;
                return Ok(false);
            };
            let parsed = Phc::new(hash.expose()).map_err(ServiceError::internal)?;
            Ok(Argon2::default().verify_password(presented, &parsed).is_ok())
        })
        .await
    }

    /// Has the work done when it is its turn. It keeps its places until then, even if nobody waits for it any more.
    async fn in_turn<T: Send + 'static>(
        &self,
        of_peer: Option<PlaceOfPeer>,
        work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| ServiceError::TooManyPasswordChecks)?;
        let (done, result) = oneshot::channel();
        let job = move || {
            let _places = (place, of_peer);
            if !done.is_closed() {
                // Nobody may wait for it by now.
                let _ = done.send(work());
            }
        };
        self.jobs.send(Box::new(job)).map_err(ServiceError::internal)?;
        result.await.map_err(ServiceError::internal)?
    }
}

/// Does one job after the other until no more can come.
fn work(queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        // The queue is locked while waiting and not while working: the other thread waits for the lock.
        let next = queue.lock().recv();
        let Ok(job) = next else { return };
        job();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tidegate_model::OsRandomness;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn password(text: &str) -> PlainToken {
        PlainToken::from_presented(text)
    }

    impl Passwords {
        async fn is(&self, text: &str, hash: Option<&PasswordHash>) -> Result<bool, ServiceError> {
            self.verify(&password(text), hash.cloned(), self.place_of(address("192.0.2.1"))?).await
        }

        /// Makes both threads wait for what is sent back.
        async fn occupy(&self) -> Vec<mpsc::Sender<()>> {
            let mut gates = Vec::new();
            for _ in 0..AT_A_TIME {
                let ((gate, opened), (begun, has_begun)) = (mpsc::channel::<()>(), oneshot::channel());
                let job = move || {
                    begun.send(()).unwrap();
                    let _ = opened.recv();
                };
                self.jobs.send(Box::new(job)).unwrap();
                has_begun.await.unwrap();
                gates.push(gate);
            }
            gates
        }
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let passwords = Passwords::start().unwrap();
        let right = password("my-password");
        let hash = passwords.hash(&right, &OsRandomness).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!hash.expose().contains("my-password"));
        assert!(passwords.is("my-password", Some(&hash)).await.unwrap());
        for wrong in ["", "my-passwor", "my-password ", "My-password"] {
            assert!(!passwords.is(wrong, Some(&hash)).await.unwrap(), "{wrong}");
        }
        assert!(!passwords.is("my-password", None).await.unwrap());
        assert_ne!(passwords.hash(&right, &OsRandomness).await.unwrap().expose(), hash.expose());
    }

    #[tokio::test]
    async fn short_and_long_passwords_are_refused() {
        let passwords = Passwords::start().unwrap();
        for text in ["", "1234567", &"x".repeat(1025)] {
            let refused = passwords.hash(&password(text), &OsRandomness).await;
            assert!(matches!(refused, Err(ServiceError::BadPassword { .. })), "{}", text.len());
        }
    }

    #[tokio::test]
    async fn those_that_find_no_place_are_told_to_come_back() {
        let passwords = Passwords::start().unwrap();
        let all = passwords.places.acquire_many(u32::try_from(AT_A_TIME + MOST_WAITING).unwrap()).await.unwrap();
        let refused = passwords.is("my-password", None).await;
        assert!(matches!(refused, Err(ServiceError::TooManyPasswordChecks)), "{refused:?}");
        drop(all);
        assert!(!passwords.is("my-password", None).await.unwrap());
    }

    #[tokio::test]
    async fn one_peer_cannot_hold_the_queue() {
        let passwords = Passwords::start().unwrap();
        let held: Vec<_> =
            (0..MOST_OF_PEER).map(|n| passwords.place_of(address(&format!("2001:db8::{n}"))).unwrap()).collect();
        for same in ["2001:db8::ffff", "2001:db8::1:2:3:4"] {
            let refused = passwords.place_of(address(same));
            assert!(matches!(refused, Err(ServiceError::TooManyPasswordChecks)), "{same}");
        }
        for other in ["2001:db8:0:1::1", "192.0.2.1", "::ffff:192.0.2.1"] {
            assert!(passwords.place_of(address(other)).is_ok(), "{other}");
        }
        drop(held);
        assert!(passwords.place_of(address("2001:db8::1")).is_ok());
        assert!(passwords.peers.0.lock().is_empty(), "nobody is remembered");
    }

    #[tokio::test]
    async fn a_check_keeps_its_places_though_nobody_waits_for_it() {
        let passwords = Passwords::start().unwrap();
        let gates = passwords.occupy().await;
        for _ in 0..MOST_OF_PEER {
            let mut check = Box::pin(passwords.is("my-password", None));
            assert!(polled_once(&mut check).await.is_none(), "it waits for its turn");
        }
        let refused = passwords.is("my-password", None).await;
        assert!(matches!(refused, Err(ServiceError::TooManyPasswordChecks)), "{refused:?}");
        assert_eq!(passwords.places.available_permits(), AT_A_TIME + MOST_WAITING - MOST_OF_PEER);
        drop(gates);
        // Done after all that were given up.
        passwords.hash(&password("my-password"), &OsRandomness).await.unwrap();
        while !passwords.peers.0.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!passwords.is("my-password", None).await.unwrap());
    }

    #[tokio::test]
    async fn who_guesses_waits_before_the_next_check() {
        let passwords = Passwords::start().unwrap();
        let gates = passwords.occupy().await;
        // Before its start no time passes for it.
        let limiter = FailureLimiter::new(Instant::now() + Duration::from_secs(3600));
        let (guesser, other) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..40 {
            polled_once(&mut Box::pin(limiter.failed(guesser))).await;
        }
        let text = password("my-password");
        let mut guess = Box::pin(passwords.check(&text, None, guesser, &limiter));
        assert!(polled_once(&mut guess).await.is_none());
        assert_eq!(passwords.places.available_permits(), AT_A_TIME + MOST_WAITING, "not yet in the queue");
        let mut check = Box::pin(passwords.check(&text, None, other, &limiter));
        assert!(polled_once(&mut check).await.is_none());
        assert_eq!(passwords.places.available_permits(), AT_A_TIME + MOST_WAITING - 1);
        drop(gates);
        assert!(!check.await.unwrap());
    }

    /// What a future has come to, polled once.
    async fn polled_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            let polled = std::pin::Pin::new(&mut *future).poll(context);
            std::task::Poll::Ready(match polled {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
