//! Filters as SQL. Values are always bound, never written into the text.

use rusqlite::types::Value;

use super::terms::{every, negates, not_of_rise, of_assessment, of_candidacy, of_none, one_word};
use crate::domain::delivery::Source;
use crate::domain::event::EventKind;
use crate::domain::filter::{Compare, Filter, Is, Term, fold_case};
use crate::domain::proctoring::{Counts, Flag, ViolationKind};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Way {
    /// Row by row of the list, each tested: quick where many are chosen.
    Walk,
    /// What is chosen first: quick where few are.
    #[default]
    Gather,
}

/// Stands for no score in an index: less than any. An event's own is never so low.
const UNSCORED: f64 = -1e300;

/// A condition and the values for its `?`s, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Condition {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
    /// Tests are true or false, never NULL: inside a NOT, which turns NULL into NULL and not into what holds;
    /// and where a list is walked, as they could tempt SQLite to an index in another order.
    strict: bool,
    /// Walking, the candidacy of an event stands beside it as `c`, NULL if it speaks of none. Else all that are
    /// meant are found first.
    way: Way,
    /// Only events of an assessment are asked: those are recognised.
    known: bool,
    /// The event of a rise is asked too.
    pub(super) asks_event: bool,
}

impl Condition {
    /// What all of these filters choose together.
    pub(super) fn of(filters: &[Filter], rows: Rows, now: Timestamp, way: Way) -> Self {
        let mut condition = Self { strict: way == Way::Walk, way, ..Self::default() };
        for filter in filters.iter().filter(|filter| !filter.is_empty()) {
            let parts = match filter {
                Filter::All(parts) if rows == Rows::Assessments => parts.as_slice(),
                _ => std::slice::from_ref(filter),
            };
            // What an assessment is in all of its events is asked of itself.
            let (own, others): (Vec<_>, Vec<_>) =
                parts.iter().partition(|part| rows == Rows::Assessments && every(part, &of_assessment));
            for part in own {
                condition.and();
                condition.rows(part, rows, now, way);
            }
            match others.as_slice() {
                [] => {}
                [one] => {
                    condition.and();
                    condition.rows(one, rows, now, way);
                }
                others => {
                    condition.and();
                    let others = others.iter().copied().cloned().collect();
                    condition.rows(&Filter::All(others), rows, now, way);
                }
            }
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
        if let (Rows::Candidacies, Some((word, others))) = (rows, one_word(filter)) {
            self.text.push_str(if way == Way::Walk {
                "("
            } else {
                "c.n IN (SELECT c.n FROM candidacy c WHERE "
            });
            self.person(word);
            for other in others {
                self.and();
                self.tree(other, rows, now);
            }
            return self.text.push(')');
        }
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
            // The `+` keeps SQLite from reading all events of candidacies.
            (Rows::Candidacies, Way::Gather) => {
                ("c.n IN (SELECT e.candidacy FROM event e WHERE +e.candidacy IS NOT NULL AND ", Rows::Events)
            }
            // An event of no candidacy can only be chosen by what a candidacy is not.
            (Rows::Assessments, Way::Walk) if all(of_candidacy) && !negates(filter) => {
                ("EXISTS (SELECT 1 FROM candidacy c WHERE c.assessment = a.n AND ", Rows::Candidacies)
            }
            (Rows::Assessments, Way::Gather) if all(of_candidacy) && !negates(filter) => {
                ("a.n IN (SELECT c.assessment FROM candidacy c WHERE ", Rows::Candidacies)
            }
            (Rows::Assessments, Way::Walk) => (
                "EXISTS (SELECT 1 FROM event e INDEXED BY event_assessment LEFT JOIN candidacy c ON c.n = e.candidacy
                 WHERE e.assessment = a.n AND ",
                Rows::Events,
            ),
            (Rows::Assessments, Way::Gather) => {
                ("a.n IN (SELECT e.assessment FROM event e WHERE +e.assessment IS NOT NULL AND ", Rows::Events)
            }
            // There, a violation is the row's own.
            (Rows::Rises, Way::Gather) if all(not_of_rise) && all(of_candidacy) => {
                ("r.candidacy IN (SELECT c.n FROM candidacy c WHERE ", Rows::Candidacies)
            }
            (Rows::Rises, Way::Gather) if all(not_of_rise) => {
                ("r.seq IN (SELECT e.seq FROM event e WHERE ", Rows::Events)
            }
            (Rows::Events | Rows::Rises, _) => {
                self.asks_event |= rows == Rows::Rises && way == Way::Gather;
                return self.tree(filter, rows, now);
            }
        };
        self.text.push_str(before);
        let known = std::mem::replace(&mut self.known, rows != Rows::Events);
        self.tree(filter, inside, now);
        self.known = known;
        self.text.push(')');
    }

    fn tree(&mut self, filter: &Filter, rows: Rows, now: Timestamp) {
        let apart = rows == Rows::Events && self.way == Way::Gather;
        let of_candidacies = |part: &&Filter| apart && of_none(part).is_some() && every(part, &of_candidacy);
        if of_candidacies(&filter) {
            return self.candidacies(&[filter], now);
        }
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
        // What speaks of candidacies is asked of them together: often all of it leaves few.
        let together = matches!(filter, Filter::All(_));
        let (ours, others): (Vec<_>, Vec<_>) =
            parts.iter().partition(|part| together && of_candidacies(part));
        let mut ours = ours.as_slice();
        for (n, part) in others.into_iter().enumerate() {
            self.text.push_str(if n == 0 { "" } else { between });
            match part {
                Filter::Term(Term::Word(word)) if apart && !self.strict => {
                    self.word(word, std::mem::take(&mut ours), now);
                }
                _ => self.tree(part, rows, now),
            }
        }
        if !ours.is_empty() {
            self.text.push_str(if ours.len() == parts.len() { "" } else { between });
            self.candidacies(ours, now);
        }
        self.text.push_str(if parts.is_empty() { none } else { "" });
        self.text.push(')');
    }

    /// An event's candidacy is as all of these say. Events of none are all chosen, or none is.
    fn candidacies(&mut self, parts: &[&Filter], now: Timestamp) {
        let none = parts.iter().all(|part| of_none(part) == Some(true));
        let (before, after) = match (none, self.strict) {
            (true, _) => ("(e.candidacy IS NULL OR ", ")"),
            (false, true) => ("ifnull(", ", 0)"),
            (false, false) => ("(", ")"),
        };
        self.text.push_str(before);
        self.text.push_str("e.candidacy IN (SELECT c.n FROM candidacy c WHERE ");
        self.each(parts, now);
        self.text.push(')');
        self.text.push_str(after);
    }

    /// The same, asked of one event after another.
    fn this_candidacy(&mut self, parts: &[&Filter], now: Timestamp) {
        if parts.is_empty() {
            return;
        }
        let none = parts.iter().all(|part| of_none(part) == Some(true));
        self.text.push_str(if none { " AND (e.candidacy IS NULL OR " } else { " AND (" });
        self.text.push_str("EXISTS (SELECT 1 FROM candidacy c WHERE c.n = e.candidacy AND ");
        let way = std::mem::replace(&mut self.way, Way::Walk);
        self.each(parts, now);
        self.way = way;
        self.text.push_str("))");
    }

    /// All of these hold for a candidacy.
    fn each(&mut self, parts: &[&Filter], now: Timestamp) {
        let strict = std::mem::replace(&mut self.strict, false);
        for (n, part) in parts.iter().enumerate() {
            self.text.push_str(if n == 0 { "" } else { " AND " });
            self.tree(part, Rows::Candidacies, now);
        }
        self.strict = strict;
    }

    /// A test that is NULL where its column is: as good as false, and open to an index.
    fn test(&self, test: &str) -> String {
        if self.strict { format!("ifnull({test}, 0)") } else { format!("({test})") }
    }

    /// One term.
    fn term(&mut self, term: &Term, rows: Rows, now: Timestamp) {
        match term {
            Term::Word(word) => self.word(word, &[], now),
            Term::Type(name) => self.kind(&fold_case(name), EventKind::name, "fold(e.name)"),
            Term::Event(half) => {
                let spelt = "substr(fold(e.name), instr(fold(e.name), '.') + 1)";
                self.kind(&fold_case(half), EventKind::event, spelt);
            }
            Term::Assessment(word) => {
                let condition = "names(?, a.id, a.name)";
                let text = match rows {
                    Rows::Assessments => condition.to_owned(),
                    Rows::Candidacies => self
                        .test(&format!("c.assessment IN (SELECT a.n FROM assessment a WHERE {condition})")),
                    _ => self
                        .test(&format!("e.assessment IN (SELECT a.n FROM assessment a WHERE {condition})")),
                };
                self.put(&text, [fold_case(word).into()]);
            }
            Term::Candidate(word) => {
                self.candidacy("names(?, c.candidate_id, c.name, c.email)", [fold_case(word).into()], rows);
            }
            Term::Status(status) => {
                self.candidacy("ifnull(c.status, 99) = ?", [(status.index() as i64).into()], rows);
            }
            Term::Flag(flag) => self.candidacy("c.flag = ?", [(*flag as i64).into()], rows),
            Term::Score(compare, bound) => self.score(*compare, *bound, rows),
            Term::Violation(kind, compare, count) => self.violation(*kind, *compare, *count, rows),
            // There is an index of what came from elsewhere than over HTTP.
            Term::Source(Source::Http) => self.text.push_str("e.source = 0"),
            Term::Source(source) => {
                self.put("(e.source > 0 AND e.source = ?)", [(*source as i64).into()]);
            }
            Term::Is(is) => self.text.push_str(property(*is, self.way)),
            Term::Since(when) => self.when(">=", when.seen_from(now)),
            Term::Until(when) => self.when("<=", when.seen_from(now)),
        }
    }

    /// A word for a kind of event. The known kinds have an index; what is unrecognised is asked for its name.
    fn kind(&mut self, word: &str, part: fn(EventKind) -> &'static str, spelt: &str) {
        let kinds = EventKind::ALL.iter().filter(|kind| part(**kind) == word);
        let numbers: Vec<_> = kinds.map(|kind| (*kind as i64).to_string()).collect();
        let kinds = self.test(&format!("e.kind IN ({})", numbers.join(", ")));
        if self.known {
            return self.text.push_str(&kinds);
        }
        let text = format!("({kinds} OR (e.kind IS NULL AND {}))", self.test(&format!("{spelt} = ?")));
        self.put(&text, [word.to_owned().into()]);
    }

    fn when(&mut self, symbol: &str, moment: Timestamp) {
        self.put(&self.test(&format!("e.occurred_at {symbol} ?")), [moment.millis().into()]);
    }

    fn score(&mut self, compare: Compare, bound: f64, rows: Rows) {
        let symbol = compare.symbol();
        let text = if self.way == Way::Walk {
            format!("(c.score IS NOT NULL AND c.score {symbol} ?)")
        } else if matches!(compare, Compare::Less | Compare::AtMost) || bound <= UNSCORED {
            format!(
                "(ifnull(c.score, {UNSCORED:e}) > {UNSCORED:e} AND ifnull(c.score, {UNSCORED:e}) {symbol} ?)"
            )
        } else {
            format!("ifnull(c.score, {UNSCORED:e}) {symbol} ?")
        };
        self.candidacy(&text, [bound.into()], rows);
    }

    fn violation(&mut self, kind: ViolationKind, compare: Compare, bound: u32, rows: Rows) {
        let count = Value::from(i64::from(bound));
        let (column, symbol) = (kind.index(), compare.symbol());
        if rows == Rows::Rises {
            let text = format!("(r.kind = {column} AND r.\"after\" {symbol} ?)");
            self.put(&text, [count]);
            return;
        }
        let mut condition = format!("c.v{column} {symbol} ?");
        let mut values = vec![count.clone()];
        let mut least = Counts::default();
        if !matches!(compare, Compare::Less | Compare::AtMost) {
            least.raise(kind, bound.saturating_add(u32::from(compare == Compare::More)));
        }
        match least.flag() {
            _ if self.way == Way::Walk => {}
            Flag::Green => {}
            // Who ever had so many rose to it once, and there are fewer rises than columns of counts.
            Flag::Yellow => {
                condition = format!(
                    "(c.n IN (SELECT candidacy FROM rise WHERE kind = {column} AND \"after\" {symbol} ?) AND {condition})"
                );
                values.push(count);
            }
            // So many are a red flag.
            Flag::Red => condition = format!("(c.flag = {} AND {condition})", Flag::Red as i64),
        }
        self.candidacy(&condition, values, rows);
    }

    /// A condition about a candidacy, asked of whatever rows these are.
    fn candidacy(&mut self, condition: &str, values: impl IntoIterator<Item = Value>, rows: Rows) {
        let text = match rows {
            _ if self.way == Way::Walk => self.test(condition),
            Rows::Candidacies => condition.to_owned(),
            _ => self.test(&format!("e.candidacy IN (SELECT c.n FROM candidacy c WHERE {condition})")),
        };
        self.put(&text, values);
    }

    /// Part of a name, an address or an id of what it is about, part of its type, or how its own id begins; and
    /// its candidacy is as these say, if there are any.
    fn word(&mut self, word: &str, parts: &[&Filter], now: Timestamp) {
        let folded: Value = fold_case(word).into();
        let range: [Value; 2] = [word.to_owned().into(), format!("{word}\u{10ffff}").into()];
        let kinds = kinds_with(word).map(|kinds| self.test(&format!("e.kind IN ({kinds})")));
        let assessments =
            self.test("e.assessment IN (SELECT a.n FROM assessment a WHERE has(?, a.id, a.name))");
        // Each test has an index of its own.
        let mut tests: Vec<(&str, Vec<Value>)> = vec![(&assessments, vec![folded.clone()])];
        if !self.known {
            tests.push(("(e.kind IS NULL AND has(?, e.name))", vec![folded.clone()]));
        }
        tests.extend(kinds.as_deref().map(|kinds| (kinds, Vec::new())));
        if self.strict {
            tests.push(("(e.id >= ? AND e.id < ?)", range.into()));
        } else {
            tests.push(("e.seq IN (SELECT seq FROM known WHERE id >= ? AND id < ?)", range.clone().into()));
            tests.push(("(e.seq > (SELECT indexed FROM sums) AND e.id >= ? AND e.id < ?)", range.into()));
        }
        self.text.push('(');
        for (test, values) in tests {
            self.text.push('(');
            self.put(test, values);
            self.this_candidacy(parts, now);
            self.text.push_str(") OR ");
        }
        let of_people = "has(?, c.candidate_id, c.name, c.email)";
        if parts.is_empty() {
            self.candidacy(of_people, [folded], Rows::Events);
        } else {
            self.put(
                &format!("e.candidacy IN (SELECT c.n FROM candidacy c WHERE {of_people} AND "),
                [folded],
            );
            self.each(parts, now);
            self.text.push(')');
        }
        self.text.push(')');
    }

    /// The same for a candidacy, which is asked itself; of its events only for what an event alone has.
    fn person(&mut self, word: &str) {
        let folded: Value = fold_case(word).into();
        let range: [Value; 2] = [word.to_owned().into(), format!("{word}\u{10ffff}").into()];
        let of = "c.assessment IN (SELECT a.n FROM assessment a WHERE has(?, a.id, a.name))";
        let text = format!("({} OR {}", self.test("has(?, c.candidate_id, c.name, c.email)"), self.test(of));
        self.put(&text, [folded.clone(), folded]);
        let events = "SELECT e.candidacy FROM event e WHERE +e.candidacy IS NOT NULL";
        let ids = self.test(&format!(
            "c.n IN ({events} AND (e.seq IN (SELECT seq FROM known WHERE id >= ? AND id < ?)
             OR (e.seq > (SELECT indexed FROM sums) AND e.id >= ? AND e.id < ?)))"
        ));
        self.put(&format!(" OR {ids}"), range.clone().into_iter().chain(range));
        if let Some(kinds) = kinds_with(word) {
            let text = match self.way {
                Way::Walk => format!(
                    " OR EXISTS (SELECT 1 FROM event e INDEXED BY event_candidacy
                     WHERE e.candidacy = c.n AND e.kind IN ({kinds}))"
                ),
                Way::Gather => format!(" OR c.n IN ({events} AND e.kind IN ({kinds}))"),
            };
            self.text.push_str(&text);
        }
        self.text.push(')');
    }

    fn put(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(text);
        self.values.extend(values);
    }
}

/// The kinds of events with part of a word in their names.
fn kinds_with(word: &str) -> Option<String> {
    let kinds = EventKind::ALL.iter().filter(|kind| kind.name().contains(&fold_case(word)));
    let numbers: Vec<_> = kinds.map(|kind| (*kind as i64).to_string()).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

/// A property of `event e`.
fn property(is: Is, way: Way) -> &'static str {
    match is {
        Is::Unrecognised => "e.kind IS NULL",
        Is::Duplicate => "e.deliveries > 1",
        Is::Unverified => "NOT e.verified",
        Is::Marked => "e.marked",
        // Another body came with another delivery.
        Is::Conflict => "(e.deliveries > 1 AND e.conflicts > 0)",
        // A refused delivery never reaches the file. SQLite drops the rest of a condition with a plain 0 in it,
        // and then finds no use for the index that a walk insists on.
        Is::Refused => "e.seq < 0",
        Is::Forwarded if way == Way::Walk => {
            "EXISTS (SELECT 1 FROM forward f WHERE f.seq = e.seq AND f.state = 0)"
        }
        Is::Forwarded => "e.seq IN (SELECT f.seq FROM forward f WHERE f.state = 0)",
        Is::Unforwarded if way == Way::Walk => {
            "EXISTS (SELECT 1 FROM forward f WHERE f.seq = e.seq AND f.state = 2)"
        }
        Is::Unforwarded => "e.seq IN (SELECT f.seq FROM forward f WHERE f.state = 2)",
    }
}
