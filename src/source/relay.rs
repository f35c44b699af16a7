//! The Svix relay: a public URL with no tunnel and no account. A link is held open to it, over which it passes
//! deliveries on and takes the answers back.
//!
//! Whoever knows the token can read what passes, and so can who runs the relay.
//!
//! ```text
//! Svix ──POST──▶ relay ──frame──▶ session ──▶ inbox ──▶ Intake::accept   (the door all sources share)
//!      ◀─status─       ◀─answer──         ◀── Answer ◀─┘
//! ```

pub mod address;
pub(super) mod backoff;
pub mod frame;
pub mod inbox;
mod session;
pub mod token;
pub mod wire;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::backoff::Backoff;
use self::inbox::Inbox;
use self::session::{End, Session};
use self::token::{Objection, Token, Verdict};
use crate::clock;
use crate::domain::vitals::Link;

/// For deliveries whose link has ended, to be kept all the same, once we are to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// What the relay needs of the world.
pub trait Outside: Sync {
    /// What frames travel on.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Reaches the relay and is upgraded, or says why not.
    fn dial(&self) -> impl Future<Output = Result<WebSocketStream<Self::Stream>, String>> + Send;

    /// Keeps a token of ours for the next start; true if it is kept.
    fn keep(&self, token: &str) -> impl Future<Output = bool> + Send;

    /// The public URL that takes deliveries for a token.
    fn receive(&self, token: &str) -> String;
}

/// A new token of random bytes of the system's.
///
/// # Errors
/// If the system has none.
pub fn fresh_token() -> Result<Token, getrandom::Error> {
    Token::fresh(random)
}

fn random() -> Result<u8, getrandom::Error> {
    let mut byte = [0];
    getrandom::fill(&mut byte).map(|()| byte[0])
}

/// Holds a link to the relay until `stop`, whatever happens to it, and tells of it in the pulse.
pub async fn run(outside: impl Outside, token: Token, inbox: Inbox, stop: CancellationToken) {
    let known = token.is_taken().then(|| token.text().to_owned());
    let tasks = TaskTracker::new();
    let mut relay = Relay { outside, kept: known.clone(), known, token, inbox, stop, tasks };
    relay.hold().await;
    relay.tasks.close();
    // What is not kept by then was not acknowledged: the sender tries again.
    let _ = timeout(DRAIN, relay.tasks.wait()).await;
}

struct Relay<O> {
    outside: O,
    token: Token,
    inbox: Inbox,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// The token that an endpoint may be registered with.
    known: Option<String>,
    /// The token that the session has.
    kept: Option<String>,
}

impl<O: Outside> Relay<O> {
    async fn hold(&mut self) {
        let mut backoff = Backoff::default();
        loop {
            self.inbox.pulse.relay(|relay| relay.link = Link::Connecting);
            let (end, held) = self.link().await;
            let chance = fastrand::f64();
            let pause = backoff.pause(held, chance);
            let (pause, why) = match end {
                End::Stopped => return,
                End::Lost(why) => (pause, why),
                End::Objected(objection) => self.objected(objection, pause, chance),
            };
            let now = clock::now();
            let at = now.plus_millis(i64::try_from(pause.as_millis()).unwrap_or_default());
            self.inbox.pulse.relay(|relay| {
                relay.link = Link::Retrying { at };
                relay.ends += 1;
                relay.last_end = Some(why);
                relay.down_since.get_or_insert(now);
            });
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(pause) => {}
            }
        }
    }

    /// One link from its first packet to its end, and how long it held, if ever.
    async fn link(&mut self) -> (End, Option<Duration>) {
        let dialled = tokio::select! {
            () = self.stop.cancelled() => return (End::Stopped, None),
            dialled = self.outside.dial() => dialled,
        };
        let socket = match dialled {
            Ok(socket) => socket,
            Err(why) => return (End::Lost(why), None),
        };
        let mut session = Session::new(socket, &self.inbox, &self.tasks, &self.stop);
        let mut begun = None;
        let end = match session.begin(self.token.text()).await {
            Ok(token) => {
                begun = Some(Instant::now());
                self.token.taken_as(&token);
                // Kept before it is told: what is registered then is still ours after a crash.
                if self.token.is_ours()
                    && self.kept.as_ref() != Some(&token)
                    && self.outside.keep(&token).await
                {
                    self.kept = Some(token.clone());
                }
                let before = self.known.replace(token.clone()).filter(|known| *known != token);
                announce(
                    &self.inbox,
                    self.outside.receive(&token),
                    before.map(|old| self.outside.receive(&old)),
                );
                session.follow().await
            }
            Err(end) => end,
        };
        if end == End::Stopped {
            session.farewell().await;
        }
        (end, begun.map(|begun| begun.elapsed()))
    }

    /// What to do about an objection: how long to wait, and what to say meanwhile.
    fn objected(&mut self, objection: Objection, pause: Duration, chance: f64) -> (Duration, String) {
        let what = match objection {
            Objection::InUse => "another listener has this token",
            Objection::Invalid => "it calls the token invalid",
        };
        match self.token.objected(objection) {
            Verdict::Again(strikes) => {
                let hint = match (objection, self.token.is_ours()) {
                    (Objection::InUse, false) => "; end it there, or give another one with --relay",
                    (Objection::Invalid, false) => "; give another one, or none, with --relay",
                    (_, true) => "",
                };
                (pause.max(backoff::in_use(strikes, chance)), format!("{what}{hint}"))
            }
            Verdict::Renew(length) => match self.token.renew(length, random) {
                // Only after several objections, so that it cannot be a storm.
                Ok(()) => (Duration::ZERO, format!("{what}; a new one is made")),
                Err(error) => (pause, format!("{what}, and the system has no random numbers: {error}")),
            },
        }
    }
}

/// The relay takes deliveries at this URL now; at the one before no more, if there was one.
fn announce(inbox: &Inbox, url: String, before: Option<String>) {
    let heard_at = clock::now();
    inbox.pulse.relay(|relay| {
        relay.link = Link::Live { heard_at };
        relay.url = Some(url);
        relay.down_since = None;
        if before.is_some() {
            relay.replaced = before;
        }
    });
}
