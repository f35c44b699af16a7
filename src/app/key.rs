//! Keys as the keymap spells them: `ctrl-d`, `G`, `enter`, `f1`.
//!
//! A letter carries its own shift (`G`, `?`), so `shift` stays meaningful only for keys that are no
//! characters. That is the one place where terminals differ most; it is settled here.

use std::fmt;

/// Which key was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A character, shift applied.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// F1 to F12.
    F(u8),
}

/// Keys that are no characters, with their spelling.
const NAMED: [(&str, Code); 16] = [
    ("enter", Code::Enter),
    ("esc", Code::Esc),
    ("tab", Code::Tab),
    ("backtab", Code::BackTab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("insert", Code::Insert),
    ("left", Code::Left),
    ("right", Code::Right),
    ("up", Code::Up),
    ("down", Code::Down),
    ("home", Code::Home),
    ("end", Code::End),
    ("pageup", Code::PageUp),
    ("pagedown", Code::PageDown),
    ("space", Code::Char(' ')),
];

/// One key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// With Control held.
    pub ctrl: bool,
    /// With Alt held.
    pub alt: bool,
}

impl Key {
    /// The key without modifiers.
    #[must_use]
    pub fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// A character without modifiers.
    #[must_use]
    pub fn char(c: char) -> Self {
        Self::plain(Code::Char(c))
    }

    /// The key with Control held; letters are taken in lower case, as terminals send them.
    #[must_use]
    pub fn ctrl(c: char) -> Self {
        Self { code: Code::Char(c.to_ascii_lowercase()), ctrl: true, alt: false }
    }

    /// Reads a spelling like `ctrl-d`, `G` or `enter`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let (mut ctrl, mut alt) = (false, false);
        loop {
            if let Some(more) = rest.strip_prefix("ctrl-").filter(|more| !more.is_empty()) {
                (ctrl, rest) = (true, more);
            } else if let Some(more) = rest.strip_prefix("alt-").filter(|more| !more.is_empty()) {
                (alt, rest) = (true, more);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) => Code::Char(c),
            _ => named(rest)?,
        };
        Some(Self { code, ctrl, alt })
    }
}

fn named(text: &str) -> Option<Code> {
    if let Some((_, code)) = NAMED.iter().find(|(name, _)| *name == text) {
        return Some(*code);
    }
    let number: u8 = text.strip_prefix('f')?.parse().ok()?;
    (1..=12).contains(&number).then_some(Code::F(number))
}

impl fmt::Display for Key {
    /// As the keymap file spells it; reading that gives the same key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.ctrl { "ctrl-" } else { "" })?;
        f.write_str(if self.alt { "alt-" } else { "" })?;
        if let Some((name, _)) = NAMED.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            Code::Char(c) => write!(f, "{c}"),
            Code::F(number) => write!(f, "f{number}"),
            _ => Ok(()),
        }
    }
}

impl Key {
    /// As people write it: `Ctrl-d`, `↓`, `Enter`. With `ascii`, arrows are words.
    #[must_use]
    pub fn label(&self, ascii: bool) -> String {
        let name = match self.code {
            Code::Left if !ascii => "←".into(),
            Code::Right if !ascii => "→".into(),
            Code::Up if !ascii => "↑".into(),
            Code::Down if !ascii => "↓".into(),
            Code::PageUp => "PgUp".into(),
            Code::PageDown => "PgDn".into(),
            Code::BackTab => "Shift-Tab".into(),
            Code::Char(' ') => "Space".into(),
            Code::Char(c) => c.to_string(),
            Code::F(number) => format!("F{number}"),
            _ => {
                let plain = Self::plain(self.code).to_string();
                let mut chars = plain.chars();
                chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect()
            }
        };
        let ctrl = if self.ctrl { "Ctrl-" } else { "" };
        let alt = if self.alt { "Alt-" } else { "" };
        format!("{ctrl}{alt}{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        for text in
            ["a", "G", "?", "-", "ctrl-d", "alt-x", "ctrl-alt-f5", "enter", "space", "pagedown", "f12"]
        {
            let key = Key::parse(text).unwrap();
            assert_eq!(key.to_string(), text);
        }
        for bad in ["", "ctrl-", "f0", "f13", "entr"] {
            assert_eq!(Key::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn labels_are_for_people() {
        let label = |text: &str, ascii| Key::parse(text).unwrap().label(ascii);
        assert_eq!(label("ctrl-c", false), "Ctrl-c");
        assert_eq!(label("down", false), "↓");
        assert_eq!(label("down", true), "Down");
        assert_eq!(label("space", false), "Space");
    }
}
