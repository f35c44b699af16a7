//! What comes into the screen's state and what goes out of it.
//!
//! The shell turns the terminal and the session into [`Msg`]s and carries out [`Effect`]s. A question
//! leaves with a [`Ticket`]; its answer comes back with the same one. Of two questions with the same
//! [`Slot`] only the newer matters: the older may be dropped or interrupted.

use super::call::Notify;
use super::key::Key;
use super::overlay::Link;
use crate::domain::clean::Clean;
use crate::domain::delivery::Seq;
use crate::domain::filter::Filter;
use crate::domain::forward::{Replay, Replayed};
use crate::domain::proctoring::ViolationKind;
use crate::domain::query::{
    Anchor, AssessmentDetail, AssessmentRow, CandidateRow, EventDetail, EventKey, EventRow, Hunt, Page,
    Query, RiseRow, Sums,
};
use crate::domain::secret::Given;
use crate::domain::time::Timestamp;
use crate::domain::vitals::Vitals;

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// A key was pressed.
    Key(Key),
    /// Text was pasted (bracketed paste); never read as keys.
    Paste(Given),
    /// The mouse did something at this cell.
    Mouse {
        /// Cells from the left edge.
        column: u16,
        /// Cells from the top edge.
        row: u16,
        /// What it did.
        kind: MouseKind,
    },
    /// The terminal now has this many columns and rows.
    Resize(u16, u16),
    /// A second has passed; it is now this late.
    Tick(Timestamp),
    /// How listener, store and door are doing.
    Vitals(Box<Vitals>),
    /// Something new is on disk (or in the ring of refusals): what is shown may be out of date.
    Committed {
        /// Grows with every change.
        revision: u64,
    },
    /// A question's answer.
    Fetched(Ticket, Result<Answer, String>),
    /// A search of bodies is so far, of a hundred.
    Progress(Ticket, u8),
    /// An effect has come to its end.
    Done(Outcome),
}

/// What the mouse did. The shell tells a double click, as it has the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button went down.
    Press,
    /// The left button went down twice in a short time at one place.
    Double,
    /// The wheel turned towards the top.
    WheelUp,
    /// The wheel turned towards the bottom.
    WheelDown,
}

/// Who on the screen asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// The *Assessments* pane.
    Assessments,
    /// The *Candidates* pane.
    Candidates,
    /// The *Violations* pane.
    Violations,
    /// The *Events* pane.
    Events,
    /// The candidates of the assessment that is open.
    Roster,
    /// The events of the candidacy that is open.
    Timeline,
    /// The sums of the header.
    Sums,
    /// The head of the assessment or candidacy that is open.
    Head,
    /// The payload that is open.
    Payload,
    /// The event before it, for telling what changed.
    Before,
    /// A search or jump under way.
    Jump,
}

/// Tells an answer's question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Who asked.
    pub slot: Slot,
    /// 1, 2, 3 … over all slots.
    pub number: u64,
}

/// A question for a stretch of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch<K> {
    /// Which list.
    pub query: Query,
    /// Where in it.
    pub anchor: Anchor<K>,
    /// How many rows before the anchor's row (for [`Anchor::Last`]: how many rows up to the last one).
    pub before: u32,
    /// How many rows from the anchor's row on, itself included.
    pub after: u32,
}

/// What the screen wants to know of the session.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    /// A stretch of the assessments.
    Assessments(Stretch<String>),
    /// A stretch of the candidacies.
    Candidates(Stretch<(String, String)>),
    /// A stretch of the rises.
    Rises(Stretch<(Seq, ViolationKind)>),
    /// A stretch of the events and refusals.
    Events(Stretch<EventKey>),
    /// The sums of the whole session.
    Sums,
    /// One event in full.
    Detail(Seq),
    /// One assessment in depth.
    Assessment(String),
    /// One candidacy's row.
    Candidacy(String, String),
    /// The nearest event that comes after (or before) a row of a list of events and is of a sort.
    Next {
        /// The list it must be in: the sort decides what "after" means.
        query: Query,
        /// From which row; `None` from before the first (or after the last).
        from: Option<EventKey>,
        /// Towards the end of the list.
        down: bool,
        /// What is looked for.
        what: Mark,
    },
    /// How many events a list has, and the newest event of the session, for a replay of the list.
    Chosen(Query),
    /// The next event whose body holds a text. It may take long: [`Effect::StopHunt`] ends it.
    Hunt(Hunt),
}

/// What a jump looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// An event that brought a rise, is unrecognised or has a conflict; a refusal.
    Problem,
    /// An event the user marked.
    Marked,
}

/// What the session says.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To [`Question::Assessments`].
    Assessments(Page<AssessmentRow>),
    /// To [`Question::Candidates`].
    Candidates(Page<CandidateRow>),
    /// To [`Question::Rises`].
    Rises(Page<RiseRow>),
    /// To [`Question::Events`].
    Events(Page<EventRow>),
    /// To [`Question::Sums`].
    Sums(Sums),
    /// To [`Question::Detail`]; `None` if there is no such event.
    Detail(Option<Box<EventDetail>>),
    /// To [`Question::Assessment`].
    Assessment(Option<Box<AssessmentDetail>>),
    /// To [`Question::Candidacy`].
    Candidacy(Option<Box<CandidateRow>>),
    /// To [`Question::Chosen`].
    Chosen {
        /// How many.
        total: u64,
        /// The newest event of the session.
        until: Seq,
    },
    /// To [`Question::Next`] and [`Question::Hunt`].
    Next(Option<EventKey>),
}

/// Something to be done in the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the session; answer with `Msg::Fetched` and the same ticket.
    Ask {
        /// To be handed back.
        ticket: Ticket,
        /// What is asked.
        question: Question,
    },
    /// End the search of bodies that is under way.
    StopHunt,
    /// Put a text on the clipboard (OSC 52); end with [`Outcome::Copied`].
    Copy {
        /// The text, as it is to be pasted.
        text: String,
        /// What it is, for the notice: "the body".
        what: &'static str,
    },
    /// Open a link; the user has agreed to its host.
    Open(Link),
    /// Write the session as JSON; end with [`Outcome::Saved`] or [`Outcome::NotSaved`].
    Save {
        /// Where to, as typed.
        path: String,
        /// Only what this chooses.
        filter: Option<Filter>,
        /// With pseudonyms in place of what names a person.
        redact: bool,
    },
    /// Take a secret; end with [`Outcome::SecretAccepted`] or [`Outcome::SecretRejected`].
    SetSecret(Given),
    /// Set or clear the mark of an event. The new state shows after the next `Msg::Committed`.
    Mark(Seq, bool),
    /// Send events to the user's own code again; end with [`Outcome::Replayed`] or [`Outcome::Failed`].
    Replay(Replay),
    /// End the replays that are under way.
    StopReplay,
    /// Ring the bell.
    Bell,
    /// Have the terminal notify somebody.
    Notify {
        /// What to say.
        text: Clean<'static>,
        /// How terminals of this sort are told.
        how: Notify,
    },
    /// Set the terminal's title.
    Title(Clean<'static>),
    /// Stop like Ctrl-Z, or say why not.
    Suspend,
    /// Take the mouse, or leave it to the terminal for selecting text.
    MouseCapture(bool),
    /// End the program.
    Quit,
}

/// How an effect ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The session was saved.
    Saved {
        /// The file, as it really is.
        path: String,
        /// How many events are in it.
        events: u64,
    },
    /// It was not.
    NotSaved {
        /// The file, as it was typed.
        path: String,
        /// Only what a filter chooses was to be saved.
        only: bool,
        /// People were to be hidden.
        redact: bool,
        /// Why not.
        why: String,
    },
    /// Something went wrong: "no link can be opened here".
    Failed(String),
    /// A text went to the clipboard.
    Copied {
        /// What it is.
        what: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// The secret is in use.
    SecretAccepted {
        /// How many deliveries that waited for one are verified now.
        verified: u64,
        /// How many wait on, for it has signed none of them.
        waiting: u64,
    },
    /// The secret is none; the sentence says why.
    SecretRejected(String),
    /// The link was handed to the system's opener.
    Opened,
    /// Events were sent again.
    Replayed(Box<Replayed>),
}
