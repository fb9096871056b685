//! Memory and processor time of a process, from `/proc`.

use std::fs;

use anyhow::Context as _;

/// Ticks in which Linux counts processor time, per second: fixed for every architecture that Tidegate runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Resident memory in bytes. `process` is an id or `self`.
pub(crate) fn resident_bytes(process: &str) -> anyhow::Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}, this needs Linux"))?;
    kibibytes(&text, "VmRSS:").with_context(|| format!("{path} does not tell the resident memory"))
}

/// The value, in bytes, of a line such as `MemTotal:  1024 kB`.
pub(crate) fn kibibytes(text: &str, label: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    let count: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(count * 1024)
}

/// Seconds of processor time, in user and system mode, of all threads so far.
pub(crate) fn processor_seconds(process: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{process}/stat");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}, this needs Linux"))?;
    processor_ticks(&text)
        .map(|ticks| ticks / TICKS_PER_SECOND)
        .with_context(|| format!("{path} does not tell the processor time"))
}

fn processor_ticks(stat: &str) -> Option<f64> {
    // The name of the program, in parentheses, may contain blanks; after it come fields 3, 4, …
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_a_strange_name() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 1234 66 0 0 20 0 3 0 500 1000 200";
        assert_eq!(processor_ticks(stat), Some(1300.0));
        assert_eq!(processor_ticks("nonsense"), None);
    }

    #[test]
    fn memory_lines_are_in_kibibytes() {
        let text = "VmPeak:\t  900 kB\nVmRSS:\t     640 kB\n";
        assert_eq!(kibibytes(text, "VmRSS:"), Some(640 * 1024));
        assert_eq!(kibibytes(text, "VmSwap:"), None);
    }
}
