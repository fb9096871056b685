//! The steps of those who end rights: management requests and the expiry watcher.

use crate::model::{Change, Mutation, Protocol, Work, end};
use crate::request::{begin_commit, effect};
use crate::state::{Life, Reason, State, Step, Stream, Token, Violation, Waits};

/// Does the next step of `Service::create`, `update_token` or `revoke`, and returns the one after it.
pub(crate) fn step(model: &Protocol, state: &mut State, who: usize, change: Change) -> Step {
    let (Change::Issue(target) | Change::Narrow(target) | Change::Revoke(target)) = change;
    match state.actors[who].step {
        Step::AwaitTurn => {
            state.memory.turn_taken = true;
            Step::BeginChange
        }
        Step::BeginChange => {
            let failed = begin_commit(model, state, who);
            state.memory.turn_taken = failed.is_none();
            failed.unwrap_or(Step::CommitToCatalog)
        }
        Step::CommitToCatalog => commit(model, state, who, change),
        Step::Install => {
            model.install(state, target);
            Step::ReleaseTurn
        }
        Step::FindCredential if state.memory.credentials[target].in_index => {
            if model.has(Mutation::ScanBeforePermissionsAreReplaced) {
                Step::Snapshot
            } else if model.has(Mutation::AdvanceBeforePermissionsAreReplaced) {
                Step::AdvanceGeneration
            } else {
                Step::ReplacePermissions
            }
        }
        Step::FindCredential if model.has(Mutation::NarrowingIgnoresExpiringToken) => Step::ReleaseTurn,
        Step::FindCredential => Step::RemoveFromIndex,
        Step::ReplacePermissions => {
            state.memory.credentials[target].may_write = false;
            if model.has(Mutation::AdvanceBeforePermissionsAreReplaced) {
                Step::Snapshot
            } else {
                Step::AdvanceGeneration
            }
        }
        Step::AdvanceGeneration => {
            state.memory.credentials[target].generation += 1;
            if model.has(Mutation::AdvanceBeforePermissionsAreReplaced) {
                Step::ReplacePermissions
            } else if model.has(Mutation::ScanBeforePermissionsAreReplaced) {
                Step::ReleaseTurn
            } else {
                Step::Snapshot
            }
        }
        Step::CheckCoverage => check_coverage(model, state, who),
        Step::ReleaseTurn => {
            state.memory.turn_taken = false;
            let joined = !model.is_lasting(model.roles[who].token);
            if joined && !model.has(Mutation::CallerStaysWhileDraining) { Step::Unlist } else { Step::Drain }
        }
        Step::Drain => {
            answer(state, who, change);
            let joined = !model.is_lasting(model.roles[who].token);
            if joined && !state.actors[who].finished { Step::Unlist } else { Step::Over }
        }
        _ => end_rights(model, state, who, target),
    }
}

/// The transaction in the catalog.
fn commit(model: &Protocol, state: &mut State, who: usize, change: Change) -> Step {
    let (next, target) = match change {
        Change::Issue(target) => (Step::Install, target),
        Change::Narrow(target) => (Step::FindCredential, target),
        Change::Revoke(target) => (Step::RemoveFromIndex, target),
    };
    let record = &mut state.disk.tokens[target];
    let is_possible = match change {
        Change::Issue(_) => !record.exists,
        Change::Narrow(_) => record.exists && !record.revoked,
        Change::Revoke(_) => record.exists,
    };
    if !is_possible {
        state.actors[who].refused = true;
        return Step::ReleaseTurn;
    }
    match change {
        Change::Issue(_) => record.exists = true,
        Change::Narrow(_) => record.may_write = false,
        Change::Revoke(_) => record.revoked = true,
    }
    effect(model, state, who);
    next
}

/// The answer, if it is one that promises something.
fn answer(state: &mut State, who: usize, change: Change) {
    if state.actors[who].refused {
        return;
    }
    match change {
        Change::Issue(target) => state.told.secret[target] = true,
        Change::Narrow(target) => state.told.narrowed[target] = true,
        Change::Revoke(target) => state.told.revoked[target] = true,
    }
}

/// Does the next step of the watcher (`Service::start_expiry`, `Access::expiry_due`, `Access::expire`), and returns the one after it.
pub(crate) fn watch(model: &Protocol, state: &mut State, who: usize) -> Step {
    let token = model.roles[who].token;
    match state.actors[who].step {
        Step::Start => {
            state.memory.latest = true;
            if model.has(Mutation::ClockRecordedAfterEnding) { Step::RemoveFromIndex } else { Step::RecordClock }
        }
        Step::RecordClock => {
            state.disk.clock_mark = true;
            if model.has(Mutation::ClockRecordedAfterEnding) { Step::Over } else { Step::RemoveFromIndex }
        }
        _ => end_rights(model, state, who, token),
    }
}

/// `Access::end_credential`, `Tracker::close` and the scan that `Tracker::narrow` shares with it.
fn end_rights(model: &Protocol, state: &mut State, who: usize, target: Token) -> Step {
    let narrows = matches!(model.roles[who].work, Work::Change(Change::Narrow(_)));
    match state.actors[who].step {
        Step::RemoveFromIndex => remove_from_index(model, state, who, target),
        Step::CloseWord => {
            state.memory.credentials[target].closed = true;
            if model.has(Mutation::CloseWithoutScan) { ended_all(model, who) } else { Step::Snapshot }
        }
        Step::Snapshot => {
            state.actors[who].scan = state.memory.credentials[target].listed;
            // A narrowing that found the token on its way out ends it like the watcher.
            if narrows && state.actors[who].waits == Waits::Nothing { Step::CheckCoverage } else { Step::End }
        }
        Step::End => end_next(model, state, who),
        _ => {
            terminate_next(state, who);
            Step::End
        }
    }
}

/// The part of `Access::end_credential` that is done under the lock of `draining`.
fn remove_from_index(model: &Protocol, state: &mut State, who: usize, target: Token) -> Step {
    for credential in &mut state.memory.credentials {
        let open = !credential.closed && !model.has(Mutation::OpenTrackerForgotten);
        credential.draining &= open || credential.joined > 0;
    }
    let credential = &mut state.memory.credentials[target];
    credential.expiring = false;
    let was_in_index = std::mem::take(&mut credential.in_index);
    credential.draining |= was_in_index;
    if was_in_index || (credential.draining && !model.has(Mutation::RepeatWaitsForNothing)) {
        state.actors[who].waits = Waits::Tracker(target);
        Step::CloseWord
    } else {
        ended_all(model, who)
    }
}

/// `Request::is_covered_by` for one request of the scan.
fn check_coverage(model: &Protocol, state: &mut State, who: usize) -> Step {
    let Some(request) = state.actors[who].scan.first() else {
        let uncovered = std::mem::take(&mut state.actors[who].uncovered);
        state.actors[who].scan = uncovered;
        state.actors[who].waits = Waits::Requests(uncovered);
        return Step::End;
    };
    state.actors[who].scan.remove(request);
    let relies_on_it = state.actors[request].needs && model.roles[request].work == Work::Write;
    if relies_on_it || model.has(Mutation::NarrowingEndsEveryRequest) {
        state.actors[who].uncovered.insert(request);
    }
    Step::CheckCoverage
}

/// `Request::end` for one request of the scan, up to the point where its stream is taken.
fn end_next(model: &Protocol, state: &mut State, who: usize) -> Step {
    let Some(request) = state.actors[who].scan.first() else {
        return ended_all(model, who);
    };
    let by_narrowing = matches!(state.actors[who].waits, Waits::Requests(_));
    let reason = match model.roles[who].work {
        Work::Change(Change::Narrow(_)) if by_narrowing => Reason::Narrowed,
        Work::Change(Change::Revoke(_)) => Reason::Revoked,
        _ => Reason::Expired,
    };
    let ended = end(state, request, Life::Ended(reason));
    if ended && reason == Reason::Expired {
        state.told.expired = true;
    }
    if ended && reason == Reason::Narrowed && model.roles[request].work != Work::Write {
        state.violate(Violation::CoveredRequestNarrowed);
    }
    if ended && model.roles[request].work == Work::Read && !model.has(Mutation::StreamLeftToItsClient) {
        return Step::Terminate;
    }
    state.actors[who].scan.remove(request);
    Step::End
}

/// `Request::end`, second part: takes the source out of the stream. The request itself then leaves its tracker.
fn terminate_next(state: &mut State, who: usize) {
    if let Some(request) = state.actors[who].scan.first() {
        if state.actors[request].stream == Stream::Open {
            state.actors[request].stream = Stream::Gone;
        }
        state.actors[who].scan.remove(request);
    }
}

/// What comes after the last request was ended.
fn ended_all(model: &Protocol, who: usize) -> Step {
    match model.roles[who].work {
        Work::WatchExpiry if model.has(Mutation::ClockRecordedAfterEnding) => Step::RecordClock,
        Work::WatchExpiry => Step::Over,
        Work::Change(Change::Narrow(_)) if model.has(Mutation::ScanBeforePermissionsAreReplaced) => {
            Step::ReplacePermissions
        }
        _ => Step::ReleaseTurn,
    }
}
