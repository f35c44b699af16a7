//! How many candidacies stand so: from what the assessments add up, without counting a row.

use super::reader::Reader;
use super::sql::Rows;
use super::{StoreError, rows};
use crate::domain::filter::{Filter, Term};
use crate::domain::proctoring::Flag;
use crate::domain::projection::Totals;
use crate::domain::query::{Query, Scope};

/// Whether [`Reader::tally`] can tell how many rows a list has: it is of candidacies and chooses by status
/// alone, or by flag alone, as the views do.
pub(super) fn is_kept(rows: Rows, query: &Query) -> bool {
    let [filter] = query.filters.as_slice() else { return false };
    rows == Rows::Candidacies
        && !matches!(query.scope, Scope::Candidacy(..))
        && terms(filter).is_some_and(|terms| {
            let all = |test: fn(&Term) -> bool| terms.iter().all(|term| test(term));
            all(|term| matches!(term, Term::Status(_))) || all(|term| matches!(term, Term::Flag(_)))
        })
}

/// The terms of which one must hold.
fn terms(filter: &Filter) -> Option<Vec<&Term>> {
    match filter {
        Filter::Term(term) => Some(vec![term]),
        Filter::Any(parts) => parts.iter().map(terms).collect::<Option<Vec<_>>>().map(|terms| terms.concat()),
        Filter::All(parts) => match parts.as_slice() {
            [part] => terms(part),
            _ => None,
        },
        Filter::Not(_) => None,
    }
}

/// How many of an assessment's candidacies a term chooses.
fn share(totals: &Totals, term: &Term) -> u64 {
    match term {
        Term::Status(status) => totals.by_status.get(status.index()).copied().unwrap_or_default(),
        Term::Flag(Flag::Red) => totals.red,
        Term::Flag(Flag::Yellow) => totals.yellow,
        Term::Flag(Flag::Green) => totals.candidates.saturating_sub(totals.red + totals.yellow),
        _ => 0,
    }
}

impl Reader {
    /// How many rows a list has for which [`is_kept`] holds.
    pub(super) fn tally(&self, query: &Query) -> Result<u64, StoreError> {
        let mut chosen: Vec<&Term> = query.filters.first().and_then(terms).unwrap_or_default();
        // Said twice, it is still one.
        let mut seen = Vec::new();
        chosen.retain(|term| {
            !seen.contains(term) && {
                seen.push(*term);
                true
            }
        });
        let id = match &query.scope {
            Scope::Assessment(id) => Some(id),
            _ => None,
        };
        let mut statement = self.connection.prepare_cached(rows::TOTALS)?;
        let totals = statement.query_map([id], |row| rows::totals(row, 0))?;
        let mut count = 0;
        for totals in totals {
            let totals = totals?;
            count += chosen.iter().map(|term| share(&totals, term)).sum::<u64>();
        }
        Ok(count)
    }
}
