//! One link to the relay, from the start frame to its end: reads on whatever happens, answers each delivery
//! by its id as soon as it is kept, and notices when the other side has gone silent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::frame::{self, Frame};
use super::inbox::Inbox;
use super::token::{Objection, is_plain};
use crate::clock;
use crate::domain::vitals::Link;
use crate::source::dial;

/// Deliveries in work at once. While all are, nothing more is read, and the relay holds the next ones.
const AT_ONCE: usize = 32;
/// Frames that may wait to be written: an answer each, a ping and the close.
const OUTBOX: usize = AT_ONCE + 2;
/// After so much silence the relay is pinged. It pings by itself every 20 seconds.
const PING: Duration = Duration::from_secs(25);
/// After so much silence the link is dead.
const DEAD: Duration = Duration::from_secs(45);
/// For the relay to answer the start frame, whatever else it sends meanwhile.
const START: Duration = Duration::from_secs(60);
/// For a frame to be written.
const WRITE: Duration = Duration::from_secs(10);
/// For what is in work to be answered, once a link is to be closed.
const FAREWELL: Duration = Duration::from_secs(3);
/// For the other side to agree that it is closed.
const AGREE: Duration = Duration::from_millis(500);
/// The exact reason of the close frame when another listener has the token.
const IN_USE: &str = "This socket is already in use";

/// How a link ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// We were asked to stop.
    Stopped,
    /// The relay objects to the token.
    Objected(Objection),
    /// Anything else, in a sentence.
    Lost(String),
}

/// One link.
pub(super) struct Session<'a, S> {
    frames: SplitStream<WebSocketStream<S>>,
    outbox: mpsc::Sender<Message>,
    writer: JoinHandle<String>,
    slots: Arc<Semaphore>,
    inbox: &'a Inbox,
    tasks: &'a TaskTracker,
    stop: &'a CancellationToken,
    /// When the relay was last heard.
    heard: Instant,
    /// It was pinged since.
    pinged: bool,
    /// It has answered the start frame.
    live: bool,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Session<'a, S> {
    /// A link over a socket that has been upgraded. What it begins outlives it in `tasks`.
    pub(super) fn new(
        socket: WebSocketStream<S>,
        inbox: &'a Inbox,
        tasks: &'a TaskTracker,
        stop: &'a CancellationToken,
    ) -> Self {
        let (sink, frames) = socket.split();
        let (outbox, waiting) = mpsc::channel(OUTBOX);
        let writer = tasks.spawn(write(sink, waiting));
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let heard = Instant::now();
        Self { frames, outbox, writer, slots, inbox, tasks, stop, heard, pinged: false, live: false }
    }

    /// Asks for a token and returns the one the relay has given. A delivery that comes before is taken.
    pub(super) async fn begin(&mut self, token: &str) -> Result<String, End> {
        self.send(Message::text(frame::start(token))).await?;
        let answered = timeout(START, self.next()).await;
        let slow = || End::Lost(format!("it did not answer the start within {} s", START.as_secs()));
        let token = answered.map_err(|_elapsed| slow())??;
        if !is_plain(&token) {
            return Err(End::Lost("it gave a token that fits into no URL".to_owned()));
        }
        self.live = true;
        Ok(token)
    }

    /// Takes deliveries until the link ends.
    pub(super) async fn follow(&mut self) -> End {
        loop {
            match self.next().await {
                Ok(_token) => self.inbox.skip("it answers a start a second time"),
                Err(end) => return end,
            }
        }
    }

    /// Ends the link in order: what is in work is answered, then it is closed with 1000.
    pub(super) async fn farewell(mut self) {
        let parting = async {
            let _ = self.slots.acquire_many(AT_ONCE as u32).await;
            let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            self.outbox.send(Message::Close(Some(close))).await
        };
        // A relay that takes nothing any more, or does not agree, is left all the same.
        if let Ok(Ok(())) = timeout(FAREWELL, parting).await {
            let agreed = async { while let Some(Ok(_)) = self.frames.next().await {} };
            let _ = timeout(AGREE, agreed).await;
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        match self.outbox.send(message).await {
            Ok(()) => Ok(()),
            Err(_closed) => Err(unwritable((&mut self.writer).await)),
        }
    }

    /// Reads until the relay answers a start; deliveries are put to work, pings are answered by the library.
    async fn next(&mut self) -> Result<String, End> {
        loop {
            let slots = Arc::clone(&self.slots);
            let busy = slots.available_permits() == 0;
            let patience = if self.pinged { DEAD } else { PING };
            let message = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Err(End::Stopped),
                why = &mut self.writer => return Err(unwritable(why)),
                _ = slots.acquire(), if busy => continue,
                message = self.frames.next(), if !busy => message,
                () = sleep_until(self.heard + patience) => {
                    if self.pinged {
                        return Err(End::Lost(format!("it was silent for {} s", DEAD.as_secs())));
                    }
                    self.pinged = true;
                    self.send(Message::Ping(Bytes::new())).await?;
                    continue;
                }
            };
            let message = match message {
                Some(Ok(message)) => message,
                Some(Err(why)) => return Err(End::Lost(dial::broken_off(&why))),
                None => return Err(End::Lost("the connection broke off".to_owned())),
            };
            (self.heard, self.pinged) = (Instant::now(), false);
            if let Some(token) = self.take(message).await? {
                return Ok(token);
            }
        }
    }

    /// Takes a message; returns the token if it answers a start.
    async fn take(&mut self, message: Message) -> Result<Option<String>, End> {
        let bytes: Bytes = match message {
            Message::Text(text) => text.into(),
            Message::Binary(bytes) => bytes,
            Message::Close(close) => {
                // Once more, so that our side of the close goes out.
                let _ = timeout(AGREE, self.frames.next()).await;
                return Err(closed(close.as_ref(), self.live));
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {
                if self.live {
                    let heard_at = clock::now();
                    self.inbox.pulse.relay(|relay| relay.link = Link::Live { heard_at });
                }
                return Ok(None);
            }
        };
        match frame::read(&bytes, self.inbox.max_body) {
            Ok(Frame::Start { token }) => return Ok(Some(token)),
            Ok(Frame::Event(event)) => {
                if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                    self.tasks.spawn(work(self.inbox.clone(), event, slot, self.outbox.clone()));
                }
            }
            Err(why) => self.inbox.skip(&why),
        }
        Ok(None)
    }
}

impl<S> Drop for Session<'_, S> {
    fn drop(&mut self) {
        // Answers that nobody hears any more must not keep the connection, and with it the token, taken.
        self.writer.abort();
    }
}

/// The writer has ended.
fn unwritable(why: Result<String, JoinError>) -> End {
    End::Lost(why.unwrap_or_else(|_panicked| "nothing is written to it any more".to_owned()))
}

/// What a close frame says.
fn closed(close: Option<&CloseFrame>, live: bool) -> End {
    let Some(CloseFrame { code, reason }) = close else {
        return End::Lost("it closed the link".to_owned());
    };
    if *code == CloseCode::Policy && reason.as_str() == IN_USE {
        return End::Objected(Objection::InUse);
    }
    if *code == CloseCode::Policy && !live && reason.to_ascii_lowercase().contains("invalid token") {
        return End::Objected(Objection::Invalid);
    }
    let what = if live { "it closed the link" } else { "it refused" };
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    End::Lost(format!("{what} ({}){reason}", u16::from(*code)))
}

/// Writes what is put into the outbox, until it is a close or cannot be written; says why it ended.
async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: SplitSink<WebSocketStream<S>, Message>,
    mut waiting: mpsc::Receiver<Message>,
) -> String {
    while let Some(message) = waiting.recv().await {
        let last = message.is_close();
        match timeout(WRITE, sink.send(message)).await {
            Ok(Ok(())) if last => break,
            Ok(Ok(())) => {}
            Ok(Err(why)) => return dial::broken_off(&why),
            Err(_) => return format!("it took no frame within {} s", WRITE.as_secs()),
        }
    }
    "the link is closed".to_owned()
}

/// Has a delivery kept and answers it; the slot is free again when the answer is on its way.
async fn work(inbox: Inbox, event: frame::Event, slot: OwnedSemaphorePermit, outbox: mpsc::Sender<Message>) {
    let id = event.id.clone();
    inbox
        .take(event, async |answer| {
            // The link may have ended meanwhile: then the sender hears nothing and tries again.
            let _ = outbox.send(Message::text(frame::answer(&id, &answer))).await;
            drop(slot);
        })
        .await;
}
