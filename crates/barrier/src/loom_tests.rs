//! Every interleaving of the protocol, as far as loom can enumerate it.

use loom::sync::atomic::AtomicBool;
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::*;

/// Once a revoker has closed the word and seen nobody joined, no request has an effect any more.
#[test]
fn no_effect_after_the_word_is_closed_and_empty() {
    loom::model(|| {
        let word = Arc::new(Word::new());
        let answered = Arc::new(AtomicBool::new(false));
        let requests: Vec<_> = (0..2)
            .map(|_| {
                let (word, answered) = (word.clone(), answered.clone());
                thread::spawn(move || {
                    if word.join().is_ok() {
                        assert!(!answered.load(Ordering::SeqCst), "effect after the answer");
                        word.leave();
                    }
                })
            })
            .collect();
        word.close();
        if word.observe().joined == 0 {
            answered.store(true, Ordering::SeqCst);
        }
        for request in requests {
            request.join().unwrap();
        }
        assert_eq!(word.observe().joined, 0);
    });
}

/// Exactly one of "the revoker saw an empty word" and "a request told that it was the last to leave" can be what
/// ends the wait, and at least one of them happens: the revoker is never left waiting.
#[test]
fn the_last_to_leave_always_wakes_the_revoker() {
    loom::model(|| {
        let word = Arc::new(Word::new());
        let woken = Arc::new(AtomicBool::new(false));
        let requests: Vec<_> = (0..2)
            .map(|_| {
                let (word, woken) = (word.clone(), woken.clone());
                thread::spawn(move || {
                    if word.join().is_ok() && word.leave() {
                        woken.store(true, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        let waits = word.close().joined > 0;
        for request in requests {
            request.join().unwrap();
        }
        assert_eq!(woken.load(Ordering::SeqCst), waits);
    });
}

/// Narrowing: a request that goes on with the old rights is always found by the scan that follows the change.
#[test]
fn a_request_sees_the_new_generation_or_is_seen_by_the_scan() {
    loom::model(|| {
        let word = Arc::new(Word::new());
        let may_write = Arc::new(AtomicBool::new(true));
        let registered = Arc::new(Mutex::new(false));
        let request = {
            let (word, may_write, registered) = (word.clone(), may_write.clone(), registered.clone());
            thread::spawn(move || {
                let Ok(mut generation) = word.join() else { return false };
                *registered.lock().unwrap() = true;
                loop {
                    let allowed = may_write.load(Ordering::SeqCst);
                    let now = word.observe().generation;
                    if now == generation {
                        return allowed;
                    }
                    generation = now;
                }
            })
        };
        may_write.store(false, Ordering::SeqCst);
        word.advance();
        let seen_by_scan = *registered.lock().unwrap();
        let went_on_with_old_rights = request.join().unwrap();
        assert!(!went_on_with_old_rights || seen_by_scan);
    });
}
