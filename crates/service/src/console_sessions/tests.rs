use tidegate_model::OsRandomness;

use super::*;

fn digest(text: &str) -> TokenDigest {
    TokenDigest::of(text.as_bytes())
}

fn session(credential: &str, used: i64) -> ConsoleSession {
    let used = Timestamp::from_micros(used);
    let form_secret = PlainToken::generate_without_prefix(&OsRandomness);
    ConsoleSession { credential: digest(credential), door: Door::Api, form_secret, begun: used, last_used: used }
}

fn is_there(sessions: &ConsoleSessions, key: &str) -> bool {
    sessions.0.lock().contains_key(&digest(key))
}

#[test]
fn a_credential_with_too_many_sessions_loses_the_one_that_rested_longest() {
    let sessions = ConsoleSessions::default();
    sessions.note(digest("other"), session("other", 0));
    for number in 0..=MOST_PER_CREDENTIAL {
        let used = i64::try_from(number).unwrap() + 1;
        sessions.note(digest(&number.to_string()), session("credential", used));
    }
    assert!(!is_there(&sessions, "0"));
    assert!(["1", "100", "other"].iter().all(|key| is_there(&sessions, key)));
    assert_eq!(sessions.0.lock().len(), MOST_PER_CREDENTIAL + 1);
}

#[test]
fn there_are_never_more_than_fit() {
    let sessions = ConsoleSessions::default();
    for number in 0..=MOST {
        let credential = (number / 50).to_string();
        sessions.0.lock().insert(digest(&number.to_string()), session(&credential, i64::try_from(number).unwrap()));
    }
    sessions.note(digest("new"), session("new", 20_000));
    assert_eq!(sessions.0.lock().len(), MOST);
    assert!(is_there(&sessions, "new") && !is_there(&sessions, "0") && !is_there(&sessions, "1"));
    // Those that are dead anyway go first, however recently they were used.
    let later = LONGEST.as_micros() as i64;
    sessions.note(digest("much later"), session("new", later));
    assert_eq!(sessions.0.lock().len(), 1);
}

#[test]
fn a_clock_that_is_set_back_far_ends_sessions() {
    let hour = 60 * 60 * 1_000_000;
    let begun = session("credential", 100 * hour);
    assert!(begun.is_alive(Timestamp::from_micros(100 * hour)));
    assert!(begun.is_alive(Timestamp::from_micros(100 * hour - 1_000_000)));
    assert!(!begun.is_alive(Timestamp::from_micros(99 * hour)));
    assert!(!begun.is_alive(Timestamp::from_micros(101 * hour)));
}
