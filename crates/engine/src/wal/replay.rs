//! Reads the log back at start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use tracing::{info, warn};

use super::format::{
    FRAME_HEADER_LENGTH, FrameHeader, HEADER_LENGTH, HeaderError, SegmentHeader, VERSION, segment_number, segment_path,
};
use super::payload::{self, DecodeError};
use crate::error::EngineError;

/// Where the log goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The last segment and its length in bytes; `None` if the next one must be created.
    pub(crate) segment: Option<(SegmentHeader, u64)>,
    /// Number of the segment to create next.
    pub(crate) next_number: u64,
    /// Sequence of the next frame.
    pub(crate) next_sequence: u64,
}

/// Why a record cannot be taken over.
#[derive(Debug)]
pub(crate) enum RecordError {
    /// It cannot be what was written.
    Damaged(String),
    /// It has this version, which only a newer server knows.
    Newer(u8),
    /// It has rows of this table, which nobody knows.
    UnknownTable(String),
}

impl From<DecodeError> for RecordError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Version(version) if version > payload::VERSION => Self::Newer(version),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl RecordError {
    /// The error for a record in the frame at this place of a segment.
    fn at(self, path: &Path, offset: u64) -> EngineError {
        let path = path.to_owned();
        match self {
            Self::Damaged(reason) => EngineError::Corrupt { path, offset, reason },
            Self::Newer(version) => {
                EngineError::NewerFormat { path, found: version.into(), known: payload::VERSION.into() }
            }
            Self::UnknownTable(table) => EngineError::UnknownTable { path, table },
        }
    }
}

/// Hands every record to `apply` in log order, cuts off a frame that was never finished, and syncs what is left.
pub(crate) fn replay(
    directory: &Path,
    apply: impl FnMut(&[u8]) -> Result<(), RecordError>,
) -> Result<Position, EngineError> {
    let position = read(directory, apply)?;
    let unfinished = segment_path(directory, position.next_number);
    remove_unfinished(&unfinished).map_err(|error| EngineError::io(&unfinished, error))?;
    if let Some((header, length)) = position.segment {
        let path = segment_path(directory, header.number);
        cut(&path, length).map_err(|error| EngineError::io(&path, error))?;
        // A server that was killed may have left bytes that were never synced; from here on they count.
        write_again(&path, length).map_err(|error| EngineError::io(&path, error))?;
    }
    File::open(directory).and_then(|file| file.sync_all()).map_err(|error| EngineError::io(directory, error))?;
    Ok(position)
}

/// Hands every record to `apply` in log order and changes nothing. The position is that of a log from which what was
/// never finished, the last frame or segment, has been removed.
pub(crate) fn read(
    directory: &Path,
    mut apply: impl FnMut(&[u8]) -> Result<(), RecordError>,
) -> Result<Position, EngineError> {
    let numbers = segment_numbers(directory)?;
    let mut position = Position { segment: None, next_number: 1, next_sequence: 1 };
    let last = numbers.last().copied();
    for &number in &numbers {
        let path = segment_path(directory, number);
        if number != position.next_number {
            return Err(EngineError::corrupt(
                &path,
                0,
                format!("segment {} before it is missing", position.next_number),
            ));
        }
        let mut segment = Segment::open(path)?;
        let Some(header) = segment.header(number, Some(number) == last)? else {
            position.segment = None;
            break;
        };
        if header.first_sequence != position.next_sequence {
            return Err(EngineError::corrupt(&segment.path, 0, "its frames do not follow those before"));
        }
        let next_sequence = segment.frames(header, Some(number) == last, &mut apply)?;
        position =
            Position { segment: Some((header, segment.offset)), next_number: number.saturating_add(1), next_sequence };
    }
    Ok(position)
}

/// Removes the segment behind the last whole one, if it was begun.
fn remove_unfinished(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => {
            warn!(file = %path.display(), "removed a log segment that was being created when the server stopped");
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Cuts a segment off behind its last whole frame.
fn cut(path: &Path, length: u64) -> io::Result<()> {
    let found = fs::metadata(path)?.len();
    if found == length {
        return Ok(());
    }
    warn!(
        file = %path.display(), offset = length, bytes = found.saturating_sub(length),
        "cutting off a write that was not finished when the server stopped"
    );
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}

/// Makes the first `length` bytes of a file durable. After a failed sync the system may hold pages to be clean that
/// never reached the disk, so that a sync alone would do nothing: they are written again as they are read.
fn write_again(path: &Path, length: u64) -> io::Result<()> {
    const BLOCK: usize = 1024 * 1024;
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut block = vec![0; BLOCK];
    let mut offset = 0;
    while offset < length {
        let size = usize::try_from(length - offset).map_or(BLOCK, |left| left.min(BLOCK));
        block.truncate(size);
        file.read_exact_at(&mut block, offset)?;
        file.write_all_at(&block, offset)?;
        offset += size as u64;
    }
    file.sync_all()
}

fn segment_numbers(directory: &Path) -> Result<Vec<u64>, EngineError> {
    let failed = |error: io::Error| EngineError::io(directory, error);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        match name.to_str().and_then(segment_number) {
            Some(number) => numbers.push(number),
            None => warn!(file = ?name, "ignoring a file in the log directory that is not a segment"),
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A segment being read.
struct Segment {
    path: PathBuf,
    file: BufReader<File>,
    /// Length of the file in bytes.
    length: u64,
    /// How far it has been read.
    offset: u64,
}

impl Segment {
    fn open(path: PathBuf) -> Result<Self, EngineError> {
        let file = File::open(&path).map_err(|error| EngineError::io(&path, error))?;
        let length = file.metadata().map_err(|error| EngineError::io(&path, error))?.len();
        Ok(Self { path, file: BufReader::with_capacity(256 * 1024, file), length, offset: 0 })
    }

    fn io(&self, error: io::Error) -> EngineError {
        EngineError::io(&self.path, error)
    }

    fn corrupt(&self, reason: impl Into<String>) -> EngineError {
        EngineError::corrupt(&self.path, self.offset, reason)
    }

    /// Reads bytes that the file is known to have.
    fn read(&mut self, buffer: &mut [u8]) -> Result<(), EngineError> {
        self.file.read_exact(buffer).map_err(|error| EngineError::io(&self.path, error))?;
        self.offset += buffer.len() as u64;
        Ok(())
    }

    /// Reads the header. `None` if the last segment was never finished: frames are written only after the header is
    /// synced, so a damaged header without anything behind it holds nothing.
    fn header(&mut self, number: u64, last: bool) -> Result<Option<SegmentHeader>, EngineError> {
        let unfinished = last && self.length <= HEADER_LENGTH as u64;
        if self.length < HEADER_LENGTH as u64 {
            return if unfinished { Ok(None) } else { Err(self.corrupt("its header is cut short")) };
        }
        let mut bytes = [0; HEADER_LENGTH];
        self.read(&mut bytes)?;
        match SegmentHeader::parse(&bytes) {
            Ok(header) if header.number == number => Ok(Some(header)),
            Ok(header) => Err(EngineError::corrupt(&self.path, 0, format!("it is segment {}, renamed", header.number))),
            Err(HeaderError::Version(found)) if found > VERSION => {
                Err(EngineError::NewerFormat { path: self.path.clone(), found, known: VERSION })
            }
            Err(_) if unfinished => Ok(None),
            Err(_) => Err(EngineError::corrupt(&self.path, 0, "its header is not what was written")),
        }
    }

    /// Reads all whole frames; returns the sequence of the one that would follow.
    fn frames(
        &mut self,
        header: SegmentHeader,
        last: bool,
        apply: &mut impl FnMut(&[u8]) -> Result<(), RecordError>,
    ) -> Result<u64, EngineError> {
        let mut sequence = header.first_sequence;
        let mut payload = Vec::new();
        while self.offset < self.length {
            let start = self.offset;
            if !self.frame(header.salt, sequence, &mut payload)? {
                self.offset = start;
                self.check_unfinished(header.salt, sequence, last)?;
                break;
            }
            records(&payload, apply).map_err(|error| error.at(&self.path, start))?;
            sequence = sequence.saturating_add(1);
        }
        info!(file = %self.path.display(), frames = sequence.saturating_sub(header.first_sequence), "log segment read");
        Ok(sequence)
    }

    /// Reads the payload of the next frame; false if it is damaged.
    fn frame(&mut self, salt: u64, sequence: u64, payload: &mut Vec<u8>) -> Result<bool, EngineError> {
        if self.length - self.offset < FRAME_HEADER_LENGTH as u64 {
            return Ok(false);
        }
        let mut bytes = [0; FRAME_HEADER_LENGTH];
        self.read(&mut bytes)?;
        let Some(header) = FrameHeader::parse(&bytes, salt) else { return Ok(false) };
        if header.sequence != sequence {
            return Err(self.corrupt(format!("frame {} where {sequence} belongs", header.sequence)));
        }
        if u64::from(header.length) > self.length - self.offset {
            return Ok(false);
        }
        payload.resize(header.length as usize, 0);
        self.read(payload)?;
        Ok(crc32fast::hash(payload) == header.payload_checksum)
    }

    /// Makes sure that nothing from here on was acknowledged.
    fn check_unfinished(&mut self, salt: u64, sequence: u64, last: bool) -> Result<(), EngineError> {
        if !last {
            return Err(self.corrupt("a frame is not what was written"));
        }
        let mut rest = Vec::new();
        self.file.seek(SeekFrom::Start(self.offset)).map_err(|error| self.io(error))?;
        self.file.read_to_end(&mut rest).map_err(|error| self.io(error))?;
        let later = (1..rest.len())
            .filter_map(|at| FrameHeader::parse(rest.get(at..)?, salt))
            .any(|header| header.sequence > sequence);
        if later {
            return Err(self.corrupt("a frame is not what was written, and later ones are there"));
        }
        Ok(())
    }
}

/// Hands on the records of a frame.
fn records(mut payload: &[u8], apply: &mut impl FnMut(&[u8]) -> Result<(), RecordError>) -> Result<(), RecordError> {
    let damaged = |what: &str| RecordError::Damaged(what.to_owned());
    while let Some((length, rest)) = payload.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let (record, rest) =
            rest.split_at_checked(length).ok_or_else(|| damaged("a record is longer than its frame"))?;
        apply(record)?;
        payload = rest;
    }
    if payload.is_empty() { Ok(()) } else { Err(damaged("bytes are left in a frame")) }
}
