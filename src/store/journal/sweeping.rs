//! The writer's part in removing what is too old, and in keeping out what was removed.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Journal, Order, Writer};
use crate::domain::delivery::Delivery;
use crate::domain::id;
use crate::domain::time::Timestamp;
use crate::pulse::Pulse;
use crate::store::gone::Gone;
use crate::store::retain::{Retention, Step};
use crate::store::{StoreError, mirror, projector, session};

impl Journal {
    /// The same for a session of which what is older than so many milliseconds is removed, by [`Journal::sweep`].
    ///
    /// # Errors
    /// As for [`Journal::open`].
    pub fn retaining(
        path: &Path,
        now: Timestamp,
        pulse: Pulse,
        span_millis: Option<i64>,
    ) -> Result<Self, StoreError> {
        let (connection, lock) = session::open_writer(path)?;
        mirror::begin_own(&connection, path, now)?;
        Self::begin(path, (connection, lock), pulse, None, span_millis)
    }

    /// Removes a little of what is too old now, and says whether there is more; `None` if the session is closed.
    pub async fn sweep(&self, now: Timestamp) -> Option<bool> {
        let (done, coming) = oneshot::channel();
        self.orders.send(Order::Sweep(now, done)).await.ok()?;
        coming.await.ok()
    }
}

impl Writer {
    /// Removes a little of what is too old, in a transaction of its own; true if there is more.
    pub(super) fn sweep(&mut self, now: Timestamp) -> bool {
        let removed = self.remove(now);
        if let Err(error) = &removed {
            let _ = self.connection.execute_batch("ROLLBACK");
            self.pulse.storage(Some(format!(
                "{}: what is too old cannot be removed: {error}",
                self.path.display()
            )));
            // What was thought to be removed is not.
            self.gone = Gone::of(&self.connection).unwrap_or_default();
            self.retention = self.retention.take().map(Retention::begun_anew);
        }
        let step = removed.unwrap_or_default();
        if step.removed > 0 {
            self.stale = true;
            self.folding.committed(&self.connection);
            let told = Arc::clone(&self.told);
            // Synced or not, it is what readers see; and after the groups before it, which are told by then.
            self.durable.after_sync(Box::new(move |_synced| {
                told.send_modify(|commit| {
                    commit.events = commit.events.saturating_sub(step.removed);
                    commit.revision += 1;
                });
            }));
        }
        step.more
    }

    fn remove(&mut self, now: Timestamp) -> Result<Step, StoreError> {
        let Some(retention) = &mut self.retention else { return Ok(Step::default()) };
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let step = retention.step(&self.connection, &mut self.gone, now)?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(step)
    }

    /// Whether a delivery is of something that was removed, or would be at once.
    pub(super) fn is_gone(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        if self.gone.holds(&self.connection, delivery)? {
            return Ok(true);
        }
        let created = id::created_at(&delivery.id);
        let is_past = |retention: &Retention| {
            created.is_some_and(|created| retention.is_past(created, delivery.received_at))
        };
        let past = self.retention.as_ref().is_some_and(is_past);
        Ok(past && !projector::knows(&self.connection, &delivery.id)?)
    }
}
