//! Running without a screen: each happening is a line.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::happening::Happening;
use super::lines::Lines;
use super::{forward, relay};
use crate::domain::count::is_news;
use crate::domain::forward::Forwarding;
use crate::domain::vitals::Relay;
use crate::pulse::Pulse;
use crate::store::follower::Follower;

/// Between two looks at what happened.
const PAUSE: Duration = Duration::from_millis(25);

/// Writes a line for every event and refusal from now on, until `stop`, and for what is left then.
pub async fn follow(lines: Lines, mut follower: Follower, pulse: Pulse, stop: CancellationToken) {
    if lines.silent() {
        return;
    }
    let mut changed = pulse.changed();
    // What happened between the start and here is told too.
    changed.mark_changed();
    let mut told = Told::default();
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            () = follower.ready() => false,
            Ok(()) = changed.changed() => false,
        };
        loop {
            // A session that cannot be read is told by the storage fault; nothing is skipped.
            let events = follower.batch().unwrap_or_default();
            let is_last = events.is_empty();
            let mut news: Vec<_> = events.into_iter().map(|line| Happening::Event(Box::new(line))).collect();
            // Before anybody is waited for: what the door remembers of refusals is bounded.
            told.news(&pulse, &mut news);
            if !news.is_empty() {
                lines.room().await;
                lines.write_all(&news);
                pulse.log_fault(lines.fault());
            }
            if is_last {
                break;
            }
        }
        if stopped {
            return;
        }
        // In a burst, many events are read and written at once.
        let _ = timeout(PAUSE, stop.cancelled()).await;
    }
}

/// What has been told so far, besides events.
#[derive(Default)]
struct Told {
    refused: u64,
    called: u64,
    noticed: u64,
    large: u64,
    relay: Option<Relay>,
    forward: Option<Forwarding>,
    fault: Option<String>,
}

impl Told {
    /// What is new since the last look.
    fn news(&mut self, pulse: &Pulse, news: &mut Vec<Happening>) {
        let vitals = pulse.snapshot();
        for refusal in vitals.refusals {
            if refusal.number > self.refused {
                self.refused = refusal.number;
                news.push(Happening::Refused(Box::new(refusal)));
            }
        }
        for alert in vitals.alerts {
            if alert.number > self.called {
                self.called = alert.number;
                news.push(Happening::Alert(Box::new(alert)));
            }
        }
        for (number, text) in pulse.notices() {
            if number > self.noticed {
                self.noticed = number;
                news.push(Happening::Notice(text));
            }
        }
        if is_news(self.large, vitals.too_large) {
            self.large = vitals.too_large;
            let text = format!(
                "too large, answered 413: {} so far; --max-body says how large one may be",
                self.large
            );
            news.push(Happening::Notice(text));
        }
        let of_relay = new(&mut self.relay, vitals.relay, relay::News::between);
        news.extend(of_relay.into_iter().map(Happening::Relay));
        let of_forward = new(&mut self.forward, vitals.forward, forward::News::between);
        news.extend(of_forward.into_iter().map(Happening::Forward));
        let fault = pulse.storage_fault();
        if fault != self.fault {
            self.fault = fault;
            news.push(self.fault.clone().map_or(Happening::StorageRecovered, Happening::StorageFault));
        }
    }
}

/// What is new about something since it was told last.
fn new<T: PartialEq, N>(
    told: &mut Option<T>,
    now: Option<T>,
    between: impl Fn(Option<&T>, &T) -> Vec<N>,
) -> Vec<N> {
    let Some(now) = now.filter(|now| told.as_ref() != Some(now)) else { return Vec::new() };
    let news = between(told.as_ref(), &now);
    *told = Some(now);
    news
}
