//! Those who wait for a group to be written, and what they are told.

use tokio::sync::oneshot;

use super::Unavailable;
use crate::domain::delivery::{Delivery, Receipt};

/// What became of a delivery. It goes back with the answer, so that the one writer need not tear it down.
pub(super) type Answer = (Result<Receipt, Unavailable>, Box<Delivery>);

/// What became of a batch that a mirror was told.
type Fitted = Result<(), Unavailable>;

/// Those who wait for a group to be durable, and what it came to for each.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) kept: Vec<(oneshot::Sender<Answer>, Option<Receipt>, Box<Delivery>)>,
    pub(super) reflected: Vec<(oneshot::Sender<Fitted>, Option<bool>)>,
    pub(super) remembered: Vec<oneshot::Sender<()>>,
}

impl Answers {
    /// Gives each what it waits for. Whoever asked may have gone; what was kept is kept all the same.
    pub(super) fn give(self) {
        let refused = |reason: &str| Unavailable { reason: reason.to_owned() };
        for (answer, receipt, delivery) in self.kept {
            let _ = answer.send((receipt.ok_or_else(|| refused("not written")), delivery));
        }
        for (answer, fitted) in self.reflected {
            let fitted = fitted == Some(true);
            let _ =
                answer.send(fitted.then_some(()).ok_or_else(|| refused("what came before it is missing")));
        }
        for done in self.remembered {
            let _ = done.send(());
        }
    }

    /// Tells each that nothing was kept; whoever had a fact remembered is told so by the channel.
    pub(super) fn refuse(self, why: &str) {
        let refused = || Unavailable { reason: why.to_owned() };
        for (answer, _, delivery) in self.kept {
            let _ = answer.send((Err(refused()), delivery));
        }
        for (answer, _) in self.reflected {
            let _ = answer.send(Err(refused()));
        }
    }
}
