//! What is done with one delivery of the relay: the same as with one over HTTP, within a bound.

use std::pin::pin;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::timeout;

use super::frame::{Body, Event};
use crate::clock;
use crate::domain::delivery::{Arrival, Source};
use crate::pulse::Pulse;
use crate::source::answer::Answer;
use crate::source::intake::{Intake, Reply};

/// An answer is given after so long at the latest; the sender gives up after 15 s, the relay before it.
const ANSWER: Duration = Duration::from_secs(2);

/// Characters of a reason that are kept.
const REASON: usize = 300;

/// Where deliveries go. Clones share it.
#[derive(Clone)]
pub struct Inbox {
    /// The door.
    pub intake: Intake,
    /// The live state.
    pub pulse: Pulse,
    /// Bytes a body may have.
    pub max_body: usize,
}

impl Inbox {
    /// Takes a delivery and says what to answer, exactly once. What is begun is brought to its end, also
    /// where the answer had to be given before.
    pub(super) async fn take(&self, event: Event, say: impl AsyncFnOnce(Answer)) {
        let body = match event.body {
            _ if !event.method.eq_ignore_ascii_case("POST") => return say(Answer::not_a_post()).await,
            Body::TooLarge => {
                self.intake.too_large();
                return say(Answer::bare(StatusCode::PAYLOAD_TOO_LARGE)).await;
            }
            Body::Garbled => {
                self.skip("the body of a delivery is no base64; it was answered 400");
                return say(Answer::bare(StatusCode::BAD_REQUEST)).await;
            }
            Body::Whole(body) => body,
        };
        let (peer, received_at) = (Some("the relay".to_owned()), clock::now());
        let arrival = Arrival { source: Source::Relay, peer, received_at, headers: event.headers, body };
        let mut accepting = pin!(self.intake.accept(arrival));
        if let Ok(reply) = timeout(ANSWER, &mut accepting).await {
            if matches!(reply, Reply::Kept(_)) {
                self.delivered();
            }
            return say(Answer::of(&reply)).await;
        }
        self.pulse.unavailable();
        say(Answer::unavailable()).await;
        if let Reply::Kept(_) = accepting.await {
            self.delivered();
        }
    }

    /// Something was delivered to the URL in use: whoever registered the one before knows of the new one.
    fn delivered(&self) {
        if self.pulse.snapshot().relay.is_some_and(|relay| relay.replaced.is_some()) {
            self.pulse.relay(|relay| relay.replaced = None);
        }
    }

    /// A frame is left aside.
    pub(super) fn skip(&self, why: &str) {
        self.pulse.relay(|relay| {
            relay.skipped += 1;
            // It may quote what came.
            relay.last_skipped = Some(why.chars().take(REASON).collect());
        });
    }
}
