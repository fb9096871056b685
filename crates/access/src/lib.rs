//! Who may do what, and for how long. The one place where permissions, expiry and revocation are decided.
//!
//! # How a request passes
//!
//! 1. The edge reads a credential and calls [`Access::enter`] with its digest. The digest is looked up in a complete
//!    in-memory index, expiry is compared, and the request *joins* the credential's tracker. From here on a
//!    revocation waits for this request, and the request can be cancelled by it. The result is an [`Entry`].
//! 2. The use case asks the entry for a [`Permit`]: "write to `plant7`". The permit names what was allowed. Data code
//!    takes a permit, never a token.
//! 3. Before the request has an effect it calls [`Entry::begin_commit`]. This either fails, because the rights have
//!    ended, or makes whoever ends the rights wait until the entry is dropped. A query has no commit point: it puts
//!    its results into a [`GuardedStream`], and whoever ends the rights takes the source of the results out of it.
//!
//! ```
//! # use std::sync::Arc;
//! # use tidegate_access::{Access, Door, EndReason};
//! # use tidegate_model::*;
//! # fn record(token: &PlainToken, grants: &[Grant]) -> TokenRecord {
//! #     TokenRecord::from(NewToken {
//! #         id: TokenId::random(&OsRandomness), kind: TokenKind::Database, digest: token.digest(),
//! #         prefix: token.visible_prefix(), description: Description::default(),
//! #         permissions: grants.iter().cloned().collect(), created_at: SystemClock.now(), created_by: None,
//! #         expires_at: None })
//! # }
//! # futures::executor::block_on(async {
//! let access = Access::new(Arc::new(SystemClock), None);
//! let token = PlainToken::generate(TokenKind::Database, &OsRandomness);
//! let grant = Grant { action: Action::Write, resource: "plant7".parse().unwrap() };
//! let record = record(&token, &[grant]);
//! assert_eq!(access.install(&record), None);
//!
//! let entry = access.enter(token.digest(), Door::Data).unwrap();
//! assert!(entry.permit(Action::Write, &"plant7".parse().unwrap(), None).is_ok());
//! assert!(entry.permit(Action::Read, &"plant7".parse().unwrap(), None).is_err());
//!
//! // A revocation reaches the request before its commit point: it can no longer have an effect.
//! let drain = access.revoke(&record);
//! assert_eq!(entry.begin_commit(), Err(EndReason::Revoked));
//! drop(entry);
//! drain.finished().await;
//! assert!(access.enter(token.digest(), Door::Data).is_err());
//! # });
//! ```
//!
//! # How rights end
//!
//! [`Access::revoke`] and its like, [`Access::narrow`], [`Access::end_database`] and [`Access::expire`] make the change visible
//! to every later check, cancel what is in flight and not committing, and return a [`Drain`]: it finishes when nothing
//! that the old rights started can still have an effect. No lock is held while waiting, so two revocations of each
//! other's tokens both finish.

mod access;
mod credential;
mod drain;
mod entry;
mod index;
mod interner;
mod limiter;
mod request;
mod rights;
mod stream;
mod tracker;

pub use access::{Access, Refused, Session};
pub use credential::Door;
pub use drain::Drain;
pub use entry::{Entry, Forbidden, Permit};
pub use limiter::{FailureLimiter, PeerNetwork};
pub use request::EndReason;
pub use rights::Owner;
pub use stream::GuardedStream;
