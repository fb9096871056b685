//! The power-loss layer itself: what it keeps and what it forgets, with programs whose syncs are known.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::support::powerloss::Disk;

const PRELUDE: &str = r#"
import os, sqlite3, sys
def create(name, content, flags=0, sync=True):
    fd = os.open(name, os.O_CREAT | os.O_WRONLY | flags, 0o640)
    os.write(fd, content)
    if sync:
        os.fsync(fd)
    return fd
def sync_directory(name="."):
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(fd)
    os.close(fd)
"#;

/// Runs a Python program in the root of the disk, ends it by SIGKILL and takes the power away.
fn run_and_lose_power(disk: &Disk, program: &str) {
    let output = Command::new("python3")
        .args(["-c", &format!("{PRELUDE}\n{program}\nos.kill(os.getpid(), 9)")])
        .current_dir(disk.root())
        .envs(disk.environment())
        .output()
        .expect("python3 is installed");
    assert_eq!(output.status.code(), None, "the program ended early: {}", String::from_utf8_lossy(&output.stderr));
    disk.lose_power();
}

/// The files that are left of this program, with their content.
fn left_of(program: &str) -> Vec<(String, String)> {
    let disk = Disk::new();
    run_and_lose_power(&disk, program);
    files(disk.root())
}

fn files(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            found.push((format!("{name}/"), String::new()));
            found.extend(files(&path).into_iter().map(|(inner, content)| (format!("{name}/{inner}"), content)));
        } else {
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

fn expected<const N: usize>(files: [(&str, &str); N]) -> Vec<(String, String)> {
    files.map(|(name, content)| (name.to_owned(), content.to_owned())).to_vec()
}

#[test]
fn synced_content_stays_and_later_content_is_lost() {
    let program = "fd = create('a', b'kept'); sync_directory(); os.write(fd, b', lost')";
    assert_eq!(left_of(program), expected([("a", "kept")]));
    let program = "fd = create('a', b'kept'); sync_directory(); os.write(fd, b', too'); os.fdatasync(fd)";
    assert_eq!(left_of(program), expected([("a", "kept, too")]));
}

#[test]
fn a_new_file_needs_the_sync_of_its_directory() {
    assert_eq!(left_of("create('a', b'synced')"), expected([]));
    assert_eq!(left_of("create('a', b'x', sync=False); sync_directory()"), expected([("a", "")]));
}

#[test]
fn a_rename_needs_the_sync_of_its_directory() {
    let start = "create('old', b'1'); create('new', b'2'); sync_directory(); os.rename('new', 'old')";
    assert_eq!(left_of(start), expected([("new", "2"), ("old", "1")]));
    assert_eq!(left_of(&format!("{start}; sync_directory()")), expected([("old", "2")]));
}

#[test]
fn a_removal_needs_the_sync_of_its_directory() {
    let start = "create('a', b'1'); sync_directory(); os.unlink('a')";
    assert_eq!(left_of(start), expected([("a", "1")]));
    assert_eq!(left_of(&format!("{start}; sync_directory()")), expected([]));
}

#[test]
fn truncation_and_overwriting_need_a_sync() {
    let start = "os.close(create('a', b'long content')); sync_directory(); fd = os.open('a', os.O_WRONLY | os.O_TRUNC)";
    assert_eq!(left_of(start), expected([("a", "long content")]));
    assert_eq!(left_of(&format!("{start}; os.write(fd, b'x'); os.fsync(fd)")), expected([("a", "x")]));
}

#[test]
fn a_directory_needs_the_sync_of_its_parent_and_its_own() {
    let start = "os.mkdir('d'); create('d/a', b'1')";
    assert_eq!(left_of(&format!("{start}; sync_directory('d')")), expected([]));
    assert_eq!(left_of(&format!("{start}; sync_directory('.')")), expected([("d/", "")]));
    let both = format!("{start}; sync_directory('d'); sync_directory('.')");
    assert_eq!(left_of(&both), expected([("d/", ""), ("d/a", "1")]));
}

#[test]
fn a_reused_inode_number_does_not_change_what_was_durable() {
    let program = "
for number in range(50):
    os.close(create('kept-%02d' % number, b'%d' % number))
sync_directory()
for number in range(50):
    os.unlink('kept-%02d' % number)
for number in range(100):
    os.close(create('lost-%02d' % number, b'lost'))
";
    let kept: Vec<(String, String)> = (0..50).map(|number| (format!("kept-{number:02}"), number.to_string())).collect();
    assert_eq!(left_of(program), kept);
}

#[test]
fn synchronous_descriptors_sync_each_write() {
    for flag in ["os.O_SYNC", "os.O_DSYNC"] {
        for write in
            ["os.write(fd, b'2')", "os.pwrite(fd, b'2', 1)", "os.writev(fd, [b'2'])", "os.pwritev(fd, [b'2'], 1)"]
        {
            let program = format!("fd = create('a', b'1', {flag}, sync=False); sync_directory(); {write}");
            assert_eq!(left_of(&program), expected([("a", "12")]), "{program}");
        }
    }
    let program = "fd = create('a', b'1'); sync_directory(); os.pwrite(fd, b'2', 1)";
    assert_eq!(left_of(program), expected([("a", "1")]));
}

#[test]
fn what_survived_one_loss_survives_the_next() {
    let disk = Disk::new();
    run_and_lose_power(&disk, "os.mkdir('d'); create('d/a', b'1'); sync_directory('d'); sync_directory()");
    run_and_lose_power(&disk, "os.write(os.open('d/a', os.O_WRONLY | os.O_APPEND), b'lost'); create('d/b', b'lost')");
    assert_eq!(files(disk.root()), expected([("d/", ""), ("d/a", "1")]));
}

#[test]
fn other_directories_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::new();
    let outside = directory.path().join("outside");
    run_and_lose_power(&disk, &format!("create({:?}, b'x', sync=False)", outside.to_str().unwrap()));
    assert_eq!(fs::read_to_string(outside).unwrap(), "x");
}

/// SQLite as a server uses it. A transaction that has been committed stays; with `synchronous` off it is lost.
#[test]
fn sqlite_keeps_commits_only_if_it_syncs() {
    for (synchronous, kept) in [("FULL", "[(1,), (2,)]"), ("OFF", "[]")] {
        let disk = Disk::new();
        let setup = "PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER); PRAGMA wal_checkpoint(TRUNCATE);";
        let commits = format!(
            "
db = sqlite3.connect('t.db', isolation_level=None)
db.executescript('{setup}')
os.fsync(os.open('t.db', os.O_RDWR)); sync_directory()
db.execute('PRAGMA synchronous = {synchronous}')
db.execute('INSERT INTO t VALUES (1)')
if '{synchronous}' == 'FULL':
    sync_directory()
db.execute('INSERT INTO t VALUES (2)')
"
        );
        run_and_lose_power(&disk, &commits);
        let rows = Command::new("python3")
            .args(["-c", "import sqlite3; print(sqlite3.connect('t.db').execute('SELECT n FROM t').fetchall())"])
            .current_dir(disk.root())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&rows.stdout).trim(), kept, "{}", String::from_utf8_lossy(&rows.stderr));
    }
}
