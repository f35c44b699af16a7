//! What needs a person: at most one line, the worst first, with what to do about it.

use super::keymap::Context;
use super::model::{Mode, Model};
use super::notice::Tone;
use super::overlay::Overlay;
use super::prompt::{Prompt, Purpose};
use crate::domain::refusal::{Code, Refusal};

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
        if let Some(why) = &vitals.storage_fault {
            return bad(format!("Events cannot be stored: {why}. Senders get 503 and try again."));
        }
        if let Some(why) = &vitals.listener_fault {
            return bad(format!("Nothing can be received: {why}"));
        }
        if self.mode == Mode::Watch && !self.has_secret {
            let waiting = match vitals.pending {
                0 => "Deliveries are answered 401 until then".to_owned(),
                1 => "1 delivery waits to be verified".to_owned(),
                count => format!("{count} deliveries wait to be verified"),
            };
            let keys = self.keymap.chord(Context::Panes, super::action::Action::Palette, self.ascii);
            let keys = keys.unwrap_or_default();
            return Some(Banner {
                tone: Tone::Warn,
                text: format!("No secret yet: type {keys}secret to enter it. {waiting}."),
            });
        }
        if vitals.streak >= STREAK {
            return bad(format!("{} refused in a row: {}", vitals.streak, self.likely_cause()));
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
    use crate::domain::time::Timestamp;

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
    }
}
