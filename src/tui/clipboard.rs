//! Copying to the clipboard of the machine the user sits at: OSC 52, which passes through SSH and tmux.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Terminals cut or drop longer ones; a webhook body of Svix's is a few kilobytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The bytes that make the terminal copy `text`.
///
/// Inside tmux the sequence is sent both plain (tmux takes it with `set-clipboard on`) and wrapped so that
/// tmux hands it on (`allow-passthrough on`). Base64 cannot hold a control character, so nothing in the text
/// can reach the terminal.
#[must_use]
pub fn copy(text: &str, in_tmux: bool) -> Vec<u8> {
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    if in_tmux { format!("{plain}\x1bPtmux;\x1b{plain}\x1b\\").into_bytes() } else { plain.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_leave_the_sequence() {
        let bytes = copy("\x1b]0;owned\x07", false);
        assert_eq!(bytes, b"\x1b]52;c;G10wO293bmVkBw==\x07");
        assert!(copy("a", true).starts_with(b"\x1b]52;c;YQ==\x07\x1bPtmux;\x1b\x1b]52"));
    }
}
