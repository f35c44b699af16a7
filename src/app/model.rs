//! Everything the screen knows: no handle, no clock; two models that are equal look the same.

use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use super::call::{By, Calls};
use super::fact::Fact;
use super::geometry::{self, Part};
use super::key::Key;
use super::keymap::{Context, Keymap};
use super::level::Level;
use super::msg::Slot;
use super::notice::{Notice, Tone};
use super::overlay::Overlay;
use super::pane::{self, Pane, View};
use super::prompt::Purpose;
use super::rate::Rate;
use super::window::Window;
use crate::domain::alert::Rules;
use crate::domain::delivery::Seq;
use crate::domain::filter::Filter;
use crate::domain::forward::Progress;
use crate::domain::query::{AssessmentRow, CandidateRow, EventRow, Query, RiseRow, Scope, Sort, Sums};
use crate::domain::time::Timestamp;
use crate::domain::vitals::Vitals;

/// What kind of session this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It is being received.
    #[default]
    Watch,
    /// It is being received from the program's own sender.
    Demo,
    /// Another invigil receives it; this is a look at it from here.
    Attach,
    /// It was saved; nothing is received.
    Open,
}

/// What the screen is told before anything happens.
#[expect(clippy::struct_excessive_bools, reason = "each is an answer to a question of its own")]
#[derive(Debug, Clone)]
pub struct Setup {
    /// What the session is called: its file's name without the ending.
    pub session: String,
    /// Its file.
    pub path: String,
    /// The URL to register at Testlify, if it is known already.
    pub url: Option<String>,
    /// What kind of session it is.
    pub mode: Mode,
    /// Deliveries can be verified: there is a secret, or none is asked for.
    pub has_secret: bool,
    /// Deliveries are taken unsigned, too.
    pub takes_unsigned: bool,
    /// Names of the themes that `T` steps through.
    pub themes: Vec<String>,
    /// The one to begin with.
    pub theme: String,
    /// No other signs than ASCII.
    pub ascii: bool,
    /// The mouse is taken.
    pub mouse: bool,
    /// The keys.
    pub keymap: Keymap,
    /// What marks a row and calls somebody.
    pub rules: Rules,
    /// How somebody is called.
    pub alert_by: By,
    /// The time now.
    pub now: Timestamp,
    /// The time zone that times of day are shown in.
    pub zone: TimeZone,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            session: String::new(),
            path: String::new(),
            url: None,
            mode: Mode::Watch,
            has_secret: true,
            takes_unsigned: false,
            themes: Vec::new(),
            theme: String::new(),
            ascii: false,
            mouse: false,
            keymap: Keymap::built_in().unwrap_or_default(),
            rules: Rules::default(),
            alert_by: By::default(),
            now: Timestamp::default(),
            zone: TimeZone::UTC,
            size: (80, 24),
        }
    }
}

/// A filter in force: as it was typed and as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Active {
    /// As typed.
    pub text: String,
    /// As read.
    pub filter: Filter,
}

/// A question under way whose answer moves something.
#[derive(Debug, Clone, PartialEq)]
pub enum Errand {
    /// A search in a list: where, downwards, and whether it has begun again at the other end.
    Search {
        /// In which list.
        slot: Slot,
        /// Towards the end.
        down: bool,
        /// It has begun again at the other end.
        wrapped: bool,
    },
    /// The next problem or mark in a list of events.
    Next {
        /// In which list.
        slot: Slot,
        /// What to say if there is none.
        none: &'static str,
        /// A payload is open: open the one found in its place.
        open: bool,
    },
    /// The next event whose body holds the word searched for.
    Hunt {
        /// In which list.
        slot: Slot,
    },
    /// An event's body is wanted for the clipboard.
    CopyBody,
    /// An event in full is wanted for a curl command.
    CopyCurl,
    /// An event in full is wanted for its link.
    Link,
    /// The number of events is wanted that a list shows and that are to be sent again.
    Replay,
}

/// The screen's state.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that the user flips on its own")]
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What the session is called.
    pub session: String,
    /// Its file.
    pub path: String,
    /// The webhook URL.
    pub url: Option<String>,
    /// What kind of session it is.
    pub mode: Mode,
    /// Deliveries can be verified.
    pub has_secret: bool,
    /// Deliveries are taken unsigned, too.
    pub takes_unsigned: bool,
    /// Names of the themes.
    pub themes: Vec<String>,
    /// The one in use.
    pub theme: String,
    /// No other signs than ASCII.
    pub ascii: bool,
    /// The mouse is taken.
    pub mouse: bool,
    /// The keys.
    pub keymap: Keymap,
    /// What marks a row and calls somebody.
    pub rules: Rules,
    /// How somebody is called.
    pub alert_by: By,
    /// When the screen began.
    pub begun: Timestamp,
    /// The time of the latest tick.
    pub now: Timestamp,
    /// Where times of day are shown.
    pub zone: TimeZone,
    /// Columns and rows.
    pub size: (u16, u16),

    /// The pane that hears the keys.
    pub focus: Pane,
    /// It alone is shown.
    pub zoomed: bool,
    /// The *Assessments* pane.
    pub assessments: Window<AssessmentRow>,
    /// The *Candidates* pane.
    pub candidates: Window<CandidateRow>,
    /// The *Violations* pane.
    pub rises: Window<RiseRow>,
    /// The *Events* pane.
    pub events: Window<EventRow>,
    /// The order of each pane.
    pub sorts: [Sort; 4],
    /// The view of the candidates.
    pub view: View,
    /// The way down from the panes.
    pub levels: Vec<Level>,
    /// What lies over them.
    pub overlays: Vec<Overlay>,

    /// The filter in force.
    pub filter: Option<Active>,
    /// The word last searched for.
    pub search: Option<String>,
    /// It is searched for in whole bodies.
    pub in_bodies: bool,
    /// Filters typed before.
    pub filters: Vec<String>,
    /// Words searched for before.
    pub searches: Vec<String>,
    /// What is under way, with its ticket.
    pub errand: Option<(u64, Errand)>,

    /// How far a replay of many events is, if one is under way.
    pub replay: Option<Progress>,
    /// Replays of many events whose outcome is not known.
    pub(super) replays: u32,
    /// The sums of the session.
    pub sums: Fact<Sums>,
    /// How listener, door and store are doing.
    pub vitals: Vitals,
    /// What came in the last minute.
    pub rate: Rate,
    /// Paused, and how many events there were then.
    pub paused: Option<u64>,
    /// Names, addresses and links are hidden.
    pub redact: bool,
    /// Times of day instead of ages.
    pub absolute: bool,
    /// A message in the footer.
    pub notice: Option<Notice>,
    /// The keys of a chord begun.
    pub pending: Vec<Key>,
    /// The latest revision heard of.
    pub revision: u64,
    pub(super) serial: u64,
    pub(super) title: String,
    pub(super) alarmed: bool,
    pub(super) marking: bool,
    /// The event that was sent again last.
    pub(super) replayed: Option<Seq>,
    pub(super) calls: Calls,
}

impl Model {
    /// The screen as it is before anything has happened.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let mut model = Self {
            session: setup.session,
            path: setup.path,
            url: setup.url,
            mode: setup.mode,
            has_secret: setup.has_secret,
            takes_unsigned: setup.takes_unsigned,
            themes: setup.themes,
            theme: setup.theme,
            ascii: setup.ascii,
            mouse: setup.mouse,
            keymap: setup.keymap,
            rules: setup.rules,
            alert_by: setup.alert_by,
            begun: setup.now,
            now: setup.now,
            zone: setup.zone,
            size: setup.size,
            focus: Pane::Assessments,
            zoomed: false,
            assessments: Window::default(),
            candidates: Window::default(),
            rises: Window::default(),
            events: Window::default(),
            sorts: [Sort::Name, Sort::Latest, Sort::Latest, Sort::Latest],
            view: View::All,
            levels: Vec::new(),
            overlays: Vec::new(),
            filter: None,
            search: None,
            in_bodies: false,
            filters: Vec::new(),
            searches: Vec::new(),
            errand: None,
            replay: None,
            replays: 0,
            sums: Fact::default(),
            vitals: Vitals::default(),
            rate: Rate::default(),
            paused: None,
            redact: false,
            absolute: false,
            notice: None,
            pending: Vec::new(),
            revision: 0,
            serial: 0,
            title: String::new(),
            alarmed: false,
            marking: false,
            replayed: None,
            calls: Calls::default(),
        };
        if model.mode == Mode::Watch && !model.has_secret {
            model.ask_for_secret();
        }
        model
    }

    /// The whole screen.
    #[must_use]
    pub fn area(&self) -> Rect {
        Rect::new(0, 0, self.size.0, self.size.1)
    }

    /// The section of the keymap that holds now.
    #[must_use]
    pub fn context(&self) -> Context {
        match (self.overlays.last(), self.levels.last()) {
            (Some(overlay), _) => overlay.context(),
            (None, None) => Context::Panes,
            (None, Some(Level::Payload(_))) => Context::Payload,
            (None, Some(_)) => Context::Everywhere,
        }
    }

    /// The slot of a pane's list.
    #[must_use]
    pub fn pane_slot(pane: Pane) -> Slot {
        match pane {
            Pane::Assessments => Slot::Assessments,
            Pane::Candidates => Slot::Candidates,
            Pane::Violations => Slot::Violations,
            Pane::Events => Slot::Events,
        }
    }

    /// The list that hears the keys, if one does.
    #[must_use]
    pub fn list(&self) -> Option<Slot> {
        match self.levels.last() {
            None => Some(Self::pane_slot(self.focus)),
            Some(Level::Assessment(_)) => Some(Slot::Roster),
            Some(Level::Candidacy(_)) => Some(Slot::Timeline),
            Some(Level::Payload(_) | Level::Refusal(_)) => None,
        }
    }

    /// The list of events under the payload that is open: where the events before and after it are.
    #[must_use]
    pub fn list_below(&self) -> Slot {
        let below = self.levels.iter().rev().find(|level| !matches!(level, Level::Payload(_)));
        if matches!(below, Some(Level::Candidacy(_))) { Slot::Timeline } else { Slot::Events }
    }

    /// The order of a list.
    #[must_use]
    pub fn sort(&self, slot: Slot) -> Sort {
        let of = |pane: Pane| self.sorts.get(pane as usize).copied().unwrap_or_default();
        match slot {
            Slot::Candidates => of(Pane::Candidates),
            Slot::Violations => of(Pane::Violations),
            Slot::Events => of(Pane::Events),
            Slot::Roster => self.assessment().map(|level| level.sort).unwrap_or_default(),
            Slot::Timeline => self.candidacy().map(|level| level.sort).unwrap_or_default(),
            _ => of(Pane::Assessments),
        }
    }

    /// The view of a list of candidates.
    #[must_use]
    pub fn view(&self, slot: Slot) -> View {
        match slot {
            Slot::Candidates => self.view,
            Slot::Roster => self.assessment().map(|level| level.view).unwrap_or_default(),
            _ => View::All,
        }
    }

    /// The question a list answers now.
    #[must_use]
    pub fn query(&self, slot: Slot) -> Query {
        let scope = match slot {
            Slot::Roster => self.assessment().map(|level| Scope::Assessment(level.id.clone())),
            Slot::Timeline => self
                .candidacy()
                .map(|level| Scope::Candidacy(level.assessment_id.clone(), level.candidate_id.clone())),
            Slot::Violations => self
                .suspect()
                .map(|row| Scope::Candidacy(row.assessment_id.clone(), row.candidate_id.clone())),
            _ => None,
        };
        let user = self.filter.as_ref().map(|active| &active.filter);
        pane::query(scope.unwrap_or_default(), self.sort(slot), user, self.view(slot), self.now)
    }

    /// Whose violations the pane *Violations* tells: where candidates are seen by what they did, what the one
    /// under the cursor did, and when. To read all of it one goes there from the candidates, and comes back.
    #[must_use]
    pub fn suspect(&self) -> Option<&CandidateRow> {
        let asks = self.levels.is_empty() && self.view.is_of_violations();
        let asks = asks && matches!(self.focus, Pane::Candidates | Pane::Violations);
        self.candidates.current().filter(|_| asks)
    }

    /// The assessment that is open, on top or underneath.
    #[must_use]
    pub fn assessment(&self) -> Option<&super::level::AssessmentLevel> {
        self.levels.iter().rev().find_map(|level| match level {
            Level::Assessment(level) => Some(&**level),
            _ => None,
        })
    }

    /// The candidacy that is open, on top or underneath.
    #[must_use]
    pub fn candidacy(&self) -> Option<&super::level::CandidacyLevel> {
        self.levels.iter().rev().find_map(|level| match level {
            Level::Candidacy(level) => Some(&**level),
            _ => None,
        })
    }

    /// The payload that is open.
    #[must_use]
    pub fn payload(&self) -> Option<&super::level::PayloadLevel> {
        match self.levels.last() {
            Some(Level::Payload(level)) => Some(level),
            _ => None,
        }
    }

    /// A word is being typed that is looked for in a payload.
    #[must_use]
    pub fn searches_payload(&self) -> bool {
        let typed = matches!(self.overlays.last(), Some(Overlay::Prompt(prompt)) if matches!(prompt.purpose, Purpose::Search { .. }));
        typed && self.payload().is_some()
    }

    /// A line is needed for where one is or what is in force.
    #[must_use]
    pub fn has_crumbs(&self) -> bool {
        !self.levels.is_empty() || self.filter.is_some()
    }

    /// Events that came since the pause, if paused.
    #[must_use]
    pub fn new_since_pause(&self) -> Option<u64> {
        let then = self.paused?;
        Some(self.vitals.events().saturating_sub(then))
    }

    /// What is in the session, or as much as the door has counted.
    #[must_use]
    pub fn sums(&self) -> Sums {
        self.sums.get().copied().unwrap_or_default()
    }

    /// Nothing has ever come.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.sums.get().is_some_and(|sums| sums.events == 0) && self.filter.is_none()
    }

    /// Puts a message into the footer.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.notice = Some(Notice::new(tone, text, self.now));
    }

    /// Lines a list has on screen, or none if it is not shown.
    #[must_use]
    pub fn lines(&self, slot: Slot) -> Option<u16> {
        let regions = geometry::regions(self, self.area())?;
        let rect = regions.of(Part::List(slot))?;
        Some(geometry::list_area(rect, regions.framing, Self::has_strip(slot)).rows.height)
    }

    /// A list has views to step through.
    #[must_use]
    pub fn has_strip(slot: Slot) -> bool {
        matches!(slot, Slot::Candidates | Slot::Roster)
    }
}
