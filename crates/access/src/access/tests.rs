use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use tidegate_model::{Action, Description, Grant, NewToken, OsRandomness, PermissionSet, PlainToken, TokenKind};

use super::*;
use crate::{Forbidden, GuardedStream};

mod typed;

#[derive(Debug)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

struct Fixture {
    access: Access,
    clock: Arc<TestClock>,
    token: PlainToken,
    record: TokenRecord,
}

fn grants(text: &str) -> PermissionSet {
    text.split_whitespace()
        .map(|grant| {
            let (action, resource) = grant.split_once(':').unwrap();
            let action = if action == "read" { Action::Read } else { Action::Write };
            Grant { action, resource: resource.parse().unwrap() }
        })
        .collect()
}

fn fixture(permissions: &str, expires_at: Option<i64>) -> Fixture {
    let clock = Arc::new(TestClock(AtomicI64::new(0)));
    let access = Access::new(clock.clone(), None);
    let token = PlainToken::generate(TokenKind::Database, &OsRandomness);
    let record = TokenRecord::from(NewToken {
        id: TokenId::random(&OsRandomness),
        kind: TokenKind::Database,
        digest: token.digest(),
        prefix: token.visible_prefix(),
        description: Description::default(),
        permissions: grants(permissions),
        created_at: clock.now(),
        created_by: None,
        expires_at: expires_at.map(Timestamp::from_micros),
    });
    assert_eq!(access.install(&record), None);
    Fixture { access, clock, token, record }
}

impl Fixture {
    fn enter(&self) -> Result<Entry, Refused> {
        self.access.enter(self.token.digest(), Door::Data)
    }
}

fn is_finished(drain: &Drain) -> bool {
    let mut finished = std::pin::pin!(drain.finished());
    finished.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
}

fn poll<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    stream.poll_next_unpin(&mut Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn the_wrong_kind_is_refused_like_an_unknown_token() {
    let f = fixture("read:*", None);
    let unknown = PlainToken::generate(TokenKind::Database, &OsRandomness);
    let refused = f.access.enter(f.token.digest(), Door::Management).unwrap_err();
    assert_eq!(refused, f.access.enter(unknown.digest(), Door::Data).unwrap_err());
}

#[test]
fn a_revoked_token_is_refused_and_cannot_be_installed_again() {
    let mut f = fixture("read:*", None);
    assert!(is_finished(&f.access.revoke(&f.record)));
    assert!(f.enter().is_err());
    f.record.revoked_at = Some(f.access.now());
    assert_eq!(f.access.install(&f.record), None);
    assert!(f.enter().is_err());
}

#[test]
fn revocation_ends_a_request_before_its_commit_point() {
    let f = fixture("write:a", None);
    let entry = f.enter().unwrap();
    let drain = f.access.revoke(&f.record);
    assert_eq!(entry.begin_commit(), Err(EndReason::Revoked));
    assert!(!is_finished(&drain));
    drop(entry);
    assert!(is_finished(&drain));
}

#[test]
fn revocation_waits_for_a_commit_that_has_begun() {
    let f = fixture("write:a", None);
    let entry = f.enter().unwrap();
    entry.begin_commit().unwrap();
    let drain = f.access.revoke(&f.record);
    assert_eq!(entry.end_reason(), Some(EndReason::Revoked));
    assert!(!is_finished(&drain));
    drop(entry);
    assert!(is_finished(&drain));
}

#[test]
fn a_repeated_revocation_waits_for_the_same_requests() {
    let f = fixture("write:a", None);
    let entry = f.enter().unwrap();
    entry.begin_commit().unwrap();
    let first = f.access.revoke(&f.record);
    let second = f.access.revoke(&f.record);
    assert!(!is_finished(&first) && !is_finished(&second));
    drop(entry);
    assert!(is_finished(&first) && is_finished(&second));
    assert!(is_finished(&f.access.revoke(&f.record)));
}

#[test]
fn a_permit_is_refused_once_the_rights_have_ended() {
    let f = fixture("write:a", None);
    let entry = f.enter().unwrap();
    let _drain = f.access.revoke(&f.record);
    assert_eq!(entry.permit(Action::Write, &"a".parse().unwrap(), None), Err(Forbidden::Ended(EndReason::Revoked)));
}

#[test]
fn narrowing_ends_only_requests_that_are_no_longer_covered() {
    let mut f = fixture("read:a write:a", None);
    let (reader, writer, idle) = (f.enter().unwrap(), f.enter().unwrap(), f.enter().unwrap());
    let a = "a".parse().unwrap();
    reader.permit(Action::Read, &a, None).unwrap();
    writer.permit(Action::Write, &a, None).unwrap();
    f.record.permissions = grants("read:a");
    let drain = f.access.narrow(&f.record);
    assert_eq!(writer.begin_commit(), Err(EndReason::Narrowed));
    assert_eq!(reader.begin_commit(), Ok(()));
    assert_eq!(idle.permit(Action::Write, &a, None), Err(Forbidden::NoGrant));
    assert!(!is_finished(&drain));
    drop(writer);
    assert!(is_finished(&drain), "requests that are still covered are not waited for");
    assert!(f.enter().unwrap().permit(Action::Read, &a, None).is_ok());
}

#[test]
fn widening_ends_nothing() {
    let mut f = fixture("read:a", None);
    let entry = f.enter().unwrap();
    entry.permit(Action::Read, &"a".parse().unwrap(), None).unwrap();
    f.record.permissions = grants("read:a write:b");
    assert!(is_finished(&f.access.narrow(&f.record)));
    assert!(entry.permit(Action::Write, &"b".parse().unwrap(), None).is_ok());
}

#[test]
fn expiry_holds_from_the_instant_and_survives_a_clock_set_back() {
    let f = fixture("read:a", Some(1_000));
    f.clock.0.store(999, Ordering::SeqCst);
    assert_eq!(f.access.expiry_due(), None);
    let entry = f.enter().unwrap();
    f.clock.0.store(1_000, Ordering::SeqCst);
    assert_eq!(f.enter().unwrap_err().expired_at, Some(Timestamp::from_micros(1_000)));
    assert_eq!(f.access.expiry_due(), Some(Timestamp::from_micros(1_000)));
    f.access.expire(f.access.now());
    assert_eq!(entry.end_reason(), Some(EndReason::Expired));
    assert_eq!(f.access.expiry_due(), None);
    f.clock.0.store(0, Ordering::SeqCst);
    assert!(f.enter().is_err());
    assert!(f.access.install(&f.record).is_some());
    assert!(f.enter().is_err());
}

#[test]
fn a_refusal_on_the_clock_holds_although_the_watcher_has_not_come_round() {
    let f = fixture("read:a", Some(1_000));
    f.clock.0.store(1_000, Ordering::SeqCst);
    assert!(f.enter().is_err());
    f.clock.0.store(0, Ordering::SeqCst);
    assert!(f.enter().is_err());
}

#[test]
fn a_token_that_expired_before_the_start_is_remembered() {
    let f = fixture("read:a", Some(1_000));
    f.clock.0.store(2_000, Ordering::SeqCst);
    let restarted = Access::new(f.clock.clone(), None);
    assert_eq!(restarted.install(&f.record), Some(Timestamp::from_micros(2_000)));
    f.clock.0.store(0, Ordering::SeqCst);
    assert!(restarted.install(&f.record).is_some());
}

#[test]
fn narrowing_a_token_that_has_just_expired_waits_for_what_it_started() {
    let f = fixture("write:a", Some(1_000));
    let entry = f.enter().unwrap();
    entry.begin_commit().unwrap();
    f.access.expire(Timestamp::from_micros(1_000));
    let drain = f.access.narrow(&f.record);
    assert!(!is_finished(&drain));
    drop(entry);
    assert!(is_finished(&drain));
}

#[test]
fn an_expired_token_is_not_installed_after_a_restart_with_an_earlier_clock() {
    let f = fixture("read:a", Some(1_000));
    let restarted = Access::new(f.clock.clone(), Some(Timestamp::from_micros(1_000)));
    assert!(restarted.install(&f.record).is_some());
    assert!(restarted.enter(f.token.digest(), Door::Data).is_err());
}

#[test]
fn deleting_a_database_ends_the_requests_on_it_and_no_others() {
    let f = fixture("read:a read:b", None);
    let (on_a, on_b) = (f.enter().unwrap(), f.enter().unwrap());
    let (a, b) = (DatabaseId::new(1).unwrap(), DatabaseId::new(2).unwrap());
    f.access.join_database(&on_a, a).unwrap();
    f.access.join_database(&on_b, b).unwrap();
    let drain = f.access.end_database(a);
    assert_eq!(on_a.end_reason(), Some(EndReason::DatabaseGone));
    assert_eq!(on_b.end_reason(), None);
    drop(on_a);
    assert!(is_finished(&drain));
}

#[test]
fn a_database_is_not_forgotten_while_a_request_is_on_it() {
    let f = fixture("read:a", None);
    let a = DatabaseId::new(1).unwrap();
    let first = f.enter().unwrap();
    f.access.join_database(&first, a).unwrap();
    f.access.forget_database(a);
    let drain = f.access.end_database(a);
    assert_eq!(first.end_reason(), Some(EndReason::DatabaseGone));
    assert!(!is_finished(&drain));
    drop(first);
    assert!(is_finished(&drain));
    // Brought back after it was forgotten, it ends its requests as before.
    f.access.forget_database(a);
    let second = f.enter().unwrap();
    f.access.join_database(&second, a).unwrap();
    drop(f.access.end_database(a));
    assert_eq!(second.end_reason(), Some(EndReason::DatabaseGone));
}

#[test]
fn a_stream_ends_although_nobody_polls_it() {
    let f = fixture("read:a", None);
    let mut stream = GuardedStream::new(stream::iter(0..10), f.enter().unwrap());
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Ok(0))));
    let drain = f.access.revoke(&f.record);
    assert!(is_finished(&drain), "the source is taken out of the stream, which is not polled");
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Err(EndReason::Revoked))));
    assert_eq!(poll(&mut stream), Poll::Ready(None));
}

#[test]
fn a_stream_made_after_the_revocation_yields_nothing() {
    let f = fixture("read:a", None);
    let entry = f.enter().unwrap();
    let drain = f.access.revoke(&f.record);
    let mut stream = GuardedStream::new(stream::iter(0..10), entry);
    assert!(is_finished(&drain));
    assert_eq!(poll(&mut stream), Poll::Ready(Some(Err(EndReason::Revoked))));
}

#[test]
fn a_stream_that_ran_to_its_end_or_was_dropped_leaves() {
    let f = fixture("read:a", None);
    let mut complete = GuardedStream::new(stream::iter(0..1), f.enter().unwrap());
    while let Poll::Ready(Some(item)) = poll(&mut complete) {
        item.unwrap();
    }
    drop(GuardedStream::new(stream::iter(0..1), f.enter().unwrap()));
    assert!(is_finished(&f.access.revoke(&f.record)));
}

#[tokio::test]
async fn waiting_is_bounded_and_can_be_repeated() {
    let f = fixture("write:a", None);
    let entry = f.enter().unwrap();
    entry.begin_commit().unwrap();
    let drain = f.access.revoke(&f.record);
    assert!(!drain.finished_within(Duration::from_millis(1)).await);
    drop(entry);
    assert!(drain.finished_within(Duration::from_secs(60)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_has_an_effect_after_the_drain_under_load() {
    for _ in 0..200 {
        let f = Arc::new(fixture("write:a", None));
        let effects = Arc::new(AtomicI64::new(0));
        let workers: Vec<_> = (0..8)
            .map(|_| {
                let (f, effects) = (f.clone(), effects.clone());
                tokio::spawn(async move {
                    while let Ok(entry) = f.enter() {
                        if entry.permit(Action::Write, &"a".parse().unwrap(), None).is_ok()
                            && entry.begin_commit().is_ok()
                        {
                            tokio::task::yield_now().await;
                            effects.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                })
            })
            .collect();
        tokio::task::yield_now().await;
        f.access.revoke(&f.record).finished().await;
        let seen = effects.load(Ordering::SeqCst);
        for worker in workers {
            worker.await.unwrap();
        }
        assert_eq!(effects.load(Ordering::SeqCst), seen);
    }
}
