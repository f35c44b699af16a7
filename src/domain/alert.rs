//! Alert rules: what somebody wants to be called for, and the alerts that come of it.
//!
//! A rule is a line of the config file: `tab_switch >= 3`, `violations >= 10`, `score < 40`, `flag = red`,
//! `status = disqualified`, `refused >= 5 in 1m`, `quiet >= 10m`. A rule about a candidacy calls once, when it
//! begins to hold for that candidacy, and its rows stay marked for as long as it holds.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::count::plural;
use super::duration::Duration;
use super::event::Status;
use super::filter::{Compare, Standing, nearest};
use super::proctoring::{Flag, ViolationKind};
use super::query::{CandidateRow, RiseRow};
use super::time::Timestamp;

/// Most refusals a rule can count: what the ring of refusals holds.
const REFUSALS: u32 = 256;

/// When to call somebody.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// A count of one kind of violation.
    Violation(ViolationKind, Compare, u32),
    /// All violations of a candidacy, added up.
    Violations(Compare, u32),
    /// A candidacy's score.
    Score(Compare, f64),
    /// A candidacy's flag.
    Flag(Flag),
    /// A candidacy's status.
    Status(Status),
    /// So many deliveries refused within so long.
    Refused(u32, Duration),
    /// Nothing accepted for so long.
    Quiet(Duration),
}

impl Rule {
    /// Whether it holds for a candidacy that stands so; never for a rule about something else.
    #[must_use]
    pub fn holds(self, standing: &Standing) -> bool {
        match self {
            Self::Violation(kind, compare, count) => {
                compare.holds(f64::from(standing.counts.of(kind)), f64::from(count))
            }
            Self::Violations(compare, count) => compare.holds(standing.counts.sum() as f64, f64::from(count)),
            Self::Score(compare, bound) => standing.score.is_some_and(|score| compare.holds(score, bound)),
            Self::Flag(flag) => standing.counts.flag() == flag,
            Self::Status(status) => standing.status == Some(status),
            Self::Refused(..) | Self::Quiet(_) => false,
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = text.find(['<', '>', '=']).ok_or_else(|| {
            format!("`{text}` compares nothing; write it like `tab_switch >= 3` or `flag = red`")
        })?;
        let (subject, rest) = text.split_at(at);
        let (subject, rest) = (subject.trim(), rest.trim());
        let compare = Compare::ALL.into_iter().find(|compare| rest.starts_with(compare.symbol()));
        let compare = compare.ok_or_else(|| format!("`{text}`: expected one of < <= = >= >"))?;
        let value = rest.trim_start_matches(compare.symbol()).trim();
        let grows = |wanted: &str| match compare {
            Compare::AtLeast => Ok(()),
            _ => Err(format!("`{text}`: only `{subject} >= {wanted}` can be asked for")),
        };
        let exact = || match compare {
            Compare::Equal => Ok(()),
            _ => Err(format!("`{text}`: only `{subject} =` can be asked for")),
        };
        let count = |text: &str| {
            text.parse::<u32>().map_err(|_not_whole| format!("`{text}` is no whole number from 0 on"))
        };
        match subject {
            "violations" => Ok(Self::Violations(compare, count(value)?)),
            "score" => match value.parse::<f64>() {
                Ok(bound) if bound.is_finite() => Ok(Self::Score(compare, bound)),
                _ => Err(format!("`{value}` is no score; write it like `score < 40`")),
            },
            "flag" => {
                exact()?;
                let flag = Flag::from_word(value);
                flag.map(Self::Flag).ok_or_else(|| format!("no flag `{value}`; one of green, yellow, red"))
            }
            "status" => {
                exact()?;
                let words = Status::ALL.map(Status::word).join(", ");
                let status = Status::from_word(value);
                status.map(Self::Status).ok_or_else(|| format!("no status `{value}`; one of {words}"))
            }
            "refused" => {
                grows("5 in 1m")?;
                let (number, span) = value
                    .split_once(" in ")
                    .ok_or_else(|| format!("`{text}`: in how long? Write it like `refused >= 5 in 1m`"))?;
                let number = count(number.trim())?;
                if !(1..=REFUSALS).contains(&number) {
                    return Err(format!("`{text}`: between 1 and {REFUSALS} refusals can be counted"));
                }
                Ok(Self::Refused(number, span.trim().parse()?))
            }
            "quiet" => {
                grows("10m")?;
                Ok(Self::Quiet(value.parse()?))
            }
            _ => {
                let kind = ViolationKind::from_word(subject).ok_or_else(|| unknown(subject))?;
                Ok(Self::Violation(kind, compare, count(value)?))
            }
        }
    }
}

/// What to write instead of a subject that there is not.
fn unknown(subject: &str) -> String {
    let kinds = ViolationKind::ALL.map(ViolationKind::word);
    let others = ["violations", "score", "flag", "status", "refused", "quiet"];
    let all: Vec<&str> = kinds.into_iter().chain(others).collect();
    let hint = nearest(subject, &all)
        .map_or_else(|| format!("one of {}", all.join(", ")), |near| format!("did you mean `{near}`?"));
    format!("there is no `{subject}` to watch; {hint}")
}

impl fmt::Display for Rule {
    /// As it is written in the config file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(kind, compare, count) => write!(f, "{kind} {} {count}", compare.symbol()),
            Self::Violations(compare, count) => write!(f, "violations {} {count}", compare.symbol()),
            Self::Score(compare, bound) => write!(f, "score {} {bound}", compare.symbol()),
            Self::Flag(flag) => write!(f, "flag = {flag}"),
            Self::Status(status) => write!(f, "status = {status}"),
            Self::Refused(count, span) => write!(f, "refused >= {count} in {span}"),
            Self::Quiet(span) => write!(f, "quiet >= {span}"),
        }
    }
}

/// All rules of a session's watching. Clones share them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules(Arc<[Rule]>);

impl Default for Rules {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Rules {
    /// These rules.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules.into())
    }

    /// Each in turn.
    pub fn iter(&self) -> impl Iterator<Item = Rule> + '_ {
        self.0.iter().copied()
    }

    /// Nobody wants to be called.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Some rule holds for the candidacy of this row.
    #[must_use]
    pub fn mark(&self, row: &CandidateRow) -> bool {
        let standing = Standing { status: row.status, score: row.score, counts: row.counts };
        self.iter().any(|rule| rule.holds(&standing))
    }

    /// Some rule holds for what rose here, or for whom it rose.
    #[must_use]
    pub fn mark_rise(&self, row: &RiseRow) -> bool {
        self.iter().any(|rule| match rule {
            Rule::Violation(kind, compare, count) => {
                kind == row.kind && compare.holds(f64::from(row.after), f64::from(count))
            }
            Rule::Flag(flag) => flag == row.flag,
            Rule::Status(status) => row.status == Some(status),
            _ => false,
        })
    }

    /// The rules that begin to hold as a candidacy goes from one standing (`None`: it is new) to another.
    #[must_use]
    pub fn call(&self, before: Option<&Standing>, after: &Standing) -> Vec<Rule> {
        let begins = |rule: &Rule| rule.holds(after) && !before.is_some_and(|before| rule.holds(before));
        self.iter().filter(begins).collect()
    }
}

/// Somebody is called.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// 1, 2, 3 … since the program started.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// By which rule.
    pub rule: Rule,
    /// The candidacy it is about, for a rule about candidacies.
    pub about: Option<About>,
}

/// The candidacy an alert is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// `assessmentId`
    pub assessment_id: String,
    /// `candidateId`
    pub candidate_id: String,
    /// The candidate's name, if any event had one.
    pub name: Option<String>,
    /// The assessment's name, if any event had one.
    pub assessment: Option<String>,
}

impl Alert {
    /// What is so, in a few words for a person.
    #[must_use]
    pub fn what(&self) -> String {
        match self.rule {
            Rule::Violation(kind, compare, count) => format!("{} {} {count}", kind.title(), compare.symbol()),
            Rule::Flag(flag) => format!("flag is {flag}"),
            Rule::Status(status) => status.word().replace('_', " "),
            Rule::Refused(count, span) => {
                format!("{} refused within {span}", plural(count.into(), "delivery"))
            }
            Rule::Quiet(span) => format!("nothing was accepted for {span}"),
            rule @ (Rule::Violations(..) | Rule::Score(..)) => rule.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::proctoring::Counts;
    use super::*;

    #[test]
    fn a_rule_prints_as_it_was_written() {
        for text in [
            "tab_switch >= 3",
            "violations > 10",
            "score < 39.5",
            "flag = red",
            "status = disqualified",
            "refused >= 5 in 1m",
            "quiet >= 10m",
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        assert_eq!("tab_switch>=3".parse::<Rule>(), "tab_switch >= 3".parse());
    }

    #[test]
    fn a_bad_rule_says_what_to_write() {
        for (text, told) in [
            ("tab_swich >= 3", "did you mean `tab_switch`?"),
            ("flag", "compares nothing"),
            ("flag >= red", "only `flag =`"),
            ("flag = blue", "green, yellow, red"),
            ("status = gone", "invited"),
            ("refused >= 5", "in how long?"),
            ("refused >= 999 in 1m", "between 1 and 256"),
            ("refused < 5 in 1m", "only `refused >= 5 in 1m`"),
            ("quiet >= soon", "no length of time"),
            ("score < high", "no score"),
            ("tab_switch >= -1", "no whole number"),
        ] {
            let error = text.parse::<Rule>().unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }

    #[test]
    fn a_rule_calls_when_it_begins_to_hold_and_not_again() {
        let rules = Rules::new(vec!["tab_switch >= 3".parse().unwrap(), "flag = red".parse().unwrap()]);
        let standing = |tabs, pastes| {
            let mut counts = Counts::default();
            counts.raise(ViolationKind::TabSwitch, tabs);
            counts.raise(ViolationKind::CopyPaste, pastes);
            Standing { status: None, score: None, counts }
        };
        let called = |before, after| rules.call(Some(&before), &after).len();
        assert_eq!(called(standing(0, 0), standing(2, 0)), 0);
        assert_eq!(called(standing(2, 0), standing(5, 0)), 1);
        assert_eq!(called(standing(5, 0), standing(9, 0)), 0);
        assert_eq!(called(standing(2, 0), standing(3, 1)), 2);
        assert_eq!(rules.call(None, &standing(4, 0)).len(), 1);
    }
}
