//! Looking on at another invigil: what it holds is mirrored here, event by event, and followed as it grows.
//!
//! ```text
//! session there ──tap──▶ frames ──link──▶ Journal::reflect ──▶ mirror here ──▶ the same screen
//! ```
//!
//! A link begins where the mirror is and a batch is kept with the position it leads to, so that however a link
//! or either side ends, nothing is lost and nothing comes twice.

pub mod address;
mod link;

use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::address::Address;
use self::link::End;
use super::dial::DialError;
use super::relay::backoff::Backoff;
use crate::client::reason::Doubt;
use crate::client::trust::Trust;
use crate::clock;
use crate::domain::bearer::Bearer;
use crate::domain::stream::Hello;
use crate::domain::vitals::Link;
use crate::pulse::Pulse;
use crate::store::journal::Journal;

/// Nobody is let in with a token that was refused, but somebody may set it right.
const REFUSED: Duration = Duration::from_secs(10);

/// Where somebody looks on, and with which token.
#[derive(Debug, Clone)]
pub struct Target {
    /// The control address there.
    pub address: Address,
    /// The token it asks for.
    pub token: Option<Bearer>,
    /// Whose certificates are trusted.
    pub trust: Trust,
}

/// Why nobody can look on there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be reached, or not now.
    Unreachable(String),
    /// It wants another token.
    Token(String),
    /// It is no invigil's control address, or not one that is understood here.
    Foreign(String),
}

impl Refusal {
    /// As a sentence.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Unreachable(why) | Self::Token(why) | Self::Foreign(why) => why,
        }
    }
}

/// How following ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// We were asked to stop.
    Stopped,
    /// Another session is held there now than the one that is mirrored: this one.
    Another(Hello),
    /// The same session is held there, but with another history: it was put back from a copy.
    Diverged(Hello),
}

impl Target {
    /// Asks whose session is held there.
    ///
    /// # Errors
    /// Why that cannot be known.
    pub async fn greet(&self) -> Result<Hello, Refusal> {
        Box::pin(link::greet(self)).await
    }

    /// Mirrors what is held there until `stop`, whatever happens to the link, and tells of it in the pulse.
    pub async fn follow(
        &self,
        of: &str,
        (journal, pulse): (Journal, Pulse),
        stop: CancellationToken,
    ) -> Ended {
        let mut backoff = Backoff::default();
        loop {
            pulse.attachment(|attachment| attachment.link = Link::Connecting);
            let mut begun = None;
            let linked = Box::pin(link::follow(self, of, (&journal, &pulse), &mut begun));
            let Some(end) = stop.run_until_cancelled(linked).await else { return Ended::Stopped };
            let held = begun.map(|begun: Instant| begun.elapsed());
            let pause = backoff.pause(held, fastrand::f64());
            let (pause, refused, why) = match end {
                End::Another(hello) => return Ended::Another(hello),
                End::Diverged(hello) => return Ended::Diverged(hello),
                End::Refused(Refusal::Token(why)) => (pause.max(REFUSED), true, why),
                End::Refused(Refusal::Unreachable(why) | Refusal::Foreign(why)) | End::Lost(why) => {
                    (pause, false, why)
                }
            };
            let now = clock::now();
            let at = now.plus_millis(i64::try_from(pause.as_millis()).unwrap_or_default());
            pulse.attachment(|attachment| {
                attachment.link = Link::Retrying { at };
                attachment.refused = refused;
                attachment.last_end = Some(why);
                attachment.down_since.get_or_insert(now);
            });
            if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return Ended::Stopped;
            }
        }
    }
}

/// Why a control address did not let us look on.
fn refusal(error: DialError, with_token: bool) -> Refusal {
    match error {
        DialError::Unreachable(why) => Refusal::Unreachable(why),
        DialError::UnknownIssuer => Refusal::Foreign(Doubt::UnknownIssuer.to_string()),
        DialError::Foreign(why) => Refusal::Foreign(format!("it is no invigil's control address: {why}")),
        DialError::Refused(status, body) => {
            let says = |code: &str| {
                let body = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
                body.get("error").and_then(serde_json::Value::as_str) == Some(code)
            };
            match status {
                StatusCode::UNAUTHORIZED if with_token => {
                    Refusal::Token("it refuses the token; give the one that is set there as --control-token".into())
                }
                StatusCode::UNAUTHORIZED => Refusal::Token(
                    "it wants a token; give it by INVIGIL_CONTROL_TOKEN or --token-file".into(),
                ),
                StatusCode::FORBIDDEN if says("foreign_host") => Refusal::Foreign(
                    "it lets nobody in by that name without a token; set --control-token there, or use 127.0.0.1".into(),
                ),
                StatusCode::SERVICE_UNAVAILABLE if says("too_many_viewers") => {
                    Refusal::Unreachable("too many look on there already".into())
                }
                StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                    Refusal::Unreachable(format!("it cannot be reached: a proxy answers {status}"))
                }
                _ => Refusal::Foreign(format!(
                    "it is no invigil's control address: it answers {status}; give the address of `--control` there"
                )),
            }
        }
    }
}
