//! Which series a chunk has rows of, and when: enough to know that rows cannot have been written before.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use arrow::array::{Array, StringArray};

use crate::chunk::Chunk;

/// Stands for a set of tags. Two series may share one; that only makes their rows look older than they are.
pub(crate) type SeriesHash = u64;

/// A map keyed by values that are hashes already.
pub(crate) type SeriesMap<T> = HashMap<SeriesHash, T, BuildHasherDefault<AsIs>>;

/// Passes a 64-bit hash through.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Hashes tag sets with a secret key, the same way for as long as the engine is open.
#[derive(Debug, Clone, Default)]
pub(crate) struct SeriesHasher(RandomState);

impl SeriesHasher {
    /// The series of every row. The order of tags, and tags that a row does not have, make no difference.
    fn rows(&self, chunk: &Chunk) -> Vec<SeriesHash> {
        let mut hashes = vec![0_u64; chunk.rows()];
        for (name, tags) in chunk.tags() {
            let Some(values) = tags.values().as_any().downcast_ref::<StringArray>() else { continue };
            let by_key: Vec<u64> = values.iter().map(|value| self.0.hash_one((name, value))).collect();
            for (hash, key) in hashes.iter_mut().zip(tags.keys_iter()) {
                if let Some(value) = key.and_then(|key| by_key.get(key)) {
                    *hash = hash.wrapping_add(*value);
                }
            }
        }
        hashes
    }

    /// Summarises a chunk.
    pub(crate) fn summary(&self, chunk: &Chunk) -> SeriesSummary {
        let mut series: SeriesMap<(i64, i64)> = SeriesMap::default();
        let mut ascending = true;
        for (hash, &time) in self.rows(chunk).into_iter().zip(chunk.times()) {
            match series.entry(hash) {
                Entry::Vacant(entry) => {
                    entry.insert((time, time));
                }
                Entry::Occupied(mut entry) => {
                    let (first, last) = entry.get_mut();
                    ascending &= time > *last;
                    *first = time.min(*first);
                    *last = time.max(*last);
                }
            }
        }
        SeriesSummary {
            series: series.into_iter().map(|(hash, (first, last))| (hash, first, last)).collect(),
            ascending,
        }
    }
}

/// The series of a chunk with their oldest and newest times in nanoseconds.
#[derive(Debug)]
pub(crate) struct SeriesSummary {
    series: Vec<(SeriesHash, i64, i64)>,
    ascending: bool,
}

impl SeriesSummary {
    /// Whether no row of the chunk can repeat another one or one that `newest` has seen; `newest` then knows them too.
    pub(crate) fn is_new(&self, newest: &mut SeriesMap<i64>) -> bool {
        let mut new = self.ascending;
        for &(hash, first, last) in &self.series {
            match newest.entry(hash) {
                Entry::Vacant(entry) => {
                    entry.insert(last);
                }
                Entry::Occupied(mut entry) => {
                    new &= first > *entry.get();
                    let last = last.max(*entry.get());
                    entry.insert(last);
                }
            }
        }
        new
    }
}
