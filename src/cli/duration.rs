//! Lengths of time as people write them: `90s`, `5m`, `2h`, `1d`, or whole seconds.

use std::str::FromStr;

/// A length of time in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration(u64);

impl Duration {
    /// Whole seconds.
    #[must_use]
    pub fn as_secs(self) -> u64 {
        self.0
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let unit = match unit {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(format!("`{text}` is no length of time; write it like 90s, 5m or 1h")),
        };
        let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        let secs = number.filter(|secs| i64::try_from(*secs).is_ok());
        secs.map(Self).ok_or_else(|| format!("`{text}` is no length of time; write it like 90s, 5m or 1h"))
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
        for bad in ["", "m", "5 m", "-5m", "5w", "99999999999999999999", "999999999999999999d"] {
            assert!(bad.parse::<Duration>().is_err(), "{bad}");
        }
    }
}
