//! Sends as Svix does: its headers, signed at the moment of sending, and tried again in compressed time.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::body::Bytes;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::rollout::{Forgery, Send};
use crate::client::Client;
use crate::client::reason::failing;
use crate::client::trust::Trust;
use crate::client::url::Url;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// The name Svix sends under.
const USER_AGENT: &str = "Svix-Webhooks/1.0 (sender-9YMgn)";
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Pauses before trying again. Svix waits five seconds, five minutes, half an hour and on.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(5)];
/// How long requests under way may take to end once the sending is to stop.
const GRACE: Duration = Duration::from_secs(2);
/// As good as never, and can still be added to an instant.
const YEAR: Duration = Duration::from_secs(31_536_000);
/// Age of a stale forgery, seconds.
const STALE_SECS: i64 = 20 * 60;

/// Where to send, and the secret to sign with.
pub struct Target {
    client: Client,
    secret: Secret,
    wrong_secret: Secret,
}

impl Target {
    /// A target at a URL, whose certificate is to be of somebody who is trusted.
    ///
    /// # Errors
    /// In a sentence, if the system's certificates cannot be read, for `https`.
    pub fn new(url: Url, secret: Secret, trust: &Trust) -> Result<Self, String> {
        let wrong_secret = Secret::parse(&STANDARD.encode("the secret of another endpoint"))
            .map_err(|why| why.to_string())?;
        Ok(Self { client: Client::new(url, trust)?, secret, wrong_secret })
    }

    /// The status of the answer; without one, why there is none.
    async fn request(&self, headers: HeaderMap, body: Bytes) -> Result<u16, String> {
        let answer = self.client.post(headers, body);
        let slow = || format!("no answer within {} s", TIMEOUT.as_secs());
        let answer = tokio::time::timeout(TIMEOUT, answer).await.map_err(|_elapsed| slow())?;
        let answer = answer.map_err(|why| failing(&why))?;
        Ok(answer.status().as_u16())
    }

    /// The headers and the body of a message, signed for this moment, or forged as it says.
    fn compose(&self, send: &Send, now: Timestamp) -> Result<(HeaderMap, Bytes), header::InvalidHeaderValue> {
        let stale = send.forgery == Some(Forgery::Stale);
        let secs = now.secs() - if stale { STALE_SECS } else { 0 };
        let wrong = send.forgery == Some(Forgery::WrongSecret);
        let secret = if wrong { &self.wrong_secret } else { &self.secret };
        let mut body = send.body.clone();
        let signature = secret.sign(&send.id, secs, &body);
        if send.forgery == Some(Forgery::AlteredBody) {
            body.push(b' ');
        }
        let svix = HeaderName::from_static;
        let mut headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::USER_AGENT, HeaderValue::from_static(USER_AGENT)),
            (svix("svix-id"), HeaderValue::from_str(&send.id)?),
            (svix("svix-timestamp"), HeaderValue::from(secs)),
        ]);
        if send.forgery != Some(Forgery::NoSignature) {
            headers.insert(svix("svix-signature"), HeaderValue::from_str(&signature)?);
        }
        Ok((headers, body.into()))
    }
}

/// How a message fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The last answer's status; why there was none, if there was none.
    pub answer: Result<u16, String>,
    /// How often it was sent.
    pub attempts: u32,
    /// How long the last request took.
    pub took: Duration,
}

impl Outcome {
    /// True if the receiver has taken it.
    #[must_use]
    pub fn accepted(&self) -> bool {
        matches!(self.answer, Ok(200..300))
    }
}

/// Sends one message, and again after a while if it is not forged and not accepted.
pub async fn send(target: &Target, send: &Send, now: impl Fn() -> Timestamp) -> Outcome {
    let mut pauses = PAUSES.into_iter();
    let mut attempts = 0;
    loop {
        attempts += 1;
        let begun = Instant::now();
        let answer = match target.compose(send, now()) {
            Ok((headers, body)) => target.request(headers, body).await,
            Err(why) => Err(why.to_string()),
        };
        let outcome = Outcome { answer, attempts, took: begun.elapsed() };
        if outcome.accepted() || send.forgery.is_some() {
            return outcome;
        }
        let Some(pause) = pauses.next() else { return outcome };
        tokio::time::sleep(pause).await;
    }
}

/// How fast to send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Messages a second; `None` for as fast as possible.
    pub rate: Option<f64>,
}

/// What came of it all.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Report {
    /// Messages sent, however often each was tried.
    pub sent: u64,
    /// Messages the receiver took, forged ones among them if it took any.
    pub accepted: u64,
    /// Forged messages that it refused.
    pub refused: u64,
    /// Messages that were given up, and forged ones without an answer.
    pub failed: u64,
    /// Different ids among those accepted.
    pub unique: u64,
    /// Half of the requests took at most this long.
    pub p50_ms: f64,
    /// All but one in a hundred took at most this long.
    pub p99_ms: f64,
    /// How often each status came last; `none` where no answer came.
    pub statuses: BTreeMap<String, u64>,
    /// Why the last one that failed did.
    #[serde(skip)]
    pub why: Option<String>,
}

#[derive(Default)]
struct Tally {
    report: Report,
    ids: HashSet<u64>,
    micros: Vec<u32>,
}

impl Tally {
    fn count(&mut self, send: &Send, outcome: &Outcome) {
        let report = &mut self.report;
        report.sent += 1;
        if outcome.accepted() {
            report.accepted += 1;
            let mut hasher = DefaultHasher::new();
            send.id.hash(&mut hasher);
            self.ids.insert(hasher.finish());
        } else if send.forgery.is_some() && outcome.answer.is_ok() {
            report.refused += 1;
        } else {
            report.failed += 1;
            let answered = |status: &u16| format!("it answered {status}");
            report.why = Some(outcome.answer.as_ref().map_or_else(Clone::clone, answered));
        }
        let status = outcome.answer.as_ref().map_or_else(|_| "none".to_owned(), ToString::to_string);
        *report.statuses.entry(status).or_default() += 1;
        self.micros.push(u32::try_from(outcome.took.as_micros()).unwrap_or(u32::MAX));
    }

    fn close(mut self) -> Report {
        self.micros.sort_unstable();
        let at = |share: f64| {
            let place = (self.micros.len() as f64 * share).ceil() as usize;
            self.micros.get(place.saturating_sub(1)).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
        };
        let (p50_ms, p99_ms) = (at(0.5), at(0.99));
        Report { unique: self.ids.len() as u64, p50_ms, p99_ms, ..self.report }
    }
}

impl Pace {
    /// How long after the beginning the message after `count` others is to be sent.
    fn due(self, count: u64) -> Duration {
        let rate = self.rate.filter(|rate| rate.is_finite() && *rate > 0.0);
        let after = rate.and_then(|rate| Duration::try_from_secs_f64(count as f64 / rate).ok());
        after.unwrap_or_default()
    }
}

/// Sends messages at a pace, at most `concurrency` at a time, until there are no more or it is to stop;
/// tells `progress` how each fared.
pub async fn run(
    messages: impl IntoIterator<Item = Send>,
    target: &Target,
    pace: Pace,
    concurrency: usize,
    stop: &CancellationToken,
    progress: impl FnMut(&Send, &Outcome),
) -> Report {
    let mut count = 0;
    let timed = messages.into_iter().map(|send| {
        count += 1;
        (pace.due(count - 1), send)
    });
    drive(timed, target, concurrency, stop, progress).await
}

/// Sends each message so long after the beginning, or as soon as there is room.
pub(super) async fn drive(
    messages: impl Iterator<Item = (Duration, Send)>,
    target: &Target,
    concurrency: usize,
    stop: &CancellationToken,
    mut progress: impl FnMut(&Send, &Outcome),
) -> Report {
    let mut messages = messages;
    let mut tally = Tally::default();
    let mut under_way = FuturesUnordered::new();
    let begun = Instant::now();
    let mut next = messages.next();
    while next.is_some() || !under_way.is_empty() {
        let due = next.as_ref().map_or(Duration::ZERO, |(due, _)| *due).min(YEAR);
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some((send, outcome)) = under_way.next(), if !under_way.is_empty() => {
                tally.count(&send, &outcome);
                progress(&send, &outcome);
            }
            () = tokio::time::sleep_until(begun + due), if next.is_some() && under_way.len() < concurrency => {
                if let Some((_, send)) = next.take() {
                    under_way.push(deliver(target, send));
                }
                next = messages.next();
            }
        }
    }
    let rest = async {
        while let Some((send, outcome)) = under_way.next().await {
            tally.count(&send, &outcome);
            progress(&send, &outcome);
        }
    };
    let _some_may_be_left = tokio::time::timeout(GRACE, rest).await;
    drop(under_way);
    tally.close()
}

async fn deliver(target: &Target, message: Send) -> (Send, Outcome) {
    let outcome = send(target, &message, crate::clock::now).await;
    (message, outcome)
}

#[cfg(test)]
#[path = "sender/tests.rs"]
mod tests;
