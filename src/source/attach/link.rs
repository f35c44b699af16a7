//! One link to another invigil: greeted, then told what is committed there, which is kept here as it comes.

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::{Refusal, Target, refusal};
use crate::clock;
use crate::domain::delivery::Seq;
use crate::domain::stream::{self, Batch, Frame, Hello, PROTOCOL, Position};
use crate::domain::vitals::Link;
use crate::pulse::Pulse;
use crate::source::dial::{self, Stream};
use crate::store::Unavailable;
use crate::store::journal::Journal;
use crate::store::mirror::{Reflected, Reflection};

/// For the greeting.
const GREETING: Duration = Duration::from_secs(10);
/// The other side says something every few seconds; after so much silence the link is dead.
const DEAD: Duration = Duration::from_secs(20);
/// What one frame may hold: an event with a very large body still.
const FRAME: usize = 128 << 20;
/// Batches handed in and not kept yet: enough for the writer to take many with one sync of the disk.
const UNDER_WAY: usize = 32;
/// Batches that are ready beyond those, so that the writer finds the next ones when it has kept all it took. While
/// there are so many, nothing more is read, and the other side waits.
const READY: usize = 32;
/// The same by the length of their frames: few of them may be large.
const LENGTH: usize = 32 << 20;

/// How a link ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// It was never one.
    Refused(Refusal),
    /// Another session is held there.
    Another(Hello),
    /// The session there has another history.
    Diverged(Hello),
    /// Anything else, in a sentence.
    Lost(String),
}

impl From<Unavailable> for End {
    fn from(error: Unavailable) -> Self {
        Self::Lost(format!("the mirror cannot be written: {error}"))
    }
}

fn lost(why: impl Into<String>) -> End {
    End::Lost(why.into())
}

/// Reaches the other side and hears its greeting.
async fn open(
    target: &Target,
    of: &str,
    from: &Position,
) -> Result<(WebSocketStream<Stream>, Hello), Refusal> {
    let foreign = |why: String| Refusal::Foreign(format!("it is no invigil's control address: {why}"));
    let mut headers = HeaderMap::new();
    if let Some(token) = &target.token {
        let value = HeaderValue::from_str(&token.header());
        let mut value = value.map_err(|why| Refusal::Token(format!("the token cannot be sent: {why}")))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let uri = target.address.stream(of, from).map_err(foreign)?;
    let dialled = dial::dial(&uri, &target.trust, headers, FRAME).await;
    let mut socket = dialled.map_err(|error| refusal(error, target.token.is_some()))?;
    let greeting = timeout(GREETING, socket.next()).await;
    let text = match greeting {
        Ok(Some(Ok(Message::Text(text)))) => text,
        Ok(Some(Ok(_))) => return Err(foreign("it greets with something else".to_owned())),
        Ok(Some(Err(why))) => return Err(Refusal::Unreachable(dial::broken_off(&why))),
        Ok(None) => return Err(Refusal::Unreachable("it closed the link".to_owned())),
        Err(_) => return Err(foreign(format!("it does not greet within {} s", GREETING.as_secs()))),
    };
    match stream::read(&text) {
        Ok(Frame::Hello(hello)) if hello.protocol == PROTOCOL => Ok((socket, hello)),
        Ok(Frame::Hello(hello)) => Err(Refusal::Foreign(format!(
            "it runs invigil {}, which speaks another protocol ({}, and not {PROTOCOL}); run the same version on both sides",
            hello.version, hello.protocol
        ))),
        Ok(_) => Err(foreign("it does not greet".to_owned())),
        Err(why) => Err(foreign(why)),
    }
}

/// Asks only whose session is held there.
pub(super) async fn greet(target: &Target) -> Result<Hello, Refusal> {
    // Beyond all events: nothing but the greeting is wanted. As large as every reader of JSON takes.
    let beyond = Position { seq: (1 << 53) - 1, ..Position::default() };
    let (mut socket, hello) = open(target, "", &beyond).await?;
    // Whether the other side hears of it makes no difference.
    let _ = socket.close(None).await;
    Ok(hello)
}

/// Follows a session until the link ends; says when it began to hold.
pub(super) async fn follow(
    target: &Target,
    of: &str,
    (journal, pulse): (&Journal, &Pulse),
    begun: &mut Option<Instant>,
) -> End {
    let from = match journal.position() {
        Ok(position) => position,
        Err(error) => return lost(format!("the mirror cannot be read: {error}")),
    };
    let (socket, hello) = match open(target, of, &from).await {
        Ok(opened) => opened,
        Err(refusal) => return End::Refused(refusal),
    };
    if hello.session != of {
        return End::Another(hello);
    }
    if hello.diverged {
        return End::Diverged(hello);
    }
    *begun = Some(Instant::now());
    let (ready, under_way) = (VecDeque::new(), VecDeque::new());
    let mut link = Following { socket, journal, pulse, at: from, ready, under_way, length: 0 };
    link.heard(hello.newest);
    match link.run().await {
        Ok(never) => match never {},
        Err(end) => {
            // The next link begins where the mirror is by then.
            while let Some((kept, _)) = link.under_way.pop_front() {
                let _ = kept.await;
            }
            // Whether the other side hears of it makes no difference.
            let _ = timeout(Duration::from_millis(200), link.socket.send(Message::Close(None))).await;
            end
        }
    }
}

struct Following<'a> {
    socket: WebSocketStream<Stream>,
    journal: &'a Journal,
    pulse: &'a Pulse,
    /// Where the mirror is once all that is here is kept.
    at: Position,
    /// What is to be handed in, and the length of its frame.
    ready: VecDeque<(Reflection, usize)>,
    under_way: VecDeque<(Reflected, usize)>,
    /// Of all of them.
    length: usize,
}

impl Following<'_> {
    async fn run(&mut self) -> Result<std::convert::Infallible, End> {
        loop {
            while self.under_way.len() < UNDER_WAY
                && let Some((next, length)) = self.ready.pop_front()
            {
                self.under_way.push_back((self.journal.reflect(next).await?, length));
            }
            let has_room = self.ready.len() < READY && self.length < LENGTH;
            let message = tokio::select! {
                // What is kept makes room, so it is looked at first.
                biased;
                kept = kept(&mut self.under_way) => {
                    self.length -= kept?;
                    continue;
                }
                message = timeout(DEAD, self.socket.next()), if has_room => message,
            };
            match message {
                Ok(Some(Ok(Message::Text(text)))) => self.frame(&text)?,
                Ok(Some(Ok(Message::Close(close)))) => {
                    let reason = close.map(|close| close.reason.to_string()).filter(|why| !why.is_empty());
                    let reason = reason.map(|why| format!(": {why}")).unwrap_or_default();
                    return Err(lost(format!("it closed the link{reason}")));
                }
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(why))) => return Err(lost(dial::broken_off(&why))),
                Ok(None) => return Err(lost("the connection broke off")),
                Err(_) => return Err(lost(format!("it was silent for {} s", DEAD.as_secs()))),
            }
        }
    }

    fn frame(&mut self, text: &str) -> Result<(), End> {
        match stream::read(text).map_err(End::Lost)? {
            Frame::Batch(batch) => self.batch(batch, text.len()),
            Frame::Report(report) => {
                self.heard(report.newest);
                self.pulse.reported(*report);
                Ok(())
            }
            Frame::Hello(_) | Frame::Unknown => Ok(()),
        }
    }

    fn batch(&mut self, batch: Batch, length: usize) -> Result<(), End> {
        let mut before = self.at.seq;
        for event in &batch.events {
            if event.seq <= before {
                return Err(lost("it tells events in another order than they have"));
            }
            before = event.seq;
        }
        let newest = batch.newest;
        let ready = self.journal.prepare(batch, &self.at);
        self.at = ready.after().clone();
        self.ready.push_back((ready, length));
        self.length += length;
        self.heard(newest);
        Ok(())
    }

    /// The other side has said something, and that this is its newest event.
    fn heard(&self, newest: Seq) {
        let heard_at = clock::now();
        let behind = u64::try_from(newest.saturating_sub(self.at.seq)).unwrap_or_default();
        self.pulse.attachment(|attachment| {
            attachment.link = Link::Live { heard_at };
            attachment.behind = behind;
            attachment.refused = false;
            attachment.down_since = None;
        });
    }
}

/// Ends when the oldest batch under way is kept, with the length of its frame, or cannot be; never, if none is.
async fn kept(under_way: &mut VecDeque<(Reflected, usize)>) -> Result<usize, End> {
    let Some((oldest, length)) = under_way.front_mut() else { return std::future::pending().await };
    let (kept, length) = (oldest.await, *length);
    under_way.pop_front();
    match kept {
        Ok(kept) => Ok(kept.map(|()| length)?),
        Err(_) => Err(lost("the mirror is being closed")),
    }
}
