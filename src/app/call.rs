//! Calling somebody: which alerts are news, how they are told, and how often at most.

use super::model::Model;
use super::msg::Effect;
use super::notice::{Notice, Tone};
use crate::domain::alert::Alert;
use crate::domain::clean::Clean;
use crate::domain::time::Timestamp;

/// After a call nobody is called again for so long; what comes in between is told in one.
const PAUSE_MILLIS: i64 = 10_000;

/// How the terminal is told to notify somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// `OSC 9`: iTerm2, Windows Terminal, kitty, Ghostty.
    Osc9,
    /// `OSC 777`: foot, urxvt, the terminals of GNOME.
    Osc777,
}

/// How somebody is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By {
    /// The terminal's bell.
    pub bell: bool,
    /// A notification.
    pub notify: Option<Notify>,
}

impl Default for By {
    fn default() -> Self {
        Self { bell: true, notify: Some(Notify::Osc9) }
    }
}

impl By {
    /// What to call by, from the words `bell`, `osc9` and `osc777`.
    ///
    /// # Errors
    /// A sentence that says which words there are.
    pub fn from_words(words: &[String]) -> Result<Self, String> {
        let mut by = Self { bell: false, notify: None };
        for word in words {
            match word.as_str() {
                "bell" => by.bell = true,
                "osc9" => by.notify = Some(Notify::Osc9),
                "osc777" => by.notify = Some(Notify::Osc777),
                _ => return Err(format!("no way to call `{word}`; there are bell, osc9 and osc777")),
            }
        }
        Ok(by)
    }
}

/// What has been called about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calls {
    /// The number of the newest alert heard of.
    heard: u64,
    /// Alerts since the last call.
    waiting: u64,
    called_at: Option<Timestamp>,
}

/// Takes in what the live state says of alerts.
pub(super) fn hear(model: &mut Model, out: &mut Vec<Effect>) {
    let fresh = model.vitals.called.saturating_sub(model.calls.heard);
    if fresh == 0 {
        return;
    }
    model.calls.heard = model.vitals.called;
    model.calls.waiting += fresh;
    if let Some(alert) = model.vitals.alerts.last() {
        let more = if fresh > 1 { format!(" (and {} more)", fresh - 1) } else { String::new() };
        let text = format!("Alert: {}{more}", told(model, alert));
        model.notice = Some(Notice::new(Tone::Bad, text, model.now));
    }
    call(model, out);
}

/// Calls, if there is something to call about and the last call is long enough ago.
pub(super) fn call(model: &mut Model, out: &mut Vec<Effect>) {
    let rested = model.calls.called_at.is_none_or(|at| model.now.since(at) >= PAUSE_MILLIS);
    let (true, Some(alert)) = (model.calls.waiting > 0 && rested, model.vitals.alerts.last()) else { return };
    let more = match model.calls.waiting {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    if let Some(how) = model.alert_by.notify {
        let text = Clean::of(&format!("invigil: {}{more}", told(model, alert))).into_owned();
        out.push(Effect::Notify { text, how });
    }
    if model.alert_by.bell {
        out.push(Effect::Bell);
    }
    model.calls.waiting = 0;
    model.calls.called_at = Some(model.now);
}

/// An alert in a few words; who it is about, unless names are hidden.
fn told(model: &Model, alert: &Alert) -> String {
    let Some(about) = &alert.about else { return alert.what() };
    let who = match &about.name {
        _ if model.redact => "a candidate",
        Some(name) if !name.trim().is_empty() => name,
        _ => &about.candidate_id,
    };
    let place = about.assessment.as_ref().unwrap_or(&about.assessment_id);
    format!("{who}: {} ({place})", alert.what())
}

#[cfg(test)]
mod tests {
    use super::super::model::Setup;
    use super::super::msg::Msg;
    use super::super::update::update;
    use super::*;
    use crate::domain::alert::About;
    use crate::domain::vitals::Vitals;

    fn vitals(called: u64) -> Msg {
        let about = About {
            assessment_id: "a1".into(),
            candidate_id: "c1".into(),
            name: Some("Bea \u{1b}]0;x\u{7}Grant".into()),
            assessment: None,
        };
        let alert = Alert {
            number: called,
            at: Timestamp::default(),
            rule: "flag = red".parse().unwrap(),
            about: Some(about),
        };
        Msg::Vitals(Box::new(Vitals { called, alerts: vec![alert], ..Vitals::default() }))
    }

    fn calls(effects: &[Effect]) -> Vec<&str> {
        let told = effects.iter().filter_map(|effect| match effect {
            Effect::Notify { text, .. } => Some(text.as_str()),
            Effect::Bell => Some("bell"),
            _ => None,
        });
        told.collect()
    }

    #[test]
    fn a_flood_of_alerts_calls_once_in_ten_seconds() {
        let mut model = Model::new(Setup::default());
        let first = update(&mut model, vitals(1));
        let notify = "invigil: Bea ␛]0;x␇Grant: flag is red (a1)";
        assert_eq!(calls(&first), [notify, "bell"]);
        for count in 2..50 {
            assert!(calls(&update(&mut model, vitals(count))).is_empty());
        }
        let at = |secs: i64| model.begun.plus_millis(secs * 1000);
        let (early, late) = (Msg::Tick(at(9)), Msg::Tick(at(10)));
        assert!(calls(&update(&mut model, early)).is_empty());
        let later = update(&mut model, late);
        assert_eq!(calls(&later), [format!("{notify} (and 47 more)").as_str(), "bell"]);
    }

    #[test]
    fn a_redacted_screen_calls_without_a_name() {
        let mut model = Model::new(Setup::default());
        model.redact = true;
        let effects = update(&mut model, vitals(1));
        assert_eq!(calls(&effects), ["invigil: a candidate: flag is red (a1)", "bell"]);
    }

    #[test]
    fn the_ways_to_call_are_words() {
        let words =
            |words: &[&str]| By::from_words(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(words(&[]), Ok(By { bell: false, notify: None }));
        assert_eq!(words(&["bell", "osc777"]), Ok(By { bell: true, notify: Some(Notify::Osc777) }));
        assert!(words(&["horn"]).unwrap_err().contains("bell, osc9 and osc777"));
    }
}
