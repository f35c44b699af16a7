//! Themes: fifteen meanings as colours, in TOML; and which of a meaning's three colours a terminal can show.

use std::collections::BTreeMap;

use ratatui::style::Color;

/// How many colours the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// None: bold, underline, reverse.
    Mono,
    /// The sixteen that the terminal's owner has chosen.
    Sixteen,
    /// The 256 of xterm.
    Palette,
    /// All.
    #[default]
    Full,
}

/// What a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Meaning {
    /// The ground.
    Background,
    /// The ground of header, footer and boxes on top.
    Raised,
    /// The ground of the row under the cursor.
    Selection,
    /// The ground of a row that just arrived.
    Fresh,
    /// Lines between things.
    Border,
    /// What is read.
    Text,
    /// What is read second.
    Dim,
    /// Good.
    Ok,
    /// To be looked at.
    Warn,
    /// Bad.
    Bad,
    /// Neither.
    Info,
    /// Assessments.
    Assessment,
    /// Candidates.
    Candidate,
    /// Violations.
    Violation,
    /// Events.
    Event,
}

impl Meaning {
    /// Every meaning, grounds first.
    pub const ALL: [Self; 15] = [
        Self::Background,
        Self::Raised,
        Self::Selection,
        Self::Fresh,
        Self::Border,
        Self::Text,
        Self::Dim,
        Self::Ok,
        Self::Warn,
        Self::Bad,
        Self::Info,
        Self::Assessment,
        Self::Candidate,
        Self::Violation,
        Self::Event,
    ];

    /// The key in a theme's file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Raised => "raised",
            Self::Selection => "selection",
            Self::Fresh => "fresh",
            Self::Border => "border",
            Self::Text => "text",
            Self::Dim => "dim",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Info => "info",
            Self::Assessment => "assessment",
            Self::Candidate => "candidate",
            Self::Violation => "violation",
            Self::Event => "event",
        }
    }
}

/// The themes that are built in: name and file.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
    ("contrast", include_str!("../../assets/themes/contrast.toml")),
    ("mono", include_str!("../../assets/themes/mono.toml")),
];

/// Why a text is no theme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("theme: {0}")]
pub struct ThemeError(pub String);

/// One meaning's three colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Shades {
    full: Color,
    palette: Color,
    sixteen: Color,
}

/// Fifteen meanings as colours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Theme {
    shades: [Shades; 15],
    mono: bool,
}

/// One line of the file.
#[derive(serde::Deserialize)]
#[serde(
    untagged,
    expecting = "a meaning has three colours, like bad = [\"#ff5f5f\", 203, \"lightred\"]; `mono` is true or false"
)]
enum Entry {
    Mono(bool),
    Shades(String, u8, String),
}

impl Theme {
    /// Reads a theme. What it does not name is the terminal's own.
    ///
    /// # Errors
    /// A key that is no meaning, a colour that is none.
    pub fn parse(text: &str) -> Result<Self, ThemeError> {
        let file: BTreeMap<String, Entry> =
            toml::from_str(text).map_err(|error| ThemeError(error.message().to_owned()))?;
        let mut theme = Self::default();
        for (key, entry) in file {
            match (key.as_str(), entry) {
                ("mono", Entry::Mono(mono)) => theme.mono = mono,
                (key, Entry::Shades(full, palette, sixteen)) => {
                    let at = Meaning::ALL.iter().position(|meaning| meaning.name() == key);
                    let Some(slot) = at.and_then(|at| theme.shades.get_mut(at)) else {
                        return Err(ThemeError(format!("no meaning `{key}`{}", near(key))));
                    };
                    *slot = Shades {
                        full: colour(key, &full)?,
                        palette: Color::Indexed(palette),
                        sixteen: colour(key, &sixteen)?,
                    };
                }
                (key, Entry::Mono(_)) => return Err(ThemeError(format!("`{key}` needs three colours"))),
            }
        }
        Ok(theme)
    }

    /// A theme that is built in, else the first one.
    #[must_use]
    pub fn built_in(name: &str) -> Self {
        let text = BUILT_IN.iter().find(|(built_in, _)| *built_in == name).or(BUILT_IN.first());
        text.and_then(|(_, text)| Self::parse(text).ok()).unwrap_or_default()
    }

    /// It has no colours.
    #[must_use]
    pub fn is_mono(&self) -> bool {
        self.mono
    }

    /// The colour for a meaning on a terminal.
    #[must_use]
    pub fn colour(&self, meaning: Meaning, depth: Depth) -> Color {
        let shades = self.shades.get(meaning as usize).copied().unwrap_or_default();
        match depth {
            Depth::Mono => Color::Reset,
            _ if self.mono => Color::Reset,
            Depth::Sixteen => shades.sixteen,
            Depth::Palette => shades.palette,
            Depth::Full => shades.full,
        }
    }
}

fn near(key: &str) -> String {
    let names = Meaning::ALL.map(Meaning::name);
    crate::domain::filter::nearest(key, &names)
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn colour(key: &str, text: &str) -> Result<Color, ThemeError> {
    let text = if text == "default" { "reset" } else { text };
    text.parse().map_err(|_unparsed| ThemeError(format!("`{key}`: no colour is called `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue as a terminal shows them; `None` for what its owner decides.
    fn rgb(colour: Color) -> Option<[f64; 3]> {
        let of = |[r, g, b]: [u8; 3]| Some([r, g, b].map(f64::from));
        match colour {
            Color::Rgb(r, g, b) => of([r, g, b]),
            Color::Indexed(grey @ 232..) => of([8 + (grey - 232) * 10; 3]),
            Color::Indexed(cube @ 16..) => {
                let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
                let cube = cube - 16;
                of([level(cube / 36), level(cube / 6 % 6), level(cube % 6)])
            }
            _ => None,
        }
    }

    /// WCAG 2: the ratio of the luminances.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let linear =
            |v: f64| if v <= 10.0 { v / 255.0 / 12.92 } else { ((v / 255.0 + 0.055) / 1.055).powf(2.4) };
        let light = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        let (one, other) = (light(one) + 0.05, light(other) + 0.05);
        one.max(other) / one.min(other)
    }

    #[test]
    fn every_text_can_be_read_on_every_ground() {
        for (name, text) in BUILT_IN {
            let theme = Theme::parse(text).unwrap();
            for depth in [Depth::Full, Depth::Palette] {
                for meaning in &Meaning::ALL[5..] {
                    for ground in &Meaning::ALL[..4] {
                        let colours = [*meaning, *ground].map(|meaning| rgb(theme.colour(meaning, depth)));
                        let [Some(text), Some(ground_rgb)] = colours else {
                            assert!(theme.is_mono(), "{name}: {meaning:?}");
                            continue;
                        };
                        let ratio = contrast(text, ground_rgb);
                        assert!(ratio >= 4.5, "{name} {depth:?}: {meaning:?} on {ground:?} is {ratio:.2}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_mistake_in_a_theme_is_named() {
        let wrong = |text: &str| Theme::parse(text).unwrap_err().0;
        assert_eq!(wrong("txt = [\"#fff\", 1, \"red\"]"), "no meaning `txt`; did you mean `text`?");
        assert_eq!(wrong("text = [\"#ffgg00\", 1, \"red\"]"), "`text`: no colour is called `#ffgg00`");
    }
}
