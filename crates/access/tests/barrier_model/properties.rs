//! What must hold in every scenario, and what must be possible.

use stateright::Property;

use crate::model::{Protocol, Work};
use crate::state::{Life, Reason, State, Step, Violation, Waits};

pub(crate) const NO_EFFECT: &str = "after an answered revocation the token has no effect";
pub(crate) const NO_ENTRY: &str = "after an answered revocation no request enters";
pub(crate) const NOT_INDEXED: &str = "after an answered revocation the token is not in the index";
pub(crate) const NO_WRITE: &str = "after an answered narrowing nothing is written";
pub(crate) const NO_EFFECT_ONCE_ENDED: &str = "a request that was ended has no effect";
pub(crate) const COVERED: &str = "a narrowing ends no request that is still covered";
pub(crate) const NO_LATE_ENTRY: &str = "no request enters from the instant of expiry on";
pub(crate) const NO_REVIVAL: &str = "an expired token never revives";
pub(crate) const NOT_INSTALLED: &str = "a restart installs no revoked token";
pub(crate) const NOT_BLOCKED_BY_SELF: &str = "nobody waits for the request that it serves";
pub(crate) const CHANGES_END: &str = "every management request that no crash takes away comes to its end";

/// The promises.
pub(crate) fn promises() -> Vec<Property<Protocol>> {
    vec![
        Property::always(NO_EFFECT, |_, state| kept(state, Violation::EffectAfterRevocation)),
        Property::always(NO_ENTRY, |_, state| kept(state, Violation::EntryAfterRevocation)),
        Property::always(NOT_INDEXED, |_, state: &State| {
            let credentials = state.memory.credentials.iter();
            credentials.zip(state.told.revoked).all(|(credential, revoked)| !(credential.in_index && revoked))
        }),
        Property::always(NO_WRITE, |_, state| kept(state, Violation::WriteAfterNarrowing)),
        Property::always(NO_EFFECT_ONCE_ENDED, |_, state| kept(state, Violation::EffectAfterEnd)),
        Property::always(COVERED, |_, state| kept(state, Violation::CoveredRequestNarrowed)),
        Property::always(NO_LATE_ENTRY, |_, state| kept(state, Violation::EntryAfterExpiry)),
        Property::always(NO_REVIVAL, |_, state| kept(state, Violation::ExpiredTokenRevived)),
        Property::always(NOT_INSTALLED, |_, state| kept(state, Violation::RevokedTokenInstalled)),
        Property::always(NOT_BLOCKED_BY_SELF, |model: &Protocol, state: &State| {
            model.roles.iter().zip(&state.actors).enumerate().all(|(who, (role, actor))| {
                let own = match actor.waits {
                    Waits::Nothing => false,
                    Waits::Tracker(token) => token == role.token,
                    Waits::Requests(requests) => requests.contains(who),
                };
                actor.step != Step::Drain || !own || actor.finished
            })
        }),
        // Holds only in states without a successor, so it is not touched by how stateright treats paths that join.
        Property::eventually(CHANGES_END, |model: &Protocol, state: &State| {
            model.roles.iter().zip(&state.actors).all(|(role, actor)| {
                let stays = role.stalled && actor.step == Step::Upload && actor.life == Life::Running;
                !matches!(role.work, Work::Change(_)) || matches!(actor.step, Step::Over | Step::Lost) || stays
            })
        }),
    ]
}

fn kept(state: &State, promise: Violation) -> bool {
    !state.violations.contains(&promise)
}

/// Events that show that a scenario is not empty. Each is a name and a condition.
pub(crate) type Possible = (&'static str, fn(&Protocol, &State) -> bool);

pub(crate) const A_WRITE_COMMITS: Possible = ("a write commits", |model, state| {
    any(model, state, |work, actor| work == Work::Write && actor.life == Life::Committing && actor.finished)
});
pub(crate) const A_COMMITTED_WRITE_IS_FOLLOWED_BY_THE_ANSWER: Possible =
    ("a write commits before the answer", |model, state| {
        state.told.revoked.contains(&true) && (A_WRITE_COMMITS.1)(model, state)
    });
pub(crate) const A_COMMIT_IS_WAITED_FOR: Possible = ("a commit is waited for", |model, state| {
    any(model, state, |work, actor| work == Work::Write && actor.step == Step::Effect)
        && any(model, state, |_, actor| actor.step == Step::Drain && !state.is_drained(actor.waits))
});
pub(crate) const A_REQUEST_IS_REVOKED: Possible = ("a request is ended by a revocation", |model, state| {
    any(model, state, |_, actor| actor.life == Life::Ended(Reason::Revoked))
});
pub(crate) const A_REQUEST_IS_NARROWED: Possible = ("a request is ended by a narrowing", |model, state| {
    any(model, state, |_, actor| actor.life == Life::Ended(Reason::Narrowed))
});
pub(crate) const A_REQUEST_EXPIRES: Possible = ("a request is ended by an expiry", |model, state| {
    any(model, state, |_, actor| actor.life == Life::Ended(Reason::Expired))
});
pub(crate) const A_STREAM_IS_TAKEN: Possible = ("the source is taken out of a stream", |model, state| {
    any(model, state, |work, actor| work == Work::Read && actor.is_ended() && actor.step == Step::Poll)
});
pub(crate) const A_CRASH_LOSES_AN_ANSWER: Possible = ("a crash loses the answer of a change", |model, state| {
    any(model, state, |work, actor| matches!(work, Work::Change(_)) && actor.step == Step::Lost)
});
pub(crate) const ALL_CHANGES_ARE_ANSWERED: Possible =
    ("all changes are answered", |model, state| {
        model.roles.iter().zip(&state.actors).all(|(role, actor)| {
            !matches!(role.work, Work::Change(_)) || (actor.step == Step::Over && !actor.is_ended())
        })
    });

fn any(model: &Protocol, state: &State, condition: impl Fn(Work, &crate::state::Actor) -> bool) -> bool {
    model.roles.iter().zip(&state.actors).any(|(role, actor)| condition(role.work, actor))
}
