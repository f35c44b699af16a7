//! The desk where the screen's questions are answered: one thread that reads the session.
//!
//! Of two questions from the same place on the screen only the newer is worth an answer, so a waiting one is
//! replaced and a running one interrupted: however fast the screen asks, at most one question a place waits.
#![expect(clippy::disallowed_methods, reason = "the reading thread is started here")]

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::app::msg::{Answer, Mark, Msg, Question, Stretch, Ticket};
use crate::domain::query::Anchor;
use crate::pulse::Pulse;
use crate::store::StoreError;
use crate::store::reader::{Interrupt, Reader};

/// Where questions are handed in.
pub struct Desk {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    asked: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Ticket, Question)>,
    running: Option<Ticket>,
    /// Stops what is running.
    interrupt: Option<Interrupt>,
    closed: bool,
}

impl State {
    fn interrupt(&self) {
        if let Some(interrupt) = &self.interrupt {
            interrupt.now();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Starts the thread; answers go to `answers`.
    pub fn open(reader: Reader, pulse: Pulse, answers: mpsc::Sender<Msg>) -> Self {
        Self::answering(reader, answers, move |reader, question| answer(reader, &pulse, question))
    }

    fn answering(
        reader: Reader,
        answers: mpsc::Sender<Msg>,
        answer: impl Fn(&Reader, Question) -> Result<Answer, StoreError> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        shared.lock().interrupt = Some(reader.interrupt());
        let at_desk = Arc::clone(&shared);
        let thread = std::thread::spawn(move || serve(&at_desk, reader, &answers, answer));
        Self { shared, thread: Some(thread) }
    }

    /// Hands a question in.
    pub fn ask(&self, ticket: Ticket, question: Question) {
        let mut state = self.shared.lock();
        state.waiting.retain(|(waiting, _)| waiting.slot != ticket.slot);
        state.waiting.push_back((ticket, question));
        if state.running.is_some_and(|running| running.slot == ticket.slot) {
            state.interrupt();
        }
        self.shared.asked.notify_one();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.closed = true;
            state.interrupt();
        }
        self.shared.asked.notify_one();
        if let Some(thread) = self.thread.take() {
            // It ends by itself; if it panicked there is nothing to save here.
            let _ = thread.join();
        }
    }
}

fn serve(
    shared: &Shared,
    mut reader: Reader,
    answers: &mpsc::Sender<Msg>,
    answer: impl Fn(&Reader, Question) -> Result<Answer, StoreError>,
) {
    loop {
        let mut state = shared.lock();
        state.running = None;
        while state.waiting.is_empty() && !state.closed {
            state = shared.asked.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return;
        }
        let Some((ticket, question)) = state.waiting.pop_front() else { continue };
        state.running = Some(ticket);
        drop(state);
        // A long list under a filter is shown before its rows are counted.
        for question in glimpse(&question).into_iter().chain([question]) {
            let done = match attempt(shared, &mut reader, |reader| answer(reader, question)) {
                Err(StoreError::Interrupted) => break,
                done => done,
            };
            let whole = done.as_ref().map_or(true, is_exact);
            let message = Msg::Fetched(ticket, done.map_err(|error| error.to_string()));
            if answers.blocking_send(message).is_err() {
                return;
            }
            if whole {
                break;
            }
        }
    }
}

/// Answers with a reader that sees the session as it is.
fn attempt(
    shared: &Shared,
    reader: &mut Reader,
    answer: impl FnOnce(&Reader) -> Result<Answer, StoreError>,
) -> Result<Answer, StoreError> {
    if reader.keep_up()? {
        shared.lock().interrupt = Some(reader.interrupt());
    }
    caught(|| answer(reader))
}

/// Reads; a fault of the program's own costs this answer alone, and is told in its place.
pub(super) fn caught<T>(read: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_told_by_the_hook| {
        let what = "a fault of invigil's own kept this from being read; it is told in full when invigil ends";
        Err(StoreError::Io(std::io::Error::other(what)))
    })
}

/// The question whose answer comes at once, for a list's first page under a filter.
fn glimpse(question: &Question) -> Option<Question> {
    fn first<K: Clone>(stretch: &Stretch<K>) -> Option<Stretch<K>> {
        let first = matches!(stretch.anchor, Anchor::First) && !stretch.query.filters.is_empty();
        first.then(|| Stretch { anchor: Anchor::Glimpse, ..stretch.clone() })
    }
    match question {
        Question::Assessments(stretch) => first(stretch).map(Question::Assessments),
        Question::Candidates(stretch) => first(stretch).map(Question::Candidates),
        Question::Rises(stretch) => first(stretch).map(Question::Rises),
        Question::Events(stretch) => first(stretch).map(Question::Events),
        _ => None,
    }
}

fn is_exact(answer: &Answer) -> bool {
    match answer {
        Answer::Assessments(page) => page.exact,
        Answer::Candidates(page) => page.exact,
        Answer::Rises(page) => page.exact,
        Answer::Events(page) => page.exact,
        _ => true,
    }
}

/// What the session says to a question.
///
/// # Errors
/// If the session cannot be read, or a newer question came.
pub fn answer(reader: &Reader, pulse: &Pulse, question: Question) -> Result<Answer, StoreError> {
    Ok(match question {
        Question::Assessments(Stretch { query, anchor, before, after }) => {
            Answer::Assessments(reader.assessments(&query, &anchor, before, after)?)
        }
        Question::Candidates(Stretch { query, anchor, before, after }) => {
            Answer::Candidates(reader.candidates(&query, &anchor, before, after)?)
        }
        Question::Rises(Stretch { query, anchor, before, after }) => {
            Answer::Rises(reader.rises(&query, &anchor, before, after)?)
        }
        Question::Events(Stretch { query, anchor, before, after }) => {
            Answer::Events(reader.events(&query, &anchor, before, after, &pulse.refusals())?)
        }
        Question::Sums => Answer::Sums(reader.sums()?),
        Question::Detail(seq) => Answer::Detail(reader.detail(seq)?.map(Box::new)),
        Question::Assessment(id) => Answer::Assessment(reader.assessment(&id)?.map(Box::new)),
        Question::Candidacy(assessment_id, candidate_id) => {
            Answer::Candidacy(reader.candidacy(&assessment_id, &candidate_id)?.map(Box::new))
        }
        Question::Chosen(query) => {
            let (total, until) = reader.count_chosen(&query)?;
            Answer::Chosen { total, until }
        }
        Question::Hunt(hunt) => Answer::Next(reader.hunt(&hunt, &|_| true)?),
        Question::Next { query, from, down, what } => {
            Answer::Next(reader.next(&query, from, down, what == Mark::Marked, &pulse.refusals())?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::msg::Slot;
    use crate::domain::time::Timestamp;
    use crate::store::journal::Journal;

    #[test]
    fn a_fault_while_reading_is_told_and_the_next_question_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sqlite");
        let journal = Journal::open(&path, Timestamp::default(), Pulse::default()).unwrap();
        let (answers, mut told) = mpsc::channel(4);
        let pulse = Pulse::default();
        let desk = Desk::answering(Reader::of(&journal).unwrap(), answers, move |reader, question| {
            assert!(question != Question::Detail(7), "a fault");
            answer(reader, &pulse, question)
        });
        let mut ask = |number, question| {
            desk.ask(Ticket { slot: Slot::Sums, number }, question);
            match told.blocking_recv() {
                Some(Msg::Fetched(ticket, answer)) if ticket.number == number => answer,
                other => panic!("{other:?}"),
            }
        };
        let failed = ask(1, Question::Detail(7)).unwrap_err();
        assert!(failed.contains("a fault of invigil's own"), "{failed}");
        assert_eq!(ask(2, Question::Sums), Ok(Answer::Sums(crate::domain::query::Sums::default())));
    }
}
