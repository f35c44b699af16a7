//! What needs a person: at most one line, the worst first, with what to do about it.

use super::action::Action;
use super::keymap::Context;
use super::model::{Mode, Model};
use super::notice::Tone;
use super::overlay::Overlay;
use super::prompt::{Prompt, Purpose};
use crate::domain::count::plural;
use crate::domain::refusal::{Code, Refusal};
use crate::domain::vitals::Attachment;

/// Bytes left on the disk that call for somebody: soon, and now.
const DISK_WARN: u64 = 1 << 30;
const DISK_BAD: u64 = 100 << 20;
/// How full the writer's queue may be, of a hundred.
const QUEUE_WARN: u64 = 50;
const DAY_MILLIS: i64 = 86_400_000;
/// A relay or a target that is down for no longer than this is not worth a line.
const BLINK_MILLIS: i64 = 3_000;
/// So many refusals in a row are no accident.
const STREAK: u64 = 3;

/// The line under the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banner {
    /// How bad it is.
    pub tone: Tone,
    /// What is wrong and what to do.
    pub text: String,
}

impl Model {
    /// What needs a person now.
    #[must_use]
    pub fn banner(&self) -> Option<Banner> {
        let bad = |text: String| Some(Banner { tone: Tone::Bad, text });
        let vitals = &self.vitals;
        if !self.is_told() {
            return self.attachment_banner();
        }
        if let Some(why) = &vitals.storage_fault {
            return bad(format!("Events cannot be stored: {why}"));
        }
        if let Some(why) = &vitals.listener_fault {
            let what = if vitals.is_deaf() { "can be received" } else { "comes but by the relay" };
            return bad(format!("Nothing {what}: {why}"));
        }
        if self.mode == Mode::Watch && !self.has_secret {
            let waiting = match vitals.pending {
                0 => "Deliveries are answered 401 until then".to_owned(),
                count => format!("{} waiting to be verified", plural(count, "delivery")),
            };
            let keys = self.keymap.chord(Context::Panes, Action::Palette, self.ascii);
            let keys = keys.unwrap_or_default();
            return Some(Banner {
                tone: Tone::Warn,
                text: format!("No secret yet: type {keys}secret to enter it. {waiting}."),
            });
        }
        if let Some(banner) = self.relay_banner() {
            return Some(banner);
        }
        if let Some(banner) = self.forward_banner() {
            return Some(banner);
        }
        if vitals.streak >= STREAK {
            let given_up = if self.sender_may_give_up() {
                "; nothing was accepted for a day, and after five the sender switches the endpoint off"
            } else {
                ""
            };
            return bad(format!("{} refused in a row: {}{given_up}", vitals.streak, self.likely_cause()));
        }
        if let Some(why) = &vitals.certificate_fault {
            return Some(Banner {
                tone: Tone::Warn,
                text: format!("The certificate is to be renewed: {why}"),
            });
        }
        if let Some(why) = &vitals.certificate_doubt {
            return Some(Banner {
                tone: Tone::Warn,
                text: format!("A sender does not take the certificate: {why}"),
            });
        }
        if let Some(why) = &vitals.log_fault {
            return Some(Banner { tone: Tone::Warn, text: format!("The log is not whole: {why}") });
        }
        self.pressure().or_else(|| self.given_up_banner())
    }

    /// Events are passed on from here. What is looked at may pass its own on, over there.
    #[must_use]
    pub fn forwards(&self) -> bool {
        self.mode != Mode::Attach && self.vitals.forward.is_some()
    }

    /// Another invigil that is looked at is there to be followed.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.vitals.attachment.as_ref().is_some_and(Attachment::is_live)
    }

    /// What the vitals say is how it is: of an invigil that is looked at, only while it is followed.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.mode != Mode::Attach || self.is_followed()
    }

    /// Another invigil that lets nobody in, or is away for longer than a moment: what it said last is old then.
    fn attachment_banner(&self) -> Option<Banner> {
        let attachment = self.vitals.attachment.as_ref()?;
        let down = attachment.down_since.filter(|since| self.now.since(*since) > BLINK_MILLIS);
        let tone = if attachment.refused { Tone::Bad } else { Tone::Warn };
        let (true, Some(why)) = (attachment.refused || down.is_some(), &attachment.last_end) else {
            return None;
        };
        Some(Banner { tone, text: format!("Not followed: {why}") })
    }

    /// A relay URL that is another one than before, or a relay that is down for longer than a moment.
    fn relay_banner(&self) -> Option<Banner> {
        let relay = self.vitals.relay.as_ref()?;
        if let (Some(_), Some(url)) = (&relay.replaced, &relay.url) {
            let keys =
                self.keymap.chord(Context::Panes, Action::CopyRelayUrl, self.ascii).unwrap_or_default();
            // A long URL has a line of its own behind what is to be done.
            let url = if self.redact { String::new() } else { format!(": {url}") };
            let text =
                format!("The relay URL has changed: copy it ({keys}) and register it at Testlify{url}");
            return Some(Banner { tone: Tone::Bad, text });
        }
        let down = relay.down_since.filter(|since| self.now.since(*since) > BLINK_MILLIS);
        let (Some(_), Some(why)) = (down, &relay.last_end) else { return None };
        Some(Banner { tone: Tone::Warn, text: format!("Nothing comes by the relay: {why}") })
    }

    /// The user's own code does not take events, for longer than a moment.
    fn forward_banner(&self) -> Option<Banner> {
        let forward = self.vitals.forward.as_ref()?;
        let trouble = forward.lasting().filter(|trouble| self.now.since(trouble.since) > BLINK_MILLIS)?;
        let (target, why, waiting) = (&forward.target, &trouble.why, plural(forward.waiting, "event"));
        let text = match trouble.again_at {
            Some(_) => format!("Forwarding waits ({waiting}): {target} cannot be reached: {why}"),
            None => format!("Forwarding to {target} fails ({waiting} waiting): {why}"),
        };
        Some(Banner { tone: Tone::Warn, text })
    }

    /// The user's own code did not take events, and was not asked for anything since.
    fn given_up_banner(&self) -> Option<Banner> {
        let forward = self.vitals.forward.as_ref()?;
        let trouble = forward.trouble.as_ref().filter(|_| forward.follows && forward.lasting().is_none())?;
        let failed = Some(self.unforwarded()).filter(|failed| *failed > 0)?;
        let (target, why, failed) = (&forward.target, &trouble.why, plural(failed, "event"));
        let key = |action| self.keymap.chord(Context::Panes, action, self.ascii).unwrap_or_default();
        let again = match self.mode {
            Mode::Attach => String::new(),
            _ => format!(
                "; to send again: {} is:unforwarded, then {}",
                key(Action::Filter),
                key(Action::Replay)
            ),
        };
        let text = format!("Forwarding to {target} gave up {failed} (the last: {why}){again}");
        Some(Banner { tone: Tone::Warn, text })
    }

    /// Events that could not be passed on. A mirror does not know: whoever forwards says it.
    #[must_use]
    pub fn unforwarded(&self) -> u64 {
        let there = self.vitals.attachment.as_ref().map(|attachment| attachment.unforwarded);
        there.unwrap_or_else(|| self.sums().unforwarded)
    }

    /// The URL to register at Testlify, if it is known: the relay's, where there is one.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        let relay = self.vitals.relay.as_ref().filter(|_| !self.redact);
        relay.and_then(|relay| relay.url.as_deref()).or(self.url.as_deref())
    }

    /// Nothing was accepted for a day while deliveries come. Svix switches an endpoint off after five days in
    /// which every attempt failed.
    fn sender_may_give_up(&self) -> bool {
        let since = self.vitals.last_accepted_at.or(self.sums().last_received_at).unwrap_or(self.begun);
        self.now.since(since) > DAY_MILLIS
    }

    /// A queue that fills or a disk that runs out, before it is too late.
    fn pressure(&self) -> Option<Banner> {
        let warn = |text: String| Some(Banner { tone: Tone::Warn, text });
        match self.vitals.disk_free {
            Some(free) if free < DISK_BAD => {
                let text = format!(
                    "The disk is full but for {} MiB: make room, or events will be refused",
                    free >> 20
                );
                return Some(Banner { tone: Tone::Bad, text });
            }
            Some(free) if free < DISK_WARN => {
                return warn(format!("The disk has {} MiB left: make room soon", free >> 20));
            }
            _ => {}
        }
        if self.vitals.queue_percent >= QUEUE_WARN {
            let percent = self.vitals.queue_percent;
            return warn(format!(
                "Deliveries wait to be written ({percent} % of the queue): the disk is slower than they come"
            ));
        }
        None
    }

    /// Why the latest deliveries were refused, as far as it can be told.
    fn likely_cause(&self) -> String {
        let streak = usize::try_from(self.vitals.streak).unwrap_or(usize::MAX);
        let recent: Vec<&Refusal> = self.vitals.refusals.iter().rev().take(streak.min(10)).collect();
        let all = |codes: &[Code]| recent.iter().all(|refusal| codes.contains(&refusal.code));
        let off = || recent.first().and_then(|refusal| refusal.clock_off_secs);
        match off() {
            _ if recent.is_empty() => "see Events for why".into(),
            _ if all(&[Code::NoMatchingSignature]) => {
                "the secret is probably wrong, or a proxy changes the body".into()
            }
            Some(secs) if all(&[Code::TimestampTooOld, Code::TimestampTooNew]) => {
                let side = if secs > 0 { "ahead of" } else { "behind" };
                format!("our clock is probably {} s {side} the sender's", secs.abs())
            }
            _ if all(&[Code::MissingHeader, Code::MalformedHeader]) => {
                "the signature headers do not arrive: a proxy may drop them, or somebody else is calling"
                    .into()
            }
            _ if all(&[Code::SenderNotAllowed]) => {
                "they come from addresses that --allow does not name; see Events for which".into()
            }
            _ => "for several reasons; see Events".into(),
        }
    }

    /// Opens the line for the secret, unless it is open.
    pub(super) fn ask_for_secret(&mut self) {
        let open =
            |overlay: &Overlay| matches!(overlay, Overlay::Prompt(Prompt { purpose: Purpose::Secret, .. }));
        if !self.overlays.iter().any(open) {
            self.overlays.push(Overlay::Prompt(Prompt::new(Purpose::Secret, "")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Setup;
    use super::*;
    use crate::domain::forward::{Forwarding, Trouble};
    use crate::domain::query::Sums;
    use crate::domain::time::Timestamp;
    use crate::domain::vitals::{Link, Relay};

    fn refused(code: Code, off: Option<i64>, count: u64) -> Model {
        let mut model = Model::new(Setup::default());
        model.vitals.streak = count;
        model.vitals.refusals = (1..=count)
            .map(|number| Refusal {
                number,
                at: Timestamp::default(),
                peer: None,
                id: None,
                code,
                sentence: String::new(),
                clock_off_secs: off,
                pending: false,
            })
            .collect();
        model
    }

    #[test]
    fn a_streak_names_its_likely_cause() {
        let text = |model: Model| model.banner().map(|banner| banner.text).unwrap_or_default();
        assert_eq!(text(refused(Code::NoMatchingSignature, None, 2)), "");
        assert!(text(refused(Code::NoMatchingSignature, None, 4)).contains("secret is probably wrong"));
        assert!(text(refused(Code::TimestampTooOld, Some(700), 3)).contains("700 s ahead of"));
        assert!(text(refused(Code::MissingHeader, None, 3)).contains("do not arrive"));
        let mut model = refused(Code::NoMatchingSignature, None, 9);
        assert!(!text(model.clone()).contains("switches the endpoint off"));
        model.now = model.begun.plus_millis(2 * DAY_MILLIS);
        assert!(text(model).contains("switches the endpoint off"));
    }

    #[test]
    fn a_relay_that_moved_or_stays_down_is_told() {
        let mut model = Model::new(Setup::default());
        let text = |model: &Model| model.banner().map(|banner| banner.text).unwrap_or_default();
        let down =
            Relay { down_since: Some(model.now), last_end: Some("it was silent".into()), ..Relay::default() };
        model.vitals.relay = Some(down);
        assert_eq!(text(&model), "");
        model.now = model.now.plus_millis(BLINK_MILLIS + 1);
        assert_eq!(text(&model), "Nothing comes by the relay: it was silent");
        let replaced = Some("https://play.svix.com/in/c_old/".into());
        let url = Some("https://play.svix.com/in/c_new/".into());
        model.vitals.relay = Some(Relay { url, replaced, ..Relay::default() });
        assert_eq!(
            text(&model),
            "The relay URL has changed: copy it (yr) and register it at Testlify: https://play.svix.com/in/c_new/"
        );
        model.redact = true;
        assert!(!text(&model).contains("c_new"), "whoever knows it can read what passes");
    }

    #[test]
    fn a_target_that_is_gone_for_longer_than_a_moment_is_told() {
        let mut model = Model::new(Setup::default());
        let text = |model: &Model| model.banner().map(|banner| banner.text).unwrap_or_default();
        let trouble =
            Trouble { since: model.now, why: "Connection refused".into(), again_at: Some(model.now) };
        let target = "http://127.0.0.1:3000/".into();
        let forward =
            Forwarding { target, follows: true, waiting: 7, trouble: Some(trouble), ..Forwarding::default() };
        model.vitals.forward = Some(forward);
        assert_eq!(text(&model), "");
        model.now = model.now.plus_millis(BLINK_MILLIS + 1);
        let wanted =
            "Forwarding waits (7 events): http://127.0.0.1:3000/ cannot be reached: Connection refused";
        assert_eq!(text(&model), wanted);
        let forward = model.vitals.forward.as_mut().unwrap();
        (forward.waiting, forward.trouble.as_mut().unwrap().again_at) = (1, None);
        let wanted = "Forwarding to http://127.0.0.1:3000/ fails (1 event waiting): Connection refused";
        assert_eq!(text(&model), wanted);
    }

    #[test]
    fn a_target_that_is_asked_for_nothing_is_told_in_the_past() {
        let mut model = Model::new(Setup::default());
        let text = |model: &Model| model.banner().map(|banner| banner.text).unwrap_or_default();
        let trouble = Trouble { since: model.now, why: "it answers 500".into(), again_at: None };
        let target = "http://127.0.0.1:3000/".into();
        let forward = Forwarding { target, follows: true, trouble: Some(trouble), ..Forwarding::default() };
        model.vitals.forward = Some(forward);
        model.now = model.now.plus_millis(BLINK_MILLIS + 1);
        assert_eq!(text(&model), "", "all were taken in the end");
        model.sums.asking(1);
        model.sums.answer(1, Ok(Some(Sums { unforwarded: 11, ..Sums::default() })));
        let gave_up = "Forwarding to http://127.0.0.1:3000/ gave up 11 events (the last: it answers 500)";
        assert_eq!(text(&model), format!("{gave_up}; to send again: f is:unforwarded, then r"));
        model.mode = Mode::Attach;
        let attachment =
            Attachment { unforwarded: 11, link: Link::Live { heard_at: model.now }, ..Attachment::default() };
        model.vitals.attachment = Some(attachment);
        assert_eq!(text(&model), gave_up);
    }

    #[test]
    fn a_disk_that_runs_out_is_told_in_time() {
        let text = |free, queue| {
            let mut model = Model::new(Setup::default());
            (model.vitals.disk_free, model.vitals.queue_percent) = (Some(free), queue);
            model.banner().map(|banner| banner.text).unwrap_or_default()
        };
        assert_eq!(text(5 << 30, 10), "");
        assert!(text(500 << 20, 0).contains("500 MiB left"));
        assert!(text(50 << 20, 90).contains("full but for 50 MiB"));
        assert!(text(5 << 30, 70).contains("70 % of the queue"));
    }
}
