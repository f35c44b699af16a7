//! What is left of something that was removed for good: a hash by which it is known if it comes again, and nothing
//! that could be read back.

use sha2::{Digest, Sha256};

/// Enough of the hash: nobody gains by an id that collides, and none does by chance.
const LENGTH: usize = 16;

/// What a tombstone stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// One event, by its `svix-id`.
    Event,
    /// One person, by the candidate's id.
    Candidate,
}

/// The tombstone of an id. The salt is the session's own, so that ids cannot be looked up in a table made beforehand.
#[must_use]
pub fn tombstone(salt: &[u8], of: Of, id: &str) -> Vec<u8> {
    let mut hasher = Sha256::new();
    hasher.update((salt.len() as u64).to_be_bytes());
    hasher.update(salt);
    hasher.update([of as u8]);
    hasher.update(id);
    hasher.finalize().iter().take(LENGTH).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_tells_salt_kind_and_id_apart() {
        let one = tombstone(b"salt", Of::Event, "a");
        assert_eq!(one, tombstone(b"salt", Of::Event, "a"));
        for other in [
            tombstone(b"salt", Of::Candidate, "a"),
            tombstone(b"salt", Of::Event, "b"),
            tombstone(b"sal", Of::Event, "a"),
        ] {
            assert_ne!(one, other);
        }
    }
}
