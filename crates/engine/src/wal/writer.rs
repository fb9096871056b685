//! Writes the log: one thread, one `fdatasync` for all requests that wait.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use parking_lot::{Condvar, Mutex};
use tidegate_model::{OsRandomness, Randomness};
use tokio::sync::oneshot;
use tracing::error;

use super::file::{LogFile, Storage};
use super::format::{FRAME_HEADER_LENGTH, FrameHeader, HEADER_LENGTH, SegmentHeader, segment_path};
use super::replay::Position;
use crate::buffer::{Buffer, TableRows};
use crate::engine::EngineOptions;
use crate::error::{EngineError, WriteError};
use crate::table::TableBuffer;

/// A request that has its place in the log and waits to be written.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) payload: Vec<u8>,
    pub(crate) rows: Vec<TableRows>,
    /// Told once the rows are durable and readable, or never will be acknowledged.
    pub(crate) done: oneshot::Sender<Result<(), WriteError>>,
}

/// Records in log order, between writers and the log thread.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<Record>,
    /// No record is taken any more: the log failed or was closed.
    shut: bool,
}

impl Queue {
    /// Whether records are refused.
    pub(crate) fn is_shut(&self) -> bool {
        self.state.lock().shut
    }

    /// Gives a record its place. Refused when the log is shut.
    pub(crate) fn push(&self, record: Record) -> Result<(), WriteError> {
        let mut state = self.state.lock();
        if state.shut {
            return Err(WriteError::ReadOnly);
        }
        state.records.push_back(record);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Refuses records from now on; those that wait are still written.
    pub(crate) fn close(&self) {
        self.state.lock().shut = true;
        self.changed.notify_one();
    }

    /// Waits for records and takes them up to `bytes`, but at least one. `None` when closed and empty.
    fn take(&self, bytes: usize) -> Option<Vec<Record>> {
        let mut state = self.state.lock();
        while state.records.is_empty() {
            if state.shut {
                return None;
            }
            self.changed.wait(&mut state);
        }
        let mut taken = Vec::new();
        let mut total = 0_usize;
        while let Some(record) = state.records.front() {
            total = total.saturating_add(record.payload.len());
            if total > bytes && !taken.is_empty() {
                break;
            }
            taken.extend(state.records.pop_front());
        }
        Some(taken)
    }

    /// Refuses records from now on, also those that wait.
    fn fail(&self) {
        let waiting = {
            let mut state = self.state.lock();
            state.shut = true;
            std::mem::take(&mut state.records)
        };
        for record in waiting {
            answer(record.done, Err(WriteError::ReadOnly));
        }
    }
}

/// A caller that is gone needs no answer.
fn answer(done: oneshot::Sender<Result<(), WriteError>>, result: Result<(), WriteError>) {
    let _gone = done.send(result);
}

/// Fails the queue when the log thread ends, in whatever way.
struct FailQueue<'q>(&'q Queue);

impl Drop for FailQueue<'_> {
    fn drop(&mut self) {
        self.0.fail();
    }
}

/// The end of the log, where frames are written.
pub(crate) struct Log {
    storage: Box<dyn Storage>,
    directory: PathBuf,
    options: EngineOptions,
    segment: OpenSegment,
    next_sequence: u64,
    /// The frame at hand; kept for its allocation.
    frame: Vec<u8>,
}

struct OpenSegment {
    file: Box<dyn LogFile>,
    header: SegmentHeader,
    length: u64,
}

impl Log {
    /// Goes on where replay ended.
    pub(crate) fn open(
        storage: Box<dyn Storage>,
        directory: PathBuf,
        options: EngineOptions,
        position: Position,
    ) -> Result<Self, EngineError> {
        let opened = match position.segment {
            Some((header, length)) => storage
                .append(&segment_path(&directory, header.number))
                .map(|file| OpenSegment { file, header, length }),
            None => create(storage.as_ref(), &directory, position.next_number, position.next_sequence),
        };
        let segment = opened.map_err(|error| EngineError::io(&directory, error))?;
        Ok(Self { storage, directory, options, segment, next_sequence: position.next_sequence, frame: Vec::new() })
    }

    /// Writes what the queue gives until it is closed or a write fails. Rows become readable in log order. Tables
    /// with many rows to merge go to `to_settle`.
    pub(crate) fn run(mut self, queue: &Queue, buffer: &Buffer, to_settle: &Sender<Arc<TableBuffer>>) {
        let _fail_queue = FailQueue(queue);
        while let Some(records) = queue.take(self.options.group_bytes) {
            if let Err(error) = self.write(&records) {
                error!(%error, directory = %self.directory.display(), "cannot write the log; taking no more writes");
                queue.fail();
                // Nobody was told that this frame is there. If it cannot be cut off, replay decides about it.
                let _left = self.segment.file.truncate(self.segment.length);
                let error = Arc::new(error);
                for record in records {
                    answer(record.done, Err(WriteError::Io(Arc::clone(&error))));
                }
                return;
            }
            for record in records {
                for table in buffer.append(record.rows) {
                    // If the other end is gone, queries merge.
                    let _gone = to_settle.send(table);
                }
                answer(record.done, Ok(()));
            }
        }
    }

    /// Writes one frame and syncs it.
    fn write(&mut self, records: &[Record]) -> io::Result<()> {
        if self.segment.length >= self.options.segment_bytes {
            let number = self.segment.header.number.saturating_add(1);
            self.segment = create(self.storage.as_ref(), &self.directory, number, self.next_sequence)?;
        }
        let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "the records are too long for one frame");
        self.frame.clear();
        self.frame.resize(FRAME_HEADER_LENGTH, 0);
        for record in records {
            let length = u32::try_from(record.payload.len()).map_err(|_| too_long())?;
            self.frame.extend_from_slice(&length.to_le_bytes());
            self.frame.extend_from_slice(&record.payload);
        }
        let Some((header, payload)) = self.frame.split_first_chunk_mut() else { return Err(too_long()) };
        *header = FrameHeader {
            length: u32::try_from(payload.len()).map_err(|_| too_long())?,
            sequence: self.next_sequence,
            payload_checksum: crc32fast::hash(payload),
        }
        .to_bytes(self.segment.header.salt);
        self.segment.file.write_all(&self.frame)?;
        self.segment.file.sync()?;
        self.segment.length += self.frame.len() as u64;
        self.next_sequence += 1;
        self.frame.shrink_to(self.options.group_bytes);
        Ok(())
    }
}

/// Creates a segment; it is durable, directory entry included, when this returns.
fn create(storage: &dyn Storage, directory: &Path, number: u64, first_sequence: u64) -> io::Result<OpenSegment> {
    let mut salt = [0; 8];
    OsRandomness.fill(&mut salt);
    let header = SegmentHeader { number, first_sequence, salt: u64::from_le_bytes(salt) };
    let mut file = storage.create(&segment_path(directory, number))?;
    file.write_all(&header.to_bytes())?;
    file.sync()?;
    storage.sync_directory(directory)?;
    Ok(OpenSegment { file, header, length: HEADER_LENGTH as u64 })
}
