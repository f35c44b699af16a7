//! The simulator: a made-up hiring campaign, and a sender that behaves as Svix does.

pub mod body;
pub mod demo;
pub mod person;
pub mod rollout;
pub mod sender;
pub mod story;

use fastrand::Rng;

/// The random numbers of one thing of one campaign: the same seed and names give the same numbers.
fn rng_of(seed: u64, kind: u64, number: u64) -> Rng {
    // The finaliser of SplitMix64, so that neighbours share nothing.
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ kind.rotate_left(48) ^ number;
    for factor in [0xbf58_476d_1ce4_e5b9_u64, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(factor);
    }
    Rng::with_seed(mixed ^ (mixed >> 31))
}
