//! What the protocol acts upon: the disk, the memory of the server, the requests, and what clients were told.

use std::collections::BTreeSet;

/// A token, by its place in [`Disk::tokens`] and [`Memory::credentials`].
pub(crate) type Token = usize;

/// The token behind the management requests of most scenarios.
pub(crate) const ADMIN: Token = 0;
/// The token that most scenarios take rights from.
pub(crate) const DATA: Token = 1;
/// A token beside them.
pub(crate) const OTHER: Token = 2;
const TOKENS: usize = 3;

/// The next thing that a task does. Each is one atomic step of the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Not begun. For a request: the look-up in the index. For the expiry watcher: waiting until a token is due.
    Start,
    CompareExpiry,
    RecordClock,
    Join,
    List,
    RecheckClosed,
    ObserveGeneration,
    ReadPermissions,
    NoteNeed,
    CheckEnded,
    RecheckGeneration,
    /// Waiting for a client that sends nothing more: only an end of the request leads on.
    Upload,
    BeginCommit,
    Effect,
    AttachStream,
    CheckAttached,
    Poll,
    AwaitTurn,
    BeginChange,
    CommitToCatalog,
    Install,
    RemoveFromIndex,
    CloseWord,
    FindCredential,
    ReplacePermissions,
    AdvanceGeneration,
    Snapshot,
    CheckCoverage,
    End,
    Terminate,
    ReleaseTurn,
    Unlist,
    LeaveWord,
    Finish,
    Drain,
    Over,
    /// Gone with a crash; nobody was answered.
    Lost,
}

/// Why a request was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    Revoked,
    Narrowed,
    Expired,
}

/// `Request::state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    Running,
    Committing,
    Ended(Reason),
}

/// The slot of a `GuardedStream`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stream {
    None,
    Open,
    /// The source was taken out or has run to its end.
    Gone,
}

/// A set of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Requests(u8);

impl Requests {
    pub(crate) fn insert(&mut self, request: usize) {
        self.0 |= 1 << request;
    }

    pub(crate) fn remove(&mut self, request: usize) {
        self.0 &= !(1 << request);
    }

    pub(crate) fn contains(self, request: usize) -> bool {
        self.0 & (1 << request) != 0
    }

    pub(crate) fn first(self) -> Option<usize> {
        (0..8).find(|request| self.contains(*request))
    }
}

/// `Drain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Waits {
    Nothing,
    Tracker(Token),
    Requests(Requests),
}

/// A request or the expiry watcher.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Actor {
    pub(crate) step: Step,
    pub(crate) life: Life,
    /// `Request::finished`.
    pub(crate) finished: bool,
    /// `Request::needs`: whether the one right that the request relies on is noted.
    pub(crate) needs: bool,
    pub(crate) stream: Stream,
    /// The generation that `Entry::permit` has observed.
    pub(crate) generation: u8,
    /// Requests of a scan that are still to be looked at or ended.
    pub(crate) scan: Requests,
    /// Requests that a narrowing has found uncovered.
    pub(crate) uncovered: Requests,
    pub(crate) waits: Waits,
    /// The catalog refused the change.
    pub(crate) refused: bool,
}

impl Actor {
    pub(crate) fn new() -> Self {
        Self {
            step: Step::Start,
            life: Life::Running,
            finished: false,
            needs: false,
            stream: Stream::None,
            generation: 0,
            scan: Requests::default(),
            uncovered: Requests::default(),
            waits: Waits::Nothing,
            refused: false,
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        matches!(self.life, Life::Ended(_))
    }
}

/// A row of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    pub(crate) exists: bool,
    pub(crate) may_write: bool,
    pub(crate) revoked: bool,
}

/// What a crash keeps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Disk {
    pub(crate) tokens: [Record; TOKENS],
    /// Whether the clock mark has reached the instant of expiry.
    pub(crate) clock_mark: bool,
}

/// `Credential`, its `Tracker` and its places in the maps of `Access`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Credential {
    pub(crate) in_index: bool,
    pub(crate) draining: bool,
    pub(crate) expiring: bool,
    pub(crate) may_write: bool,
    /// The three parts of the `Word`.
    pub(crate) closed: bool,
    pub(crate) generation: u8,
    pub(crate) joined: u8,
    /// `Tracker::requests`.
    pub(crate) listed: Requests,
}

/// What a crash loses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Memory {
    pub(crate) credentials: [Credential; TOKENS],
    /// `Service::changes` is held.
    pub(crate) turn_taken: bool,
    /// Whether `Access::latest` has reached the instant of expiry.
    pub(crate) latest: bool,
}

/// What clients know. Not part of the server: promises are checked against it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Told {
    /// The secret of the token. Before that nobody can present it.
    pub(crate) secret: [bool; TOKENS],
    pub(crate) revoked: [bool; TOKENS],
    pub(crate) narrowed: [bool; TOKENS],
    /// Somebody was refused, or was ended, because the token had expired.
    pub(crate) expired: bool,
}

/// A broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Violation {
    EffectAfterRevocation,
    EntryAfterRevocation,
    WriteAfterNarrowing,
    EffectAfterEnd,
    CoveredRequestNarrowed,
    EntryAfterExpiry,
    ExpiredTokenRevived,
    RevokedTokenInstalled,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) disk: Disk,
    pub(crate) up: bool,
    pub(crate) memory: Memory,
    /// Whether the clock of the machine shows the instant of expiry or later.
    pub(crate) clock_late: bool,
    pub(crate) actors: Vec<Actor>,
    pub(crate) told: Told,
    /// The promises that were broken on the way here.
    pub(crate) violations: BTreeSet<Violation>,
    pub(crate) crashes_left: u8,
    pub(crate) set_backs_left: u8,
}

impl State {
    /// `Access::now`, compared with the expiry.
    pub(crate) fn expiry_has_come(&self) -> bool {
        self.clock_late || self.memory.latest
    }

    pub(crate) fn violate(&mut self, violation: Violation) {
        self.violations.insert(violation);
    }

    /// `Drain::finished`.
    pub(crate) fn is_drained(&self, waits: Waits) -> bool {
        match waits {
            Waits::Nothing => true,
            Waits::Tracker(token) => self.memory.credentials[token].joined == 0,
            Waits::Requests(requests) => {
                self.actors.iter().enumerate().all(|(who, actor)| !requests.contains(who) || actor.finished)
            }
        }
    }
}
