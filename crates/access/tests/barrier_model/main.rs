//! A model of the revocation protocol, explored in every interleaving.
//!
//! `loom` checks the one atomic word (in the barrier crate). Here the whole protocol is checked: requests that enter,
//! get a permit, commit or stream and leave; management requests that narrow and revoke; the watcher that ends expired
//! tokens; crashes and restarts; a clock that is set back. Tasks run side by side, one atomic step at a time, and
//! [stateright](stateright) tries every order. A step is a single access to shared state in the code, or several that
//! are done under one lock:
//!
//! | Steps of the model | Code |
//! |---|---|
//! | `Start` of a request, `CompareExpiry`, `RecordClock` | `Access::enter`, and `Service::enter` for a refusal |
//! | `Join`, `List`, `RecheckClosed` | `Tracker::join` |
//! | `ObserveGeneration`, `ReadPermissions`, `NoteNeed`, `CheckEnded`, `RecheckGeneration` | `Entry::permit` |
//! | `Upload` | a body that is read within `Entry::run` |
//! | `BeginCommit`, `Effect` | `Request::begin_commit`; `Engine::write` from there on |
//! | `AttachStream`, `CheckAttached`, `Poll` | `Request::attach`, `GuardedStream::poll_next` |
//! | `Unlist`, `LeaveWord`, `Finish` | the drop of `Membership` and of `Entry` |
//! | `AwaitTurn`, `BeginChange` | `Service::begin_change` |
//! | `CommitToCatalog`, `Install`, `ReleaseTurn` | `Service::create`, `update_token`, `revoke` |
//! | `RemoveFromIndex`, `CloseWord`, `Snapshot` | `Access::end_credential`, `Tracker::close` |
//! | `FindCredential`, `ReplacePermissions`, `AdvanceGeneration`, `Snapshot`, `CheckCoverage` | `Access::narrow`, `Tracker::narrow` |
//! | `End`, `Terminate` | `Request::end`, `Slot::terminate` |
//! | `Drain` | `Drain::finished`, then the answer |
//! | `Start` and `RecordClock` of the watcher | `Service::start_expiry`, `Access::expiry_due`, `Access::expire` |
//! | `Restart` | `Service::open_with`, `Access::install` |
//!
//! Where the model leaves something out, it is what nobody else can see: a request on a token that keeps its rights in
//! a scenario enters and leaves in one step, and the request of a stream that was taken away leaves its tracker by
//! steps of its own instead of within the scan, which only adds interleavings. Time is before or from the one instant
//! of expiry on. Every scenario comes to an end in every run, so that "eventually" can be decided.
//!
//! A model that cannot fail proves nothing: [`Mutation`] lists faults that are put into the protocol on purpose, and
//! for each of them a broken promise must be found.
#![expect(
    clippy::indexing_slicing,
    reason = "actors and tokens are numbered densely; a wrong number must fail the test"
)]

mod change;
mod model;
mod properties;
mod request;
mod state;

use model::{Change, Mutation, Protocol, Role, Work};
use properties::*;
use state::{ADMIN, DATA, OTHER, Token};
use stateright::{Checker as _, HasDiscoveries, Model as _};

fn issue(token: Token) -> Work {
    Work::Change(Change::Issue(token))
}

fn narrow(token: Token) -> Work {
    Work::Change(Change::Narrow(token))
}

fn revoke(token: Token) -> Work {
    Work::Change(Change::Revoke(token))
}

/// A token is issued, used and revoked.
fn life_of_a_token() -> Protocol {
    Protocol {
        issued: false,
        crashes: 1,
        possible: vec![A_COMMITTED_WRITE_IS_FOLLOWED_BY_THE_ANSWER, A_CRASH_LOSES_AN_ANSWER],
        ..Protocol::new([
            Role::new(ADMIN, issue(DATA)),
            Role::new(DATA, Work::Write),
            Role::new(DATA, Work::Read),
            Role::new(ADMIN, revoke(DATA)),
        ])
    }
}

/// A token is revoked twice, at the same time or one after the other.
fn repeated_revocation() -> Protocol {
    Protocol {
        crashes: 1,
        possible: vec![
            A_COMMITTED_WRITE_IS_FOLLOWED_BY_THE_ANSWER,
            A_COMMIT_IS_WAITED_FOR,
            A_REQUEST_IS_REVOKED,
            A_CRASH_LOSES_AN_ANSWER,
            ALL_CHANGES_ARE_ANSWERED,
        ],
        ..Protocol::new([
            Role::new(DATA, Work::Write),
            Role::new(DATA, Work::Write),
            Role::new(ADMIN, revoke(DATA)),
            Role::new(ADMIN, revoke(DATA)),
        ])
    }
}

/// Clients that send no more of the body or read no more of the results.
fn stalled_clients() -> Protocol {
    Protocol {
        possible: vec![A_STREAM_IS_TAKEN, A_REQUEST_IS_REVOKED, ALL_CHANGES_ARE_ANSWERED],
        ..Protocol::new([
            Role::stalled(DATA, Work::Write),
            Role::stalled(DATA, Work::Read),
            Role::new(ADMIN, revoke(DATA)),
            Role::new(ADMIN, revoke(DATA)),
        ])
    }
}

/// The right to write is taken away from a token that writes and reads.
fn narrowing() -> Protocol {
    Protocol {
        crashes: 1,
        possible: vec![A_WRITE_COMMITS, A_COMMIT_IS_WAITED_FOR, A_REQUEST_IS_NARROWED, A_CRASH_LOSES_AN_ANSWER],
        ..Protocol::new([Role::new(DATA, Work::Write), Role::new(DATA, Work::Read), Role::new(ADMIN, narrow(DATA))])
    }
}

/// A token is narrowed and revoked.
fn narrowing_and_revocation() -> Protocol {
    Protocol {
        possible: vec![A_WRITE_COMMITS, A_REQUEST_IS_NARROWED, A_REQUEST_IS_REVOKED, ALL_CHANGES_ARE_ANSWERED],
        ..Protocol::new([
            Role::stalled(DATA, Work::Write),
            Role::new(DATA, Work::Write),
            Role::new(ADMIN, narrow(DATA)),
            Role::new(ADMIN, revoke(DATA)),
        ])
    }
}

/// A token revokes itself, while it is also used for a change whose client sends nothing more.
fn self_revocation() -> Protocol {
    Protocol {
        issued: false,
        crashes: 1,
        possible: vec![A_REQUEST_IS_REVOKED, A_CRASH_LOSES_AN_ANSWER],
        ..Protocol::new([
            Role::new(ADMIN, revoke(ADMIN)),
            Role::new(ADMIN, issue(DATA)),
            Role::stalled(ADMIN, revoke(OTHER)),
        ])
    }
}

/// Two tokens revoke each other.
fn mutual_revocation() -> Protocol {
    Protocol {
        crashes: 1,
        possible: vec![A_REQUEST_IS_REVOKED, A_CRASH_LOSES_AN_ANSWER],
        ..Protocol::new([
            Role::new(ADMIN, revoke(OTHER)),
            Role::new(OTHER, revoke(ADMIN)),
            Role::new(OTHER, Work::Write),
        ])
    }
}

/// A token expires, also while the server is down, and the clock is set back once.
fn expiry() -> Protocol {
    Protocol {
        expires: Some(DATA),
        crashes: 2,
        set_backs: 1,
        possible: vec![A_WRITE_COMMITS, A_REQUEST_EXPIRES],
        ..Protocol::new([
            Role::new(DATA, Work::Write),
            Role::new(DATA, Work::Write),
            Role::new(DATA, Work::WatchExpiry),
        ])
    }
}

/// A token is issued that expires soon, perhaps before it is installed.
fn expiry_of_a_new_token() -> Protocol {
    Protocol {
        issued: false,
        crashes: 1,
        roles: [expiry().roles, vec![Role::new(ADMIN, issue(DATA))]].concat(),
        possible: vec![A_WRITE_COMMITS, A_REQUEST_EXPIRES, A_CRASH_LOSES_AN_ANSWER],
        ..expiry()
    }
}

/// A token expires while it is revoked.
fn expiry_and_revocation() -> Protocol {
    Protocol {
        expires: Some(DATA),
        crashes: 1,
        possible: vec![A_COMMIT_IS_WAITED_FOR, A_REQUEST_IS_REVOKED, A_REQUEST_EXPIRES],
        ..Protocol::new([
            Role::new(DATA, Work::Write),
            Role::stalled(DATA, Work::Read),
            Role::new(DATA, Work::WatchExpiry),
            Role::new(ADMIN, revoke(DATA)),
        ])
    }
}

/// A token expires while it is narrowed.
fn expiry_and_narrowing() -> Protocol {
    Protocol {
        expires: Some(DATA),
        possible: vec![A_COMMIT_IS_WAITED_FOR, A_REQUEST_IS_NARROWED, A_REQUEST_EXPIRES],
        ..Protocol::new([
            Role::new(DATA, Work::Write),
            Role::new(DATA, Work::Write),
            Role::new(DATA, Work::WatchExpiry),
            Role::new(ADMIN, narrow(DATA)),
        ])
    }
}

/// A token is revoked twice while another one expires.
fn revocation_beside_an_expiry() -> Protocol {
    Protocol {
        expires: Some(OTHER),
        possible: vec![A_COMMIT_IS_WAITED_FOR, A_REQUEST_IS_REVOKED, ALL_CHANGES_ARE_ANSWERED],
        ..Protocol::new([
            Role::new(DATA, Work::Write),
            Role::new(OTHER, Work::WatchExpiry),
            Role::new(ADMIN, revoke(DATA)),
            Role::new(ADMIN, revoke(DATA)),
        ])
    }
}

/// Explores the scenario completely. Fails if a promise is broken or an event is impossible.
fn explore(scenario: Protocol) {
    let checker = scenario.checker().threads(2).spawn_bfs().join();
    eprintln!("{} states, at most {} steps", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
}

#[test]
fn a_token_lives() {
    explore(life_of_a_token());
}

#[test]
fn a_revocation_is_repeated() {
    explore(repeated_revocation());
}

#[test]
fn a_revocation_gives_up_waiting_and_is_repeated() {
    explore(Protocol {
        bounded: true,
        crashes: 0,
        possible: vec![A_COMMIT_IS_WAITED_FOR, A_REQUEST_IS_REVOKED],
        ..repeated_revocation()
    });
}

#[test]
fn a_revocation_does_not_depend_on_clients() {
    explore(stalled_clients());
}

#[test]
fn a_token_is_narrowed() {
    explore(narrowing());
}

#[test]
fn a_token_is_narrowed_and_revoked() {
    explore(narrowing_and_revocation());
}

#[test]
fn a_token_revokes_itself() {
    explore(self_revocation());
}

#[test]
fn two_tokens_revoke_each_other() {
    explore(mutual_revocation());
}

#[test]
fn a_token_expires() {
    explore(expiry());
}

#[test]
fn a_new_token_expires() {
    explore(expiry_of_a_new_token());
}

#[test]
fn a_token_expires_while_it_is_revoked() {
    explore(expiry_and_revocation());
}

#[test]
fn a_token_expires_while_it_is_narrowed() {
    explore(expiry_and_narrowing());
}

#[test]
fn a_token_expires_while_another_one_is_revoked() {
    explore(revocation_beside_an_expiry());
}

/// Every fault, a scenario in which it does harm, and the promise that it breaks there.
fn faults() -> Vec<(Mutation, Protocol, &'static str)> {
    vec![
        (Mutation::JoinWithoutRecheck, self_revocation(), CHANGES_END),
        (Mutation::CloseWithoutScan, stalled_clients(), CHANGES_END),
        (Mutation::AnswerBeforeDraining, repeated_revocation(), NO_EFFECT),
        (Mutation::AnswerBeforeDraining, narrowing(), NO_WRITE),
        (Mutation::RepeatWaitsForNothing, repeated_revocation(), NO_EFFECT),
        (Mutation::EffectWithoutCommitPoint, repeated_revocation(), NO_EFFECT_ONCE_ENDED),
        (Mutation::ScanBeforePermissionsAreReplaced, narrowing(), NO_WRITE),
        (Mutation::AdvanceBeforePermissionsAreReplaced, narrowing(), NO_WRITE),
        (Mutation::PermitWithoutSecondLook, narrowing(), NO_WRITE),
        (Mutation::NarrowingEndsEveryRequest, narrowing(), COVERED),
        (Mutation::StreamLeftToItsClient, stalled_clients(), CHANGES_END),
        (Mutation::CallerStaysWhileDraining, self_revocation(), NOT_BLOCKED_BY_SELF),
        (Mutation::CallerStaysWhileDraining, self_revocation(), CHANGES_END),
        (Mutation::RestartInstallsRevoked, repeated_revocation(), NOT_INSTALLED),
        (Mutation::RestartInstallsRevoked, repeated_revocation(), NOT_INDEXED),
        (Mutation::RestartInstallsRevoked, repeated_revocation(), NO_ENTRY),
        (Mutation::ExpiryLeftToTheWatcher, expiry(), NO_LATE_ENTRY),
        (Mutation::OpenTrackerForgotten, expiry_and_revocation(), NO_EFFECT),
        (Mutation::OpenTrackerForgotten, revocation_beside_an_expiry(), NO_EFFECT),
        (Mutation::NarrowingIgnoresExpiringToken, expiry_and_narrowing(), NO_WRITE),
        (Mutation::ClockRecordedAfterEnding, expiry(), NO_REVIVAL),
        (Mutation::RefusalForgetsClock, expiry(), NO_REVIVAL),
        (Mutation::InstallForgetsClock, expiry(), NO_REVIVAL),
        (Mutation::InstallForgetsClock, expiry_of_a_new_token(), NO_REVIVAL),
    ]
}

#[test]
fn every_fault_is_found() {
    for (mutation, scenario, promise) in faults() {
        let sought = HasDiscoveries::AllOf([promise].into());
        let checker = scenario.with(mutation).checker().threads(2).finish_when(sought).spawn_bfs().join();
        let found = checker.discovery(promise);
        assert!(found.is_some(), "{mutation:?} goes unnoticed: \"{promise}\" is kept");
    }
}
