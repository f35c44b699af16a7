//! `invigil open` without a file: which saved sessions there are, and which of them the user wants.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use tokio::task::block_in_place;

use super::failure::Failure;
use super::monitor::block_on;
use super::settings::Looks;
use super::signals::stop_signal;
use super::{places, screen};
use crate::app::chooser::{Chooser, Saved};
use crate::store::reader::Reader;
use crate::tui::choose;
use crate::tui::terminal::Screen;

/// Shows the saved sessions and returns the one chosen; `None` if none is.
///
/// # Errors
/// Code 2 if there are none, or no terminal; 1 if the terminal cannot be used.
pub fn session(looks: &Looks) -> Result<Option<PathBuf>, Failure> {
    let dir = places::sessions_dir().unwrap_or_default();
    let sessions = saved(&dir);
    if sessions.is_empty() {
        return Err(Failure::usage(format!("open: no session is saved in {}; name a file", dir.display())));
    }
    screen::needs_terminal("name a session file, or export one with `invigil export`")?;
    let lost = |error: std::io::Error| Failure::running(format!("the terminal cannot be used: {error}"));
    let (wardrobe, theme) = screen::looks(looks.theme.as_deref())?;
    let list = Chooser::new(sessions, TimeZone::system(), looks.keymap.clone());
    block_on(async {
        let stop = stop_signal()?;
        let mut terminal = Screen::take().map_err(lost)?;
        // Nothing else is there to be held up.
        block_in_place(|| choose::choose(list, &wardrobe.styles(&theme), &mut terminal, &stop)).map_err(lost)
    })
}

/// The sessions of a directory. One that cannot be read is listed with the reason.
fn saved(dir: &Path) -> Vec<Saved> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let files =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "sqlite"));
    files
        .map(|path| {
            let read = Reader::open(&path).and_then(|reader| Ok((reader.created_at()?, reader.sums()?)));
            match read {
                Ok((begun, sums)) => Saved { path, begun, sums: Ok(sums) },
                Err(error) => {
                    // The list has the name in a column of its own.
                    let (named, why) = (format!("{}: ", path.display()), error.of_file(&path).to_string());
                    let why = why.strip_prefix(&named).unwrap_or(&why).to_owned();
                    Saved { path, begun: None, sums: Err(why) }
                }
            }
        })
        .collect()
}
