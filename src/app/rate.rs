//! How much came in each of the last sixty seconds: what the header's little curve shows.

use crate::domain::time::Timestamp;

/// Seconds that are remembered.
pub const SECONDS: usize = 60;

/// Counts of the last minute, a second each, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    ring: [u64; SECONDS],
    /// The count and the second it was last looked at.
    last: Option<(u64, i64)>,
}

impl Default for Rate {
    fn default() -> Self {
        Self { ring: [0; SECONDS], last: None }
    }
}

impl Rate {
    /// A second has passed and the counter stands here.
    pub fn sample(&mut self, counter: u64, now: Timestamp) {
        let second = now.secs();
        if let Some((before, at)) = self.last {
            let passed = usize::try_from(second - at).unwrap_or_default();
            if passed == 0 {
                return;
            }
            self.ring.rotate_left(passed.min(SECONDS));
            let gap = passed.min(SECONDS);
            let mut fresh = self.ring.iter_mut().rev().take(gap);
            if let Some(newest) = fresh.next() {
                *newest = counter.saturating_sub(before);
            }
            fresh.for_each(|slot| *slot = 0);
        }
        self.last = Some((counter, second));
    }

    /// The counts, the oldest second first.
    #[must_use]
    pub fn seconds(&self) -> &[u64; SECONDS] {
        &self.ring
    }

    /// Per second, over the last five.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.ring.iter().rev().take(5).sum::<u64>() as f64 / 5.0
    }

    /// In the last minute.
    #[must_use]
    pub fn per_minute(&self) -> u64 {
        self.ring.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_the_clock_is_a_gap_in_the_curve() {
        let at = |secs| Timestamp::from_secs(secs).unwrap();
        let mut rate = Rate::default();
        rate.sample(100, at(10));
        rate.sample(103, at(11));
        rate.sample(104, at(14));
        assert_eq!(rate.seconds()[SECONDS - 4..], [3, 0, 0, 1]);
        assert_eq!(rate.per_minute(), 4);
        rate.sample(104, at(14));
        rate.sample(105, at(9_000));
        assert_eq!(rate.per_minute(), 1);
    }
}
