//! The one boundary that text from outside passes before a person sees it.
//!
//! Candidates choose their names and a payload is whatever somebody sent, so a string may hold escape
//! sequences, overrides of the writing direction, invisible characters or a letter with a thousand accents.
//! [`Clean`] shows all of them as something visible that moves nothing else on the screen. The bytes
//! themselves stay as they came in the session and in the saved JSON.

use std::borrow::Cow;
use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

/// How many characters one visible letter may be made of: the longest real ones (flags, families, stacked
/// vowel signs) need fewer.
const CLUSTER: usize = 8;

/// Text that is safe to draw, to title a window with and to name a thing with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Clean<'a>(Cow<'a, str>);

impl<'a> Clean<'a> {
    /// Makes every hidden character visible. Text without any is borrowed, not copied.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Self(Cow::Borrowed(text));
        }
        let suspect = |c: char| (c < ' ') || c == '\x7f' || dropped(c) || hidden(c);
        let long = || text.len() > CLUSTER && text.graphemes(true).any(|one| one.chars().count() > CLUSTER);
        if !text.chars().any(suspect) && !long() {
            return Self(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len() + 16);
        for cluster in text.graphemes(true) {
            clean_cluster(cluster, &mut out);
        }
        // What was joined by a hidden character may form a longer letter without it.
        if out.graphemes(true).any(|one| one.chars().count() > CLUSTER) {
            out = out.graphemes(true).flat_map(|one| one.chars().take(CLUSTER)).collect();
        }
        Self(Cow::Owned(out))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned or as it was borrowed.
    #[must_use]
    pub fn into_cow(self) -> Cow<'a, str> {
        self.0
    }
}

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

fn clean_cluster(cluster: &str, out: &mut String) {
    for (n, c) in cluster.chars().enumerate() {
        match c {
            '\t' => out.push(' '),
            '\0'..='\x1f' => out.extend(char::from_u32(0x2400 + u32::from(c))),
            '\x7f' => out.push('␡'),
            _ if dropped(c) => {}
            _ if hidden(c) => out.extend(format!("⟨U+{:04X}⟩", u32::from(c)).chars()),
            _ if n < CLUSTER => out.push(c),
            _ => {}
        }
    }
}

/// Characters that only choose between two looks of the one before. Terminals disagree on how wide the
/// result is, which would shift the rest of the row; without them all agree.
fn dropped(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{200d}')
}

/// Characters that show nothing or turn the text around them: C1 controls, direction and joining
/// controls, zero-width blanks, separators, tags, fillers.
fn hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
        | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_hides_is_shown() {
        let cases = [
            ("Bea Grant", "Bea Grant"),
            ("Zoë 李小龍 😀", "Zoë 李小龍 😀"),
            ("a\u{1b}[31mb", "a␛[31mb"),
            ("\u{9b}31m", "⟨U+009B⟩31m"),
            ("evil\u{202e}gpj.exe", "evil⟨U+202E⟩gpj.exe"),
            ("a\tb\nc\r\n", "a b␊c␍␊"),
            ("x\u{200b}y\u{7f}", "x⟨U+200B⟩y␡"),
            ("👨\u{200d}👩\u{200d}👧", "👨👩👧"),
            ("❤\u{fe0f}", "❤"),
        ];
        for (raw, shown) in cases {
            assert_eq!(Clean::of(raw).as_str(), shown, "{raw:?}");
        }
    }

    #[test]
    fn a_letter_with_a_thousand_accents_stays_a_letter() {
        let tower = format!("a{}b", "\u{301}".repeat(1000));
        let shown = Clean::of(&tower);
        assert_eq!(shown.as_str().graphemes(true).count(), 2);
        assert!(shown.as_str().chars().count() <= CLUSTER + 1);
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>(), tail in "[\u{200b}-\u{202e}\u{300}-\u{304}\u{0}-\u{9f}👨❤\u{fe0f}]{0,40}") {
            let raw = format!("{text}{tail}");
            let shown = Clean::of(&raw);
            prop_assert!(!shown.as_str().chars().any(|c| c.is_control() || hidden(c) || dropped(c)));
            prop_assert!(shown.as_str().graphemes(true).all(|one| one.chars().count() <= CLUSTER));
            let twice = Clean::of(shown.as_str());
            prop_assert_eq!(&shown, &twice);
        }

        #[test]
        fn plain_text_is_untouched(text in "[ -~äöüßéñ]{0,60}") {
            let shown = Clean::of(&text);
            prop_assert_eq!(shown.as_str(), text.as_str());
        }
    }
}
