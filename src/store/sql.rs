//! Filters as SQL. Values are always bound, never written into the text.

use rusqlite::types::Value;

use crate::domain::event::EventKind;
use crate::domain::filter::{Compare, Filter, Is, Term, fold_case};
use crate::domain::proctoring::ViolationKind;
use crate::domain::time::Timestamp;

/// Which rows a condition is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// `event e`
    Events,
    /// `rise r` and its `event e`
    Rises,
    /// `candidacy c`
    Candidacies,
    /// `assessment a`
    Assessments,
}

/// A condition and the values for its `?`s, in order.
#[derive(Debug, Default)]
pub(super) struct Condition {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

impl Condition {
    /// What all of these filters choose together.
    pub(super) fn of(filters: &[Filter], rows: Rows, now: Timestamp) -> Self {
        let mut condition = Self::default();
        for filter in filters.iter().filter(|filter| !filter.is_empty()) {
            condition.and();
            condition.rows(filter, rows, now);
        }
        condition
    }

    pub(super) fn and(&mut self) {
        if !self.text.is_empty() {
            self.text.push_str(" AND ");
        }
    }

    /// Adds one more condition with its values.
    pub(super) fn also(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        self.and();
        self.text.push_str(text);
        self.values.extend(values);
    }

    /// `WHERE` and the condition, if there is one.
    pub(super) fn clause(&self) -> String {
        if self.text.is_empty() { String::new() } else { format!("WHERE {}", self.text) }
    }

    /// A candidate or assessment is chosen if any of its events is. Where all terms speak of what its events
    /// have in common, its own row tells.
    fn rows(&mut self, filter: &Filter, rows: Rows, now: Timestamp) {
        let all = |test: fn(&Term) -> bool| every(filter, &test);
        match rows {
            Rows::Candidacies if !all(of_candidacy) => {
                self.text
                    .push_str("c.n IN (SELECT e.candidacy FROM event e WHERE e.candidacy IS NOT NULL AND ");
                self.tree(filter, Rows::Events, now);
                self.text.push(')');
            }
            Rows::Assessments if !all(of_assessment) => {
                self.text
                    .push_str("a.n IN (SELECT e.assessment FROM event e WHERE e.assessment IS NOT NULL AND ");
                self.tree(filter, Rows::Events, now);
                self.text.push(')');
            }
            _ => self.tree(filter, rows, now),
        }
    }

    fn tree(&mut self, filter: &Filter, rows: Rows, now: Timestamp) {
        let (parts, between, none) = match filter {
            Filter::All(parts) => (parts, " AND ", "1"),
            Filter::Any(parts) => (parts, " OR ", "0"),
            Filter::Not(part) => {
                self.text.push_str("NOT ");
                return self.tree(part, rows, now);
            }
            Filter::Term(term) => return self.term(term, rows, now),
        };
        self.text.push('(');
        for (n, part) in parts.iter().enumerate() {
            self.text.push_str(if n == 0 { "" } else { between });
            self.tree(part, rows, now);
        }
        self.text.push_str(if parts.is_empty() { none } else { "" });
        self.text.push(')');
    }

    /// One term, never NULL: NOT must turn what does not hold into what does.
    fn term(&mut self, term: &Term, rows: Rows, now: Timestamp) {
        match term {
            Term::Word(word) => self.word(word),
            Term::Type(name) => self.kind(&fold_case(name), EventKind::name, "fold(e.name)"),
            Term::Event(half) => {
                let spelt = "substr(fold(e.name), instr(fold(e.name), '.') + 1)";
                self.kind(&fold_case(half), EventKind::event, spelt);
            }
            Term::Assessment(word) => {
                let condition = "(has(a.name, ?) OR fold(a.id) = ?)";
                let text = match rows {
                    Rows::Assessments => condition.to_owned(),
                    Rows::Candidacies => {
                        format!("c.assessment IN (SELECT a.n FROM assessment a WHERE {condition})")
                    }
                    _ => {
                        format!("ifnull(e.assessment IN (SELECT a.n FROM assessment a WHERE {condition}), 0)")
                    }
                };
                self.put(&text, [fold_case(word).into(), fold_case(word).into()]);
            }
            Term::Candidate(word) => {
                let word = fold_case(word);
                let condition = "(has(c.name, ?) OR has(c.email, ?) OR fold(c.candidate_id) = ?)";
                self.candidacy(condition, [word.clone().into(), word.clone().into(), word.into()], rows);
            }
            Term::Status(status) => {
                self.candidacy("ifnull(c.status = ?, 0)", [(status.index() as i64).into()], rows);
            }
            Term::Flag(flag) => self.candidacy("c.flag = ?", [(*flag as i64).into()], rows),
            Term::Score(compare, bound) => {
                let text = format!("ifnull(c.score {} ?, 0)", compare.symbol());
                self.candidacy(&text, [(*bound).into()], rows);
            }
            Term::Violation(kind, compare, count) => self.violation(*kind, *compare, *count, rows),
            Term::Is(is) => self.text.push_str(match is {
                Is::Unrecognised => "e.kind IS NULL",
                Is::Duplicate => "e.deliveries > 1",
                Is::Unverified => "NOT e.verified",
                Is::Marked => "e.marked",
                Is::Conflict => "e.conflicts > 0",
                // A refused delivery never reaches the file.
                Is::Refused => "0",
            }),
            Term::Since(when) => self.put("e.occurred_at >= ?", [when.seen_from(now).millis().into()]),
            Term::Until(when) => self.put("e.occurred_at <= ?", [when.seen_from(now).millis().into()]),
        }
    }

    /// A word for a kind of event. The known kinds have an index; what is unrecognised is asked for its name.
    fn kind(&mut self, word: &str, part: fn(EventKind) -> &'static str, spelt: &str) {
        let kinds = EventKind::ALL.iter().filter(|kind| part(**kind) == word);
        let numbers: Vec<_> = kinds.map(|kind| (*kind as i64).to_string()).collect();
        let text = format!(
            "(ifnull(e.kind IN ({}), 0) OR (e.kind IS NULL AND ifnull({spelt} = ?, 0)))",
            numbers.join(", ")
        );
        self.put(&text, [word.to_owned().into()]);
    }

    fn violation(&mut self, kind: ViolationKind, compare: Compare, count: u32, rows: Rows) {
        let count = Value::from(i64::from(count));
        if rows == Rows::Rises {
            let text = format!("(r.kind = ? AND r.\"after\" {} ?)", compare.symbol());
            self.put(&text, [(kind.index() as i64).into(), count]);
        } else {
            self.candidacy(&format!("c.v{} {} ?", kind.index(), compare.symbol()), [count], rows);
        }
    }

    /// A condition about a candidacy, asked of whatever rows these are.
    fn candidacy(&mut self, condition: &str, values: impl IntoIterator<Item = Value>, rows: Rows) {
        let text = match rows {
            Rows::Candidacies => condition.to_owned(),
            _ => format!("ifnull(e.candidacy IN (SELECT c.n FROM candidacy c WHERE {condition}), 0)"),
        };
        self.put(&text, values);
    }

    fn word(&mut self, word: &str) {
        let word: Value = fold_case(word).into();
        self.put(
            "(has(e.id, ?) OR has(e.name, ?)
              OR ifnull(e.assessment IN (SELECT a.n FROM assessment a WHERE has(a.id, ?) OR has(a.name, ?)), 0)
              OR ifnull(e.candidacy IN (SELECT c.n FROM candidacy c
                 WHERE has(c.candidate_id, ?) OR has(c.name, ?) OR has(c.email, ?)), 0))",
            std::iter::repeat_n(word, 7),
        );
    }

    fn put(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(text);
        self.values.extend(values);
    }
}

fn every(filter: &Filter, test: &impl Fn(&Term) -> bool) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().all(|part| every(part, test)),
        Filter::Not(part) => every(part, test),
        Filter::Term(term) => test(term),
    }
}

fn of_candidacy(term: &Term) -> bool {
    matches!(
        term,
        Term::Assessment(_)
            | Term::Candidate(_)
            | Term::Status(_)
            | Term::Flag(_)
            | Term::Violation(..)
            | Term::Score(..)
    )
}

fn of_assessment(term: &Term) -> bool {
    matches!(term, Term::Assessment(_))
}
