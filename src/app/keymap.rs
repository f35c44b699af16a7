//! Which chord means which action where: the keymap file as a table, and what a key does in it.
//!
//! A chord is one key or several in a row. While a chord is begun the screen shows how it can go on; that
//! box, the footer's hints and the help are all read from this table.

use std::collections::BTreeMap;

use super::action::Action;
use super::key::Key;

/// The keymap that is built in.
const BUILT_IN: &str = include_str!("../../assets/keymap.toml");

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Anywhere, even while typing.
    Always,
    /// Wherever no text is typed.
    Everywhere,
    /// The start screen.
    Panes,
    /// A payload.
    Payload,
    /// A line of text is typed.
    Prompt,
    /// A choice is typed for: palette, help.
    Palette,
    /// A yes is asked for.
    Confirm,
}

impl Context {
    /// Every context.
    pub const ALL: [Self; 7] = [
        Self::Always,
        Self::Everywhere,
        Self::Panes,
        Self::Payload,
        Self::Prompt,
        Self::Palette,
        Self::Confirm,
    ];

    /// The section's name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Everywhere => "everywhere",
            Self::Panes => "panes",
            Self::Payload => "payload",
            Self::Prompt => "prompt",
            Self::Palette => "palette",
            Self::Confirm => "confirm",
        }
    }

    /// The sections that hold here, the most special first.
    #[must_use]
    pub fn chain(self) -> &'static [Self] {
        match self {
            Self::Always => &[Self::Always],
            Self::Everywhere => &[Self::Everywhere, Self::Always],
            Self::Panes => &[Self::Panes, Self::Everywhere, Self::Always],
            Self::Payload => &[Self::Payload, Self::Everywhere, Self::Always],
            Self::Prompt => &[Self::Prompt, Self::Always],
            Self::Palette => &[Self::Palette, Self::Always],
            Self::Confirm => &[Self::Confirm, Self::Always],
        }
    }
}

/// What the keys pressed so far come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// A whole chord.
    Action(Action),
    /// The beginning of one.
    Pending,
    /// Nothing.
    None,
}

/// Why a keymap file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("keymap: {0}")]
pub struct KeymapError(pub String);

type Chord = Vec<Key>;

/// All bindings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    bindings: BTreeMap<Context, Vec<(Chord, Action)>>,
}

impl Keymap {
    /// The keymap that is built in.
    ///
    /// # Errors
    /// Never: a test reads it.
    pub fn built_in() -> Result<Self, KeymapError> {
        let mut keymap = Self::default();
        keymap.merge(BUILT_IN)?;
        Ok(keymap)
    }

    /// Lays a user's file over the bindings: a chord it names gets its new meaning, `"none"` takes the
    /// meaning away.
    ///
    /// # Errors
    /// A section, key or action that does not exist; a chord that another one begins with.
    pub fn merge(&mut self, text: &str) -> Result<(), KeymapError> {
        let file: BTreeMap<String, BTreeMap<String, String>> =
            toml::from_str(text).map_err(|error| KeymapError(error.message().to_owned()))?;
        for (section, bindings) in file {
            let context = Context::ALL.into_iter().find(|context| context.name() == section);
            let Some(context) = context else {
                let names = Context::ALL.map(Context::name);
                return fail(format!("no section `{section}`{}", meant(&section, &names)));
            };
            for (chord, action) in bindings {
                self.bind(context, &chord, &action)?;
            }
        }
        self.check()
    }

    fn bind(&mut self, context: Context, spelled: &str, action: &str) -> Result<(), KeymapError> {
        let chord: Option<Chord> = spelled.split_whitespace().map(Key::parse).collect();
        let Some(chord) = chord.filter(|chord| !chord.is_empty()) else {
            return fail(format!("no key is spelled `{spelled}`"));
        };
        let list = self.bindings.entry(context).or_default();
        list.retain(|(held, _)| *held != chord);
        if action == "none" {
            return Ok(());
        }
        let Some(action) = Action::from_name(action) else {
            let names: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
            return fail(format!("no action `{action}`{}", meant(action, &names)));
        };
        list.push((chord, action));
        Ok(())
    }

    /// No chord may be the beginning of another one: the longer one could never be typed.
    fn check(&self) -> Result<(), KeymapError> {
        for context in Context::ALL {
            let all = self.visible(context);
            for (chord, action) in &all {
                let clash =
                    all.iter().find(|(other, _)| other.len() > chord.len() && other.starts_with(chord));
                if let Some((longer, other)) = clash {
                    let (chord, longer) = (spell(chord), spell(longer));
                    return fail(format!(
                        "in [{}], `{chord}` ({action}) hides `{longer}` ({other})",
                        context.name()
                    ));
                }
            }
        }
        Ok(())
    }

    /// The bindings that hold in a context, the most special first; hidden ones left out.
    fn visible(&self, context: Context) -> Vec<(&Chord, Action)> {
        let mut seen: Vec<(&Chord, Action)> = Vec::new();
        for section in context.chain() {
            for (chord, action) in self.bindings.get(section).into_iter().flatten() {
                if !seen.iter().any(|(held, _)| *held == chord) {
                    seen.push((chord, *action));
                }
            }
        }
        seen
    }

    /// What these keys come to in this context.
    #[must_use]
    pub fn resolve(&self, context: Context, keys: &[Key]) -> Resolved {
        let mut pending = false;
        for section in context.chain() {
            for (chord, action) in self.bindings.get(section).into_iter().flatten() {
                if chord == keys {
                    return Resolved::Action(*action);
                }
                pending |= chord.starts_with(keys);
            }
        }
        if pending { Resolved::Pending } else { Resolved::None }
    }

    /// How the keys pressed so far can go on: the rest of each chord, with its action.
    #[must_use]
    pub fn continuations(&self, context: Context, keys: &[Key], ascii: bool) -> Vec<(String, Action)> {
        let begun = self.visible(context).into_iter().filter(|(chord, _)| chord.starts_with(keys));
        begun
            .map(|(chord, action)| (label(chord.get(keys.len()..).unwrap_or_default(), ascii), action))
            .collect()
    }

    /// The chord to show for an action in a context: one that is not hidden, Enter and Esc first, then plain letters,
    /// then what is short to write.
    #[must_use]
    pub fn chord(&self, context: Context, action: Action, ascii: bool) -> Option<String> {
        let all = self.visible(context);
        let of_it = all.iter().filter(|(_, bound)| *bound == action).map(|(chord, _)| *chord);
        let best = of_it.min_by_key(|chord| {
            let plain = chord.iter().all(|key| !key.ctrl && !key.alt);
            let label = label(chord, ascii);
            (rank(&label), !plain, chord.len(), label.chars().count())
        })?;
        Some(label(best, ascii))
    }

    /// The chords of two actions that are one hint: `↑↓`, `j k`.
    #[must_use]
    pub fn pair(&self, context: Context, actions: [Action; 2], ascii: bool) -> Option<String> {
        let [one, other] = actions.map(|action| self.chord(context, action, ascii));
        let (one, other) = (one?, other?);
        let gap = if one.is_ascii() || other.is_ascii() { " " } else { "" };
        Some(format!("{one}{gap}{other}"))
    }

    /// Every chord for an action in a context, for help.
    #[must_use]
    pub fn chords(&self, context: Context, action: Action, ascii: bool) -> Vec<String> {
        let all = self.visible(context).into_iter();
        let mut chords: Vec<_> =
            all.filter(|(_, bound)| *bound == action).map(|(chord, _)| label(chord, ascii)).collect();
        chords.sort_by_key(|chord| rank(chord));
        chords
    }

    /// Every action with every chord it has in any context: what help and the README list.
    #[must_use]
    pub fn table(&self, ascii: bool) -> Vec<(Action, Vec<String>)> {
        let mut table = Vec::new();
        for action in Action::ALL {
            let mut chords: Vec<String> = Vec::new();
            for context in Context::ALL {
                for (chord, bound) in self.bindings.get(&context).into_iter().flatten() {
                    let label = label(chord, ascii);
                    if bound == action && !chords.contains(&label) {
                        chords.push(label);
                    }
                }
            }
            chords.sort_by_key(|chord| rank(chord));
            table.push((*action, chords));
        }
        table
    }
}

fn fail<T>(what: String) -> Result<T, KeymapError> {
    Err(KeymapError(what))
}

fn meant(typed: &str, all: &[&str]) -> String {
    crate::domain::filter::nearest(typed, all)
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn spell(chord: &[Key]) -> String {
    chord.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
}

/// The keys one thinks of first, then letters, then the rest.
fn rank(label: &str) -> u8 {
    match label {
        "Enter" | "Esc" => 0,
        letter if letter.is_ascii() && letter.len() == 1 => 1,
        _ => 2,
    }
}

fn label(chord: &[Key], ascii: bool) -> String {
    chord.iter().map(|key| key.label(ascii)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reached through the palette only, on purpose.
    const UNBOUND: [Action; 1] = [Action::Secret];

    #[test]
    fn every_action_has_a_key_or_is_listed_as_having_none() {
        let keymap = Keymap::built_in().unwrap();
        for (action, chords) in keymap.table(false) {
            assert_eq!(chords.is_empty(), UNBOUND.contains(&action), "{action}");
        }
    }

    #[test]
    fn the_more_special_section_wins() {
        let keymap = Keymap::built_in().unwrap();
        let space = [Key::char(' ')];
        assert_eq!(keymap.resolve(Context::Panes, &space), Resolved::Action(Action::Pause));
        assert_eq!(keymap.resolve(Context::Payload, &space), Resolved::Action(Action::Fold));
        assert_eq!(keymap.resolve(Context::Prompt, &space), Resolved::None);
        assert_eq!(keymap.resolve(Context::Prompt, &[Key::ctrl('c')]), Resolved::Action(Action::Quit));
    }

    #[test]
    fn a_begun_chord_says_how_it_goes_on() {
        let keymap = Keymap::built_in().unwrap();
        let y = [Key::char('y')];
        assert_eq!(keymap.resolve(Context::Panes, &y), Resolved::Pending);
        let rest = keymap.continuations(Context::Panes, &y, false);
        assert!(rest.contains(&("y".into(), Action::CopyBody)) && rest.len() == 6);
        assert_eq!(
            keymap.resolve(Context::Panes, &[Key::char('y'), Key::char('i')]),
            Resolved::Action(Action::CopyId)
        );
        assert_eq!(keymap.resolve(Context::Panes, &[Key::char('y'), Key::char('z')]), Resolved::None);
    }

    #[test]
    fn a_users_file_is_checked_and_wins() {
        let mut keymap = Keymap::built_in().unwrap();
        keymap.merge("[panes]\n\"s\" = \"sort\"\n\"S\" = \"none\"").unwrap();
        assert_eq!(keymap.resolve(Context::Panes, &[Key::char('s')]), Resolved::Action(Action::Sort));
        let wrong = |text: &str| Keymap::built_in().unwrap().merge(text).unwrap_err().0;
        assert_eq!(wrong("[pane]\n\"s\" = \"sort\""), "no section `pane`; did you mean `panes`?");
        assert_eq!(wrong("[panes]\n\"s\" = \"srt\""), "no action `srt`; did you mean `sort`?");
        assert_eq!(wrong("[panes]\n\"shft\" = \"sort\""), "no key is spelled `shft`");
        assert_eq!(wrong("[panes]\n\"y\" = \"sort\""), "in [panes], `y` (sort) hides `y c` (copy-curl)");
    }
}
