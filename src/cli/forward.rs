//! Forwarding as the command line knows it: how it is begun, what the screen may ask of it, what is said of it.
#![expect(clippy::disallowed_methods, reason = "a replay is waited for by a task of its own")]

use std::fmt::Display;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::monitor::Station;
use crate::app::msg::Outcome;
use crate::client::trust::Trust;
use crate::client::url::Url;
use crate::domain::count::plural;
use crate::domain::forward::{Failure as GivenUp, Forwarding, Replay};
use crate::domain::secret::Keyring;
use crate::domain::time::Timestamp;
use crate::forward::target::Target;
use crate::forward::{self, Forward, Orders};
use crate::pulse::Pulse;
use crate::store::reader::Reader;
use crate::tui::effects::Command;

/// Forwarding under way: where replays are ordered, and the task that ends with the last result.
pub(super) type Begun = (Orders, JoinHandle<()>);

/// Begins to pass on what a station keeps, until `stop`.
///
/// # Errors
/// Code 1 if the session cannot be read or no thread can be started.
pub(super) fn begin(
    url: Option<Url>,
    trust: &Trust,
    station: &Station,
    stop: &CancellationToken,
) -> Result<Option<Begun>, Failure> {
    let Some(url) = url else { return Ok(None) };
    let intake = station.intake.clone();
    let forward = Forward {
        target: target(url, trust)?,
        reader: Reader::of(&station.journal).map_err(failed)?,
        journal: Some(station.journal.clone()),
        pulse: station.pulse.clone(),
        keyring: Box::new(move || intake.keyring()),
    };
    forward::begin(forward, stop.clone()).map(Some).map_err(failed)
}

/// Makes ready to send events of a saved session again, and carries out what the screen orders of that.
///
/// # Errors
/// Code 1 if no thread can be started.
pub(super) fn begin_saved(
    (target, keyring): (Target, Keyring),
    reader: Reader,
    pulse: Pulse,
    mut commands: mpsc::Receiver<Command>,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let keyring = Box::new(move || keyring.clone());
    let forward = Forward { target, reader, journal: None, pulse, keyring };
    let (orders, _) = forward::begin(forward, stop).map_err(failed)?;
    tokio::spawn(async move {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Replay(what, answer) => replay(Some(&orders), what, answer),
                Command::StopReplay => orders.stop().await,
                Command::SetSecret(..) | Command::Mark(..) => {}
            }
        }
    });
    Ok(())
}

fn failed(why: impl Display) -> Failure {
    Failure::running(format!("--forward-to: {why}"))
}

/// The user's own code at a URL.
///
/// # Errors
/// Code 1 if the system's certificates cannot be read.
pub(super) fn target(url: Url, trust: &Trust) -> Result<Target, Failure> {
    Target::new(url, trust).map_err(failed)
}

/// Has something sent again, and tells the screen what it came to, without keeping anybody waiting.
pub(super) fn replay(orders: Option<&Orders>, replay: Replay, answer: oneshot::Sender<Outcome>) {
    let orders = orders.cloned();
    tokio::spawn(async move {
        let outcome = match orders {
            Some(orders) => orders.replay(replay).await,
            None => Err("nothing is forwarded: start with --forward-to URL".to_owned()),
        };
        // The screen may have gone in the meantime.
        let _ = answer.send(outcome.map_or_else(Outcome::Failed, |sum| Outcome::Replayed(Box::new(sum))));
    });
}

/// Something about forwarding that is worth a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It is on.
    On {
        /// Where to.
        url: String,
        /// How many events wait from before.
        waiting: u64,
    },
    /// The target cannot be reached, or fails again and again.
    Failing {
        /// What happened last.
        why: String,
        /// When it is tried again, if everything waits.
        again_at: Option<Timestamp>,
        /// How many events wait.
        waiting: u64,
    },
    /// It takes events again.
    Recovered {
        /// How many events still wait.
        waiting: u64,
    },
    /// An event was given up.
    GivenUp(Box<GivenUp>),
    /// So many more were given up in the meantime.
    More(u64),
}

impl News {
    /// What to say between two looks at forwarding.
    #[must_use]
    pub fn between(before: Option<&Forwarding>, now: &Forwarding) -> Vec<Self> {
        let mut news = Vec::new();
        if before.is_none() {
            news.push(Self::On { url: now.target.clone(), waiting: now.waiting });
        }
        let told = before.map_or(0, |before| before.given_up);
        let known = now.failures.iter().filter(|failure| failure.number > told);
        let more = (now.given_up - told).saturating_sub(known.clone().count() as u64);
        if more > 0 {
            news.push(Self::More(more));
        }
        news.extend(known.map(|failure| Self::GivenUp(Box::new(failure.clone()))));
        match (before.and_then(|before| before.trouble.as_ref()), &now.trouble) {
            (None, Some(trouble)) => news.push(Self::Failing {
                why: trouble.why.clone(),
                again_at: trouble.again_at,
                waiting: now.waiting,
            }),
            (Some(_), None) => news.push(Self::Recovered { waiting: now.waiting }),
            _ => {}
        }
        news
    }

    /// For a person.
    #[must_use]
    pub fn human(&self, now: Timestamp) -> String {
        match self {
            Self::On { url, waiting: 0 } => format!("to {url}"),
            Self::On { url, waiting } => {
                format!("to {url}; {} waiting from before", plural(*waiting, "event"))
            }
            Self::Failing { why, again_at: Some(at), waiting } => {
                let secs = at.since(now).max(0).saturating_add(999) / 1000;
                let waiting = plural(*waiting, "event");
                format!("cannot be reached: {why}; {waiting} waiting; tried again in {secs} s")
            }
            Self::Failing { why, again_at: None, waiting } => {
                format!("fails: {why}; {} waiting", plural(*waiting, "event"))
            }
            Self::Recovered { waiting } => format!("works again; {} waiting", plural(*waiting, "event")),
            Self::GivenUp(failure) => {
                let last = &failure.last;
                let attempts = plural(last.attempts.into(), "attempt");
                let note = if last.note.is_empty() { String::new() } else { format!(": {}", last.note) };
                format!("given up after {attempts}: {}: {last}{note}", failure.id)
            }
            Self::More(count) => format!("{count} more given up"),
        }
    }

    /// For a machine.
    #[must_use]
    pub fn json(&self, now: Timestamp) -> Value {
        let at = now.to_string();
        match self {
            Self::On { url, waiting } => {
                json!({ "at": at, "what": "forward", "state": "on", "url": url, "waiting": waiting })
            }
            Self::Failing { why, again_at, waiting } => json!({
                "at": at, "what": "forward", "state": "failing", "why": why, "waiting": waiting,
                "next": again_at.map(|next| next.to_string()),
            }),
            Self::Recovered { waiting } => {
                json!({ "at": at, "what": "forward", "state": "recovered", "waiting": waiting })
            }
            Self::GivenUp(failure) => json!({
                "at": failure.last.at.to_string(), "what": "forward_failed", "seq": failure.seq, "id": failure.id,
                "status": failure.last.status, "attempts": failure.last.attempts,
                "millis": failure.last.millis, "why": failure.last.note,
            }),
            Self::More(count) => json!({ "at": at, "what": "forward_failed", "more": count }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forward::{Forwarded, State, Trouble};

    #[test]
    fn failures_and_recovery_are_told_once() {
        let at = Timestamp::default();
        let on =
            Forwarding { target: "http://127.0.0.1:3000/".into(), follows: true, ..Forwarding::default() };
        assert_eq!(News::between(None, &on)[0].human(at), "to http://127.0.0.1:3000/");
        let trouble = Trouble { since: at, why: "refused".into(), again_at: Some(at.plus_millis(1_500)) };
        let down = Forwarding { trouble: Some(trouble), waiting: 3, ..on.clone() };
        let news = News::between(Some(&on), &down);
        assert_eq!(news[0].human(at), "cannot be reached: refused; 3 events waiting; tried again in 2 s");
        assert_eq!(News::between(Some(&down), &down), []);
        assert_eq!(News::between(Some(&down), &on), [News::Recovered { waiting: 0 }]);
        let last = Forwarded {
            at,
            attempts: 4,
            state: State::GivenUp,
            status: Some(500),
            millis: 3,
            note: "oops".into(),
            replayed: false,
        };
        let mut failed = on.clone();
        for n in 0..40 {
            failed.fail(n, format!("msg_{n}"), last.clone());
        }
        let news = News::between(Some(&on), &failed);
        assert_eq!((news.len(), &news[0]), (1 + Forwarding::FAILURES, &News::More(8)));
        assert_eq!(news[1].human(at), "given up after 4 attempts: msg_8: 500 in 3 ms: oops");
        let mut mute = on.clone();
        mute.fail(1, "msg_1".into(), Forwarded { note: String::new(), ..last });
        let said = News::between(Some(&on), &mute)[0].human(at);
        assert_eq!(said, "given up after 4 attempts: msg_1: 500 in 3 ms");
    }
}
