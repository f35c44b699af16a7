//! Lengths of time as people write them: `90s`, `5m`, `2h`, `1d`, or whole seconds.

use std::fmt;
use std::str::FromStr;

/// The units and their seconds.
const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

/// A length of time in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration(u64);

impl Duration {
    /// Whole seconds.
    #[must_use]
    pub fn as_secs(self) -> u64 {
        self.0
    }

    /// Milliseconds.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX).saturating_mul(1000)
    }
}

/// How long ago something was, as exactly as one wants to know: `90 s`, `26 h`, `400 days`.
#[must_use]
pub fn age(secs: u64) -> String {
    match secs {
        0..7_200 => format!("{secs} s"),
        7_200..172_800 => format!("{} h", secs / 3_600),
        _ => format!("{} days", secs / 86_400),
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let wrong = || format!("`{text}` is no length of time; write it like 90s, 5m or 1h");
        let known =
            UNITS.into_iter().find(|(letter, _)| *letter == unit || (unit.is_empty() && *letter == "s"));
        let (_, unit) = known.ok_or_else(wrong)?;
        let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        let secs = number.filter(|secs| i64::try_from(*secs).is_ok());
        secs.map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Duration {
    /// In the largest unit that it is a whole number of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.into_iter().rev().find(|(_, secs)| self.0 > 0 && self.0.is_multiple_of(*secs));
        let (unit, secs) = whole.unwrap_or(("s", 1));
        write!(f, "{}{unit}", self.0 / secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, secs) in [("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86_400), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Duration(secs)));
        }
        for text in ["90s", "5m", "25h", "2d", "0s"] {
            assert_eq!(text.parse::<Duration>().map(|parsed| parsed.to_string()), Ok(text.to_owned()));
        }
        for bad in ["", "m", "5 m", "-5m", "5w", "99999999999999999999", "999999999999999999d"] {
            assert!(bad.parse::<Duration>().is_err(), "{bad}");
        }
    }
}
