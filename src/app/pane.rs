//! The four panes, the orders each knows, and the views of the candidates that answer a question each.

use crate::domain::event::Status;
use crate::domain::filter::{Filter, Term};
use crate::domain::proctoring::Flag;
use crate::domain::query::{Query, Scope, Sort};
use crate::domain::time::Timestamp;

/// One of the four lists of the start screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Pane {
    /// What was built.
    #[default]
    Assessments,
    /// Who takes part in it.
    Candidates,
    /// What they did that they should not.
    Violations,
    /// What was said about it.
    Events,
}

impl Pane {
    /// Every pane, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Assessments, Self::Candidates, Self::Violations, Self::Events];

    /// Its title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Assessments => "Assessments",
            Self::Candidates => "Candidates",
            Self::Violations => "Violations",
            Self::Events => "Events",
        }
    }

    /// Its number on the keyboard.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The pane so many further on, round and round.
    #[must_use]
    pub fn neighbour(self, by: isize) -> Self {
        let to = (self as isize + by).rem_euclid(4) as usize;
        Self::ALL.get(to).copied().unwrap_or_default()
    }

    /// The orders its list can have, the usual one first.
    #[must_use]
    pub fn sorts(self) -> &'static [Sort] {
        match self {
            // By name: a list this short is calmest when its rows stay where they are.
            Self::Assessments => &[Sort::Name, Sort::Latest, Sort::Score, Sort::Worst],
            Self::Candidates => &CANDIDATE_SORTS,
            Self::Violations | Self::Events => &[Sort::Latest, Sort::Oldest],
        }
    }
}

/// The orders a list of candidates can have.
pub const CANDIDATE_SORTS: [Sort; 6] =
    [Sort::Latest, Sort::Oldest, Sort::Name, Sort::Status, Sort::Score, Sort::Worst];

/// An order's name on screen.
#[must_use]
pub fn sort_word(sort: Sort) -> &'static str {
    match sort {
        Sort::Latest => "newest first",
        Sort::Oldest => "oldest first",
        Sort::Name => "by name",
        Sort::Status => "by status",
        Sort::Score => "by score",
        Sort::Worst => "worst first",
    }
}

/// Views of the candidates: each is a question people ask, with the order that answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum View {
    /// Everybody, the latest news first.
    #[default]
    All,
    /// Who is in the test right now, the longest first.
    InTest,
    /// Who was invited and has not started, the oldest first.
    NotStarted,
    /// Whose invitation ran out.
    Expired,
    /// Who is done, best first.
    Completed,
    /// Who was invited for an interview or rejected.
    Decided,
    /// Who has any violation, worst first: the violations by candidate.
    Flagged,
    /// Who was thrown out.
    Disqualified,
    /// Who is flagged red, worst first.
    Red,
}

impl View {
    /// Every view, in the order of the strip.
    pub const ALL: [Self; 9] = [
        Self::All,
        Self::InTest,
        Self::NotStarted,
        Self::Expired,
        Self::Completed,
        Self::Decided,
        Self::Flagged,
        Self::Disqualified,
        Self::Red,
    ];

    /// The word in the strip.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::InTest => "In test",
            Self::NotStarted => "Not started",
            Self::Expired => "Expired",
            Self::Completed => "Completed",
            Self::Decided => "Decided",
            Self::Flagged => "Flagged",
            Self::Disqualified => "Disqualified",
            Self::Red => "Red",
        }
    }

    /// What an empty list says.
    #[must_use]
    pub fn nobody(self) -> &'static str {
        match self {
            Self::All => "No candidate yet",
            Self::InTest => "Nobody is in a test right now",
            Self::NotStarted => "Nobody is waiting to start",
            Self::Expired => "No invitation has run out",
            Self::Completed => "Nobody has finished and waits for a decision",
            Self::Decided => "Nothing is decided yet",
            Self::Flagged => "Nobody has a violation",
            Self::Disqualified => "Nobody was disqualified",
            Self::Red => "Nobody is flagged red",
        }
    }

    /// The view so many further on, round and round.
    #[must_use]
    pub fn neighbour(self, by: isize) -> Self {
        let to = (self as isize + by).rem_euclid(Self::ALL.len() as isize) as usize;
        Self::ALL.get(to).copied().unwrap_or_default()
    }

    /// The order that answers its question.
    #[must_use]
    pub fn sort(self) -> Sort {
        match self {
            Self::All | Self::Decided | Self::Disqualified => Sort::Latest,
            Self::InTest | Self::NotStarted | Self::Expired => Sort::Oldest,
            Self::Completed => Sort::Score,
            Self::Flagged | Self::Red => Sort::Worst,
        }
    }

    /// It asks what somebody did that they should not.
    #[must_use]
    pub fn is_of_violations(self) -> bool {
        matches!(self, Self::Flagged | Self::Disqualified | Self::Red)
    }

    /// What it lets through.
    #[must_use]
    pub fn filter(self) -> Option<Filter> {
        let status = |status| Filter::Term(Term::Status(status));
        Some(match self {
            Self::All => return None,
            Self::InTest => status(Status::InProgress),
            Self::NotStarted => Filter::Any(vec![status(Status::Invited), status(Status::Enrolled)]),
            Self::Expired => status(Status::InvitationExpired),
            Self::Completed => status(Status::Completed),
            Self::Decided => Filter::Any(vec![status(Status::InvitedForInterview), status(Status::Rejected)]),
            Self::Flagged => Filter::Not(Box::new(Filter::Term(Term::Flag(Flag::Green)))),
            Self::Disqualified => status(Status::Disqualified),
            Self::Red => Filter::Term(Term::Flag(Flag::Red)),
        })
    }
}

/// Where each view's title stands in a strip of so many cells: its first cell, counted from the strip's.
/// Where the strip is too long it begins further right, so that the view in force is seen.
#[must_use]
pub fn strip(current: View, room: u16) -> Vec<(View, u16)> {
    let wide = |view: View| view.title().len() as u16 + STRIP_GAP;
    let at = View::ALL.iter().position(|view| *view == current).unwrap_or_default();
    let until = |from: usize| View::ALL.into_iter().take(at + 1).skip(from).map(wide).sum::<u16>();
    let from = (0..=at).find(|from| until(*from) + 2 <= room).unwrap_or(at);
    // One cell in front says that something is left of it.
    let mut x = u16::from(from > 0);
    let places = View::ALL.into_iter().skip(from).map(|view| {
        let here = x;
        x += wide(view);
        (view, here)
    });
    places.take_while(|(_, x)| *x < room).collect()
}

/// Cells between two titles of the strip.
pub const STRIP_GAP: u16 = 3;

/// A question for one list, from all that narrows it down.
#[must_use]
pub fn query(scope: Scope, sort: Sort, user: Option<&Filter>, view: View, now: Timestamp) -> Query {
    let filters = user.cloned().into_iter().chain(view.filter()).collect();
    Query { scope, sort, filters, now }
}

/// The tabs that name the panes where only one is shown: each with its place and as much of its title as there
/// is room for.
#[must_use]
pub fn tabs(focus: Pane, room: u16) -> [(Pane, u16, &'static str); 4] {
    let mut x = 1;
    Pane::ALL.map(|pane| {
        // The one that is open is named in full even where the others are not.
        let title = pane.title();
        let title = if room < 60 && pane != focus { title.get(..5).unwrap_or(title) } else { title };
        let at = x;
        x += title.len() as u16 + 3;
        (pane, at, title)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strip_answers_in_few_steps() {
        assert_eq!(View::All.neighbour(1), View::InTest);
        assert_eq!(View::All.neighbour(2), View::NotStarted);
        assert_eq!(View::All.neighbour(-1), View::Red);
        assert_eq!(View::All.neighbour(-2), View::Disqualified);
        assert_eq!(Pane::Events.neighbour(1), Pane::Assessments);
    }

    #[test]
    fn the_strip_always_shows_the_view_in_force() {
        assert_eq!(strip(View::All, 100).get(1), Some(&(View::InTest, 6)));
        for view in View::ALL {
            for room in [16, 30, 56, 100] {
                let places = strip(view, room);
                assert!(
                    places.iter().any(|(shown, x)| *shown == view && x + view.title().len() as u16 <= room)
                );
            }
        }
    }
}
