//! Numbers of bytes as people write them: `2MiB`, `64k`, `500000`.

use std::str::FromStr;

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(usize);

impl Size {
    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.0
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let unit = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => Some(1),
            "k" | "kb" | "kib" => Some(1 << 10),
            "m" | "mb" | "mib" => Some(1 << 20),
            "g" | "gb" | "gib" => Some(1 << 30),
            _ => None,
        };
        let number =
            digits.parse::<usize>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
        let size = number.filter(|size| (1..=1 << 30).contains(size));
        size.map(Self)
            .ok_or_else(|| format!("`{text}` is no size from 1 byte to 1GiB; write it like 2MiB or 64k"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [("1", 1), ("64k", 65_536), ("2MiB", 2 << 20), ("2mb", 2 << 20), ("1g", 1 << 30)]
        {
            assert_eq!(text.parse(), Ok(Size(bytes)));
        }
        for bad in ["", "0", "2TB", "-1", "9999999999999999999g", "1.5m"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }
}
