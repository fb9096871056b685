//! Scenarios, deliberate faults, and how stateright explores them.

use std::collections::BTreeSet;

use stateright::{Model, Property};

use crate::change;
use crate::properties;
use crate::request;
use crate::state::{Actor, Credential, Disk, Life, Memory, Record, State, Step, Stream, Token, Told, Violation, Waits};

/// What a management request changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Issue(Token),
    /// Takes the right to write away.
    Narrow(Token),
    Revoke(Token),
}

/// What an actor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Write,
    Read,
    Change(Change),
    /// The watcher that ends expired tokens.
    WatchExpiry,
}

/// Who does it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Role {
    pub(crate) token: Token,
    pub(crate) work: Work,
    /// The client sends no more of the body, or reads no more of the results.
    pub(crate) stalled: bool,
}

impl Role {
    pub(crate) fn new(token: Token, work: Work) -> Self {
        Self { token, work, stalled: false }
    }

    pub(crate) fn stalled(token: Token, work: Work) -> Self {
        Self { token, work, stalled: true }
    }
}

/// A fault put into the protocol on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    JoinWithoutRecheck,
    CloseWithoutScan,
    AnswerBeforeDraining,
    EffectWithoutCommitPoint,
    ScanBeforePermissionsAreReplaced,
    AdvanceBeforePermissionsAreReplaced,
    PermitWithoutSecondLook,
    NarrowingEndsEveryRequest,
    StreamLeftToItsClient,
    CallerStaysWhileDraining,
    RestartInstallsRevoked,
    ExpiryLeftToTheWatcher,
    /// A repeated revocation does not look for the drain of the first one.
    RepeatWaitsForNothing,
    /// A tracker that nobody has joined yet is forgotten although it is still open.
    OpenTrackerForgotten,
    /// Narrowing a token that is not in the index waits for nothing.
    NarrowingIgnoresExpiringToken,
    /// Requests are ended before the disk knows that time has come so far.
    ClockRecordedAfterEnding,
    /// A refusal on the ground of the clock is not remembered in memory.
    RefusalForgetsClock,
    /// That a token was not installed because of the clock is not remembered.
    InstallForgetsClock,
}

/// A small world: the roles are cast once, and everything else is in [`State`].
#[derive(Debug, Clone)]
pub(crate) struct Protocol {
    pub(crate) roles: Vec<Role>,
    /// Whether [`DATA`](crate::state::DATA) exists at the beginning.
    pub(crate) issued: bool,
    /// The token that has an expiry.
    pub(crate) expires: Option<Token>,
    pub(crate) crashes: u8,
    pub(crate) set_backs: u8,
    /// Whether waiting for a drain may give up ("still draining").
    pub(crate) bounded: bool,
    pub(crate) mutation: Option<Mutation>,
    /// What must be possible, so that the promises are not kept for want of events.
    pub(crate) possible: Vec<properties::Possible>,
}

impl Protocol {
    pub(crate) fn new(roles: impl Into<Vec<Role>>) -> Self {
        Self {
            roles: roles.into(),
            issued: true,
            expires: None,
            crashes: 0,
            set_backs: 0,
            bounded: false,
            mutation: None,
            possible: Vec::new(),
        }
    }

    pub(crate) fn with(&self, mutation: Mutation) -> Self {
        Self { mutation: Some(mutation), ..self.clone() }
    }

    pub(crate) fn has(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Whether a token keeps all its rights in this world. Nobody ever looks at its tracker, so a management request
    /// on it need not enter and leave step by step.
    pub(crate) fn is_lasting(&self, token: Token) -> bool {
        self.expires != Some(token) && !self.roles.iter().any(|role| role.work == Work::Change(Change::Revoke(token)))
    }

    /// Whether the next step of an actor can happen now.
    fn is_enabled(&self, state: &State, who: usize) -> bool {
        let (actor, role) = (&state.actors[who], self.roles[who]);
        match actor.step {
            Step::Over | Step::Lost => false,
            Step::Start if role.work == Work::WatchExpiry => {
                state.expiry_has_come() && state.memory.credentials[role.token].expiring
            }
            Step::Start if matches!(role.work, Work::Change(_)) && self.is_lasting(role.token) => {
                !state.memory.turn_taken
            }
            Step::Start => state.told.secret[role.token],
            Step::AwaitTurn => !state.memory.turn_taken,
            Step::Upload => false,
            Step::Poll => !role.stalled || actor.stream == Stream::Gone,
            Step::Drain => state.is_drained(actor.waits) || self.has(Mutation::AnswerBeforeDraining),
            _ => true,
        }
    }

    fn proceed(&self, state: &mut State, who: usize) {
        let next = match self.roles[who].work {
            Work::WatchExpiry => change::watch(self, state, who),
            Work::Change(wanted) => {
                request::step(self, state, who).unwrap_or_else(|| change::step(self, state, who, wanted))
            }
            Work::Write | Work::Read => request::step(self, state, who).unwrap_or(Step::Over),
        };
        let actor = &mut state.actors[who];
        actor.step = next;
        if next == Step::Over {
            // Nobody looks at these any more: states that differ only in them are the same.
            (actor.generation, actor.waits) = (0, Waits::Nothing);
        }
    }

    fn crash(state: &mut State) {
        state.crashes_left -= 1;
        state.up = false;
        state.memory = Memory::default();
        for actor in &mut state.actors {
            let step = if matches!(actor.step, Step::Start | Step::Over) { actor.step } else { Step::Lost };
            *actor = Actor { step, ..Actor::new() };
        }
    }

    /// `Service::open_with`: fills the index from the catalog.
    fn restart(&self, state: &mut State) {
        state.up = true;
        state.memory.latest = state.disk.clock_mark;
        for (who, role) in self.roles.iter().enumerate() {
            if role.work == Work::WatchExpiry {
                state.actors[who] = Actor::new();
            }
        }
        for token in 0..state.disk.tokens.len() {
            let record = state.disk.tokens[token].clone();
            if !record.exists || (record.revoked && !self.has(Mutation::RestartInstallsRevoked)) {
                continue;
            }
            self.install(state, token);
            let is_installed = state.memory.credentials[token].in_index;
            if is_installed && record.revoked {
                state.violate(Violation::RevokedTokenInstalled);
            }
            if is_installed && self.expires == Some(token) && state.told.expired {
                state.violate(Violation::ExpiredTokenRevived);
            }
        }
    }

    /// `Access::install`. That a token is left out because of the clock is recorded before anybody is told.
    pub(crate) fn install(&self, state: &mut State, token: Token) {
        if self.expires == Some(token) && state.expiry_has_come() {
            let remembered = !self.has(Mutation::InstallForgetsClock);
            state.disk.clock_mark |= remembered;
            state.memory.latest |= remembered;
            return;
        }
        state.memory.credentials[token] = Credential {
            in_index: true,
            expiring: self.expires == Some(token),
            may_write: state.disk.tokens[token].may_write,
            ..Credential::default()
        };
    }
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// An actor does its next step (which is named for the sake of whoever reads a counterexample).
    Do(usize, Step),
    /// A request that waits notices that it was ended: `Entry::run`.
    Notice(usize),
    /// Waiting for a drain has taken too long.
    GiveUp(usize),
    ReachExpiry,
    SetClockBack,
    Crash,
    Restart,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let record = |exists| Record { exists, may_write: true, revoked: false };
        let mut state = State {
            disk: Disk { tokens: [record(true), record(self.issued), record(true)], clock_mark: false },
            up: false,
            memory: Memory::default(),
            clock_late: false,
            actors: self.roles.iter().map(|_| Actor::new()).collect(),
            told: Told { secret: [true, self.issued, true], ..Told::default() },
            violations: BTreeSet::new(),
            crashes_left: self.crashes,
            set_backs_left: self.set_backs,
        };
        self.restart(&mut state);
        vec![state]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if !state.up {
            actions.push(Action::Restart);
        }
        for (who, actor) in state.actors.iter().enumerate().filter(|_| state.up) {
            if self.is_enabled(state, who) {
                actions.push(Action::Do(who, actor.step));
            }
            if actor.is_ended() && matches!(actor.step, Step::Upload | Step::AwaitTurn) {
                actions.push(Action::Notice(who));
            }
            if self.bounded && actor.step == Step::Drain {
                actions.push(Action::GiveUp(who));
            }
        }
        // These only happen while there is something left that they can disturb, so that a run without them ends too.
        if self.expires.is_some() && !state.clock_late && state.set_backs_left == self.set_backs {
            actions.push(Action::ReachExpiry);
        }
        if actions.is_empty() {
            return;
        }
        if state.clock_late && state.set_backs_left > 0 {
            actions.push(Action::SetClockBack);
        }
        if state.up && state.crashes_left > 0 {
            actions.push(Action::Crash);
        }
    }

    fn next_state(&self, last_state: &State, action: Action) -> Option<State> {
        let mut state = last_state.clone();
        match action {
            Action::Do(who, _) => self.proceed(&mut state, who),
            Action::Notice(who) => state.actors[who].step = Step::Unlist,
            Action::GiveUp(who) => state.actors[who].step = Step::Over,
            Action::ReachExpiry => state.clock_late = true,
            Action::SetClockBack => {
                state.set_backs_left -= 1;
                state.clock_late = false;
            }
            Action::Crash => Self::crash(&mut state),
            Action::Restart => self.restart(&mut state),
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let possible = self.possible.iter().map(|(name, condition)| Property::sometimes(name, *condition));
        properties::promises().into_iter().chain(possible).collect()
    }
}

/// Ends a request unless it is committing or already ended: the first half of `Request::end`. True if it was ended.
pub(crate) fn end(state: &mut State, who: usize, life: Life) -> bool {
    let running = state.actors[who].life == Life::Running;
    if running {
        state.actors[who].life = life;
    }
    running
}
