//! From a theme's few meanings to the styles of many places. Where there is no colour, bold, underline and
//! reverse video say the same.

use ratatui::style::{Modifier, Style};

use super::symbols::Symbols;
use super::theme::{Depth, Meaning, Theme};
use crate::app::notice::Tone;
use crate::app::pane::Pane;
use crate::domain::event::Status;
use crate::domain::proctoring::Flag;

/// Every style and sign a screen is drawn with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Styles {
    theme: Theme,
    depth: Depth,
    /// The signs.
    pub symbols: Symbols,
    /// The whole screen, before anything is drawn on it.
    pub base: Style,
    /// What is read.
    pub text: Style,
    /// What is read second.
    pub dim: Style,
    /// What is read first.
    pub strong: Style,
    /// Lines between things.
    pub border: Style,
    /// The ground of header, footer and boxes on top.
    pub bar: Style,
    /// The row under the cursor, in the list that hears the keys.
    pub selected: Style,
    /// The same in another list.
    pub held: Style,
    /// A row that just arrived.
    pub fresh: Style,
    /// Good.
    pub ok: Style,
    /// To be looked at.
    pub warn: Style,
    /// Bad.
    pub bad: Style,
    /// Neither.
    pub info: Style,
    /// A key in a hint.
    pub key: Style,
    /// A word that was searched for.
    pub hit: Style,
    /// The cursor in a line that is typed.
    pub caret: Style,
}

impl Styles {
    /// The styles of a theme on a terminal.
    #[must_use]
    pub fn new(theme: &Theme, depth: Depth, ascii: bool) -> Self {
        let depth = if theme.is_mono() { Depth::Mono } else { depth };
        let mono = depth == Depth::Mono;
        let colour = |meaning| theme.colour(meaning, depth);
        let ink = |meaning, plain: Modifier| {
            let style = Style::new().fg(colour(meaning));
            if mono { style.add_modifier(plain) } else { style }
        };
        let ground = |meaning| Style::new().bg(colour(meaning));
        // Sixteen colours are not ours to put one on another: the cursor is shown by turning them round.
        let few = matches!(depth, Depth::Mono | Depth::Sixteen);
        let selected =
            if few { Style::new().add_modifier(Modifier::REVERSED) } else { ground(Meaning::Selection) };
        let none = Modifier::empty();
        let info = ink(Meaning::Info, none);
        Self {
            theme: theme.clone(),
            depth,
            symbols: Symbols::of(ascii),
            base: ground(Meaning::Background).fg(colour(Meaning::Text)),
            text: ink(Meaning::Text, none),
            dim: ink(Meaning::Dim, none),
            strong: ink(Meaning::Text, none).add_modifier(Modifier::BOLD),
            border: ink(Meaning::Border, Modifier::DIM),
            bar: ground(Meaning::Raised).fg(colour(Meaning::Text)),
            selected,
            held: if few { Style::new() } else { ground(Meaning::Raised) },
            fresh: if few { Style::new().add_modifier(Modifier::BOLD) } else { ground(Meaning::Fresh) },
            ok: ink(Meaning::Ok, none),
            warn: ink(Meaning::Warn, Modifier::UNDERLINED),
            bad: ink(Meaning::Bad, Modifier::BOLD),
            info,
            key: info.add_modifier(Modifier::BOLD),
            hit: Style::new().add_modifier(Modifier::REVERSED),
            caret: Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// The cursor's row is shown by turning its colours round, so the cells in it must have none.
    #[must_use]
    pub fn turns(&self) -> bool {
        matches!(self.depth, Depth::Mono | Depth::Sixteen)
    }

    /// A pane's own colour.
    #[must_use]
    pub fn accent(&self, pane: Pane) -> Style {
        let meaning = match pane {
            Pane::Assessments => Meaning::Assessment,
            Pane::Candidates => Meaning::Candidate,
            Pane::Violations => Meaning::Violation,
            Pane::Events => Meaning::Event,
        };
        Style::new().fg(self.theme.colour(meaning, self.depth))
    }

    /// The style of something so good or bad.
    #[must_use]
    pub fn tone(&self, tone: Tone) -> Style {
        match tone {
            Tone::Info => self.info,
            Tone::Good => self.ok,
            Tone::Warn => self.warn,
            Tone::Bad => self.bad,
        }
    }

    /// A flag's style.
    #[must_use]
    pub fn flag(&self, flag: Flag) -> Style {
        match flag {
            Flag::Red => self.bad,
            Flag::Yellow => self.warn,
            Flag::Green => self.ok,
        }
    }

    /// A status's style.
    #[must_use]
    pub fn status(&self, status: Status) -> Style {
        match status {
            Status::Invited | Status::InvitationExpired | Status::Rejected => self.dim,
            Status::Enrolled => self.accent(Pane::Candidates),
            Status::InProgress => self.info,
            Status::Completed | Status::InvitedForInterview => self.ok,
            Status::Disqualified => self.bad,
        }
    }
}
