//! The complete in-memory map from digest to credential.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use scc::{Guard, HashIndex};
use tidegate_model::TokenDigest;

use crate::credential::Credential;

/// Look-ups take no lock; a removed digest is unreachable when [`TokenIndex::remove`] returns. The memory of a removed
/// entry is freed later, which is harmless: it holds a digest, not a secret.
///
/// A slot is one pointer and the digest sits beside the rest of the credential: the table reserves room for slots that
/// it may never fill, so that their size counts for more than the credential's.
#[derive(Debug, Default)]
pub(crate) struct TokenIndex(HashIndex<Slot, (), DigestHasher>);

/// A credential, found by its digest.
#[derive(Debug, Clone)]
struct Slot(Arc<Credential>);

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Slot {}

impl Hash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

impl Borrow<TokenDigest> for Slot {
    fn borrow(&self) -> &TokenDigest {
        &self.0.digest
    }
}

impl TokenIndex {
    pub(crate) fn insert(&self, credential: Arc<Credential>) {
        // A digest is unique in the catalog, so an entry that is already there is the same token.
        drop(self.0.insert_sync(Slot(credential), ()));
    }

    pub(crate) fn get(&self, digest: &TokenDigest) -> Option<Arc<Credential>> {
        self.0.peek_with(digest, |slot, ()| slot.0.clone())
    }

    pub(crate) fn remove(&self, digest: &TokenDigest) -> Option<Arc<Credential>> {
        let credential = self.get(digest);
        self.0.remove_sync(digest);
        credential
    }

    /// Every credential that is meant. Those that come in meanwhile may be missed.
    pub(crate) fn matching(&self, is_meant: impl Fn(&Credential) -> bool) -> Vec<Arc<Credential>> {
        let guard = Guard::new();
        self.0.iter(&guard).filter(|(slot, ())| is_meant(&slot.0)).map(|(slot, ())| slot.0.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A digest is uniformly distributed already: its first eight bytes are its hash.
#[derive(Debug, Clone, Default)]
pub(crate) struct DigestHasher(u64);

impl BuildHasher for DigestHasher {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self::default()
    }
}

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    // The length that precedes the bytes says nothing: it is always 32.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
