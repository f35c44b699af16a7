//! How an invigil is doing, as it tells those who look on.

mod forward;

use serde_json::{Map, Value, json};

use crate::domain::delivery::Seq;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::time::Timestamp;
use crate::domain::vitals::{Link, Relay, Vitals};

/// How the other side is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// The newest event there.
    pub newest: Seq,
    /// Listener, relay, forwarding, door and store there. Its refusals and alerts are empty.
    pub vitals: Vitals,
    /// Events there that forwarding has given up. That stands in the session there, and not in a mirror.
    pub unforwarded: u64,
    /// The refusals still known there, if they are others than before: each with the newest event when it came.
    pub refusals: Option<Vec<(Seq, Refusal)>>,
}

impl Report {
    /// As a frame.
    #[must_use]
    pub fn write(&self) -> String {
        let vitals = &self.vitals;
        let refused = Code::ALL.into_iter().zip(vitals.refused);
        let refused = refused.filter(|(_, count)| *count > 0);
        let refused: Map<_, _> =
            refused.map(|(code, count)| (code.word().to_owned(), count.into())).collect();
        let mut frame = json!({
            "what": "report",
            "newest": self.newest,
            "accepted": vitals.accepted,
            "repeated": vitals.repeated,
            "refused": refused,
            "unrecognised": vitals.unrecognised,
            "unavailable": vitals.unavailable,
            "too_large": vitals.too_large,
            "streak": vitals.streak,
            "pending": vitals.pending,
            "url": vitals.url,
            "storage_fault": vitals.storage_fault,
            "listener_fault": vitals.listener_fault,
            "certificate_fault": vitals.certificate_fault,
            "certificate_doubt": vitals.certificate_doubt,
            "queue_percent": vitals.queue_percent,
            "disk_free": vitals.disk_free,
            "last_accepted_at": moment(vitals.last_accepted_at),
            "lag_millis": vitals.lag_millis,
            "relay": vitals.relay.as_ref().map(relay),
            "forward": vitals.forward.as_ref().map(forward::write),
            "unforwarded": self.unforwarded,
        });
        if let Some(refusals) = &self.refusals {
            super::also(&mut frame, "refusals", refusals.iter().map(refusal).collect());
        }
        frame.to_string()
    }

    /// Out of a frame. What is not said, or otherwise than expected, is as if it were nothing: a report is no
    /// part of the session.
    #[must_use]
    pub fn read(frame: &Value) -> Self {
        let number = |name: &str| frame[name].as_u64().unwrap_or_default();
        let refused = |code: Code| frame["refused"].get(code.word()).and_then(Value::as_u64);
        let vitals = Vitals {
            accepted: number("accepted"),
            repeated: number("repeated"),
            refused: Code::ALL.map(|code| refused(code).unwrap_or_default()),
            unrecognised: number("unrecognised"),
            unavailable: number("unavailable"),
            too_large: number("too_large"),
            streak: number("streak"),
            pending: number("pending"),
            url: text(frame, "url"),
            storage_fault: text(frame, "storage_fault"),
            listener_fault: text(frame, "listener_fault"),
            certificate_fault: text(frame, "certificate_fault"),
            certificate_doubt: text(frame, "certificate_doubt"),
            queue_percent: number("queue_percent"),
            disk_free: frame["disk_free"].as_u64(),
            last_accepted_at: time(frame, "last_accepted_at"),
            lag_millis: frame["lag_millis"].as_i64(),
            relay: frame["relay"].is_object().then(|| read_relay(&frame["relay"])),
            forward: frame["forward"].is_object().then(|| forward::read(&frame["forward"])),
            ..Vitals::default()
        };
        let refusals = frame["refusals"].as_array();
        let refusals = refusals.map(|all| all.iter().filter_map(read_refusal).collect());
        let newest = frame["newest"].as_i64().unwrap_or_default();
        Self { newest, vitals, unforwarded: number("unforwarded"), refusals }
    }
}

fn moment(time: Option<Timestamp>) -> Value {
    time.map(|time| time.to_string()).into()
}

fn text(of: &Value, name: &str) -> Option<String> {
    of[name].as_str().map(str::to_owned)
}

fn time(of: &Value, name: &str) -> Option<Timestamp> {
    of[name].as_str().and_then(Timestamp::parse)
}

fn relay(relay: &Relay) -> Value {
    let (link, at) = match relay.link {
        Link::Connecting => ("connecting", None),
        Link::Live { heard_at } => ("live", Some(heard_at)),
        Link::Retrying { at } => ("retrying", Some(at)),
    };
    json!({
        "link": link,
        "at": moment(at),
        "url": relay.url,
        "replaced": relay.replaced,
        "ends": relay.ends,
        "last_end": relay.last_end,
        "down_since": moment(relay.down_since),
        "skipped": relay.skipped,
        "last_skipped": relay.last_skipped,
    })
}

fn read_relay(of: &Value) -> Relay {
    let link = match (of["link"].as_str(), time(of, "at")) {
        (Some("live"), Some(heard_at)) => Link::Live { heard_at },
        (Some("retrying"), Some(at)) => Link::Retrying { at },
        _ => Link::Connecting,
    };
    Relay {
        link,
        url: text(of, "url"),
        replaced: text(of, "replaced"),
        ends: of["ends"].as_u64().unwrap_or_default(),
        last_end: text(of, "last_end"),
        down_since: time(of, "down_since"),
        skipped: of["skipped"].as_u64().unwrap_or_default(),
        last_skipped: text(of, "last_skipped"),
    }
}

fn refusal((newest, refusal): &(Seq, Refusal)) -> Value {
    json!({
        "after": newest,
        "number": refusal.number,
        "at": refusal.at.to_string(),
        "peer": refusal.peer,
        "id": refusal.id,
        "error": refusal.code.word(),
        "why": refusal.sentence,
        "clock_off_secs": refusal.clock_off_secs,
        "pending": refusal.pending,
    })
}

fn read_refusal(of: &Value) -> Option<(Seq, Refusal)> {
    let code = Code::ALL.into_iter().find(|code| Some(code.word()) == of["error"].as_str())?;
    let refusal = Refusal {
        number: of["number"].as_u64()?,
        at: time(of, "at")?,
        peer: text(of, "peer"),
        id: text(of, "id"),
        code,
        sentence: text(of, "why")?,
        clock_off_secs: of["clock_off_secs"].as_i64(),
        pending: of["pending"].as_bool().unwrap_or_default(),
    };
    Some((of["after"].as_i64().unwrap_or_default(), refusal))
}
