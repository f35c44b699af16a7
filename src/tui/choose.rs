//! The loop of the list of saved sessions: draws, waits for a key, ends with a choice.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::input::Input;
use super::terminal::Screen;
use crate::app::chooser::{Choice, Chooser};
use crate::app::msg::Msg;
use crate::ui::chooser;
use crate::ui::styles::Styles;

/// How often it is looked whether it is to end.
const GLANCE: Duration = Duration::from_millis(100);

/// Lets the user choose; `None` if they leave without, or it is to `stop`.
///
/// # Errors
/// If the terminal cannot be read or written any more.
pub fn choose(
    mut list: Chooser,
    styles: &Styles,
    screen: &mut Screen,
    stop: &CancellationToken,
) -> io::Result<Option<PathBuf>> {
    let mut input = Input::default();
    loop {
        screen.draw(|frame| chooser::render(&list, styles, frame.area(), frame.buffer_mut()))?;
        while !crossterm::event::poll(GLANCE)? {
            if stop.is_cancelled() {
                return Ok(None);
            }
        }
        match input.message(crossterm::event::read()?, 0) {
            Some(Msg::Key(key)) => match list.press(key) {
                Choice::Open => {}
                Choice::Session(path) => return Ok(Some(path)),
                Choice::Nothing => return Ok(None),
            },
            Some(Msg::Paste(text)) => list.paste(text.as_str()),
            _ => {}
        }
    }
}
