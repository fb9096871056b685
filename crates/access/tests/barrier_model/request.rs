//! The steps of a request: entering, getting a permit, having its effect, leaving.

use crate::model::{Mutation, Protocol, Work};
use crate::state::{Life, State, Step, Stream, Token, Violation};

/// Does the next step of a request and returns the one after it; `None` if the step belongs to a change.
pub(crate) fn step(model: &Protocol, state: &mut State, who: usize) -> Option<Step> {
    let role = model.roles[who];
    let token = role.token;
    let is_change = matches!(role.work, Work::Change(_));
    Some(match state.actors[who].step {
        Step::Start if is_change && model.is_lasting(token) => {
            state.memory.turn_taken = true;
            Step::CommitToCatalog
        }
        Step::Start => look_up(model, state, who),
        Step::CompareExpiry => compare_expiry(model, state, token),
        Step::RecordClock => {
            state.disk.clock_mark = true;
            state.told.expired = true;
            Step::Over
        }
        Step::Join if state.memory.credentials[token].closed => Step::Over,
        Step::Join => {
            state.memory.credentials[token].joined += 1;
            Step::List
        }
        Step::List => {
            state.memory.credentials[token].listed.insert(who);
            Step::RecheckClosed
        }
        Step::RecheckClosed => recheck_closed(model, state, who),
        Step::ObserveGeneration
        | Step::ReadPermissions
        | Step::NoteNeed
        | Step::CheckEnded
        | Step::RecheckGeneration => permit(model, state, who),
        Step::BeginCommit => begin_commit(model, state, who).unwrap_or(Step::Effect),
        Step::Effect => {
            effect(model, state, who);
            Step::Unlist
        }
        Step::AttachStream | Step::CheckAttached | Step::Poll => stream(model, state, who),
        Step::Unlist => {
            state.memory.credentials[token].listed.remove(who);
            Step::LeaveWord
        }
        Step::LeaveWord => {
            state.memory.credentials[token].joined -= 1;
            Step::Finish
        }
        Step::Finish => {
            state.actors[who].finished = true;
            // The request of a change that has been made waits for others only now.
            let made = is_change && state.actors[who].life == Life::Committing;
            if made && !model.has(Mutation::CallerStaysWhileDraining) { Step::Drain } else { Step::Over }
        }
        _ => return None,
    })
}

/// `Access::enter`, first part.
fn look_up(model: &Protocol, state: &mut State, who: usize) -> Step {
    let token = model.roles[who].token;
    let expires = model.expires == Some(token);
    if !state.memory.credentials[token].in_index {
        let record = &state.disk.tokens[token];
        let by_expiry = expires && record.exists && !record.revoked && state.expiry_has_come();
        state.told.expired |= by_expiry;
        return Step::Over;
    }
    if expires && !model.has(Mutation::ExpiryLeftToTheWatcher) {
        Step::CompareExpiry
    } else {
        enter_checked(model, state, token)
    }
}

/// `Access::enter`, second part; a refusal that rests on the clock is recorded before it is told (`Service::enter`).
fn compare_expiry(model: &Protocol, state: &mut State, token: Token) -> Step {
    if !state.expiry_has_come() {
        return enter_checked(model, state, token);
    }
    state.memory.latest |= !model.has(Mutation::RefusalForgetsClock);
    Step::RecordClock
}

/// The request is let in as far as the clock is concerned.
fn enter_checked(model: &Protocol, state: &mut State, token: Token) -> Step {
    let expires = model.expires == Some(token);
    if expires && state.clock_late {
        state.violate(Violation::EntryAfterExpiry);
    }
    if expires && state.told.expired {
        state.violate(Violation::ExpiredTokenRevived);
    }
    Step::Join
}

/// `Tracker::join`, last part.
fn recheck_closed(model: &Protocol, state: &mut State, who: usize) -> Step {
    let role = model.roles[who];
    if state.memory.credentials[role.token].closed && !model.has(Mutation::JoinWithoutRecheck) {
        return Step::Unlist;
    }
    if state.told.revoked[role.token] {
        state.violate(Violation::EntryAfterRevocation);
    }
    match role.work {
        Work::Change(_) if role.stalled => Step::Upload,
        Work::Change(_) => Step::AwaitTurn,
        _ => Step::ObserveGeneration,
    }
}

/// `Entry::permit`.
fn permit(model: &Protocol, state: &mut State, who: usize) -> Step {
    let role = model.roles[who];
    let credential = &state.memory.credentials[role.token];
    let actor = &mut state.actors[who];
    match actor.step {
        Step::ObserveGeneration => {
            actor.generation = credential.generation;
            Step::ReadPermissions
        }
        // Every token may read.
        Step::ReadPermissions if role.work == Work::Write && !credential.may_write => Step::Unlist,
        Step::ReadPermissions => Step::NoteNeed,
        Step::NoteNeed => {
            actor.needs = true;
            Step::CheckEnded
        }
        Step::CheckEnded if actor.is_ended() || credential.closed => Step::Unlist,
        Step::CheckEnded => Step::RecheckGeneration,
        _ if actor.generation != credential.generation && !model.has(Mutation::PermitWithoutSecondLook) => {
            Step::ObserveGeneration
        }
        _ if role.work == Work::Read => Step::AttachStream,
        _ if role.stalled => Step::Upload,
        _ => Step::BeginCommit,
    }
}

/// `Request::begin_commit`. The next step if it fails.
pub(crate) fn begin_commit(model: &Protocol, state: &mut State, who: usize) -> Option<Step> {
    let actor = &mut state.actors[who];
    if model.has(Mutation::EffectWithoutCommitPoint) {
        return None;
    }
    if actor.is_ended() {
        return Some(Step::Unlist);
    }
    actor.life = Life::Committing;
    None
}

/// `GuardedStream`: attaching it, and handing over what its source has. One item stands for all.
fn stream(model: &Protocol, state: &mut State, who: usize) -> Step {
    let actor = &mut state.actors[who];
    match (actor.step, actor.stream) {
        (Step::AttachStream, _) => {
            actor.stream = Stream::Open;
            Step::CheckAttached
        }
        (Step::CheckAttached, Stream::Open) if actor.is_ended() => {
            actor.stream = Stream::Gone;
            Step::Unlist
        }
        (Step::CheckAttached, _) => Step::Poll,
        (_, Stream::Open) => {
            actor.stream = Stream::Gone;
            effect(model, state, who);
            Step::Unlist
        }
        _ => Step::Unlist,
    }
}

/// Something that the world can see: a row, a byte of a result, a change of the catalog.
pub(crate) fn effect(model: &Protocol, state: &mut State, who: usize) {
    let role = model.roles[who];
    if state.told.revoked[role.token] {
        state.violate(Violation::EffectAfterRevocation);
    }
    if role.work == Work::Write && state.told.narrowed[role.token] {
        state.violate(Violation::WriteAfterNarrowing);
    }
    // A stream that is being ended may still hand something over until its source is taken out.
    if role.work != Work::Read && state.actors[who].is_ended() {
        state.violate(Violation::EffectAfterEnd);
    }
}
