//! Partition keys: which partition a row belongs to (management API contract §10.2).

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::{PartitionTemplate, TemplatePart};

/// Longest rendering of one part, in bytes.
const MAX_PART: usize = 200;
const SEPARATOR: char = '|';
const CUT: char = '#';
const EMPTY_VALUE: &str = "^";
const NO_VALUE: &str = "!";

impl PartitionTemplate {
    /// The key of the partition of a row: its rendered parts, joined by `|`. At most 1607 bytes.
    ///
    /// `time` is the row's, in nanoseconds since 1970; `tag` gives the value of a tag, or `None` if the row does not
    /// have it.
    pub fn key<'row>(&self, time: i64, tag: impl Fn(&str) -> Option<&'row str>) -> String {
        let mut key = String::new();
        for (n, part) in self.parts().iter().enumerate() {
            if n > 0 {
                key.push(SEPARATOR);
            }
            match part {
                TemplatePart::Time(format) => key.push_str(&encoded(&formatted(time, format))),
                TemplatePart::Tag(name) => match tag(name) {
                    None => key.push_str(NO_VALUE),
                    Some("") => key.push_str(EMPTY_VALUE),
                    Some(value) => key.push_str(&encoded(value)),
                },
                TemplatePart::Bucket { tag: name, buckets } => match tag(name) {
                    None => key.push_str(NO_VALUE),
                    Some(value) => key.push_str(&bucket(value, *buckets).to_string()),
                },
            }
        }
        key
    }
}

/// The time in UTC, through a format that the template has checked.
fn formatted(time: i64, format: &str) -> String {
    let date = DateTime::from_timestamp_nanos(time);
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        let specifier = if character == '%' { characters.next() } else { None };
        // Writing to a string cannot fail.
        let _ = match specifier {
            Some('Y') => write!(text, "{:04}", date.year()),
            Some('m') => write!(text, "{:02}", date.month()),
            Some('d') => write!(text, "{:02}", date.day()),
            _ => write!(text, "{character}"),
        };
    }
    text
}

/// Percent-encodes what could be mistaken for something else, and cuts off what is too long, between characters as
/// people see them.
fn encoded(value: &str) -> String {
    let mut whole = String::new();
    for byte in value.bytes() {
        push_encoded(&mut whole, byte);
        if whole.len() > MAX_PART {
            return cut(value);
        }
    }
    whole
}

fn cut(value: &str) -> String {
    let mut kept = String::new();
    for cluster in value.graphemes(true) {
        let length = kept.len();
        cluster.bytes().for_each(|byte| push_encoded(&mut kept, byte));
        if kept.len() >= MAX_PART {
            kept.truncate(length);
            break;
        }
    }
    kept.push(CUT);
    kept
}

fn push_encoded(text: &mut String, byte: u8) {
    if byte.is_ascii() && !byte.is_ascii_control() && !matches!(byte, b'|' | b'!' | b'^' | b'#' | b'%') {
        text.push(char::from(byte));
    } else {
        // Writing to a string cannot fail.
        let _ = write!(text, "%{byte:02X}");
    }
}

/// The bucket rule of Iceberg.
fn bucket(value: &str, buckets: u32) -> u32 {
    (murmur3_x86_32(value.as_bytes()) & 0x7FFF_FFFF) % buckets
}

/// The 32-bit hash Murmur3 with seed 0.
fn murmur3_x86_32(bytes: &[u8]) -> u32 {
    const C1: u32 = 0xCC9E_2D51;
    const C2: u32 = 0x1B87_3593;
    let mixed = |block: u32| block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    let (blocks, tail) = bytes.as_chunks::<4>();
    let mut hash = blocks.iter().fold(0, |hash: u32, block| {
        (hash ^ mixed(u32::from_le_bytes(*block))).rotate_left(13).wrapping_mul(5).wrapping_add(0xE654_6B64)
    });
    hash ^= mixed(tail.iter().rev().fold(0, |block, byte| block << 8 | u32::from(*byte)));
    // The hash takes the length modulo 2^32.
    hash ^= bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85EB_CA6B);
    hash = (hash ^ hash >> 13).wrapping_mul(0xC2B2_AE35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests;
