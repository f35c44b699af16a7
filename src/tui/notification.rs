//! Notifications of the terminal's own: OSC 9 and OSC 777, which pass through SSH, and tmux where it lets them.

use crate::app::call::Notify;
use crate::domain::clean::Clean;

/// The bytes that make the terminal notify somebody.
///
/// Inside tmux they are wrapped so that it hands them on (`allow-passthrough on`). No control character of a
/// clean text can end the sequence.
#[must_use]
pub fn notify(text: &Clean<'_>, how: Notify, in_tmux: bool) -> Vec<u8> {
    let plain = match how {
        Notify::Osc9 => format!("\x1b]9;{text}\x07"),
        // Title and text are parted by a semicolon, which only the text may hold.
        Notify::Osc777 => {
            format!("\x1b]777;notify;invigil;{}\x07", text.as_str().trim_start_matches("invigil: "))
        }
    };
    if in_tmux { format!("\x1bPtmux;\x1b{plain}\x1b\\").into_bytes() } else { plain.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_leave_the_sequence() {
        let hostile = Clean::of("invigil: Bea\x1b\\\x07\u{9c}\x1b[2J");
        for how in [Notify::Osc9, Notify::Osc777] {
            let bytes = notify(&hostile, how, false);
            let (head, rest) = bytes.split_first().unwrap();
            let (tail, inside) = rest.split_last().unwrap();
            assert_eq!((*head, *tail), (0x1b, 0x07));
            let inside = std::str::from_utf8(inside).unwrap();
            assert!(!inside.chars().any(char::is_control), "{inside:?}");
        }
        assert_eq!(
            notify(&Clean::of("invigil: a; b"), Notify::Osc777, false),
            b"\x1b]777;notify;invigil;a; b\x07"
        );
        assert!(notify(&Clean::of("a"), Notify::Osc9, true).starts_with(b"\x1bPtmux;\x1b\x1b]9;a"));
    }
}
