//! Questions a screen or an export asks of a session, and the rows of the answers.
//!
//! The screen and the store do not know each other: they meet in these plain structs.

use super::delivery::{Headers, Seq, Source};
use super::event::{EventKind, Status};
use super::filter::Filter;
use super::forward::Forwarded;
use super::proctoring::{Counts, Flag, ViolationKind};
use super::projection::Totals;
use super::refusal::Refusal;
use super::time::Timestamp;

/// Which part of the session a list shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scope {
    /// All of it.
    #[default]
    Session,
    /// One assessment.
    Assessment(String),
    /// One candidacy: assessment and candidate.
    Candidacy(String, String),
}

/// The order of a list. Each names the rows it is for; ties go by identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// Events, rises: by arrival. Candidates, assessments: by time of their latest event. Newest first.
    #[default]
    Latest,
    /// The same, oldest first. Events of one candidacy: in the sender's time.
    Oldest,
    /// By name, then identity. Candidates, assessments.
    Name,
    /// By status in the order of a rollout, then the longest in it first. Candidates.
    Status,
    /// By score, highest first; those without one last. Candidates, assessments.
    Score,
    /// By flag, then by number of violations, worst first. Candidates, assessments.
    Worst,
}

/// A question for one list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Which part of the session.
    pub scope: Scope,
    /// In which order.
    pub sort: Sort,
    /// Only what matches all of these (the user's filter, a view's own).
    pub filters: Vec<Filter>,
    /// What `since:15m` counts from.
    pub now: Timestamp,
}

/// Where in a list a page lies.
#[derive(Debug, Clone, PartialEq)]
pub enum Anchor<K> {
    /// From the first row.
    First,
    /// The same at once: the rows are not counted if that takes long.
    Glimpse,
    /// Up to the last row.
    Last,
    /// Around the row with this identity; if it is no longer in the list, around where it would be,
    /// if that can be told, else from the first row.
    At(K),
}

/// A run of neighbouring rows of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<R> {
    /// The rows, in the list's order.
    pub rows: Vec<R>,
    /// How many rows of the list stand before the first of these.
    pub before: u64,
    /// How many rows the list has.
    pub total: u64,
    /// It has just as many; else at least as many.
    pub exact: bool,
}

impl<R> Default for Page<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), before: 0, total: 0, exact: true }
    }
}

/// A row of a list: it has an identity, so that a cursor can stay on it whatever arrives.
pub trait Row: Clone {
    /// What tells it from every other row.
    type Key: Clone + PartialEq + std::fmt::Debug;
    /// Its identity.
    fn key(&self) -> Self::Key;
}

/// A row of the *Assessments* pane.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AssessmentRow {
    /// `assessmentId`
    pub id: String,
    /// Its name, if any event had one.
    pub name: Option<String>,
    /// `workspaceUrl`
    pub workspace: Option<String>,
    /// `orgId`
    pub org_id: Option<String>,
    /// Its latest assessment event says so.
    pub archived: bool,
    /// Its latest assessment event says so.
    pub deleted: bool,
    /// The event says archived while `isArchived` says no, or the other way round.
    pub contradiction: bool,
    /// What its candidacies add up to.
    pub totals: Totals,
    /// Time of the latest event that names it.
    pub last_event_at: Option<Timestamp>,
}

impl Row for AssessmentRow {
    type Key = String;
    fn key(&self) -> String {
        self.id.clone()
    }
}

/// A row of the *Candidates* pane: one candidacy.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CandidateRow {
    /// `assessmentId`
    pub assessment_id: String,
    /// `candidateId`
    pub candidate_id: String,
    /// The assessment's name.
    pub assessment_name: Option<String>,
    /// First and last name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Where it stands.
    pub status: Option<Status>,
    /// Since when.
    pub status_at: Option<Timestamp>,
    /// `candidateStage`, as the sender spells it.
    pub stage: Option<String>,
    /// `avgScorePercentage`
    pub score: Option<f64>,
    /// What the violations come to.
    pub flag: Flag,
    /// The violations.
    pub counts: Counts,
    /// Seconds outside the test.
    pub outside_secs: f64,
    /// Seconds with the pointer outside the window.
    pub mouse_out_secs: f64,
    /// How many events speak of it.
    pub events: u64,
    /// Time of the earliest `invited`.
    pub invited_at: Option<Timestamp>,
    /// Time of the earliest `in_progress`.
    pub started_at: Option<Timestamp>,
    /// Time of the earliest `completed` or `disqualified`.
    pub finished_at: Option<Timestamp>,
    /// Time of the latest event.
    pub last_event_at: Option<Timestamp>,
    /// The candidate's page at Testlify.
    pub detail_link: Option<String>,
    /// The report.
    pub result_link: Option<String>,
}

impl Row for CandidateRow {
    type Key = (String, String);
    fn key(&self) -> Self::Key {
        (self.assessment_id.clone(), self.candidate_id.clone())
    }
}

/// A row of the *Violations* pane: one rise.
#[derive(Debug, Clone, PartialEq)]
pub struct RiseRow {
    /// The event that brought it.
    pub seq: Seq,
    /// What rose.
    pub kind: ViolationKind,
    /// The greatest count before.
    pub before: u32,
    /// The count it rose to.
    pub after: u32,
    /// The event's time.
    pub at: Timestamp,
    /// `assessmentId`
    pub assessment_id: String,
    /// `candidateId`
    pub candidate_id: String,
    /// The assessment's name.
    pub assessment_name: Option<String>,
    /// The candidate's name.
    pub candidate_name: Option<String>,
    /// The candidate's e-mail address.
    pub email: Option<String>,
    /// The candidacy's flag as it stands.
    pub flag: Flag,
    /// The candidacy's status as it stands.
    pub status: Option<Status>,
}

impl Row for RiseRow {
    type Key = (Seq, ViolationKind);
    fn key(&self) -> Self::Key {
        (self.seq, self.kind)
    }
}

/// Identity of a row of the *Events* pane. Ordered as the rows arrived: a refusal stands after the event
/// that was the newest when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// The event, or the newest one when the refusal came.
    pub seq: Seq,
    /// 0 for an event, else the refusal's number.
    pub refusal: u64,
}

/// A row of the *Events* pane.
#[derive(Debug, Clone, PartialEq)]
pub enum EventRow {
    /// An event of the session.
    Event(Box<EventLine>),
    /// A delivery that was turned away, kept in memory only.
    Refusal(Seq, Box<Refusal>),
}

impl Row for EventRow {
    type Key = EventKey;
    fn key(&self) -> EventKey {
        match self {
            Self::Event(line) => EventKey { seq: line.seq, refusal: 0 },
            Self::Refusal(seq, refusal) => EventKey { seq: *seq, refusal: refusal.number },
        }
    }
}

/// What a list shows of one event.
#[derive(Debug, Clone, PartialEq)]
pub struct EventLine {
    /// Its place in the session.
    pub seq: Seq,
    /// `svix-id`
    pub id: String,
    /// `candidate.completed`, as the body says it; `None` if it says none.
    pub name: Option<String>,
    /// Its kind; `None` means unrecognised.
    pub kind: Option<EventKind>,
    /// The sender's time of it.
    pub occurred_at: Timestamp,
    /// When it was first accepted.
    pub received_at: Timestamp,
    /// The earliest attempt's `svix-timestamp`.
    pub sent_at: Timestamp,
    /// How many deliveries carried it.
    pub deliveries: u64,
    /// How many of them carried another body than the one kept.
    pub conflicts: u64,
    /// False if it was taken unsigned.
    pub verified: bool,
    /// Where it first came from.
    pub source: Source,
    /// Size of the body, bytes.
    pub size: u64,
    /// Marked by the user.
    pub marked: bool,
    /// `assessmentId`, if recognised.
    pub assessment_id: Option<String>,
    /// `candidateId`, if recognised.
    pub candidate_id: Option<String>,
    /// The assessment's name.
    pub assessment_name: Option<String>,
    /// The candidate's name.
    pub candidate_name: Option<String>,
    /// The candidate's e-mail address.
    pub email: Option<String>,
    /// The score this event states.
    pub score: Option<f64>,
    /// The rises it brought.
    pub rises: Vec<super::projection::Rise>,
    /// What became of passing it on to the user's own code, if that was tried.
    pub forwarded: Option<Box<Forwarded>>,
}

/// One event in full.
#[derive(Debug, Clone, PartialEq)]
pub struct EventDetail {
    /// What a list shows of it.
    pub line: EventLine,
    /// Headers of its first delivery, or of the first that was verified, without signatures left out.
    pub headers: Headers,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// The candidacy's event before it in the sender's time, for telling what changed.
    pub previous: Option<Seq>,
    /// The candidacy's event after it.
    pub next: Option<Seq>,
}

/// A search for a text inside whole bodies, through a list of events from one row on and round to it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Hunt {
    /// The list.
    pub query: Query,
    /// What is looked for; ASCII letters match in either case.
    pub text: String,
    /// From which row, which is looked at last; `None` from the end of the list that comes first.
    pub from: Option<EventKey>,
    /// Towards the end of the list.
    pub down: bool,
}

/// The sums a header shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Events kept.
    pub events: u64,
    /// Deliveries accepted.
    pub deliveries: u64,
    /// Events that are unrecognised.
    pub unrecognised: u64,
    /// Candidacies.
    pub candidates: u64,
    /// Assessments.
    pub assessments: u64,
    /// Rises of violations.
    pub rises: u64,
    /// Time of the latest acceptance.
    pub last_received_at: Option<Timestamp>,
    /// Events that could not be passed on to the user's own code.
    pub unforwarded: u64,
}

impl Sums {
    /// Deliveries that repeated an event.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.deliveries.saturating_sub(self.events)
    }
}

/// One assessment in depth.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AssessmentDetail {
    /// What the list shows of it.
    pub row: AssessmentRow,
    /// Candidacies by score: 0–10, 10–20 … 90–100.
    pub scores: [u64; 10],
    /// Median milliseconds from the invitation to the start.
    pub median_to_start: Option<i64>,
    /// Median milliseconds from the start to the end.
    pub median_to_finish: Option<i64>,
    /// Violations by kind: in how many candidacies, and how many in all.
    pub violations: [(u64, u64); 10],
    /// How many were ever invited, ever started, ever finished: a funnel that does not lose who went on.
    pub funnel: [u64; 3],
    /// The body of its latest assessment event, for its configuration.
    pub body: Option<Vec<u8>>,
}
