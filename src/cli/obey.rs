//! What only those who run the listener and the journal can do, done for the screen.

use tokio::sync::mpsc;

use super::forward;
use crate::app::msg::Outcome;
use crate::domain::secret::Secret;
use crate::forward::Orders;
use crate::source::intake::Intake;
use crate::store::journal::Journal;
use crate::tui::effects::Command;

/// Carries out what the screen cannot do itself, until the screen is gone.
pub(super) async fn obey(
    mut commands: mpsc::Receiver<Command>,
    intake: Intake,
    journal: Journal,
    orders: Option<Orders>,
) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Mark(seq, on) => journal.mark(seq, on).await,
            Command::Replay(what, answer) => forward::replay(orders.as_ref(), what, answer),
            Command::StopReplay => {
                if let Some(orders) = &orders {
                    orders.stop().await;
                }
            }
            Command::SetSecret(text, answer) => {
                let outcome = match Secret::parse(text.as_str()) {
                    Ok(secret) => {
                        let settled = intake.add_secret(secret).await;
                        Outcome::SecretAccepted { verified: settled.verified, waiting: settled.waiting }
                    }
                    Err(error) => Outcome::SecretRejected(error.to_string()),
                };
                // The screen may have gone in the meantime.
                let _ = answer.send(outcome);
            }
        }
    }
}
