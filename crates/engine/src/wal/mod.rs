//! The write-ahead log: what is acknowledged is in it, on disk.
//!
//! The log is a run of segment files `0000000000000001.wal`, `0000000000000002.wal`, … Each begins with a header
//! and holds frames. A frame is written with one write and followed by one `fdatasync`; the next frame is written only
//! after that. It holds the records of all requests that waited at that moment.
//!
//! ```text
//! segment  = header frame…
//! header   = "TIDEWAL\n" version (4) segment number (8) sequence of the first frame (8) salt (8) checksum (4)
//! frame    = "tgFr" payload length (4) sequence (8) payload checksum (4) header checksum (4) payload
//! payload  = record…
//! record   = length (4) content, see `payload`
//! ```
//!
//! Numbers are little endian, checksums CRC-32. The checksum of a frame header covers the salt of the segment and the
//! 20 bytes before it. The salt is random, so that nobody can write data that looks like a frame.
//!
//! A frame that is damaged at the very end was being written when the server died: it was never acknowledged and is cut
//! off. Any damage before that is an error. A valid frame header behind a damaged frame proves that the damaged one
//! had been synced, so that case is damage too.

pub(crate) mod file;
mod format;
pub(crate) mod payload;
mod replay;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use replay::{RecordError, read, replay};
pub(crate) use writer::{Log, Queue, Record};
