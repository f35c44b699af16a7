//! The one boundary that text from outside passes before a person, or another program, sees it.
//!
//! Candidates choose their names and a payload is whatever somebody sent, so a string may hold escape
//! sequences, overrides of the writing direction, invisible characters or a letter with a thousand accents.
//! [`Clean`] shows all of them as something visible that moves nothing else on the screen. Each outlet has
//! its form: [`Clean::of`] for the screen, titles, notifications and lines for people, [`Clean::one_line`] for
//! errors, [`Clean::cell`] for a table that a spreadsheet opens, [`Clean::file_name`] for a name to save under, and
//! [`json`] for JSON, where nothing is lost. The bytes themselves stay as they came in the session and in the
//! saved JSON.

use std::borrow::Cow;
use std::fmt::{self, Write};

use unicode_segmentation::UnicodeSegmentation;

/// How many characters one visible letter may be made of: the longest real ones (flags, families, stacked
/// vowel signs) need fewer.
const CLUSTER: usize = 8;

/// How many characters a name to save under may have: file systems take 255 bytes.
const FILE_NAME: usize = 48;

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
        let suspect = |c: char| !plain(c);
        let long = || text.len() > CLUSTER && text.graphemes(true).any(|one| one.chars().count() > CLUSTER);
        if !text.chars().any(suspect) && !long() {
            return Self(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(text.len() + 16);
        text.chars().for_each(|c| show(c, &mut out));
        // What was joined by a hidden character may form a longer letter without it.
        Self(Cow::Owned(cut(&out)))
    }

    /// The same for one line of an error: what breaks lines is a blank.
    #[must_use]
    pub fn one_line(text: &'a str) -> Self {
        if text.contains(['\n', '\r']) {
            let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
            let words = lines.collect::<Vec<_>>().join(" ");
            return Clean::of(&words).into_owned();
        }
        Self::of(text)
    }

    /// The same for a cell of a table: what a spreadsheet would run as a formula gets an apostrophe in front,
    /// unless it is a plain number.
    #[must_use]
    pub fn cell(text: &'a str) -> Self {
        let clean = Self::of(text);
        // The sign may stand behind blanks, and in another of its widths.
        let first = clean.as_str().trim_start().chars().next().unwrap_or_default();
        let signs = ['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠'];
        let number = || {
            text.parse::<f64>().is_ok() && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        };
        if text.starts_with(['\t', '\r', '\n']) || signs.contains(&first) && !number() {
            return Self(Cow::Owned(format!("'{clean}")));
        }
        clean
    }

    /// The same for a name to save under: letters, digits, `-`, `_` and `.`, none of which can lead into
    /// another directory, hide the file or be taken for an option. Empty if nothing is left.
    #[must_use]
    pub fn file_name(text: &str) -> Clean<'static> {
        let keep = |c: char| if plain(c) && (c.is_alphanumeric() || "-_.".contains(c)) { c } else { '-' };
        let name: String = text.chars().take(FILE_NAME).map(keep).collect();
        Clean(Cow::Owned(Clean::of(name.trim_matches(['-', '.'])).to_string()))
    }

    /// The same, free of what it was made from.
    #[must_use]
    pub fn into_owned(self) -> Clean<'static> {
        Clean(Cow::Owned(self.0.into_owned()))
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

/// JSON in which every character that hides is spelt as its escape: the same document, safe to look at.
///
/// Outside of its strings JSON has no such characters, and within them an escape means the same.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let bare = |c: char| !plain(c) && !matches!(c, '\n' | '\r' | '\t');
    // Nearly all are ASCII, which is seen many bytes at a time.
    if text.is_ascii() && !text.bytes().any(|b| bare(char::from(b))) || !text.chars().any(bare) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if bare(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a character shows itself and nothing but itself.
#[must_use]
pub fn plain(c: char) -> bool {
    !(c < ' ' || c == '\x7f' || dropped(c) || hidden(c))
}

fn show(c: char, out: &mut String) {
    match c {
        '\t' => out.push(' '),
        '\0'..='\x1f' => out.extend(char::from_u32(0x2400 + u32::from(c))),
        '\x7f' => out.push('␡'),
        _ if dropped(c) => {}
        _ if hidden(c) => out.extend(format!("⟨U+{:04X}⟩", u32::from(c)).chars()),
        _ => out.push(c),
    }
}

/// Cuts letters of too many characters. What stands behind a cut may belong to the letter before it then, and goes too.
fn cut(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // The letter that was cut, if it is the last.
    let mut short = String::new();
    for letter in text.graphemes(true) {
        if !short.is_empty() {
            let length = short.len();
            short.push_str(letter);
            let joined = short.graphemes(true).next().is_some_and(|first| first.len() > length);
            short.truncate(length);
            if joined {
                continue;
            }
            short.clear();
        }
        match letter.char_indices().nth(CLUSTER) {
            Some((at, _)) => short.push_str(letter.get(..at).unwrap_or_default()),
            None => out.push_str(letter),
        }
        out.push_str(&short);
    }
    out
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
        | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
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

    /// Every character there is, against the tables of another library.
    #[test]
    fn no_character_that_hides_passes_any_outlet() {
        let tricks = r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Variation_Selector}\p{Default_Ignorable_Code_Point}]";
        let tricks = regex::Regex::new(tricks).unwrap();
        let all: String = ('\0'..=char::MAX).collect();
        let mut hiding = 0;
        for found in tricks.find_iter(&all) {
            hiding += 1;
            let (text, code) = (format!("a{}b", found.as_str()), found.as_str().escape_unicode());
            assert!(!found.as_str().chars().any(plain), "{code} hides");
            for shown in
                [Clean::of(&text), Clean::one_line(&text), Clean::cell(&text), Clean::file_name(&text)]
            {
                assert!(!tricks.is_match(shown.as_str()), "{code}: {shown}");
            }
            assert!(!tricks.is_match(&json(&text)) || matches!(found.as_str(), "\n" | "\r" | "\t"), "{code}");
        }
        assert!(hiding > 4_000, "the tables are not there");
    }

    #[test]
    fn a_cell_is_no_formula_and_a_name_no_path() {
        for (text, cell) in [
            ("Bea", "Bea"),
            ("-5", "-5"),
            ("-1.5e3", "-1.5e3"),
            ("-inf", "'-inf"),
            ("=1+1", "'=1+1"),
            ("  @SUM(1)", "'  @SUM(1)"),
            ("＝1", "'＝1"),
            ("\u{200d}=1", "'=1"),
            ("\t=1", "' =1"),
            ("\r1", "'␍1"),
            ("+1-2|cmd", "'+1-2|cmd"),
        ] {
            assert_eq!(Clean::cell(text).as_str(), cell, "{text:?}");
        }
        for (text, name) in [
            ("autumn rollout", "autumn-rollout"),
            ("../../etc/passwd", "etc-passwd"),
            ("-rf", "rf"),
            (".profile", "profile"),
            ("李小龍.x", "李小龍.x"),
            ("a\u{202e}b\0c\n", "a-b-c"),
            ("\u{3164}", ""),
        ] {
            assert_eq!(Clean::file_name(text).as_str(), name, "{text:?}");
        }
        assert!(Clean::file_name(&"💥a".repeat(500)).as_str().len() <= FILE_NAME * 4);
        assert_eq!(Clean::one_line("no such file\n  x: \u{1b}[2J\r\n").as_str(), "no such file x: ␛[2J");
    }

    #[test]
    fn escaped_json_is_the_same_document() {
        let text = "{\"n\": \"a\u{9b}2J\u{202e}\u{e0067}é😀\",\n\t\"x\":1}";
        let escaped = json(text);
        assert_eq!(&*escaped, "{\"n\": \"a\\u009b2J\\u202e\\udb40\\udc67é😀\",\n\t\"x\":1}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(text), read(&escaped));
        assert!(matches!(json("{\"a\":\"é\"}"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_stands_behind_a_cut_makes_no_longer_letter() {
        // Vowels that end with a consonant are a letter; without the consonant the next vowels join them.
        let (vowels, end) = ("\u{1173}", "\u{11fb}");
        let letters = format!("{}{end}{}{end}{}{end}b", vowels.repeat(9), vowels.repeat(6), vowels.repeat(7));
        let shown = Clean::of(&letters);
        assert_eq!(shown.as_str(), format!("{}b", vowels.repeat(8)));
        assert_eq!(Clean::of(shown.as_str()), shown);
    }

    proptest! {
        #[test]
        fn a_letter_that_is_cut_stays_as_it_is(text in "[\u{1100}\u{1173}\u{11fb}\u{300}\u{200d}\u{0}🇩👨\u{1f3fb}\u{915}\u{94d}a]{0,60}") {
            let shown = Clean::of(&text);
            prop_assert!(shown.as_str().graphemes(true).all(|one| one.chars().count() <= CLUSTER));
            prop_assert_eq!(&Clean::of(shown.as_str()), &shown);
        }

        #[test]
        fn nothing_hidden_is_left(text in any::<String>(), tail in "[\u{200b}-\u{202e}\u{300}-\u{304}\u{0}-\u{9f}👨❤\u{fe0f}]{0,40}") {
            let raw = format!("{text}{tail}");
            let shown = Clean::of(&raw);
            prop_assert!(!shown.as_str().chars().any(|c| c.is_control() || hidden(c) || dropped(c)));
            prop_assert!(shown.as_str().graphemes(true).all(|one| one.chars().count() <= CLUSTER));
            let twice = Clean::of(shown.as_str());
            prop_assert_eq!(&shown, &twice);
            for outlet in [Clean::one_line(&raw), Clean::cell(&raw), Clean::file_name(&raw)] {
                prop_assert!(outlet.as_str().chars().all(plain), "{:?}", outlet);
            }
            let name = Clean::file_name(&raw);
            prop_assert!(!name.as_str().starts_with(['.', '-']) && !name.as_str().contains(['/', '\\']));
            let cell = Clean::cell(&raw);
            prop_assert!(cell.as_str().parse::<f64>().is_ok() || !cell.as_str().trim_start().starts_with(['=', '+', '-', '@']));
            let document = serde_json::json!({ raw.clone(): raw }).to_string();
            let escaped = json(&document);
            prop_assert!(escaped.chars().all(plain));
            prop_assert_eq!(
                serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
                serde_json::from_str::<serde_json::Value>(&document).unwrap()
            );
        }

        #[test]
        fn plain_text_is_untouched(text in "[ -~äöüßéñ]{0,60}") {
            let shown = Clean::of(&text);
            prop_assert_eq!(shown.as_str(), text.as_str());
        }
    }
}
