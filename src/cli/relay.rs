//! The relay as the command line knows it: whether it is wanted, how it is begun, and what is said of it.
#![expect(clippy::disallowed_methods, reason = "the link is a task of its own")]

use std::str::FromStr;

use clap::CommandFactory;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::args::Cli;
use super::failure::Failure;
use super::lines::Lines;
use super::monitor::Station;
use super::settings::switch;
use crate::client::trust::Trust;
use crate::domain::count::is_news;
use crate::domain::time::Timestamp;
use crate::domain::vitals::{self, Link};
use crate::pulse::Pulse;
use crate::source::relay::address::Address;
use crate::source::relay::inbox::Inbox;
use crate::source::relay::token::{Token, is_plain};
use crate::source::relay::wire::Wire;
use crate::source::relay::{self, fresh_token};

/// What anybody who uses a relay ought to know, once.
const WARNING: &str =
    "whoever runs the relay, and whoever knows this URL, can read what passes: names, e-mails, scores";

/// What `--relay` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// No relay.
    #[default]
    Off,
    /// With a token of the session's own.
    On,
    /// With this token.
    Token(String),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match switch(text) {
            Ok(true) => return Ok(Self::On),
            Ok(false) => return Ok(Self::Off),
            Err(_) => {}
        }
        match text {
            "" => Ok(Self::Off),
            // `invigil --relay serve` would publish under a token that anybody can guess.
            command if Cli::command().find_subcommand(command).is_some() => {
                Err(format!("is a command; write `invigil {command} --relay`"))
            }
            // It would become part of a public URL.
            secret if secret.starts_with("whsec_") => {
                Err("is a signing secret, and no token of a relay; give it by --secret-file".to_owned())
            }
            token if is_plain(token) => Ok(Self::Token(token.to_owned())),
            _ => Err("a token is letters, digits, `_`, `-`, `.` and `~`, at most 128 of them".to_owned()),
        }
    }
}

/// A relay that is wanted.
pub struct Wanted {
    /// Where it is.
    pub address: Address,
    /// The token that was given, if one was.
    pub token: Option<String>,
}

impl Wanted {
    /// What the options ask for.
    ///
    /// # Errors
    /// Never but for a fault in this program: the public relay's address is read like any other.
    pub fn from_options(choice: Choice, address: Option<Address>) -> Result<Option<Self>, Failure> {
        let public = || Address::parse(relay::address::PUBLIC).map_err(Failure::running);
        let address = address.map_or_else(public, Ok)?;
        Ok(match choice {
            Choice::Off => None,
            Choice::On => Some(Self { address, token: None }),
            Choice::Token(token) => Some(Self { address, token: Some(token) }),
        })
    }

    /// Begins to listen at the relay, until `stop`.
    ///
    /// # Errors
    /// If the system has no random numbers for a token.
    pub(super) fn begin(
        self,
        station: &Station,
        (trust, max_body): (Trust, usize),
        stop: CancellationToken,
    ) -> Result<JoinHandle<()>, Failure> {
        let wire = Wire::new(self.address, trust, max_body, station.journal.clone());
        let token = match (self.token, wire.kept()) {
            (Some(given), _) => Token::given(given),
            (None, Some(kept)) => Token::kept(kept),
            (None, None) => fresh_token()
                .map_err(|error| Failure::running(format!("--relay: no token can be made: {error}")))?,
        };
        let inbox = Inbox { intake: station.intake.clone(), pulse: station.pulse.clone(), max_body };
        Ok(tokio::spawn(relay::run(wire, token, inbox, stop)))
    }
}

/// Says `relay URL` once the relay has answered, and again when the URL changes.
pub(super) async fn announce(pulse: Pulse, lines: Lines, stop: CancellationToken) {
    let mut changed = pulse.changed();
    let mut told = None;
    loop {
        let url = pulse.snapshot().relay.and_then(|relay| relay.url);
        if let Some(now) = url.filter(|url| told.as_ref() != Some(url)) {
            // The link is no worse for it if this cannot be written.
            let _ = lines.say(&format!("relay {now}"));
            told = Some(now);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            Ok(()) = changed.changed() => {}
        }
    }
}

/// Something about the relay that is worth a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It takes deliveries at this URL.
    Live(String),
    /// Who can read what passes.
    Warning,
    /// The URL is another one than before.
    Moved {
        /// The one that is dead.
        from: String,
        /// The one to register.
        to: String,
    },
    /// The link is down.
    Down {
        /// What ended it.
        why: String,
        /// When it is tried again, unless it was at once.
        at: Option<Timestamp>,
    },
    /// Frames were not understood.
    Skipped {
        /// What was wrong with the latest.
        why: String,
        /// How many there were so far.
        count: u64,
    },
}

impl News {
    /// What to say between two looks at the relay.
    #[must_use]
    pub fn between(before: Option<&vitals::Relay>, now: &vitals::Relay) -> Vec<Self> {
        let mut news = Vec::new();
        let replaced = before.and_then(|before| before.replaced.as_ref());
        if let (Some(from), Some(to)) = (&now.replaced, &now.url)
            && replaced != Some(from)
        {
            news.push(Self::Moved { from: from.clone(), to: to.clone() });
        }
        let ended = before.map_or(0, |before| before.ends) != now.ends;
        if let (Some(why), true) = (&now.last_end, ended) {
            let at = match now.link {
                Link::Retrying { at } => Some(at),
                Link::Connecting | Link::Live { .. } => None,
            };
            news.push(Self::Down { why: why.clone(), at });
        }
        if let (Link::Live { .. }, Some(url)) = (&now.link, &now.url)
            && (ended || !before.is_some_and(vitals::Relay::is_live))
        {
            news.push(Self::Live(url.clone()));
            if before.is_none_or(|before| before.url.is_none()) {
                news.push(Self::Warning);
            }
        }
        let skipped = before.map_or(0, |before| before.skipped);
        if let Some(why) = &now.last_skipped
            && is_news(skipped, now.skipped)
        {
            news.push(Self::Skipped { why: why.clone(), count: now.skipped });
        }
        news
    }

    /// For a person.
    #[must_use]
    pub fn human(&self, now: Timestamp) -> String {
        match self {
            Self::Live(url) => url.clone(),
            Self::Warning => format!("warning: {WARNING}"),
            Self::Moved { from, to } => {
                format!("THE URL HAS CHANGED: register {to} at Testlify; nothing comes by {from} any more")
            }
            Self::Down { why, at: Some(at) } => {
                format!("down: {why}; tried again in {} s", at.since(now).max(0).saturating_add(999) / 1000)
            }
            Self::Down { why, at: None } => format!("down: {why}; tried again at once"),
            Self::Skipped { why, count } => format!("frames are left aside: {}", latest(why, *count)),
        }
    }

    /// For a machine.
    #[must_use]
    pub fn json(&self, at: Timestamp) -> Value {
        let at = at.to_string();
        match self {
            Self::Live(url) => json!({ "at": at, "what": "relay", "state": "live", "url": url }),
            Self::Warning => json!({ "at": at, "what": "relay_warning", "why": WARNING }),
            Self::Moved { from, to } => {
                json!({ "at": at, "what": "relay_moved", "from": from, "url": to })
            }
            Self::Down { why, at: next } => {
                let next = next.map(|next| next.to_string());
                json!({ "at": at, "what": "relay", "state": "retrying", "why": why, "next": next })
            }
            Self::Skipped { why, count } => {
                json!({ "at": at, "what": "relay_skipped", "why": latest(why, *count), "count": count })
            }
        }
    }
}

/// Why the latest of so many was left aside: the others may have been for other reasons.
fn latest(why: &str, count: u64) -> String {
    if count == 1 { why.to_owned() } else { format!("the latest of {count}: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_a_switch_or_a_token() {
        let choice = |text: &str| text.parse::<Choice>();
        assert_eq!(choice("on"), Ok(Choice::On));
        for off in ["", "0", "No", "FALSE", "off"] {
            assert_eq!(choice(off), Ok(Choice::Off), "{off}");
        }
        assert_eq!((choice("True"), choice("YES")), (Ok(Choice::On), Ok(Choice::On)));
        assert_eq!(choice("c_0a1B2c3D4e"), Ok(Choice::Token("c_0a1B2c3D4e".into())));
        assert!(choice("c_/../x").is_err() && choice("c 1").is_err());
        assert!(Wanted::from_options(Choice::Off, None).unwrap().is_none());
        assert!(Wanted::from_options(Choice::On, None).unwrap().is_some_and(|wanted| wanted.token.is_none()));
    }

    #[test]
    fn each_turn_is_told_once_and_the_warning_with_the_first_url() {
        let at = Timestamp::default();
        let connecting = vitals::Relay::default();
        let live = vitals::Relay {
            link: Link::Live { heard_at: at },
            url: Some("https://play.example/in/c_1/".into()),
            ..connecting.clone()
        };
        let url = News::Live("https://play.example/in/c_1/".into());
        assert_eq!(News::between(None, &connecting), []);
        assert_eq!(News::between(Some(&connecting), &live), [url.clone(), News::Warning]);
        let pinged = vitals::Relay { link: Link::Live { heard_at: at.plus_millis(9) }, ..live.clone() };
        assert_eq!(News::between(Some(&live), &pinged), []);
        let down = vitals::Relay {
            link: Link::Retrying { at: at.plus_millis(4_200) },
            ends: 1,
            last_end: Some("it was silent".into()),
            skipped: 2,
            last_skipped: Some("x".into()),
            ..live.clone()
        };
        let news = News::between(Some(&live), &down);
        assert_eq!(news[0].human(at), "down: it was silent; tried again in 5 s");
        assert_eq!(news[1..], [News::Skipped { why: "x".into(), count: 2 }]);
        assert_eq!(news[1].human(at), "frames are left aside: the latest of 2: x");
        assert_eq!(news[1].json(at)["why"], "the latest of 2: x");
        let skipped = |skipped| vitals::Relay { skipped, ..down.clone() };
        assert_eq!(News::between(Some(&skipped(20)), &skipped(31)), []);
        assert_eq!(News::between(Some(&skipped(31)), &skipped(32)).len(), 1);
        let back = vitals::Relay { link: live.link.clone(), ..down.clone() };
        assert_eq!(News::between(Some(&down), &back), std::slice::from_ref(&url));
        let at_once = News::Down { why: "it was silent".into(), at: None };
        assert_eq!(
            News::between(Some(&live), &back)[..2],
            [at_once, url.clone()],
            "back before anybody looked"
        );
        let moved = vitals::Relay { replaced: Some("old".into()), ..back.clone() };
        let news = News::between(Some(&down), &moved);
        assert!(news[0].human(at).starts_with("THE URL HAS CHANGED"), "{news:?}");
        assert_eq!(news[1..2], [url]);
    }
}
