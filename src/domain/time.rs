//! Points in time: milliseconds since 1970, UTC, and the forms the sender writes them in.

use std::fmt;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// 9999-12-30T22:00:00.999Z, the last millisecond that can be shown in any time zone.
const LAST: i64 = 253_402_207_200_999;

impl Timestamp {
    /// From milliseconds; `None` before 1970 or past the end of the year 9999, which no sender means.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        (0..=LAST).contains(&millis).then_some(Self(millis))
    }

    /// From whole seconds, with the same limits.
    #[must_use]
    pub fn from_secs(secs: i64) -> Option<Self> {
        Self::from_millis(secs.checked_mul(1000)?)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down: what `svix-timestamp` holds.
    #[must_use]
    pub fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds from `earlier` to `self`; negative if it is the later one.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// This moment moved by some milliseconds, kept within the years 1970 to 9999.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis).clamp(0, LAST))
    }

    /// Reads an RFC 3339 time with an offset, like `2026-05-11T09:19:47.830Z`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_millis(text.trim().parse::<jiff::Timestamp>().ok()?.as_millisecond())
    }

    /// This moment for calendar arithmetic and display in a time zone.
    #[must_use]
    pub fn civil(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds, as in the saved JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.civil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        let time = Timestamp::parse("2026-05-11T11:19:47.830+02:00").unwrap();
        assert_eq!(time.to_string(), "2026-05-11T09:19:47.830Z");
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }

    #[test]
    fn refuses_what_cannot_be_written() {
        assert_eq!(Timestamp::from_millis(-1), None);
        assert_eq!(Timestamp::from_secs(i64::MAX), None);
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(LAST, jiff::Timestamp::MAX.as_millisecond());
        for millis in [LAST + 1, 253_402_250_000_000, 253_402_300_799_999] {
            assert_eq!(Timestamp::from_millis(millis), None, "{millis} would be shown as 1970");
        }
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59Z"), None, "as its milliseconds are");
    }

    proptest::proptest! {
        /// Whatever is taken is printed as itself, to the millisecond.
        #[test]
        fn each_millisecond_prints_as_itself(
            millis in proptest::prop_oneof![
                0..=LAST,
                LAST - 100_000_000..=LAST + 100_000_000,
                proptest::prelude::any::<i64>(),
            ],
        ) {
            let time = Timestamp::from_millis(millis);
            proptest::prop_assert_eq!(time.is_some(), (0..=LAST).contains(&millis));
            if let Some(time) = time {
                proptest::prop_assert_eq!(time.civil().as_millisecond(), millis);
                proptest::prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
            }
        }
    }
}
