//! When to try again: a table, a spread, and a longer pause once nothing has helped for long.

use std::time::Duration;

/// Pauses before the first attempts after a failure; the last one stands for those that follow.
const PAUSES: [u64; 4] = [0, 100, 1_000, 5_000];
/// After so many failures in a row the pauses are the longest.
const PATIENT: u32 = 10;
const LONGEST: u64 = 30_000;
/// A link that held for longer than this was a good one: its end is the first failure.
const GOOD: Duration = Duration::from_secs(10);
/// How far a pause may be off, of a hundred, so that many clients do not come back at once.
const SPREAD: f64 = 0.2;

/// Failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// A link has ended that held for so long (`None`: it was never one). How long to wait now; `chance`
    /// is between 0 and 1 and chooses within the spread.
    pub fn pause(&mut self, held: Option<Duration>, chance: f64) -> Duration {
        if held.is_some_and(|held| held > GOOD) {
            self.failures = 0;
        }
        let millis = if self.failures >= PATIENT {
            LONGEST
        } else {
            let at = (self.failures as usize).min(PAUSES.len() - 1);
            PAUSES.get(at).copied().unwrap_or(LONGEST)
        };
        self.failures = self.failures.saturating_add(1);
        spread(millis, chance)
    }
}

/// The pause before the same token is asked for again, after it was in use `strikes` times in a row. The
/// relay may need a moment to see that our own link before is gone, so that the first pause is not none.
#[must_use]
pub fn in_use(strikes: u32, chance: f64) -> Duration {
    let at = (strikes as usize).min(PAUSES.len() - 1);
    spread(PAUSES.get(at).copied().unwrap_or(LONGEST), chance)
}

fn spread(millis: u64, chance: f64) -> Duration {
    let factor = 1.0 + SPREAD * (2.0 * chance.clamp(0.0, 1.0) - 1.0);
    Duration::from_millis(millis).mul_f64(factor).min(Duration::from_millis(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_stay_and_begin_again_after_a_good_link() {
        let mut backoff = Backoff::default();
        let mut pauses = |held: &[Option<u64>]| -> Vec<u128> {
            held.iter().map(|held| backoff.pause(held.map(Duration::from_secs), 0.5).as_millis()).collect()
        };
        let never = [None; 12];
        assert_eq!(
            pauses(&never),
            [0, 100, 1_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 30_000, 30_000]
        );
        assert_eq!(pauses(&[Some(3), Some(11), None, Some(10)]), [30_000, 0, 100, 1_000]);
    }

    #[test]
    fn pauses_are_spread_by_a_fifth_and_never_over_the_longest() {
        assert_eq!(spread(1_000, 0.0), Duration::from_millis(800));
        assert_eq!(spread(1_000, 1.0), Duration::from_millis(1_200));
        assert_eq!(spread(LONGEST, 1.0), Duration::from_millis(LONGEST));
        assert_eq!(in_use(1, 0.5), Duration::from_millis(100));
        assert_eq!(in_use(9, 0.5), Duration::from_secs(5));
    }
}
