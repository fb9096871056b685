//! The shape of the machine, without which no figure means anything.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;

use crate::process::kibibytes;
use crate::report::number;
use crate::statistics::Sample;

const SYNCS: usize = 50;

/// Processor, memory, load, and the disk that holds the temporary directories.
pub(crate) fn describe() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism().context("cannot count the cores")?;
    let processor = processor(&read("/proc/cpuinfo")?).unwrap_or_else(|| "unknown processor".to_owned());
    let memory = kibibytes(&read("/proc/meminfo")?, "MemTotal:").context("/proc/meminfo has no MemTotal")?;
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let load = read("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let directory = std::env::temp_dir();
    Ok(format!(
        "machine: {cores} cores, {processor}, {} GiB memory, Linux {}\n\
         disk:    {} on {}, 4 KiB appended and synced in {} ms (median of {SYNCS})\n\
         load:    {load} before the first measurement (1 minute average)",
        number(memory as f64 / f64::from(1 << 30)),
        kernel.trim(),
        directory.display(),
        file_system(&read("/proc/self/mounts")?, &directory).unwrap_or("unknown file system"),
        number(sync_milliseconds()?),
    ))
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}, this needs Linux"))
}

fn processor(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The type of the file system with the longest mount point above `directory`.
fn file_system<'a>(mounts: &'a str, directory: &Path) -> Option<&'a str> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((fields.next()?, fields.next()?))
        })
        .filter(|(point, _)| directory.starts_with(point))
        .max_by_key(|(point, _)| point.len())
        .map(|(_, kind)| kind)
}

fn sync_milliseconds() -> anyhow::Result<f64> {
    let mut file = tempfile::tempfile().context("cannot make a temporary file")?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(Sample::new(times)?.median())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_point_counts() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmpfiles xfs rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/tmp/x")), Some("tmpfs"));
        assert_eq!(file_system(mounts, Path::new("/home")), Some("ext4"));
    }
}
