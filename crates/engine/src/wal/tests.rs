//! Damage, failures and power loss.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::file::{Disk, LogFile, Storage};
use super::format::{FRAME_HEADER_LENGTH, HEADER_LENGTH, segment_path};
use super::replay;
use crate::error::EngineError;
use crate::tests::support::*;
use crate::{Engine, EngineOptions, WriteError, tables_named_in_log};

/// The records of a log, and the error that ended reading it.
fn read(directory: &Path) -> (Vec<Vec<u8>>, Option<EngineError>) {
    let mut records = Vec::new();
    let result = replay(directory, |record| {
        records.push(record.to_vec());
        Ok(())
    });
    (records, result.err())
}

/// A log of one segment and three records, each in a frame of its own; its bytes and records.
fn small_log() -> (Vec<u8>, Vec<Vec<u8>>) {
    write_small_log(&home())
}

fn write_small_log(home: &Home) -> (Vec<u8>, Vec<Vec<u8>>) {
    block_on(async {
        let engine = open(home);
        write(&engine, "m,t=a f=1 1").await;
        write(&engine, "m,t=b f=2,s=\"two\" 2").await;
        write(&engine, "n i=3i,u=4u,b=t 3").await;
    });
    let wal = home.wal();
    let bytes = fs::read(segment_path(&wal, 1)).unwrap();
    let (records, error) = read(&wal);
    assert!(error.is_none());
    assert_eq!(records.len(), 3);
    (bytes, records)
}

#[test]
fn a_log_cut_anywhere_keeps_every_record_before_the_cut() {
    let (bytes, records) = small_log();
    let mut ends = vec![];
    let mut end = HEADER_LENGTH;
    for record in &records {
        end += FRAME_HEADER_LENGTH + 4 + record.len();
        ends.push(end);
    }
    assert_eq!(end, bytes.len());
    for cut in 0..=bytes.len() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(segment_path(directory.path(), 1), &bytes[..cut]).unwrap();
        let whole = ends.iter().filter(|&&end| end <= cut).count();
        let (found, error) = read(directory.path());
        assert!(error.is_none(), "cut at {cut}: {error:?}");
        assert_eq!(found, records[..whole], "cut at {cut}");
        let (again, error) = read(directory.path());
        assert!(error.is_none() && again == found, "cut at {cut}, read again");
    }
}

#[test]
fn the_engine_writes_on_after_a_cut() {
    let original = home();
    let (bytes, records) = write_small_log(&original);
    for cut in [0, 7, HEADER_LENGTH, HEADER_LENGTH + 1, bytes.len() - records[2].len(), bytes.len() - 1] {
        let home = original.elsewhere();
        fs::create_dir(home.wal()).unwrap();
        fs::write(segment_path(&home.wal(), 1), &bytes[..cut]).unwrap();
        block_on(async {
            let engine = open(&home);
            write(&engine, "after f=1 1").await;
            drop(engine);
            let engine = open(&home);
            assert_eq!(table(&engine, "after").await, ["f=1.0 time=1"], "cut at {cut}");
            assert_eq!(engine.has_rows("m"), cut > HEADER_LENGTH + 1, "cut at {cut}");
        });
    }
}

#[test]
fn a_changed_byte_is_found() {
    let (bytes, records) = small_log();
    for at in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let directory = tempfile::tempdir().unwrap();
            let mut changed = bytes.clone();
            changed[at] ^= change;
            fs::write(segment_path(directory.path(), 1), &changed).unwrap();
            let (found, error) = read(directory.path());
            assert!(records.starts_with(&found), "byte {at}: wrong data");
            let last_frame = bytes.len() - FRAME_HEADER_LENGTH - 4 - records[2].len();
            if at < last_frame {
                // Later frames prove that this one had been acknowledged.
                assert!(error.is_some(), "byte {at}: acknowledged records vanished");
            } else {
                assert!(error.is_none() && found.len() == 2, "byte {at}: {error:?}");
            }
            if let Some(error) = error {
                let path = segment_path(directory.path(), 1).display().to_string();
                assert!(error.to_string().contains(&path), "{error}");
            }
        }
    }
}

fn frame(salt: u64, sequence: u64, records: &[&[u8]]) -> Vec<u8> {
    let payload: Vec<u8> =
        records.iter().flat_map(|record| [&(record.len() as u32).to_le_bytes()[..], record].concat()).collect();
    let payload_checksum = crc32fast::hash(&payload);
    let header = super::format::FrameHeader { length: payload.len() as u32, sequence, payload_checksum };
    [&header.to_bytes(salt)[..], &payload].concat()
}

#[test]
fn a_frame_of_several_records_counts_as_a_whole() {
    let header = super::format::SegmentHeader { number: 1, first_sequence: 1, salt: 99 };
    let whole = [&header.to_bytes()[..], &frame(99, 1, &[b"a", b"bc"]), &frame(99, 2, &[b"d", b""])].concat();
    let first = [b"a".to_vec(), b"bc".to_vec()];
    for (cut, expected) in [(0, 4), (1, 2), (5, 2)] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(segment_path(directory.path(), 1), &whole[..whole.len() - cut]).unwrap();
        let (found, error) = read(directory.path());
        assert!(error.is_none(), "{error:?}");
        assert_eq!(found.len(), expected, "cut {cut} bytes");
        assert_eq!(found[..2], first);
    }
    let directory = tempfile::tempdir().unwrap();
    let gap = [&header.to_bytes()[..], &frame(99, 1, &[b"a"]), &frame(99, 3, &[b"d"])].concat();
    fs::write(segment_path(directory.path(), 1), gap).unwrap();
    assert!(matches!(read(directory.path()).1, Some(EngineError::Corrupt { .. })), "a frame is missing");
}

#[test]
fn a_later_format_is_refused_as_such() {
    let (mut bytes, _) = small_log();
    bytes[8] = 2;
    let directory = tempfile::tempdir().unwrap();
    fs::write(segment_path(directory.path(), 1), &bytes).unwrap();
    let (_, error) = read(directory.path());
    assert!(matches!(error, Some(EngineError::NewerFormat { found: 2, known: 1, .. })), "{error:?}");
}

#[test]
fn a_record_of_a_later_version_is_refused_as_such() {
    let home = home();
    fs::create_dir(home.wal()).unwrap();
    let header = super::format::SegmentHeader { number: 1, first_sequence: 1, salt: 5 };
    for (version, newer) in [(0_u8, false), (3, true), (255, true)] {
        let log = [&header.to_bytes()[..], &frame(5, 1, &[&[version, 1, 0]])].concat();
        fs::write(segment_path(&home.wal(), 1), &log).unwrap();
        let opened = Engine::open(&home.wal(), home.tables.clone(), EngineOptions::default()).map(|_| ());
        let named = tables_named_in_log(&home.wal()).map(|_| ());
        for result in [opened, named] {
            match result {
                Err(EngineError::Corrupt { offset: 40, .. }) => assert!(!newer, "version {version}"),
                Err(EngineError::NewerFormat { found, known: 2, .. }) => assert!(newer && found == u32::from(version)),
                other => panic!("version {version}: {other:?}"),
            }
        }
        assert_eq!(fs::read(segment_path(&home.wal(), 1)).unwrap(), log);
    }
}

/// Writes with a segment for each record.
fn many_segments(home: &Home) -> usize {
    block_on(async {
        let options = EngineOptions { segment_bytes: 1, ..EngineOptions::default() };
        let engine = home.open_with(Disk, options);
        for n in 0..5 {
            write(&engine, &format!("m f={n} {n}")).await;
        }
    });
    fs::read_dir(home.wal()).unwrap().count()
}

#[test]
fn segments_rotate_and_are_read_in_order() {
    let home = home();
    assert_eq!(many_segments(&home), 6, "one was begun before anything was written");
    block_on(async {
        let engine = open(&home);
        let expected: Vec<String> = (0..5).map(|n| format!("f={n}.0 time={n}")).collect();
        assert_eq!(table(&engine, "m").await, expected);
    });
}

#[test]
fn damage_in_an_earlier_segment_is_an_error() {
    let home = home();
    many_segments(&home);
    let wal = home.wal();
    let third = segment_path(&wal, 3);
    let bytes = fs::read(&third).unwrap();
    let reopen = || Engine::open(&wal, home.tables.clone(), EngineOptions::default());
    let refused = || match reopen() {
        Err(error) => error,
        Ok(_) => panic!("a damaged log was opened"),
    };

    fs::write(&third, &bytes[..bytes.len() - 1]).unwrap();
    assert!(matches!(refused(), EngineError::Corrupt { path, offset: 40, .. } if path == third));
    fs::write(&third, &bytes[..10]).unwrap();
    assert!(matches!(refused(), EngineError::Corrupt { path, .. } if path == third));
    fs::write(&third, []).unwrap();
    assert!(matches!(refused(), EngineError::Corrupt { path, .. } if path == third));
    fs::copy(segment_path(&wal, 2), &third).unwrap();
    assert!(matches!(refused(), EngineError::Corrupt { path, .. } if path == third));
    fs::remove_file(&third).unwrap();
    assert!(matches!(refused(), EngineError::Corrupt { path, .. } if path == segment_path(&wal, 4)));
    fs::write(&third, &bytes).unwrap();
    assert!(reopen().is_ok());
}

#[test]
fn a_log_without_its_beginning_is_an_error() {
    let home = home();
    many_segments(&home);
    let wal = home.wal();
    fs::remove_file(segment_path(&wal, 1)).unwrap();
    assert!(matches!(read(&wal).1, Some(EngineError::Corrupt { path, .. }) if path == segment_path(&wal, 2)));
    let header = super::format::SegmentHeader { number: 1, first_sequence: 2, salt: 9 };
    fs::write(segment_path(&wal, 1), header.to_bytes()).unwrap();
    assert!(matches!(read(&wal).1, Some(EngineError::Corrupt { path, .. }) if path == segment_path(&wal, 1)));
}

#[test]
fn reading_changes_no_byte_of_a_long_segment() {
    let home = home();
    let text = "x".repeat(900_000);
    block_on(async {
        let engine = open(&home);
        for n in 0..3 {
            write(&engine, &format!("m s=\"{n}{text}\" {n}")).await;
        }
    });
    let wal = home.wal();
    let path = segment_path(&wal, 1);
    let before = fs::read(&path).unwrap();
    assert!(before.len() > 2 * 1024 * 1024);
    assert!(read(&wal).1.is_none());
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_large_length_allocates_nothing() {
    let (mut bytes, records) = small_log();
    let salt = u64::from_le_bytes(bytes[28..36].try_into().unwrap());
    let header = super::format::FrameHeader { length: u32::MAX, sequence: 4, payload_checksum: 0 };
    bytes.extend_from_slice(&header.to_bytes(salt));
    let directory = tempfile::tempdir().unwrap();
    fs::write(segment_path(directory.path(), 1), &bytes).unwrap();
    let (found, error) = read(directory.path());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found, records);
}

#[test]
fn data_that_looks_like_a_frame_is_only_data() {
    // A client writes bytes of a frame as a string; then the server dies in the middle of that write.
    let (stolen, _) = small_log();
    let salt = 0;
    let fake = super::format::FrameHeader { length: 0, sequence: 99, payload_checksum: 0 }.to_bytes(salt);
    let directory = tempfile::tempdir().unwrap();
    fs::write(segment_path(directory.path(), 1), [&stolen[..stolen.len() - 3], &fake].concat()).unwrap();
    let (found, error) = read(directory.path());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found.len(), 2);
}

#[test]
fn a_single_line_makes_a_small_record() {
    let (_, records) = small_log();
    let lines = ["m,t=a f=1 1", "m,t=b f=2,s=\"two\" 2", "n i=3i,u=4u,b=t 3"];
    for (record, line) in records.iter().zip(lines) {
        assert!(record.len() < line.len() + 48, "{} bytes for {line}", record.len());
    }
}

#[derive(Default)]
struct Fault {
    fail_writes: bool,
    fail_syncs: bool,
    fail_creates: bool,
    /// What would be on disk after a power loss.
    durable: HashMap<PathBuf, u64>,
    /// Files whose directory entry is not durable yet, with what is synced of them.
    unlisted: HashMap<PathBuf, u64>,
}

/// A disk that fails on demand and knows what was synced.
#[derive(Clone, Default)]
struct TestDisk(Arc<Mutex<Fault>>);

struct TestFile {
    disk: TestDisk,
    path: PathBuf,
    file: Box<dyn LogFile>,
}

fn fault() -> io::Error {
    io::Error::other("a fault of the test disk")
}

impl Storage for TestDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        if self.0.lock().fail_creates {
            return Err(fault());
        }
        self.0.lock().unlisted.insert(path.to_owned(), 0);
        Ok(Box::new(TestFile { disk: self.clone(), path: path.to_owned(), file: Disk.create(path)? }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        self.0.lock().durable.insert(path.to_owned(), fs::metadata(path)?.len());
        Ok(Box::new(TestFile { disk: self.clone(), path: path.to_owned(), file: Disk.append(path)? }))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        let listed: Vec<_> = state.unlisted.keys().filter(|file| file.parent() == Some(path)).cloned().collect();
        for file in listed {
            let length = state.unlisted.remove(&file).unwrap();
            state.durable.insert(file, length);
        }
        Disk.sync_directory(path)
    }
}

impl LogFile for TestFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.disk.0.lock().fail_writes {
            self.file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(fault());
        }
        self.file.write_all(bytes)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.truncate(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        if state.fail_syncs {
            return Err(fault());
        }
        let length = fs::metadata(&self.path)?.len();
        let known = if state.durable.contains_key(&self.path) { &mut state.durable } else { &mut state.unlisted };
        known.insert(self.path.clone(), length);
        self.file.sync()
    }
}

/// What a power loss leaves of a log, in another directory.
fn after_power_loss(home: &Home, disk: &TestDisk) -> Home {
    let survivor = home.elsewhere();
    fs::create_dir(survivor.wal()).unwrap();
    for (path, &length) in &disk.0.lock().durable {
        let bytes = fs::read(path).unwrap();
        fs::write(survivor.wal().join(path.file_name().unwrap()), &bytes[..usize::try_from(length).unwrap()]).unwrap();
    }
    survivor
}

#[tokio::test]
async fn a_power_loss_takes_nothing_that_was_acknowledged() {
    let home = home();
    let disk = TestDisk::default();
    // A new segment about every other write.
    let options = EngineOptions { segment_bytes: 150, ..EngineOptions::default() };
    let engine = home.open_with(disk.clone(), options);
    let mut expected = Vec::new();
    for n in 0..12 {
        write(&engine, &format!("m,t=a f={n} {n}")).await;
        expected.push(format!("f={n}.0 t=a time={n}"));
        expected.sort();
        let survivor = after_power_loss(&home, &disk);
        assert_eq!(table(&open(&survivor), "m").await, expected, "after write {n}");
    }
    assert!(disk.0.lock().durable.len() > 4, "segments rotated");
}

#[tokio::test]
async fn a_failed_sync_or_write_ends_all_writes_until_restart() {
    type Break = fn(&mut Fault, bool);
    let faults: [(&str, Break); 3] = [
        ("sync", |fault, on| fault.fail_syncs = on),
        ("write", |fault, on| fault.fail_writes = on),
        ("create", |fault, on| fault.fail_creates = on),
    ];
    for (name, set) in faults {
        let home = home();
        let disk = TestDisk::default();
        let options = EngineOptions { segment_bytes: 150, ..EngineOptions::default() };
        let engine = home.open_with(disk.clone(), options);
        write(&engine, "m f=1 1").await;
        write(&engine, "m f=2 2").await;
        set(&mut disk.0.lock(), true);
        let failed = try_write(&engine, "m f=3,lost=1 3").await;
        assert!(matches!(failed, Err(WriteError::Io(_))), "{name}: {failed:?}");
        set(&mut disk.0.lock(), false);
        let mut begun = false;
        let refused = engine
            .write(request("m f=4 4"), || {
                begun = true;
                true
            })
            .await;
        assert!(matches!(refused, Err(WriteError::ReadOnly)), "{name}: {refused:?}");
        assert!(!begun, "{name}");
        // What failed is not visible, rows and schema alike; what was acknowledged is.
        let acknowledged = ["f=1.0 time=1", "f=2.0 time=2"];
        assert_eq!(table(&engine, "m").await, acknowledged, "{name}");
        drop(engine);
        let engine = open(&home);
        let rows = table(&engine, "m").await;
        assert_eq!(rows, acknowledged, "{name}: the frame that failed was cut off");
        write(&engine, "m f=5 5").await;
        drop(engine);
        assert!(table(&open(&home), "m").await.contains(&"f=5.0 time=5".to_owned()), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everyone_who_waits_is_told_of_a_failure() {
    let home = home();
    let disk = TestDisk::default();
    let options = EngineOptions { group_bytes: 1, ..EngineOptions::default() };
    let engine = home.open_with(disk.clone(), options);
    disk.0.lock().fail_syncs = true;
    let writers: Vec<_> = (0..20)
        .map(|n| {
            let engine = engine.clone();
            tokio::spawn(async move { try_write(&engine, &format!("m f={n} {n}")).await })
        })
        .collect();
    let mut io = 0;
    for writer in writers {
        match writer.await.unwrap() {
            Err(WriteError::Io(_)) => io += 1,
            Err(WriteError::ReadOnly) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(io, 1, "one record was in the frame that failed");
    assert!(!engine.has_rows("m"));
}
