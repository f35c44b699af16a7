//! Counts as people read them: with their thousands set off, with their noun, and when they have grown.

/// A count with its thousands set off: `12,345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 event", "2 events"; "1 delivery", "2 deliveries".
#[must_use]
pub fn plural(number: u64, word: &str) -> String {
    let number_of = count(number);
    match word.strip_suffix('y') {
        _ if number == 1 => format!("{number_of} {word}"),
        Some(stem) => format!("{number_of} {stem}ies"),
        None => format!("{number_of} {word}s"),
    }
}

/// Whether a count has grown by enough to be told: of what may come without end, each of the first ten is, then only
/// that they have doubled.
#[must_use]
pub fn is_news(before: u64, now: u64) -> bool {
    now != before && (before < 10 || now.checked_ilog2() != before.checked_ilog2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_off_and_one_is_one() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 1, 2, 1_000].map(|n| plural(n, "event")),
            ["0 events", "1 event", "2 events", "1,000 events"]
        );
        assert_eq!([1, 2].map(|n| plural(n, "delivery")), ["1 delivery", "2 deliveries"]);
    }
}
