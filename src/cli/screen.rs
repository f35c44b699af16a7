//! What the screen begins with: the terminal's colours and signs, the theme, the keys.
#![expect(clippy::disallowed_methods, reason = "the environment and user themes are read here")]

use std::io::IsTerminal;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

use super::failure::Failure;
use super::places;
use super::settings::Looks;
use crate::app::model::{Mode, Model, Setup};
use crate::clock;
use crate::domain::filter::nearest;
use crate::tui::wardrobe::Wardrobe;
use crate::ui::theme::{BUILT_IN, Depth, Theme};

/// Fails where there is no terminal to show anything on.
///
/// # Errors
/// Code 2, with what to run instead.
pub fn needs_terminal(instead: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage(format!("there is no terminal to show anything on; {instead}")))
}

/// What a session is shown as.
pub struct About {
    /// Its file.
    pub path: PathBuf,
    /// What kind it is.
    pub mode: Mode,
    /// Deliveries can be verified, or need not be.
    pub has_secret: bool,
    /// Deliveries are taken unsigned, too.
    pub takes_unsigned: bool,
    /// The URL of the webhook, if known; of the invigil that is looked at, if it is one.
    pub url: Option<String>,
}

/// The model and the themes to begin with.
///
/// # Errors
/// Code 2 if the theme is none.
pub fn begin(about: About, looks: Looks) -> Result<(Model, Wardrobe), Failure> {
    let ascii = !speaks_unicode();
    let (wardrobe, theme) = themes(looks.theme.as_deref(), ascii)?;
    let name = about.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let size = crossterm::terminal::size().unwrap_or((80, 24));
    let (session, url) = match (about.mode, about.url) {
        (Mode::Demo, url) => ("demo".to_owned(), url),
        // It is called what it was asked for; its own URL comes from over there.
        (Mode::Attach, Some(url)) => (url.rsplit("://").next().unwrap_or_default().to_owned(), None),
        (_, url) => (name, url),
    };
    let model = Model::new(Setup {
        session,
        path: about.path.display().to_string(),
        url,
        mode: about.mode,
        has_secret: about.has_secret,
        takes_unsigned: about.takes_unsigned,
        themes: wardrobe.names(),
        theme,
        ascii,
        mouse: true,
        keymap: looks.keymap,
        rules: looks.rules,
        alert_by: looks.alert_by,
        now: clock::now(),
        zone: TimeZone::system(),
        size,
    });
    Ok((model, wardrobe))
}

/// The themes there are and the name of the one to begin with.
///
/// # Errors
/// Code 2 if the theme is none.
pub fn looks(theme: Option<&str>) -> Result<(Wardrobe, String), Failure> {
    themes(theme, !speaks_unicode())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the terminal shows more than ASCII: only a locale that says otherwise says no.
fn speaks_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// How many colours the terminal shows.
fn depth() -> Depth {
    let (term, colours) = (variable("TERM").unwrap_or_default(), variable("COLORTERM").unwrap_or_default());
    if variable("NO_COLOR").is_some() || term == "dumb" {
        Depth::Mono
    } else if colours.contains("truecolor") || colours.contains("24bit") || term.ends_with("-direct") {
        Depth::Full
    } else if term.contains("256") {
        Depth::Palette
    } else {
        Depth::Sixteen
    }
}

/// The themes there are, and the one to begin with: the one that is asked for, else what suits the ground of
/// the terminal.
fn themes(wanted: Option<&str>, ascii: bool) -> Result<(Wardrobe, String), Failure> {
    let depth = depth();
    let mut themes: Vec<_> =
        BUILT_IN.iter().map(|(name, _)| ((*name).to_owned(), Theme::built_in(name))).collect();
    let chosen = match wanted {
        Some(name) if themes.iter().any(|(built_in, _)| built_in == name) => name.to_owned(),
        Some(name) => {
            themes.push((name.to_owned(), user_theme(name)?));
            name.to_owned()
        }
        None if depth == Depth::Mono => "mono".to_owned(),
        None => match theme_mode(ground()) {
            Ok(ThemeMode::Light) => "light".to_owned(),
            // A terminal that does not say is dark more often than not.
            _ => "dark".to_owned(),
        },
    };
    Ok((Wardrobe { themes, depth, ascii }, chosen))
}

/// How the terminal is asked for its ground: one that does not answer at once must not keep anybody waiting.
fn ground() -> QueryOptions {
    let mut options = QueryOptions::default();
    options.timeout = std::time::Duration::from_millis(200);
    options
}

/// A theme of the user's: `themes/NAME.toml` beside the config file.
fn user_theme(name: &str) -> Result<Theme, Failure> {
    let built_in: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let file =
        places::config_file().map(|config| config.with_file_name("themes").join(format!("{name}.toml")));
    let text = file.as_ref().filter(|_| plain).and_then(|file| std::fs::read_to_string(file).ok());
    let Some(text) = text else {
        let near =
            nearest(name, &built_in).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        let wanted = file.map(|file| format!(", or a file {}", file.display())).unwrap_or_default();
        return Err(Failure::usage(format!(
            "--theme {name}: {near}There are {}{wanted}",
            built_in.join(", ")
        )));
    };
    Theme::parse(&text).map_err(|error| Failure::usage(format!("--theme {name}: {error}")))
}
