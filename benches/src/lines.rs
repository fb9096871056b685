//! Line protocol of a fleet of hosts, made before the clock starts.

use std::fmt::Write as _;

use crate::random::Xorshift;

const HOSTS: u32 = 1000;
const FIRST_SECOND: u64 = 1_700_000_000;
const STEP_SECONDS: u64 = 30;
const FIELDS: [&str; 10] = [
    "usage_user",
    "usage_system",
    "usage_idle",
    "usage_nice",
    "usage_iowait",
    "usage_irq",
    "usage_softirq",
    "usage_steal",
    "usage_guest",
    "usage_guest_nice",
];

/// Lines in time order, every host at each step: ten float fields, two tags.
pub(crate) struct Lines {
    random: Xorshift,
    next: u64,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self { random: Xorshift::new(), next: 0 }
    }

    /// The next `count` lines.
    pub(crate) fn batch(&mut self, count: usize) -> Vec<u8> {
        let mut text = String::with_capacity(count * 240);
        for _ in 0..count {
            self.line(&mut text);
        }
        text.into_bytes()
    }

    fn line(&mut self, text: &mut String) {
        let host = self.next % u64::from(HOSTS);
        let second = FIRST_SECOND + self.next / u64::from(HOSTS) * STEP_SECONDS;
        self.next += 1;
        // Writing to a string cannot fail.
        let _ = write!(text, "cpu,host=host_{host},region=r{}", host % 10);
        let mut separator = ' ';
        for field in FIELDS {
            let hundredths = self.random.below(10_000);
            let _ = write!(text, "{separator}{field}={}.{:02}", hundredths / 100, hundredths % 100);
            separator = ',';
        }
        let _ = writeln!(text, " {second}000000000");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_announced_size_and_order() {
        let mut lines = Lines::new();
        let text = String::from_utf8(lines.batch(5000)).unwrap();
        let bytes = text.len() as f64 / 5000.0;
        assert!((230.5..231.5).contains(&bytes), "{bytes} bytes per line");
        let all: Vec<_> = text.lines().collect();
        assert!(all[0].starts_with("cpu,host=host_0,region=r0 usage_user="));
        assert!(all[999].starts_with("cpu,host=host_999,region=r9 ") && all[999].ends_with(" 1700000000000000000"));
        assert!(all[1000].starts_with("cpu,host=host_0,") && all[1000].ends_with(" 1700000030000000000"));
        assert!(all.iter().all(|line| line.matches("usage_").count() == 10));
    }
}
