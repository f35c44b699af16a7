//! What lies over the panes: a stack of which the top hears the keys first.

use super::action::{Action, Group};
use super::edit::Line;
use super::keymap::{Context, Keymap};
use super::prompt::Prompt;
use crate::domain::delivery::Seq;
use crate::domain::query::Query;

/// One thing that lies over the panes.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// A line is typed.
    Prompt(Prompt),
    /// An action is looked for.
    Palette(Choice),
    /// All keys.
    Help(Choice),
    /// A link is about to be opened.
    Link(Link),
    /// Many events are about to be sent again.
    Replay(Box<Again>),
}

impl Overlay {
    /// The section of the keymap that holds while it is on top.
    #[must_use]
    pub fn context(&self) -> Context {
        match self {
            Self::Prompt(_) => Context::Prompt,
            Self::Palette(_) | Self::Help(_) => Context::Palette,
            Self::Link(_) | Self::Replay(_) => Context::Confirm,
        }
    }
}

/// Events that are about to be sent again.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    /// The list that shows them.
    pub query: Query,
    /// How many there are and what is meant, once they are counted.
    pub counted: Option<Counted>,
    /// The one under the cursor, if the cursor is on one.
    pub one: Option<Seq>,
    /// All are to be sent as soon as they are counted.
    pub agreed: bool,
}

/// Events that were counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// How many there are.
    pub total: u64,
    /// The newest event of the session: what comes later is not meant.
    pub until: Seq,
}

/// A link and the host it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The link.
    pub url: String,
    /// Where it leads.
    pub host: String,
}

impl Link {
    /// The link, if it is one for a browser; otherwise a sentence that says why not.
    ///
    /// # Errors
    /// If it is no `http` or `https` link with a host, or holds what no link holds.
    pub fn new(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let Some(rest) = rest else { return Err("only http and https links can be opened".into()) };
        if url.chars().any(|c| c.is_whitespace() || c.is_control() || !c.is_ascii()) {
            return Err("this link holds characters that no link holds".into());
        }
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        // What stands before an @ is a user name, made to look like a host.
        let host = authority.rsplit('@').next().unwrap_or_default();
        if host.is_empty() {
            return Err("this link has no host".into());
        }
        Ok(Self { url: url.into(), host: host.into() })
    }
}

/// A list that is narrowed down by typing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// What is typed.
    pub line: Line,
    /// The row chosen.
    pub at: usize,
}

impl Choice {
    /// Moves the choice within so many rows.
    pub fn step(&mut self, by: isize, count: usize) {
        self.at = self.at.saturating_add_signed(by).min(count.saturating_sub(1));
    }
}

/// One action as help and palette list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The action.
    pub action: Action,
    /// Its chords, for people.
    pub keys: String,
}

/// The actions whose sentence, name or keys hold the letters typed, in order; the best fit first.
#[must_use]
pub fn find(keymap: &Keymap, typed: &str, ascii: bool) -> Vec<Entry> {
    let mut found: Vec<(i64, Entry)> = Vec::new();
    for (action, chords) in keymap.table(ascii) {
        if action.group() == Group::Typing {
            continue;
        }
        let keys = chords.join(" ");
        let texts = [action.sentence(), action.name(), &keys];
        if let Some(score) = texts.iter().filter_map(|text| fits(typed, text)).max() {
            found.push((score, Entry { action, keys }));
        }
    }
    found.sort_by_key(|(score, entry)| (std::cmp::Reverse(*score), entry.action));
    found.into_iter().map(|(_, entry)| entry).collect()
}

/// The rows of help: every group with its actions, or what fits the letters typed.
#[must_use]
pub fn help_rows(keymap: &Keymap, typed: &str, ascii: bool) -> Vec<(Group, Entry)> {
    let mut rows: Vec<(Group, Entry)> = Vec::new();
    for (action, chords) in keymap.table(ascii) {
        let keys = chords.join(" ");
        let wanted = typed.is_empty()
            || [action.sentence(), action.name()].iter().any(|text| fits(typed, text).is_some())
            || chords.iter().any(|chord| chord == typed);
        if wanted {
            rows.push((action.group(), Entry { action, keys }));
        }
    }
    rows.sort_by_key(|(group, entry)| (*group, entry.action));
    rows
}

/// The row of help that fits the letters typed best; the first if none are.
#[must_use]
pub fn best_row(keymap: &Keymap, typed: &str, ascii: bool) -> usize {
    let best = find(keymap, typed, ascii).into_iter().next();
    let rows = help_rows(keymap, typed, ascii);
    rows.iter().position(|(_, entry)| best.as_ref() == Some(entry)).unwrap_or_default()
}

/// How well letters fit a text when they appear in it in this order; higher is better.
#[must_use]
pub fn fits(typed: &str, text: &str) -> Option<i64> {
    let mut score = 0;
    let mut rest = text.char_indices().map(|(_, c)| c.to_lowercase().next().unwrap_or(c));
    let mut run = 0;
    let mut starts = true;
    for wanted in typed.chars().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace()) {
        loop {
            let c = rest.next()?;
            let at_start = std::mem::replace(&mut starts, !c.is_alphanumeric());
            if c == wanted {
                run += 1;
                score += run * 2 + i64::from(at_start) * 6;
                break;
            }
            run = 0;
            score -= 1;
        }
    }
    Some(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_finds_what_is_meant() {
        let keymap = Keymap::built_in().unwrap();
        let best = |typed| find(&keymap, typed, false).first().map(|entry| entry.action);
        assert_eq!(best("zoom"), Some(Action::Zoom));
        assert_eq!(best("redact"), Some(Action::Redact));
        assert_eq!(best("secret"), Some(Action::Secret));
        assert_eq!(best("copy curl"), Some(Action::CopyCurl));
        assert_eq!(best("qqqqq"), None);
        assert!(find(&keymap, "", false).len() > 50);
    }

    #[test]
    fn a_link_shows_where_it_really_leads() {
        let host = |url| Link::new(url).map(|link| link.host);
        assert_eq!(host("https://example.testlify.com/a?b@c"), Ok("example.testlify.com".into()));
        assert_eq!(host("https://testlify.com@evil.example/x"), Ok("evil.example".into()));
        for bad in
            ["file:///etc/passwd", "javascript:alert(1)", "https://", "http://a b/", "https://x\u{202e}/"]
        {
            assert!(Link::new(bad).is_err(), "{bad}");
        }
    }
}
