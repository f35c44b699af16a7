//! The filter language: what a person types to see only some of a session.
//!
//! A filter chooses *events*. A term about a candidacy (`status:`, `flag:`, `score`, `violation:`) holds for
//! every event of a candidacy that stands so now. The other panes show what the chosen events belong to: a
//! candidate is listed if any of their events is chosen. In the *Violations* pane, `violation:` speaks of the
//! row itself.

mod parse;
mod veil;

use std::fmt;

use super::delivery::Source;
use super::event::Status;
use super::forward::State;
use super::proctoring::{Counts, Flag, ViolationKind};
use super::query::EventLine;
use super::refusal::Refusal;
use super::time::Timestamp;

pub use parse::{KEYS, ParseError, distance, nearest, parse};
pub use veil::veiled;

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Everything of these holds; an empty list chooses everything.
    All(Vec<Self>),
    /// At least one of these holds.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// One term.
    Term(Term),
}

impl Default for Filter {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

/// How a number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

impl Compare {
    /// Every comparison; two-letter spellings first, so that a prefix search finds the longer one.
    pub const ALL: [Self; 5] = [Self::AtMost, Self::AtLeast, Self::Less, Self::More, Self::Equal];

    /// The operator, the same in SQL.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::More => ">",
        }
    }

    /// Whether `left` compares so to `right`.
    #[must_use]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left.total_cmp(&right).is_eq(),
            Self::AtLeast => left >= right,
            Self::More => left > right,
        }
    }
}

/// A property of an event that `is:` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// None of the thirteen kinds.
    Unrecognised,
    /// Delivered more than once.
    Duplicate,
    /// Taken unsigned, or refused.
    Unverified,
    /// Marked by the user.
    Marked,
    /// Repeated with another body.
    Conflict,
    /// Turned away at the door.
    Refused,
    /// Passed on to the user's own code, which took it.
    Forwarded,
    /// Passed on to the user's own code, which did not take it; given up.
    Unforwarded,
}

impl Is {
    /// Every property.
    pub const ALL: [Self; 8] = [
        Self::Unrecognised,
        Self::Duplicate,
        Self::Unverified,
        Self::Marked,
        Self::Conflict,
        Self::Refused,
        Self::Forwarded,
        Self::Unforwarded,
    ];

    /// The word after `is:`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unrecognised => "unrecognised",
            Self::Duplicate => "duplicate",
            Self::Unverified => "unverified",
            Self::Marked => "marked",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Forwarded => "forwarded",
            Self::Unforwarded => "unforwarded",
        }
    }
}

/// A point in time, fixed or counted back from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// This moment.
    At(Timestamp),
    /// So many milliseconds ago.
    Ago(i64),
}

impl When {
    /// The moment it means, seen from `now`.
    #[must_use]
    pub fn seen_from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(millis) => now.plus_millis(-millis),
        }
    }
}

/// One condition. Texts are compared without regard to case.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// Part of a type, a name, an e-mail address, an assessment's or a candidate's id; how an event's id begins.
    Word(String),
    /// `type:candidate.completed`: the whole name.
    Type(String),
    /// `event:completed`: the half after the dot.
    Event(String),
    /// `assessment:`: part of the name, or the whole id.
    Assessment(String),
    /// `candidate:`: part of the name or e-mail address, or the whole id.
    Candidate(String),
    /// `status:`: where the candidacy stands.
    Status(Status),
    /// `flag:`: what its violations come to.
    Flag(Flag),
    /// `violation:`: how often something happened.
    Violation(ViolationKind, Compare, u32),
    /// `score`: the candidacy's score.
    Score(Compare, f64),
    /// `source:`: where its first delivery came from.
    Source(Source),
    /// `is:`
    Is(Is),
    /// `since:`: the event's time is this or later.
    Since(When),
    /// `until:`: the event's time is this or earlier.
    Until(When),
}

/// A text ready to be compared without regard to case.
#[must_use]
pub fn fold_case(text: &str) -> String {
    text.to_lowercase()
}

/// What a filter is asked about: an event and how its candidacy stands.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The event.
    pub line: &'a EventLine,
    /// Its candidacy, if it speaks of one.
    pub standing: Option<Standing>,
}

/// How a candidacy stands, as far as a filter asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Its status.
    pub status: Option<Status>,
    /// Its score.
    pub score: Option<f64>,
    /// Its violations.
    pub counts: Counts,
}

impl Filter {
    /// True if it chooses everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Whether any of its terms is one of those meant.
    #[must_use]
    pub fn has(&self, meant: fn(&Term) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.has(meant)),
            Self::Not(part) => part.has(meant),
            Self::Term(term) => meant(term),
        }
    }

    /// Whether it chooses this event. The store answers the same question in SQL; a test holds them equal.
    #[must_use]
    pub fn matches(&self, subject: &Subject<'_>, now: Timestamp) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(subject, now)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(subject, now)),
            Self::Not(part) => !part.matches(subject, now),
            Self::Term(term) => term.matches(subject, now),
        }
    }

    /// Whether it chooses this refused delivery, of which only the id and the reason are known.
    #[must_use]
    pub fn matches_refusal(&self, refusal: &Refusal, now: Timestamp) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches_refusal(refusal, now)),
            Self::Any(parts) => parts.iter().any(|part| part.matches_refusal(refusal, now)),
            Self::Not(part) => !part.matches_refusal(refusal, now),
            Self::Term(term) => match term {
                Term::Word(word) => {
                    let told =
                        [refusal.id.as_deref().unwrap_or_default(), refusal.code.word(), &refusal.sentence];
                    told.iter().any(|text| contains(text, word))
                }
                Term::Is(is) => matches!(is, Is::Refused | Is::Unverified),
                Term::Since(when) => refusal.at >= when.seen_from(now),
                Term::Until(when) => refusal.at <= when.seen_from(now),
                _ => false,
            },
        }
    }
}

fn contains(text: &str, word: &str) -> bool {
    fold_case(text).contains(&fold_case(word))
}

fn same(text: &str, word: &str) -> bool {
    fold_case(text) == fold_case(word)
}

impl Term {
    fn matches(&self, subject: &Subject<'_>, now: Timestamp) -> bool {
        let line = subject.line;
        let standing = subject.standing;
        let given = |text: &Option<String>, test: fn(&str, &str) -> bool, word: &str| {
            text.as_deref().is_some_and(|text| test(text, word))
        };
        match self {
            Self::Word(word) => {
                line.id.starts_with(word.as_str())
                    || [
                        &line.name,
                        &line.assessment_id,
                        &line.candidate_id,
                        &line.assessment_name,
                        &line.candidate_name,
                        &line.email,
                    ]
                    .into_iter()
                    .any(|text| given(text, contains, word))
            }
            Self::Type(word) => given(&line.name, same, word),
            Self::Event(word) => {
                let half = line.name.as_deref().and_then(|name| name.split_once('.'));
                half.is_some_and(|(_, half)| same(half, word))
            }
            Self::Assessment(word) => {
                given(&line.assessment_name, contains, word) || given(&line.assessment_id, same, word)
            }
            Self::Candidate(word) => {
                given(&line.candidate_name, contains, word)
                    || given(&line.email, contains, word)
                    || given(&line.candidate_id, same, word)
            }
            Self::Status(status) => standing.is_some_and(|standing| standing.status == Some(*status)),
            Self::Flag(flag) => standing.is_some_and(|standing| standing.counts.flag() == *flag),
            Self::Violation(kind, compare, count) => standing.is_some_and(|standing| {
                compare.holds(f64::from(standing.counts.of(*kind)), f64::from(*count))
            }),
            Self::Score(compare, bound) => {
                let score = standing.and_then(|standing| standing.score);
                score.is_some_and(|score| compare.holds(score, *bound))
            }
            Self::Source(source) => line.source == *source,
            Self::Is(is) => match is {
                Is::Unrecognised => line.kind.is_none(),
                Is::Duplicate => line.deliveries > 1,
                Is::Unverified => !line.verified,
                Is::Marked => line.marked,
                Is::Conflict => line.conflicts > 0,
                Is::Refused => false,
                Is::Forwarded => line.forwarded.as_ref().is_some_and(|to| to.state == State::Delivered),
                Is::Unforwarded => line.forwarded.as_ref().is_some_and(|to| to.state == State::GivenUp),
            },
            Self::Since(when) => line.occurred_at >= when.seen_from(now),
            Self::Until(when) => line.occurred_at <= when.seen_from(now),
        }
    }
}

/// Quotes a text if a bare one would read as something else.
fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let bare = !text.is_empty()
        && text != "OR"
        && !text.starts_with('-')
        && !text.contains(|c: char| c.is_whitespace() || "\"():<>=\\".contains(c));
    if bare {
        f.write_str(text)
    } else {
        write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => write!(f, "{time}"),
            Self::Ago(millis) => {
                let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
                let whole = units.into_iter().find(|(unit, _)| *millis > 0 && millis % unit == 0);
                let (unit, letter) = whole.unwrap_or((1000, "s"));
                write!(f, "{}{letter}", millis / unit)
            }
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = |key: &str, text: &str| {
            f.write_str(key)?;
            quoted(text, f)
        };
        match self {
            Self::Word(word) => key("", word),
            Self::Type(word) => key("type:", word),
            Self::Event(word) => key("event:", word),
            Self::Assessment(word) => key("assessment:", word),
            Self::Candidate(word) => key("candidate:", word),
            Self::Status(status) => write!(f, "status:{status}"),
            Self::Flag(flag) => write!(f, "flag:{flag}"),
            Self::Violation(kind, compare, count) => write!(f, "violation:{kind}{}{count}", compare.symbol()),
            Self::Score(compare, bound) => write!(f, "score{}{bound}", compare.symbol()),
            Self::Source(source) => write!(f, "source:{source}"),
            Self::Is(is) => write!(f, "is:{}", is.word()),
            Self::Since(when) => write!(f, "since:{when}"),
            Self::Until(when) => write!(f, "until:{when}"),
        }
    }
}

impl fmt::Display for Filter {
    /// Prints it as a person would type it; reading that gives the same filter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = |part: &Self, f: &mut fmt::Formatter<'_>| match part {
            Self::Term(_) | Self::Not(_) => write!(f, "{part}"),
            _ => write!(f, "({part})"),
        };
        let list = |parts: &[Self], between: &str, f: &mut fmt::Formatter<'_>| {
            for (n, part) in parts.iter().enumerate() {
                f.write_str(if n == 0 { "" } else { between })?;
                group(part, f)?;
            }
            Ok(())
        };
        match self {
            Self::All(parts) => list(parts, " ", f),
            Self::Any(parts) => list(parts, " OR ", f),
            Self::Not(part) => {
                f.write_str("-")?;
                group(part, f)
            }
            Self::Term(term) => write!(f, "{term}"),
        }
    }
}
