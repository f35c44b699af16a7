//! What a list is to SQL: its tables, its columns, its order, and which of its rows are asked for.

use rusqlite::types::Value;

use super::rows;
use super::sql::{Condition, Rows, Way};
use crate::domain::filter::Filter;
use crate::domain::query::{Query, Scope, Sort};

/// How a list is read: its tables, its columns, its order.
pub(super) struct List {
    pub(super) from: &'static str,
    pub(super) columns: &'static str,
    /// What tells a row, and the table that has it: what is gathered is ordered by itself, and only the rows
    /// of a page are read whole.
    key: &'static str,
    alone: &'static str,
    /// What each row is ordered by; unique together.
    pub(super) order: &'static [&'static str],
    /// All of them downwards, or all of them upwards.
    pub(super) descending: bool,
    /// Row by row: there is an index of that order, or the table is small. Else see [`super::names`].
    pub(super) walked: bool,
}

pub(super) const EVENTS: &str =
    "event e LEFT JOIN candidacy c ON c.n = e.candidacy LEFT JOIN assessment a ON a.n = e.assessment";
/// `CROSS` keeps SQLite from choosing another order of the tables, and with it of the rows: a page is then a
/// stretch of an index, however large the session has become.
const RISES: &str = "rise r CROSS JOIN event e ON e.seq = r.seq CROSS JOIN candidacy c ON c.n = r.candidacy
    CROSS JOIN assessment a ON a.n = c.assessment";
pub(super) const CANDIDACIES: &str = "candidacy c CROSS JOIN assessment a ON a.n = c.assessment";
/// The one candidacy of an assessment's and a candidate's id.
pub(super) const THIS_CANDIDACY: &str = "c.n = (SELECT n FROM candidacy WHERE assessment = (SELECT n FROM assessment WHERE id = ?) AND candidate_id = ?)";

/// How the rows of a query are read.
pub(super) fn list(rows: Rows, query: &Query) -> List {
    let (order, descending): (&'static [&'static str], bool) = match (rows, query.sort) {
        (Rows::Events, Sort::Oldest) if matches!(query.scope, Scope::Candidacy(..)) => {
            (&["e.occurred_at", "e.id"], false)
        }
        (Rows::Events, Sort::Latest) if matches!(query.scope, Scope::Candidacy(..)) => {
            (&["e.occurred_at", "e.id"], true)
        }
        (Rows::Events, sort) => (&["e.seq"], sort != Sort::Oldest),
        (Rows::Rises, sort) => (&["r.seq", "r.kind"], sort != Sort::Oldest),
        (Rows::Candidacies, Sort::Latest) => (&["c.last_at", "c.n"], true),
        (Rows::Candidacies, Sort::Oldest) => (&["c.last_at", "c.n"], false),
        (Rows::Candidacies, Sort::Name) => (&["ifnull(fold(c.name), '\u{10ffff}')", "c.n"], false),
        (Rows::Candidacies, Sort::Status) => {
            (&["ifnull(c.status, 99)", "ifnull(c.status_at, 0)", "c.n"], false)
        }
        (Rows::Candidacies, Sort::Score) => (&["ifnull(c.score, -1e300)", "c.n"], true),
        (Rows::Candidacies, Sort::Worst) => (&["c.flag", "c.violations", "c.n"], true),
        (Rows::Assessments, Sort::Latest) => (&["ifnull(a.last_at, 0)", "a.n"], true),
        (Rows::Assessments, Sort::Oldest) => (&["ifnull(a.last_at, 0)", "a.n"], false),
        (Rows::Assessments, Sort::Name | Sort::Status) => {
            (&["ifnull(fold(a.name), '\u{10ffff}')", "a.n"], false)
        }
        (Rows::Assessments, Sort::Score) => {
            (&["CASE a.scored WHEN 0 THEN -1e300 ELSE a.score_micros * 1.0 / a.scored END", "a.n"], true)
        }
        (Rows::Assessments, Sort::Worst) => (&["a.red", "a.violations", "a.n"], true),
    };
    let (from, columns, key, alone) = match rows {
        Rows::Events => (EVENTS, rows::EVENT, "e.seq", "event e"),
        Rows::Rises => (RISES, rows::RISE, "(r.seq, r.kind)", "rise r"),
        Rows::Candidacies => (CANDIDACIES, rows::CANDIDATE, "c.n", "candidacy c"),
        Rows::Assessments => ("assessment a", rows::ASSESSMENT, "a.n", "assessment a"),
    };
    let walked = (rows, query.sort) != (Rows::Candidacies, Sort::Name);
    List { from, columns, key, alone, order, descending, walked }
}

/// The condition of a query, both ways.
pub(super) struct Ways {
    pub(super) walk: Condition,
    pub(super) gather: Condition,
    /// There is no filter: both are the same.
    pub(super) one: bool,
}

impl Ways {
    pub(super) fn of(rows: Rows, query: &Query) -> Self {
        let (walk, gather) = (condition(rows, query, Way::Walk), condition(rows, query, Way::Gather));
        let one = walk.text == gather.text && query.filters.iter().all(Filter::is_empty);
        Self { walk, gather, one }
    }
}

/// The condition of a query: its scope and its filters.
fn condition(rows: Rows, query: &Query, way: Way) -> Condition {
    let mut condition = Condition::of(&query.filters, rows, query.now, way);
    let assessment = |id: &str| Value::from(id.to_owned());
    match (&query.scope, rows) {
        (Scope::Session, _) => {}
        (Scope::Assessment(id), Rows::Events) => {
            condition.also("e.assessment = (SELECT n FROM assessment WHERE id = ?)", [assessment(id)]);
        }
        (Scope::Assessment(id), Rows::Rises) => condition.also(
            match way {
                Way::Walk => "e.assessment = (SELECT n FROM assessment WHERE id = ?)",
                Way::Gather => {
                    "r.candidacy IN (SELECT n FROM candidacy WHERE assessment = (SELECT n FROM assessment WHERE id = ?))"
                }
            },
            [assessment(id)],
        ),
        (Scope::Assessment(id), Rows::Candidacies) => condition.also(
            match way {
                // The `+` keeps SQLite in the order of the list.
                Way::Walk => "+c.assessment = (SELECT n FROM assessment WHERE id = ?)",
                Way::Gather => "c.assessment = (SELECT n FROM assessment WHERE id = ?)",
            },
            [assessment(id)],
        ),
        (Scope::Candidacy(a, c), Rows::Events) => condition.also(
            "e.candidacy = (SELECT n FROM candidacy WHERE assessment = (SELECT n FROM assessment WHERE id = ?)
             AND candidate_id = ?)",
            [assessment(a), assessment(c)],
        ),
        (Scope::Candidacy(a, c), Rows::Rises) => condition.also(
            "r.candidacy = (SELECT n FROM candidacy WHERE assessment = (SELECT n FROM assessment WHERE id = ?)
             AND candidate_id = ?)",
            [assessment(a), assessment(c)],
        ),
        (Scope::Candidacy(a, c), Rows::Candidacies) => {
            condition.also(THIS_CANDIDACY, [assessment(a), assessment(c)]);
        }
        (Scope::Assessment(id) | Scope::Candidacy(id, _), Rows::Assessments) => {
            condition.also("a.id = ?", [assessment(id)]);
        }
    }
    condition
}

impl List {
    /// Some rows of the list that are chosen in this way, from one end of what is asked for.
    pub(super) fn text(&self, way: Way, condition: &Condition, forwards: bool, limit: u32) -> String {
        let Self { from, columns, key, .. } = self;
        let (clause, order) = (condition.clause(), self.sorted(forwards, ""));
        match way {
            Way::Walk => format!("SELECT {columns} FROM {from} {clause} ORDER BY {order} LIMIT {limit}"),
            // The `+`s keep SQLite from walking the list here too.
            Way::Gather => format!(
                "SELECT {columns} FROM {from} WHERE {key} IN (SELECT {} FROM {} {clause} ORDER BY {} LIMIT {limit})
                 ORDER BY {order}",
                key.trim_matches(['(', ')']),
                self.alone(condition),
                self.sorted(forwards, "+"),
            ),
        }
    }

    /// How many rows of the list are chosen.
    pub(super) fn count(&self, condition: &Condition) -> String {
        format!("SELECT count(*) FROM {} {}", self.alone(condition), condition.clause())
    }

    fn alone(&self, condition: &Condition) -> &'static str {
        if condition.asks_event { "rise r CROSS JOIN event e ON e.seq = r.seq" } else { self.alone }
    }

    fn tuple(&self) -> String {
        format!("({})", self.order.join(", "))
    }

    pub(super) fn sorted(&self, forwards: bool, mark: &str) -> String {
        let way = if self.descending == forwards { "DESC" } else { "ASC" };
        let parts: Vec<_> = self.order.iter().map(|part| format!("{mark}{part} {way}")).collect();
        parts.join(", ")
    }

    /// Rows from a place on, or before it, in the list's order.
    pub(super) fn beside(&self, forwards: bool, including: bool) -> String {
        let marks = vec!["?"; self.order.len()].join(", ");
        let way = match (self.descending == forwards, including) {
            (true, true) => "<=",
            (true, false) => "<",
            (false, true) => ">=",
            (false, false) => ">",
        };
        format!("{} {way} ({marks})", self.tuple())
    }
}
