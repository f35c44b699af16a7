//! What the terminal sends, as the screen understands it.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::app::key::{Code, Key};
use crate::app::msg::{MouseKind, Msg};

/// Two presses at one cell within this many milliseconds are a double click.
const DOUBLE_CLICK_MILLIS: i64 = 400;

/// Turns terminal events into messages; remembers the last click for telling a double one.
#[derive(Debug, Default)]
pub struct Input {
    last_press: Option<(u16, u16, i64)>,
}

impl Input {
    /// The message of one event at a time in milliseconds, or `None` if it means nothing to the screen.
    pub fn message(&mut self, event: Event, millis: i64) -> Option<Msg> {
        match event {
            Event::Key(key) => Some(Msg::Key(key_of(key)?)),
            Event::Paste(text) => Some(Msg::Paste(text.into())),
            Event::Resize(columns, rows) => Some(Msg::Resize(columns, rows)),
            Event::Mouse(mouse) => self.mouse(mouse, millis),
            Event::FocusGained | Event::FocusLost => None,
        }
    }

    fn mouse(&mut self, mouse: MouseEvent, millis: i64) -> Option<Msg> {
        let (column, row) = (mouse.column, mouse.row);
        let kind = match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let again = self.last_press.is_some_and(|(x, y, at)| {
                    (x, y) == (column, row) && (0..DOUBLE_CLICK_MILLIS).contains(&(millis - at))
                });
                self.last_press = (!again).then_some((column, row, millis));
                if again { MouseKind::Double } else { MouseKind::Press }
            }
            MouseEventKind::ScrollUp => MouseKind::WheelUp,
            MouseEventKind::ScrollDown => MouseKind::WheelDown,
            _ => return None,
        };
        Some(Msg::Mouse { column, row, kind })
    }
}

/// A key press; releases, and keys the screen has no name for, are nothing.
fn key_of(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let shift = key.modifiers.contains(KeyModifiers::SHIFT);
    let code = match key.code {
        // With the kitty protocol some terminals report the letter without its shift.
        KeyCode::Char(c) if shift && c.is_lowercase() => Code::Char(c.to_uppercase().next().unwrap_or(c)),
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab if shift => Code::BackTab,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Insert => Code::Insert,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    };
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let code = match code {
        Code::Char(c) if ctrl => Code::Char(c.to_ascii_lowercase()),
        other => other,
    };
    Some(Key { code, ctrl, alt: key.modifiers.contains(KeyModifiers::ALT) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Option<String> {
        key_of(KeyEvent::new(code, modifiers)).map(|key| key.to_string())
    }

    #[test]
    fn shifted_and_controlled_letters_have_one_spelling() {
        assert_eq!(press(KeyCode::Char('g'), KeyModifiers::SHIFT).as_deref(), Some("G"));
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::SHIFT).as_deref(), Some("G"));
        assert_eq!(press(KeyCode::Char('D'), KeyModifiers::CONTROL).as_deref(), Some("ctrl-d"));
        assert_eq!(press(KeyCode::Tab, KeyModifiers::SHIFT).as_deref(), Some("backtab"));
        assert_eq!(press(KeyCode::Char('?'), KeyModifiers::SHIFT).as_deref(), Some("?"));
    }

    #[test]
    fn a_double_click_is_two_presses_at_one_place_in_time() {
        let down = |column| {
            Event::Mouse(MouseEvent {
                kind: MouseEventKind::Down(MouseButton::Left),
                column,
                row: 1,
                modifiers: KeyModifiers::NONE,
            })
        };
        let mut input = Input::default();
        let mut kind = |column, millis| match input.message(down(column), millis) {
            Some(Msg::Mouse { kind, .. }) => kind,
            other => panic!("{other:?}"),
        };
        assert_eq!(kind(3, 0), MouseKind::Press);
        assert_eq!(kind(3, 200), MouseKind::Double);
        assert_eq!(kind(3, 300), MouseKind::Press, "a third press begins anew");
        assert_eq!(kind(4, 350), MouseKind::Press);
        assert_eq!(kind(4, 900), MouseKind::Press);
    }
}
