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

/// How the rows that a filter chooses are found; both find the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Row by row of the list, each tested: quick where many are chosen.
    Walk,
    /// What is chosen first: quick where few are.
    Gather,
}

/// A condition and the values for its `?`s, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
    /// Tests are true or false, never NULL: inside a NOT, which turns NULL into NULL and not into what holds;
    /// and where a list is walked, as they could tempt SQLite to an index in another order.
    strict: bool,
}

impl Condition {
    /// What all of these filters choose together.
    pub(super) fn of(filters: &[Filter], rows: Rows, now: Timestamp, way: Way) -> Self {
        let mut condition = Self { strict: way == Way::Walk, ..Self::default() };
        for filter in filters.iter().filter(|filter| !filter.is_empty()) {
            condition.and();
            condition.rows(filter, rows, now, way);
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
    fn rows(&mut self, filter: &Filter, rows: Rows, now: Timestamp, way: Way) {
        let all = |test: fn(&Term) -> bool| every(filter, &test);
        let (before, inside) = match (rows, way) {
            (Rows::Candidacies, Way::Walk) if all(of_candidacy) => return self.tree(filter, rows, now),
            (Rows::Candidacies, Way::Gather) if all(of_candidacy) => {
                ("c.n IN (SELECT c.n FROM candidacy c WHERE ", Rows::Candidacies)
            }
            (Rows::Assessments, _) if all(of_assessment) => return self.tree(filter, rows, now),
            (Rows::Candidacies, Way::Walk) => (
                "EXISTS (SELECT 1 FROM event e INDEXED BY event_candidacy WHERE e.candidacy = c.n AND ",
                Rows::Events,
            ),
            (Rows::Candidacies, Way::Gather) => {
                ("c.n IN (SELECT e.candidacy FROM event e WHERE e.candidacy IS NOT NULL AND ", Rows::Events)
            }
            // An event of no candidacy can only be chosen by what a candidacy is not.
            (Rows::Assessments, Way::Walk) if all(of_candidacy) && !negates(filter) => {
                ("EXISTS (SELECT 1 FROM candidacy c WHERE c.assessment = a.n AND ", Rows::Candidacies)
            }
            (Rows::Assessments, Way::Gather) if all(of_candidacy) && !negates(filter) => {
                ("a.n IN (SELECT c.assessment FROM candidacy c WHERE ", Rows::Candidacies)
            }
            (Rows::Assessments, Way::Walk) => (
                "EXISTS (SELECT 1 FROM event e INDEXED BY event_assessment WHERE e.assessment = a.n AND ",
                Rows::Events,
            ),
            (Rows::Assessments, Way::Gather) => {
                ("a.n IN (SELECT e.assessment FROM event e WHERE e.assessment IS NOT NULL AND ", Rows::Events)
            }
            (Rows::Events, Way::Gather) => ("e.seq IN (SELECT e.seq FROM event e WHERE ", Rows::Events),
            // There, a violation is the row's own.
            (Rows::Rises, Way::Gather) if all(not_of_rise) => {
                ("r.seq IN (SELECT e.seq FROM event e WHERE ", Rows::Events)
            }
            (Rows::Events | Rows::Rises, _) => return self.tree(filter, rows, now),
        };
        self.text.push_str(before);
        self.tree(filter, inside, now);
        self.text.push(')');
    }

    fn tree(&mut self, filter: &Filter, rows: Rows, now: Timestamp) {
        let (parts, between, none) = match filter {
            Filter::All(parts) => (parts, " AND ", "1"),
            Filter::Any(parts) => (parts, " OR ", "0"),
            Filter::Not(part) => {
                self.text.push_str("NOT ");
                let before = std::mem::replace(&mut self.strict, true);
                self.tree(part, rows, now);
                self.strict = before;
                return;
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

    /// A test that is NULL where its column is: as good as false, and open to an index.
    fn test(&self, test: &str) -> String {
        if self.strict { format!("ifnull({test}, 0)") } else { format!("({test})") }
    }

    /// One term.
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
                    _ => self
                        .test(&format!("e.assessment IN (SELECT a.n FROM assessment a WHERE {condition})")),
                };
                self.put(&text, [fold_case(word).into(), fold_case(word).into()]);
            }
            Term::Candidate(word) => {
                let word = fold_case(word);
                let condition = "(has(c.name, ?) OR has(c.email, ?) OR fold(c.candidate_id) = ?)";
                self.candidacy(condition, [word.clone().into(), word.clone().into(), word.into()], rows);
            }
            Term::Status(status) => {
                self.candidacy("ifnull(c.status, 99) = ?", [(status.index() as i64).into()], rows);
            }
            Term::Flag(flag) => self.candidacy("c.flag = ?", [(*flag as i64).into()], rows),
            Term::Score(compare, bound) => {
                let text =
                    format!("(c.score IS NOT NULL AND ifnull(c.score, -1e300) {} ?)", compare.symbol());
                self.candidacy(&text, [(*bound).into()], rows);
            }
            Term::Violation(kind, compare, count) => self.violation(*kind, *compare, *count, rows),
            Term::Source(source) => self.put("e.source = ?", [(*source as i64).into()]),
            Term::Is(is) => self.text.push_str(property(*is)),
            Term::Since(when) => self.put("e.occurred_at >= ?", [when.seen_from(now).millis().into()]),
            Term::Until(when) => self.put("e.occurred_at <= ?", [when.seen_from(now).millis().into()]),
        }
    }

    /// A word for a kind of event. The known kinds have an index; what is unrecognised is asked for its name.
    fn kind(&mut self, word: &str, part: fn(EventKind) -> &'static str, spelt: &str) {
        let kinds = EventKind::ALL.iter().filter(|kind| part(**kind) == word);
        let numbers: Vec<_> = kinds.map(|kind| (*kind as i64).to_string()).collect();
        let text = format!(
            "({} OR (e.kind IS NULL AND {}))",
            self.test(&format!("e.kind IN ({})", numbers.join(", "))),
            self.test(&format!("{spelt} = ?"))
        );
        self.put(&text, [word.to_owned().into()]);
    }

    fn violation(&mut self, kind: ViolationKind, compare: Compare, bound: u32, rows: Rows) {
        let count = Value::from(i64::from(bound));
        if rows == Rows::Rises {
            let text = format!("(r.kind = ? AND r.\"after\" {} ?)", compare.symbol());
            self.put(&text, [(kind.index() as i64).into(), count]);
        } else if bound > 0 && matches!(compare, Compare::AtLeast | Compare::More) {
            // Who ever had so many rose to it once, and there are fewer rises than columns of counts.
            let condition = format!(
                "c.n IN (SELECT candidacy FROM rise WHERE kind = ? AND \"after\" {} ?)",
                compare.symbol()
            );
            self.candidacy(&condition, [(kind.index() as i64).into(), count], rows);
        } else {
            self.candidacy(&format!("c.v{} {} ?", kind.index(), compare.symbol()), [count], rows);
        }
    }

    /// A condition about a candidacy, asked of whatever rows these are.
    fn candidacy(&mut self, condition: &str, values: impl IntoIterator<Item = Value>, rows: Rows) {
        let text = match rows {
            Rows::Candidacies => condition.to_owned(),
            _ => self.test(&format!("e.candidacy IN (SELECT c.n FROM candidacy c WHERE {condition})")),
        };
        self.put(&text, values);
    }

    /// Part of a name, an address or an id of what it is about, part of its type, or how its own id begins.
    fn word(&mut self, word: &str) {
        let folded: Value = fold_case(word).into();
        let kinds = EventKind::ALL.iter().filter(|kind| kind.name().contains(&fold_case(word)));
        let numbers: Vec<_> = kinds.map(|kind| (*kind as i64).to_string()).collect();
        let range: [Value; 2] = [word.to_owned().into(), format!("{word}\u{10ffff}").into()];
        if self.strict {
            self.put("((e.id >= ? AND e.id < ?)", range);
        } else {
            let known = "(e.seq IN (SELECT seq FROM known WHERE id >= ? AND id < ?)
                OR (e.seq > (SELECT indexed FROM sums) AND e.id >= ? AND e.id < ?)";
            self.put(known, range.clone().into_iter().chain(range));
        }
        if !numbers.is_empty() {
            let kinds = self.test(&format!("e.kind IN ({})", numbers.join(", ")));
            self.put(&format!(" OR {kinds}"), []);
        }
        let assessments =
            "e.assessment IN (SELECT a.n FROM assessment a WHERE has(a.id, ?) OR has(a.name, ?))";
        let candidacies = "e.candidacy IN (SELECT c.n FROM candidacy c
            WHERE has(c.candidate_id, ?) OR has(c.name, ?) OR has(c.email, ?))";
        let text = format!(
            " OR (e.kind IS NULL AND has(e.name, ?)) OR {} OR {})",
            self.test(assessments),
            self.test(candidacies)
        );
        self.put(&text, std::iter::repeat_n(folded, 6));
    }

    fn put(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(text);
        self.values.extend(values);
    }
}

/// A property of `event e`.
fn property(is: Is) -> &'static str {
    match is {
        Is::Unrecognised => "e.kind IS NULL",
        Is::Duplicate => "e.deliveries > 1",
        Is::Unverified => "NOT e.verified",
        Is::Marked => "e.marked",
        Is::Conflict => "e.conflicts > 0",
        // A refused delivery never reaches the file. SQLite drops the rest of a condition with a plain 0 in it,
        // and then finds no use for the index that a walk insists on.
        Is::Refused => "e.seq < 0",
        Is::Forwarded => "e.seq IN (SELECT f.seq FROM forward f WHERE f.state = 0)",
        Is::Unforwarded => "e.seq IN (SELECT f.seq FROM forward f WHERE f.state = 2)",
    }
}

fn every(filter: &Filter, test: &impl Fn(&Term) -> bool) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().all(|part| every(part, test)),
        Filter::Not(part) => every(part, test),
        Filter::Term(term) => test(term),
    }
}

fn negates(filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().any(negates),
        Filter::Not(_) => true,
        Filter::Term(_) => false,
    }
}

fn not_of_rise(term: &Term) -> bool {
    !matches!(term, Term::Violation(..))
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
