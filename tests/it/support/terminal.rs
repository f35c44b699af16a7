//! The real program in a real pseudo-terminal: what it shows, what it is typed, what it leaves behind.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, NativePtySystem, PtySize, PtySystem};

use super::command;
use super::program::PATIENCE;

/// A terminal with the program in it.
pub(crate) struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
    keys: Box<dyn Write + Send>,
    pub(crate) child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    pub(crate) fn start(args: &[&str], home: &Path) -> Self {
        let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = NativePtySystem::default().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_invigil"));
        command.args(args);
        command.cwd(home);
        for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
            command.env(variable, home);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for variable in command::variables().chain(["NO_COLOR", "TMUX", "COLORTERM"].map(String::from)) {
            command.env_remove(variable);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let keys = pair.master.take_writer().unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let screen =
            Arc::new(Mutex::new(vt100::Parser::new(36.try_into().unwrap(), 120.try_into().unwrap(), 0)));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let (shown, kept) = (Arc::clone(&screen), Arc::clone(&raw));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = reader.read(&mut bytes)
                && count > 0
            {
                kept.lock().unwrap().extend_from_slice(&bytes[..count]);
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { screen, raw, keys, child, _master: pair.master }
    }

    pub(crate) fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "{what} on\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until the screen shows a text.
    pub(crate) fn expect(&self, wanted: &str) {
        self.until(&format!("no {wanted:?}"), || self.text().contains(wanted));
    }

    /// Waits until the screen does not show a text any more.
    pub(crate) fn expect_gone(&self, unwanted: &str) {
        self.until(&format!("still {unwanted:?}"), || !self.text().contains(unwanted));
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the program has ended; returns its exit code.
    pub(crate) fn end(&mut self) -> u32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "still there:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether everything that was switched on is off again.
    pub(crate) fn restored(&self) -> bool {
        let raw = String::from_utf8_lossy(&self.raw.lock().unwrap()).into_owned();
        let last =
            |on: &str, off: &str| raw.rfind(on).is_none_or(|on| raw.rfind(off).is_some_and(|off| off > on));
        last("\u{1b}[?1049h", "\u{1b}[?1049l")
            && last("\u{1b}[?25l", "\u{1b}[?25h")
            && last("\u{1b}[?2004h", "\u{1b}[?2004l")
            && last("\u{1b}[?1000h", "\u{1b}[?1000l")
            && last("\u{1b}[>1u", "\u{1b}[<1u")
    }

    /// The address in the header, once the listener has a port.
    pub(crate) fn address(&self) -> String {
        let port = || {
            let text = self.text();
            let digits = text.split("http://127.0.0.1:").nth(1).unwrap_or_default().chars();
            digits.take_while(char::is_ascii_digit).collect::<String>()
        };
        self.until("no port", || !["", "0"].contains(&port().as_str()));
        format!("127.0.0.1:{}", port())
    }

    /// Everything the terminal was sent.
    pub(crate) fn sent(&self) -> String {
        String::from_utf8_lossy(&self.raw.lock().unwrap()).into_owned()
    }

    /// Waits until the terminal was sent these bytes.
    pub(crate) fn expect_raw(&self, wanted: &[u8]) {
        let sent = || self.raw.lock().unwrap().windows(wanted.len()).any(|bytes| bytes == wanted);
        self.until(&format!("never sent {wanted:?}"), sent);
    }
}
