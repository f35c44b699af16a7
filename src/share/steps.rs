//! Reading for viewers: a few at a time, so that however many look on, the session is received at leisure;
//! and what one has read serves all who are at the same place, as those who keep up are.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::store::StoreError;
use crate::store::tap::{Place, Step, Tap};

/// Steps at hand, and bytes that one may have to be kept so.
const AT_HAND: usize = 8;
const LARGEST: usize = 512 << 10;

/// Where steps are found. Clones share it.
#[derive(Clone)]
pub(super) struct Steps {
    at_hand: Arc<Mutex<VecDeque<Step>>>,
    reading: Arc<Semaphore>,
}

impl Default for Steps {
    fn default() -> Self {
        // Half of the machine is left to those who deliver.
        let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() / 2).max(1);
        Self { at_hand: Arc::default(), reading: Arc::new(Semaphore::new(threads)) }
    }
}

impl Steps {
    /// The next step of a tap; `None` if the session cannot be read.
    pub(super) async fn next(&self, mut tap: Tap) -> Option<(Tap, Step)> {
        if let Some(step) = self.known(tap.place()) {
            tap.take(&step);
            return Some((tap, step));
        }
        let turn = self.reading.acquire().await.ok()?;
        // Somebody else may have been here meanwhile.
        if let Some(step) = self.known(tap.place()) {
            tap.take(&step);
            return Some((tap, step));
        }
        let read = spawn_blocking(move || {
            let step = tap.step()?;
            Ok::<_, StoreError>((tap, step))
        });
        let (tap, step) = read.await.ok()?.ok()?;
        drop(turn);
        if step.frame.as_ref().is_none_or(|frame| frame.len() <= LARGEST) {
            let mut at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
            if at_hand.len() == AT_HAND {
                at_hand.pop_front();
            }
            at_hand.push_back(step.clone());
        }
        Some((tap, step))
    }

    /// Does something with the session, in turn with those who read steps.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let _turn = self.reading.acquire().await.ok()?;
        spawn_blocking(read).await.ok()
    }

    fn known(&self, place: Place) -> Option<Step> {
        let at_hand = self.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        at_hand.iter().find(|step| step.serves(place)).cloned()
    }
}
