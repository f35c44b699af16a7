//! What the terms of a filter speak of: an event, its candidacy, or its assessment.

use crate::domain::filter::{Filter, Term};

/// The one word of a filter that says all else of candidacies.
pub(super) fn one_word(filter: &Filter) -> Option<(&str, Vec<&Filter>)> {
    let parts = match filter {
        Filter::All(parts) => parts.as_slice(),
        filter => std::slice::from_ref(filter),
    };
    let word = |part: &Filter| matches!(part, Filter::Term(Term::Word(_)));
    let (words, others): (Vec<_>, Vec<_>) = parts.iter().partition(|part| word(part));
    match words.as_slice() {
        [Filter::Term(Term::Word(word))] if others.iter().all(|part| every(part, &of_candidacy)) => {
            Some((word, others))
        }
        _ => None,
    }
}

/// What a filter comes to for an event of no candidacy, if that is sure.
pub(super) fn of_none(filter: &Filter) -> Option<bool> {
    match filter {
        Filter::All(parts) if parts.iter().any(|part| of_none(part) == Some(false)) => Some(false),
        Filter::All(parts) => parts.iter().all(|part| of_none(part) == Some(true)).then_some(true),
        Filter::Any(parts) if parts.iter().any(|part| of_none(part) == Some(true)) => Some(true),
        Filter::Any(parts) => parts.iter().all(|part| of_none(part) == Some(false)).then_some(false),
        Filter::Not(part) => of_none(part).map(|holds| !holds),
        Filter::Term(Term::Assessment(_)) => None,
        Filter::Term(term) => of_candidacy(term).then_some(false),
    }
}

pub(super) fn every(filter: &Filter, test: &impl Fn(&Term) -> bool) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().all(|part| every(part, test)),
        Filter::Not(part) => every(part, test),
        Filter::Term(term) => test(term),
    }
}

pub(super) fn negates(filter: &Filter) -> bool {
    match filter {
        Filter::All(parts) | Filter::Any(parts) => parts.iter().any(negates),
        Filter::Not(_) => true,
        Filter::Term(_) => false,
    }
}

pub(super) fn not_of_rise(term: &Term) -> bool {
    !matches!(term, Term::Violation(..))
}

pub(super) fn of_candidacy(term: &Term) -> bool {
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

pub(super) fn of_assessment(term: &Term) -> bool {
    matches!(term, Term::Assessment(_))
}
