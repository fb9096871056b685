//! Who may do what, for how long: digests, the token index, permits and the revocation barrier.
