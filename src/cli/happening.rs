//! What happens, one line each: for people on a terminal, as JSON for everything else.

use serde::Serialize;
use serde_json::json;

use super::forward;
use super::relay::News;
use crate::domain::alert::Alert;
use crate::domain::clean::{self, Clean};
use crate::domain::count::plural;
use crate::domain::query::EventLine;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

/// Something worth a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// The listener takes requests at this URL.
    Listening(String),
    /// Others can look on at this URL.
    Control(String),
    /// An event was kept.
    Event(Box<EventLine>),
    /// A delivery was turned away.
    Refused(Box<Refusal>),
    /// A rule of the config file calls somebody.
    Alert(Box<Alert>),
    /// Something about the relay.
    Relay(News),
    /// Standard output takes no more events, and why.
    EventsUnread(String),
    /// Something that a person may want to look into.
    Notice(String),
    /// Something about forwarding.
    Forward(forward::News),
    /// The session cannot be written now.
    StorageFault(String),
    /// It can be written again.
    StorageRecovered,
    /// How it was started is not wrong, but unwise.
    Caution(String),
    /// All is kept; so many events are in the session.
    Stopped {
        /// How many events.
        events: u64,
        /// In which file.
        session: String,
    },
}

impl Happening {
    /// The line for a person. Nothing of a payload reaches the terminal unescaped.
    #[must_use]
    pub fn human(&self, now: Timestamp) -> String {
        let at = |time: Timestamp| {
            time.civil().to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%H:%M:%S").to_string()
        };
        match self {
            Self::Listening(url) => format!("{} listening  {}", at(now), Clean::of(url)),
            Self::Control(url) => format!("{} look on    invigil attach {}", at(now), Clean::of(url)),
            Self::Event(line) => {
                let name = line.name.as_deref().unwrap_or("unrecognised");
                let who = [&line.candidate_name, &line.assessment_name];
                let who: Vec<_> = who.into_iter().flatten().map(String::as_str).collect();
                let rises = line
                    .rises
                    .iter()
                    .map(|rise| format!("  {} {}→{}", rise.kind.title(), rise.before, rise.after));
                let unverified = if line.verified { "" } else { "  unverified" };
                let rises: String = rises.collect();
                let text = format!("{name:<32} {}{rises}{unverified}", who.join(" · "));
                format!("{} event      {}", at(line.received_at), Clean::of(&text))
            }
            Self::Refused(refusal) => {
                let peer = refusal.peer.as_deref().unwrap_or("unknown");
                let text = format!("{}  from {peer}: {}", refusal.code.word(), refusal.sentence);
                format!("{} refused    {}", at(refusal.at), Clean::of(&text))
            }
            Self::Alert(alert) => {
                let about = alert.about.as_ref().map(|about| {
                    let name = about.name.as_ref().unwrap_or(&about.candidate_id);
                    let place = about.assessment.as_ref().unwrap_or(&about.assessment_id);
                    format!("  {name} · {place}")
                });
                let text = format!("{}{}", alert.what(), about.unwrap_or_default());
                format!("{} alert      {}", at(alert.at), Clean::of(&text))
            }
            Self::Relay(news) => format!("{} relay      {}", at(now), Clean::of(&news.human(now))),
            Self::EventsUnread(why) => format!(
                "{} events     are no longer written to standard output: {}; they are still kept",
                at(now),
                Clean::of(why)
            ),
            Self::Caution(why) => format!("{} warning    {}", at(now), Clean::of(why)),
            Self::Notice(text) => format!("{} notice     {}", at(now), Clean::of(text)),
            Self::Forward(news) => format!("{} forward    {}", at(now), Clean::of(&news.human(now))),
            Self::StorageFault(why) => format!("{} cannot store: {}", at(now), Clean::of(why)),
            Self::StorageRecovered => format!("{} stores again", at(now)),
            Self::Stopped { events, session } => {
                format!("{} stopped    {} in {}", at(now), plural(*events, "event"), Clean::of(session))
            }
        }
    }

    /// The line for a machine: one JSON object with `at` and `what`.
    #[must_use]
    pub fn json(&self, now: Timestamp) -> String {
        let object = match self {
            Self::Listening(url) => json!({ "at": now.to_string(), "what": "listening", "url": url }),
            Self::Control(url) => json!({ "at": now.to_string(), "what": "control", "url": url }),
            // The one line that comes thousands of times a second is written straight away.
            Self::Event(line) => return clean::json(&EventFields::of(line).text()).into_owned(),
            Self::Refused(refusal) => json!({
                "at": refusal.at.to_string(),
                "what": "refused",
                "error": refusal.code.word(),
                "why": refusal.sentence,
                "peer": refusal.peer,
                "id": refusal.id,
                "clock_off_secs": refusal.clock_off_secs,
            }),
            Self::Alert(alert) => json!({
                "at": alert.at.to_string(),
                "what": "alert",
                "rule": alert.rule.to_string(),
                "assessment_id": alert.about.as_ref().map(|about| &about.assessment_id),
                "candidate_id": alert.about.as_ref().map(|about| &about.candidate_id),
            }),
            Self::Relay(news) => news.json(now),
            Self::EventsUnread(why) => json!({ "at": now.to_string(), "what": "events_unread", "why": why }),
            Self::Caution(why) => json!({ "at": now.to_string(), "what": "warning", "why": why }),
            Self::Notice(text) => json!({ "at": now.to_string(), "what": "notice", "text": text }),
            Self::Forward(news) => news.json(now),
            Self::StorageFault(why) => json!({ "at": now.to_string(), "what": "storage_fault", "why": why }),
            Self::StorageRecovered => json!({ "at": now.to_string(), "what": "storage_recovered" }),
            Self::Stopped { events, session } => {
                json!({ "at": now.to_string(), "what": "stopped", "events": events, "session": session })
            }
        };
        // Somebody looks at the log in a terminal.
        clean::json(&object.to_string()).into_owned()
    }
}

/// The line of an event for a machine.
#[derive(Serialize)]
struct EventFields<'a> {
    at: String,
    what: &'static str,
    seq: i64,
    id: &'a str,
    r#type: Option<&'a str>,
    recognised: bool,
    verified: bool,
    source: &'static str,
    occurred_at: String,
    assessment_id: Option<&'a str>,
    candidate_id: Option<&'a str>,
    rises: Vec<RiseFields>,
}

#[derive(Serialize)]
struct RiseFields {
    kind: &'static str,
    before: u32,
    after: u32,
}

impl<'a> EventFields<'a> {
    fn of(line: &'a EventLine) -> Self {
        Self {
            at: line.received_at.to_string(),
            what: "event",
            seq: line.seq,
            id: &line.id,
            r#type: line.name.as_deref(),
            recognised: line.kind.is_some(),
            verified: line.verified,
            source: line.source.word(),
            occurred_at: line.occurred_at.to_string(),
            assessment_id: line.assessment_id.as_deref(),
            candidate_id: line.candidate_id.as_deref(),
            rises: line
                .rises
                .iter()
                .map(|rise| RiseFields { kind: rise.kind.word(), before: rise.before, after: rise.after })
                .collect(),
        }
    }

    fn text(&self) -> String {
        // Plain values cannot fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refusal::Code;

    #[test]
    fn a_hostile_refusal_stays_one_clean_line() {
        let refusal = Refusal {
            number: 1,
            at: Timestamp::from_secs(1_790_000_000).unwrap(),
            peer: Some("127.0.0.1".into()),
            id: Some("\u{1b}]0;x\u{7}".into()),
            code: Code::MalformedHeader,
            sentence: "`svix-id` holds \u{1b}[2J\nand more \u{9b}\u{202e}\u{7f}".into(),
            clock_off_secs: None,
            pending: false,
        };
        let happening = Happening::Refused(Box::new(refusal));
        let human = happening.human(Timestamp::default());
        assert!(human.chars().all(clean::plain), "{human:?}");
        let json = happening.json(Timestamp::default());
        assert!(json.chars().all(clean::plain), "{json:?}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            read["why"], "`svix-id` holds \u{1b}[2J\nand more \u{9b}\u{202e}\u{7f}",
            "nothing is lost"
        );
        assert!(json.contains("\"error\":\"malformed_header\""));
    }
}
