//! The way to a real relay, and the session that keeps the token.

use std::time::Duration;

use axum::http::HeaderMap;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;

use super::Outside;
use super::address::Address;
use crate::client::reason::Doubt;
use crate::client::trust::Trust;
use crate::source::dial::{self, DialError};
use crate::store::journal::Journal;

/// For the token to be written; a session that cannot be written now is tried again with the next link.
const KEEP: Duration = Duration::from_secs(2);
/// What a frame may hold beside a body over the limit, which is still read so that it can be answered.
const FRAME_MARGIN: usize = 8 << 20;
/// The name of the token among the facts of a session.
const TOKEN: &str = "relay_token";

/// The way to a relay.
pub struct Wire {
    address: Address,
    trust: Trust,
    max_frame: usize,
    journal: Journal,
}

impl Wire {
    /// The way to the relay at this address, for bodies of so many bytes.
    #[must_use]
    pub fn new(address: Address, trust: Trust, max_body: usize, journal: Journal) -> Self {
        Self { address, trust, max_frame: max_body.saturating_mul(2).saturating_add(FRAME_MARGIN), journal }
    }

    /// The token that the session has kept, if any.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        // A session that cannot be read has told so by then.
        self.journal.recall(TOKEN).ok().flatten()
    }
}

impl Outside for Wire {
    type Stream = dial::Stream;

    async fn dial(&self) -> Result<WebSocketStream<dial::Stream>, String> {
        let dialled = dial::dial(self.address.listen(), &self.trust, HeaderMap::new(), self.max_frame).await;
        dialled.map_err(|error| match error {
            DialError::Unreachable(why) => why,
            DialError::UnknownIssuer => Doubt::UnknownIssuer.to_string(),
            DialError::Refused(status, _) => format!("there is no relay: it answers {status}"),
            DialError::Foreign(why) => format!("there is no relay: {why}"),
        })
    }

    async fn keep(&self, token: &str) -> bool {
        matches!(timeout(KEEP, self.journal.remember(TOKEN, token)).await, Ok(Ok(())))
    }

    fn receive(&self, token: &str) -> String {
        self.address.receive(token)
    }
}
