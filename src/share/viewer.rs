//! One viewer: greeted, then told all that is committed at its own pace, and how things are.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::Share;
use crate::domain::delivery::Seq;
use crate::domain::refusal::Refusal;
use crate::domain::stream::Report;
use crate::domain::vitals::Vitals;
use crate::store::tap::{After, Tap};

/// For one frame to be taken. Who takes longer is gone, or cannot keep up with anything.
const WRITE: Duration = Duration::from_secs(30);
/// Between two reports, if there is something new to report.
const REPORT: Duration = Duration::from_millis(500);
/// After so much silence a report goes out all the same: the sign that somebody is here.
const BEAT: Duration = Duration::from_secs(5);
/// Who was not heard for so long is pinged, and who for so long is gone.
const PING: Duration = Duration::from_secs(20);
const DEAD: Duration = Duration::from_secs(60);
/// A viewer has nothing to say; what it sends is bounded.
const HEARD: usize = 64 << 10;

/// What a viewer asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    after: After,
    /// The session it has a part of: it wants nothing of another one.
    session: Option<String>,
}

impl Wanted {
    /// Reads a query like `after=12&id=msg_1&repeats=3&session=5f0c`; `None` if a number is none.
    pub(super) fn read(query: &str) -> Option<Self> {
        let mut wanted = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let number = || value.parse().ok().filter(|number: &i64| *number >= 0);
            match name {
                "after" => wanted.after.seq = number()?,
                "repeats" => wanted.after.repeats = Some(number()?),
                "id" => wanted.after.id = Some(plain(value)?),
                "session" => wanted.session = Some(value.to_owned()),
                // What a newer viewer asks for beyond this.
                _ => {}
            }
        }
        Some(wanted)
    }
}

/// Resolves `%XX`; `None` if that gives no text.
fn plain(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Serves a viewer until either side ends.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(share: Share, stream: S, wanted: Wanted) {
    let config = WebSocketConfig::default().max_message_size(Some(HEARD)).max_frame_size(Some(HEARD));
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (sink, heard) = socket.split();
    let changed = share.pulse.changed();
    let now = Instant::now();
    let told = Told { at: now, report: None, changed: true, refusals: None };
    let mut viewer = Viewer { sink, heard, changed, told, unforwarded: 0, alive: now, pinged: false };
    // How it ended is nobody's business: a viewer that wants more attaches again.
    let _ = viewer.run(&share, wanted).await;
}

/// Why a viewer is served no longer.
struct Gone;

impl From<Error> for Gone {
    fn from(_: Error) -> Self {
        Self
    }
}

/// What a viewer was told last.
struct Told {
    /// Anything.
    at: Instant,
    /// A report, but for its newest event and its refusals.
    report: Option<(Instant, Report)>,
    /// There may be something new to report.
    changed: bool,
    refusals: Option<Vec<(Seq, Refusal)>>,
}

struct Viewer<S> {
    sink: SplitSink<WebSocketStream<S>, Message>,
    heard: SplitStream<WebSocketStream<S>>,
    changed: watch::Receiver<u64>,
    told: Told,
    /// Events that forwarding has given up.
    unforwarded: u64,
    /// When it was heard last.
    alive: Instant,
    pinged: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Viewer<S> {
    async fn run(&mut self, share: &Share, wanted: Wanted) -> Result<(), Gone> {
        let (journal, after) = (share.journal.clone(), wanted.after);
        let greeted = share.steps.read(move || Tap::new(&journal, &after)).await;
        let Some(Ok((tap, hello))) = greeted else {
            return self.close(CloseCode::Error, "the session cannot be read").await;
        };
        self.send(Message::text(hello.write())).await?;
        if hello.diverged || wanted.session.is_some_and(|session| session != hello.session) {
            return self.close(CloseCode::Policy, "this is another session").await;
        }
        let mut read = share.steps.next(tap).await;
        loop {
            let Some((mut tap, step)) = read else {
                return self.close(CloseCode::Error, "the session cannot be read").await;
            };
            self.told.changed |= self.unforwarded != step.unforwarded;
            self.unforwarded = step.unforwarded;
            match step.frame {
                Some(frame) => {
                    let newest = tap.newest();
                    // While one is being sent the next is read, and no more than that.
                    let (sent, next) = tokio::join!(self.frame(frame), share.steps.next(tap));
                    sent?;
                    read = next;
                    self.between(share, newest).await?;
                }
                None if share.done.is_cancelled() => return self.close(CloseCode::Away, "it ends").await,
                None => {
                    self.between(share, tap.newest()).await?;
                    self.wait(share, &mut tap).await?;
                    read = share.steps.next(tap).await;
                }
            }
        }
    }

    /// What is due between two frames: hearing, reporting, pinging.
    async fn between(&mut self, share: &Share, newest: Seq) -> Result<(), Gone> {
        while let Some(message) = self.heard.next().now_or_never() {
            self.hear(message.as_ref())?;
        }
        if self.changed.has_changed().unwrap_or_default() {
            self.changed.mark_unchanged();
            self.told.changed = true;
        }
        let now = Instant::now();
        if now >= self.report_due() {
            self.report(share, newest).await?;
        }
        if now >= self.alive + DEAD {
            return Err(Gone);
        }
        if !self.pinged && now >= self.alive + PING {
            self.pinged = true;
            self.send(Message::Ping(Bytes::new())).await?;
        }
        Ok(())
    }

    /// Waits until something is to be told or heard.
    async fn wait(&mut self, share: &Share, tap: &mut Tap) -> Result<(), Gone> {
        let alive = self.alive + if self.pinged { DEAD } else { PING };
        let due = self.report_due().min(alive);
        tokio::select! {
            () = tap.ready() => Ok(()),
            () = share.done.cancelled() => Ok(()),
            () = sleep_until(due) => Ok(()),
            Ok(()) = self.changed.changed(), if !self.told.changed => {
                self.told.changed = true;
                Ok(())
            }
            message = self.heard.next() => self.hear(message.as_ref()),
        }
    }

    fn report_due(&self) -> Instant {
        match &self.told.report {
            None => self.told.at,
            Some((at, _)) if self.told.changed => *at + REPORT,
            Some(_) => self.told.at + BEAT,
        }
    }

    async fn report(&mut self, share: &Share, newest: Seq) -> Result<(), Gone> {
        let vitals = Vitals { refusals: Vec::new(), alerts: Vec::new(), ..share.pulse.snapshot() };
        let report = Report { vitals, unforwarded: self.unforwarded, ..Report::default() };
        let refusals = share.pulse.refusals();
        let now = Instant::now();
        self.told.changed = false;
        let same_refusals = self.told.refusals.as_ref() == Some(&refusals);
        if let Some((at, before)) = &mut self.told.report
            && same_refusals
            && *before == report
            && now < self.told.at + BEAT
        {
            *at = now;
            return Ok(());
        }
        let fresh = (!same_refusals).then(|| refusals.clone());
        (self.told.refusals, self.told.report) = (Some(refusals), Some((now, report.clone())));
        self.send(Message::text(Report { newest, refusals: fresh, ..report }.write())).await
    }

    async fn frame(&mut self, frame: Bytes) -> Result<(), Gone> {
        // It was written as text here.
        let text = Utf8Bytes::try_from(frame).map_err(|_no_text| Gone)?;
        self.send(Message::Text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        timeout(WRITE, self.sink.send(message)).await.map_err(|_elapsed| Gone)??;
        self.told.at = Instant::now();
        Ok(())
    }

    fn hear(&mut self, message: Option<&Result<Message, Error>>) -> Result<(), Gone> {
        match message {
            Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Gone),
            Some(Ok(_)) => {
                (self.alive, self.pinged) = (Instant::now(), false);
                Ok(())
            }
        }
    }

    async fn close(&mut self, code: CloseCode, reason: &'static str) -> Result<(), Gone> {
        self.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await
    }
}
