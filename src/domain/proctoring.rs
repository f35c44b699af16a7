//! Proctoring: the kinds of violation, how they are read from `antiCheating`, and the flag they add up to.

use std::fmt;

macro_rules! violations {
    ($($variant:ident, $word:literal, $title:literal, $counter:literal, [$($flag:literal),*], $about:literal;)+) => {
        /// One kind of proctoring breach.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ViolationKind { $(#[doc = $about] $variant,)+ }

        impl ViolationKind {
            /// Every kind; the order of their codes in a session file.
            pub const ALL: [Self; 10] = [$(Self::$variant),+];

            /// The word in JSON and in filters.
            #[must_use]
            pub fn word(self) -> &'static str { match self { $(Self::$variant => $word),+ } }

            /// The words on screen.
            #[must_use]
            pub fn title(self) -> &'static str { match self { $(Self::$variant => $title),+ } }

            /// What it means, in one sentence.
            #[must_use]
            pub fn about(self) -> &'static str { match self { $(Self::$variant => $about),+ } }

            /// The kind that this counter field counts.
            pub(crate) fn of_counter(field: &str) -> Option<Self> {
                match field { $($counter => Some(Self::$variant),)+ _ => None }
            }

            /// The kind that this true-or-false field reports.
            pub(crate) fn of_flag(field: &str) -> Option<Self> {
                match field { $($($flag => Some(Self::$variant),)*)+ _ => None }
            }
        }
    };
}

violations! {
    TabSwitch, "tab_switch", "tab switch", "tabSwitchCount", [], "The candidate switched away from the test's tab.";
    ScreenLeft, "screen_left", "left screen", "screenLeftByCandidateCount", [], "The candidate left the screen.";
    MouseOut, "mouse_out", "mouse out", "mouseOutCount", [], "The pointer left the window for longer than allowed.";
    FullScreenExit, "full_screen_exit", "full-screen exit", "fullScreenViolationCount", [], "The candidate left full-screen mode.";
    CopyPaste, "copy_paste", "copy-paste", "copyPasteViolationCount", ["copyPasteDetected"], "Text was copied or pasted in an answer.";
    AiPlugin, "ai_plugin", "AI plugin", "aiPluginViolationCount", ["aiPluginDetected"], "An AI browser plugin was found.";
    FocusGuard, "focus_guard", "focus guard", "focusGuardViolationCount", [], "An on-screen helper, pop-up or odd shortcut was found.";
    Talking, "talking", "talking", "talkingViolationCount", [], "Talking or background noise was heard.";
    Webcam, "webcam", "webcam", "webCamViolationCount", ["webCamViolationDetetcted", "webCamViolationDetected"], "No face, several faces or another face was seen.";
    IpChange, "ip_change", "IP change", "(none)", [], "The test was ended from another address than it was started from.";
}

impl ViolationKind {
    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Its place in [`ViolationKind::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for ViolationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One count a kind of violation, in the order of [`ViolationKind::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Counts(pub [u32; 10]);

impl Counts {
    /// The count of one kind.
    #[must_use]
    pub fn of(&self, kind: ViolationKind) -> u32 {
        self.0.get(kind.index()).copied().unwrap_or_default()
    }

    /// Raises the count of one kind to at least `count`.
    pub fn raise(&mut self, kind: ViolationKind, count: u32) {
        if let Some(slot) = self.0.get_mut(kind.index()) {
            *slot = (*slot).max(count);
        }
    }

    /// The kinds that happened at all, with their counts.
    pub fn given(&self) -> impl Iterator<Item = (ViolationKind, u32)> + '_ {
        ViolationKind::ALL.into_iter().map(|kind| (kind, self.of(kind))).filter(|(_, count)| *count > 0)
    }

    /// All counts added up.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// What the counts come to, by the vendor's own rule for its report.
    ///
    /// The vendor turns red on more than three webcam breaches *of one sort* (no face, several faces,
    /// another face); the webhook does not tell them apart, so here it is more than three in all.
    /// Source: Testlify help, "proctoring flags" (article 610).
    #[must_use]
    pub fn flag(&self) -> Flag {
        let red = self.of(ViolationKind::AiPlugin) > 0
            || self.of(ViolationKind::CopyPaste) > 0
            || self.of(ViolationKind::Webcam) > 3;
        if red {
            Flag::Red
        } else if self.sum() > 0 {
            Flag::Yellow
        } else {
            Flag::Green
        }
    }
}

/// The vendor's own summary of a candidacy's violations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Flag {
    /// No violation.
    #[default]
    Green,
    /// Some violation: look at it.
    Yellow,
    /// AI plugin, copy-paste, or more than three webcam breaches.
    Red,
}

impl Flag {
    /// Every flag, mildest first; the order of their codes in a session file.
    pub const ALL: [Self; 3] = [Self::Green, Self::Yellow, Self::Red];

    /// The word in JSON, in filters and on screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }

    /// The flag with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.word() == word)
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One reading of `data.signals.antiCheating`. Counters are cumulative: every event repeats them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Signals {
    /// The counts this event states.
    pub counts: Counts,
    /// `timeSpentOutside`, seconds.
    pub outside_secs: Option<f64>,
    /// `timeSpendOutByMouse`, seconds (spelt so by the sender).
    pub mouse_out_secs: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_follow_the_vendors_report() {
        let with = |kind, count| {
            let mut counts = Counts::default();
            counts.raise(kind, count);
            counts.flag()
        };
        assert_eq!(Counts::default().flag(), Flag::Green);
        assert_eq!(with(ViolationKind::AiPlugin, 1), Flag::Red);
        assert_eq!(with(ViolationKind::CopyPaste, 1), Flag::Red);
        assert_eq!(with(ViolationKind::Webcam, 3), Flag::Yellow);
        assert_eq!(with(ViolationKind::Webcam, 4), Flag::Red);
        assert_eq!(with(ViolationKind::TabSwitch, 400), Flag::Yellow);
    }
}
