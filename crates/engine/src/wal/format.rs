//! Bytes of segment and frame headers, and segment names.

use std::path::{Path, PathBuf};

/// Version of the format written, and the newest one read.
pub(crate) const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"TIDEWAL\n";
const FRAME_MAGIC: [u8; 4] = *b"tgFr";

/// Length of a segment header in bytes.
pub(crate) const HEADER_LENGTH: usize = 40;
/// Length of a frame header in bytes.
pub(crate) const FRAME_HEADER_LENGTH: usize = 24;

/// What the header of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The number in the file's name.
    pub(crate) number: u64,
    /// Sequence of its first frame.
    pub(crate) first_sequence: u64,
    /// Random; part of the checksums of frame headers.
    pub(crate) salt: u64,
}

/// Why bytes are not a segment header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    Damaged,
    Version(u32),
}

impl SegmentHeader {
    pub(crate) fn to_bytes(self) -> [u8; HEADER_LENGTH] {
        let mut bytes = Vec::with_capacity(HEADER_LENGTH);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.first_sequence.to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let mut header = [0; HEADER_LENGTH];
        header.copy_from_slice(&bytes);
        header
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, HeaderError> {
        let mut fields = Fields(bytes);
        if fields.take::<8>() != Some(MAGIC) {
            return Err(HeaderError::Damaged);
        }
        let version = fields.u32().ok_or(HeaderError::Damaged)?;
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        let header = (|| {
            let header = Self { number: fields.u64()?, first_sequence: fields.u64()?, salt: fields.u64()? };
            fields.u32()?;
            Some(header)
        })();
        // Comparing all bytes compares the checksum too.
        header.filter(|header| bytes.get(..HEADER_LENGTH) == Some(&header.to_bytes())).ok_or(HeaderError::Damaged)
    }
}

/// What the header of a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Length of the payload in bytes.
    pub(crate) length: u32,
    /// Number of the frame in the whole log.
    pub(crate) sequence: u64,
    /// CRC-32 of the payload.
    pub(crate) payload_checksum: u32,
}

impl FrameHeader {
    pub(crate) fn to_bytes(self, salt: u64) -> [u8; FRAME_HEADER_LENGTH] {
        let mut bytes = Vec::with_capacity(FRAME_HEADER_LENGTH);
        bytes.extend_from_slice(&FRAME_MAGIC);
        bytes.extend_from_slice(&self.length.to_le_bytes());
        bytes.extend_from_slice(&self.sequence.to_le_bytes());
        bytes.extend_from_slice(&self.payload_checksum.to_le_bytes());
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&salt.to_le_bytes());
        checksum.update(&bytes);
        bytes.extend_from_slice(&checksum.finalize().to_le_bytes());
        let mut header = [0; FRAME_HEADER_LENGTH];
        header.copy_from_slice(&bytes);
        header
    }

    /// `None` if the bytes do not begin with a frame header of this salt.
    pub(crate) fn parse(bytes: &[u8], salt: u64) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.take::<4>()? != FRAME_MAGIC {
            return None;
        }
        let header = Self { length: fields.u32()?, sequence: fields.u64()?, payload_checksum: fields.u32()? };
        (bytes.get(..FRAME_HEADER_LENGTH)? == header.to_bytes(salt)).then_some(header)
    }
}

/// Reads little-endian numbers from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

/// The path of a segment.
pub(crate) fn segment_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:016}.wal"))
}

/// The number of a segment file; `None` for other names.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".wal")?;
    if digits.len() != 16 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}
