//! Searching bodies beside the desk: it may take seconds, and the screen must not wait for it.
#![expect(clippy::disallowed_methods, reason = "each search has a thread of its own")]

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::desk;
use crate::app::msg::{Answer, Msg, Ticket};
use crate::domain::query::Hunt;
use crate::store::reader::Reader;

/// Where searches are handed in. A new one ends the one before.
pub struct Finder {
    reader: Arc<Mutex<Reader>>,
    /// The ticket of the search that is still wanted; 0 for none.
    wanted: Arc<AtomicU64>,
    answers: mpsc::Sender<Msg>,
}

impl Finder {
    /// A finder in this session; progress and answers go to `answers`.
    #[must_use]
    pub fn new(reader: Arc<Mutex<Reader>>, answers: mpsc::Sender<Msg>) -> Self {
        Self { reader, wanted: Arc::default(), answers }
    }

    /// Starts a search.
    pub fn hunt(&self, ticket: Ticket, hunt: Hunt) {
        self.wanted.store(ticket.number, Ordering::Relaxed);
        let (reader, wanted) = (Arc::clone(&self.reader), Arc::clone(&self.wanted));
        let answers = self.answers.clone();
        std::thread::spawn(move || {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let told = AtomicU8::new(0);
            let tell = |percent: u8| {
                if told.fetch_max(percent, Ordering::Relaxed) < percent {
                    // A screen that is busy learns of a later one.
                    let _ = answers.try_send(Msg::Progress(ticket, percent));
                }
                wanted.load(Ordering::Relaxed) == ticket.number
            };
            let answer = desk::caught(|| reader.keep_up().and_then(|_| reader.hunt(&hunt, &tell)));
            let answer = answer.map(Answer::Next).map_err(|error| error.to_string());
            // The loop being gone means that the program is ending.
            let _ = answers.blocking_send(Msg::Fetched(ticket, answer));
        });
    }

    /// Ends the search under way.
    pub fn stop(&self) {
        self.wanted.store(0, Ordering::Relaxed);
    }
}

impl Drop for Finder {
    fn drop(&mut self) {
        self.stop();
    }
}
