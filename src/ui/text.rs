//! Texts as wide as there is room: cutting, ages, durations, counts.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::app::model::Model;
use crate::domain::time::Timestamp;

pub use crate::domain::count::{count, plural};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How many cells a text takes.
#[must_use]
pub fn width(text: &str) -> u16 {
    if text.is_ascii() {
        return u16::try_from(text.len()).unwrap_or(u16::MAX);
    }
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// A text cut to so many cells, with a sign that something is missing.
#[must_use]
pub fn fit<'a>(text: &'a str, cells: u16, cut: &str) -> Cow<'a, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let room = cells.saturating_sub(width(cut));
    let mut out = String::new();
    let mut used = 0;
    for letter in text.graphemes(true) {
        let wide = width(letter);
        if used + wide > room {
            break;
        }
        used += wide;
        out.push_str(letter);
    }
    if cells > 0 {
        out.push_str(cut);
    }
    Cow::Owned(out)
}

/// A length of time in one unit: `12s`, `4m`, `3h`, `2d`.
#[must_use]
pub fn age(millis: i64) -> String {
    match millis.max(0) {
        ms if ms < MINUTE => format!("{}s", ms / SECOND),
        ms if ms < HOUR => format!("{}m", ms / MINUTE),
        ms if ms < 2 * DAY => format!("{}h", ms / HOUR),
        ms => format!("{}d", ms / DAY),
    }
}

/// A length of time in two units: `4m 12s`, `3h 05m`, `2d 4h`.
#[must_use]
pub fn duration(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let text = match millis.abs() {
        ms if ms < SECOND => format!("{ms}ms"),
        ms if ms < MINUTE => format!("{}s", ms / SECOND),
        ms if ms < HOUR => format!("{}m {:02}s", ms / MINUTE, ms % MINUTE / SECOND),
        ms if ms < 2 * DAY => format!("{}h {:02}m", ms / HOUR, ms % HOUR / MINUTE),
        ms => format!("{}d {}h", ms / DAY, ms % DAY / HOUR),
    };
    format!("{sign}{text}")
}

/// When something was: an age, or a time of day where the user wants that.
#[must_use]
pub fn when(model: &Model, at: Option<Timestamp>) -> String {
    let Some(at) = at else { return String::new() };
    if model.absolute { clock(model, at) } else { age(model.now.since(at)) }
}

/// How many cells [`when`] takes.
#[must_use]
pub fn when_width(model: &Model) -> u16 {
    if model.absolute { 12 } else { 4 }
}

/// A time of day, with the date if it is another day than today; of another year, the date alone.
#[must_use]
pub fn clock(model: &Model, at: Timestamp) -> String {
    let local = |time: Timestamp| model.zone.to_datetime(time.civil());
    let (at, now) = (local(at), local(model.now));
    let format = if at.date() == now.date() {
        "%H:%M:%S"
    } else if at.year() == now.year() {
        "%b %d %H:%M"
    } else {
        "%Y-%m-%d"
    };
    at.strftime(format).to_string()
}

/// A point in time in full.
#[must_use]
pub fn full(model: &Model, at: Timestamp) -> String {
    model.zone.to_datetime(at.civil()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A count in at most four cells: `987`, `12k`, `3M`.
#[must_use]
pub fn short(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}k", number / 1000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// A share of a whole, in percent; nothing of nothing is nothing.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    format!("{:.0}%", part as f64 * 100.0 / whole as f64)
}

/// A text in lines of at most so many cells, broken at blanks where there are any.
#[must_use]
pub fn wrap(text: &str, cells: u16) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for (n, word) in text.split(' ').enumerate() {
        if width(&line) + 1 + width(word) > cells && !line.trim().is_empty() {
            lines.push(std::mem::take(&mut line));
        } else if n > 0 && width(&line) < cells {
            line.push(' ');
        }
        for letter in word.graphemes(true) {
            if width(&line) + width(letter) > cells {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(letter);
        }
    }
    lines.push(line);
    lines
}

/// The same in so many lines at most: what is over stands in the last one, to be cut where it is drawn.
#[must_use]
pub fn wrap_to(text: &str, cells: u16, most: usize) -> Vec<String> {
    let mut lines = wrap(text, cells);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1));
        lines.push(rest.join(" "));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_short() {
        assert_eq!(
            [0, 59_999, 60_000, 3_599_999, 3_600_000, 172_800_000].map(age),
            ["0s", "59s", "1m", "59m", "1h", "2d"]
        );
        assert_eq!([12, 252_000, 11_100_000, -61_000].map(duration), ["12ms", "4m 12s", "3h 05m", "-1m 01s"]);
        assert_eq!([9_999, 10_000, 2_000_000].map(short), ["9999", "10k", "2M"]);
    }

    #[test]
    fn lines_break_at_blanks_and_keep_their_indent() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("  \"a\": 1", 20), ["  \"a\": 1"]);
        assert_eq!(wrap("abcdefgh ij", 5), ["abcde", "fgh", "ij"]);
    }

    #[test]
    fn wide_letters_are_never_halved() {
        assert_eq!(fit("李小龍", 6, "…"), "李小龍");
        assert_eq!(fit("李小龍", 5, "…"), "李小…");
        assert_eq!(fit("李小龍", 4, "…"), "李…");
        assert_eq!(fit("abc", 0, "…"), "");
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_room(text in "[a-z 李é😀]{0,30}", cells in 1u16..20) {
            prop_assert!(width(&fit(&text, cells, "…")) <= cells);
            if cells > 1 {
                prop_assert!(wrap(&text, cells).iter().all(|line| width(line) <= cells));
            }
        }
    }
}
