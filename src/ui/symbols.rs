//! The signs that are drawn, once with all of Unicode and once with ASCII alone.

use crate::domain::event::Status;
use crate::domain::proctoring::Flag;

/// A set of signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbols {
    /// ASCII alone.
    pub ascii: bool,
    /// Corners and sides: top left, top right, bottom left, bottom right, horizontal, vertical.
    pub frame: [&'static str; 6],
    /// The part of a scroll bar that moves.
    pub thumb: &'static str,
    /// In front of the row under the cursor.
    pub cursor: &'static str,
    /// In front of a marked row.
    pub mark: &'static str,
    /// In front of a row for which an alert rule holds.
    pub alert: &'static str,
    /// Between the parts of a breadcrumb.
    pub crumb: &'static str,
    /// Between two figures.
    pub dot: &'static str,
    /// From one count to the next.
    pub arrow: &'static str,
    /// What was cut off.
    pub cut: &'static str,
    /// Eight heights of a little bar, lowest first.
    pub bars: [&'static str; 8],
    /// Parts of a bar: the higher, the further they came: done, in the test, opened, invited; run out, thrown out.
    pub shades: [&'static str; 6],
    /// Everything is well.
    pub good: &'static str,
    /// Something needs a look.
    pub warn: &'static str,
    /// Something is wrong.
    pub bad: &'static str,
    /// Running.
    pub live: &'static str,
    /// Held still.
    pub paused: &'static str,
    /// From a file.
    pub saved: &'static str,
    /// Delivered so many times.
    pub times: &'static str,
    /// More above.
    pub above: &'static str,
    /// A part that is folded, and one that is not.
    pub folds: [&'static str; 2],
    /// Nothing to say.
    pub none: &'static str,
}

/// With all of Unicode; only signs that every common monospaced font has, one cell wide each.
pub const UNICODE: Symbols = Symbols {
    ascii: false,
    frame: ["╭", "╮", "╰", "╯", "─", "│"],
    thumb: "┃",
    cursor: "▌",
    mark: "»",
    alert: "!",
    crumb: "›",
    dot: "·",
    arrow: "→",
    cut: "…",
    bars: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    shades: ["▆", "▄", "▂", "▁", "·", "×"],
    good: "✓",
    warn: "▲",
    bad: "●",
    live: "●",
    paused: "‖",
    saved: "■",
    times: "×",
    above: "↑",
    folds: ["▸", "▾"],
    none: "–",
};

/// With ASCII alone.
pub const ASCII: Symbols = Symbols {
    ascii: true,
    frame: ["+", "+", "+", "+", "-", "|"],
    thumb: "#",
    cursor: ">",
    mark: "*",
    alert: "!",
    crumb: ">",
    dot: "-",
    arrow: "->",
    cut: "~",
    bars: ["_", ".", ":", "-", "=", "+", "*", "#"],
    shades: ["#", "=", "-", "_", ".", "x"],
    good: "ok",
    warn: "!",
    bad: "!!",
    live: "*",
    paused: "||",
    saved: "#",
    times: "x",
    above: "^",
    folds: ["+", "-"],
    none: "-",
};

impl Symbols {
    /// The set for a terminal.
    #[must_use]
    pub fn of(ascii: bool) -> Self {
        if ascii { ASCII } else { UNICODE }
    }

    /// A status's sign.
    #[must_use]
    pub fn status(&self, status: Status) -> &'static str {
        match (status, self.ascii) {
            (Status::Invited, false) => "○",
            (Status::InvitationExpired, false) => "◌",
            (Status::Enrolled, false) => "◔",
            (Status::InProgress, false) => "◑",
            (Status::Completed, false) => "◆",
            (Status::Disqualified, false) => "✗",
            (Status::InvitedForInterview, false) => "★",
            (Status::Rejected, false) => "▽",
            (Status::Invited, true) => ".",
            (Status::InvitationExpired, true) => "~",
            (Status::Enrolled, true) => "o",
            (Status::InProgress, true) => "%",
            (Status::Completed, true) => "@",
            (Status::Disqualified, true) => "x",
            (Status::InvitedForInterview, true) => "*",
            (Status::Rejected, true) => "v",
        }
    }

    /// A flag's sign.
    #[must_use]
    pub fn flag(&self, flag: Flag) -> &'static str {
        match flag {
            Flag::Red => self.bad,
            Flag::Yellow => self.warn,
            Flag::Green => self.good,
        }
    }
}

/// A status in a word or two.
#[must_use]
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Invited => "invited",
        Status::InvitationExpired => "expired",
        Status::Enrolled => "enrolled",
        Status::InProgress => "in test",
        Status::Completed => "completed",
        Status::Disqualified => "disqualified",
        Status::InvitedForInterview => "interview",
        Status::Rejected => "rejected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn signs_are_one_cell_wide_and_ascii_is_ascii() {
        for status in Status::ALL {
            assert_eq!(UNICODE.status(status).width(), 1);
            assert!(ASCII.status(status).is_ascii());
        }
        let mut seen: Vec<_> = Status::ALL.map(|status| UNICODE.status(status)).into();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 8, "each status has its own");
        assert!(
            UNICODE.bars.iter().chain(&UNICODE.shades).chain(&UNICODE.frame).all(|sign| sign.width() == 1)
        );
        assert!(ASCII.bars.iter().chain(&ASCII.shades).chain(&ASCII.frame).all(|sign| sign.is_ascii()));
    }
}
