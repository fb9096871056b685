use proptest::prelude::*;

use super::*;

#[test]
fn closing_refuses_later_joins_and_reports_earlier_ones() {
    let word = Word::new();
    word.join().unwrap();
    word.join().unwrap();
    assert_eq!(word.close(), Observation { closed: false, generation: Generation(0), joined: 2 });
    assert_eq!(word.join(), Err(Closed));
    assert!(!word.leave());
    assert!(word.leave());
}

#[test]
fn leaving_an_open_word_wakes_nobody() {
    let word = Word::new();
    word.join().unwrap();
    assert!(!word.leave());
}

#[test]
fn the_generation_wraps_without_touching_its_neighbours() {
    let word = Word(AtomicU64::new((GENERATION_MASK << GENERATION_SHIFT) | 7));
    word.advance();
    assert_eq!(word.observe(), Observation { closed: false, generation: Generation(0), joined: 7 });
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Join,
    Leave,
    Close,
    Advance,
}

proptest! {
    /// The word is a counter, a number and a bit that never influence each other.
    #[test]
    fn behaves_as_three_separate_variables(steps in prop::collection::vec(
        prop_oneof![Just(Step::Join), Just(Step::Leave), Just(Step::Close), Just(Step::Advance)], 0..60)) {
        let word = Word::new();
        let (mut closed, mut generation, mut joined) = (false, 0, 0);
        for step in steps {
            match step {
                Step::Join => {
                    let expected = if closed { Err(Closed) } else { Ok(Generation(generation)) };
                    prop_assert_eq!(word.join(), expected);
                    joined += u32::from(!closed);
                }
                Step::Leave if joined > 0 => {
                    joined -= 1;
                    prop_assert_eq!(word.leave(), closed && joined == 0);
                }
                Step::Leave => {}
                Step::Close => {
                    word.close();
                    closed = true;
                }
                Step::Advance => {
                    word.advance();
                    generation += 1;
                }
            }
            prop_assert_eq!(word.observe(), Observation { closed, generation: Generation(generation), joined });
        }
    }
}
