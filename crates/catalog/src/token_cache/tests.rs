use tidegate_model::{Description, NewToken, PermissionSet, Timestamp, TokenDigest, TokenKind};

use super::*;

fn id(number: u128) -> TokenId {
    TokenId::from_uuid(uuid::Uuid::from_u128(number))
}

/// The record of a token after `version` changes.
fn record(number: u128, version: i64) -> Arc<TokenRecord> {
    let new = NewToken {
        id: id(number),
        kind: TokenKind::Database,
        digest: TokenDigest::of(&number.to_be_bytes()),
        prefix: String::new(),
        description: Description::default(),
        permissions: PermissionSet::none(),
        created_at: Timestamp::from_micros(version),
        created_by: None,
        expires_at: None,
    };
    Arc::new(new.into())
}

fn version(record: &TokenRecord) -> i64 {
    record.created_at.micros()
}

/// What is on disk, the cache before it, and how far each thread has come.
struct World {
    cache: TokenCache,
    committed: i64,
    readers: [Reader; 2],
    writer_position: usize,
}

#[derive(Clone, Copy, Default)]
enum Reader {
    #[default]
    Start,
    Missed(Ticket),
    Read(Ticket, i64),
    Done,
}

#[derive(Clone, Copy)]
enum WriterStep {
    Begin,
    Commit,
    EndCommitted,
    EndRolledBack,
}

const COMMITTED_THEN_ROLLED_BACK: &[WriterStep] =
    &[WriterStep::Begin, WriterStep::Commit, WriterStep::EndCommitted, WriterStep::Begin, WriterStep::EndRolledBack];
const ROLLED_BACK_THEN_COMMITTED: &[WriterStep] =
    &[WriterStep::Begin, WriterStep::EndRolledBack, WriterStep::Begin, WriterStep::Commit, WriterStep::EndCommitted];
/// The second change never ends: its outcome could not be read.
const CUT_OFF: &[WriterStep] =
    &[WriterStep::Begin, WriterStep::Commit, WriterStep::EndCommitted, WriterStep::Begin, WriterStep::Commit];

impl World {
    fn new(cached: bool) -> Self {
        let cache = TokenCache::new(8);
        if cached {
            cache.begin_change(id(1));
            cache.end_change(Some(record(1, 0)));
        }
        Self { cache, committed: 0, readers: [Reader::Start; 2], writer_position: 0 }
    }

    fn look_up(&self) -> Option<Ticket> {
        match self.cache.look_up(id(1)) {
            Lookup::Hit(found) => {
                assert_eq!(version(&found), self.committed, "the cache served something other than what is committed");
                None
            }
            Lookup::Miss(ticket) => Some(ticket),
        }
    }

    fn step_reader(&mut self, reader: usize) {
        self.readers[reader] = match self.readers[reader] {
            Reader::Start => self.look_up().map_or(Reader::Done, Reader::Missed),
            Reader::Missed(ticket) => Reader::Read(ticket, self.committed),
            Reader::Read(ticket, version) => {
                self.cache.offer(ticket, record(1, version));
                Reader::Done
            }
            Reader::Done => Reader::Done,
        };
    }

    fn step_writer(&mut self, script: &[WriterStep]) {
        match script[self.writer_position] {
            WriterStep::Begin => self.cache.begin_change(id(1)),
            WriterStep::Commit => self.committed += 1,
            WriterStep::EndCommitted => self.cache.end_change(Some(record(1, self.committed))),
            WriterStep::EndRolledBack => self.cache.end_change(None),
        }
        self.writer_position += 1;
    }
}

/// Calls `run` with every order in which the threads can take their steps; `left` are the steps each has to take.
fn every_order(left: &mut [usize], order: &mut Vec<usize>, run: &mut impl FnMut(&[usize])) {
    if left.iter().all(|&steps| steps == 0) {
        return run(order);
    }
    for thread in 0..left.len() {
        if left[thread] > 0 {
            left[thread] -= 1;
            order.push(thread);
            every_order(left, order, run);
            order.pop();
            left[thread] += 1;
        }
    }
}

#[test]
fn no_interleaving_serves_an_older_record_than_the_committed_one() {
    let mut orders = 0;
    for script in [COMMITTED_THEN_ROLLED_BACK, ROLLED_BACK_THEN_COMMITTED, CUT_OFF] {
        for cached in [false, true] {
            every_order(&mut [3, 3, script.len()], &mut Vec::new(), &mut |order| {
                let mut world = World::new(cached);
                for &thread in order {
                    match thread {
                        0 | 1 => world.step_reader(thread),
                        _ => world.step_writer(script),
                    }
                    world.look_up();
                }
                orders += 1;
            });
        }
    }
    assert_eq!(orders, 3 * 2 * 9240);
}

#[test]
fn an_offer_without_a_change_in_between_is_kept() {
    let cache = TokenCache::new(8);
    let Lookup::Miss(ticket) = cache.look_up(id(1)) else { panic!("nothing was cached") };
    cache.offer(ticket, record(1, 7));
    assert!(matches!(cache.look_up(id(1)), Lookup::Hit(found) if version(&found) == 7));
}

#[test]
fn the_cache_is_bounded_and_keeps_what_is_used() {
    let cache = TokenCache::new(8);
    for number in 0..1_000 {
        cache.begin_change(id(number));
        cache.end_change(Some(record(number, 0)));
        assert!(matches!(cache.look_up(id(0)), Lookup::Hit(_)), "after {number}");
        let state = cache.state.lock();
        assert!(state.recent.len() + state.older.len() <= 8);
    }
}
