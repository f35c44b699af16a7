//! The real binary in a pseudo-terminal: its screen, its keys, and how long each takes to show.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, NativePtySystem, PtySize, PtySystem};

use super::process::Process;

const ROWS: u16 = 36;
const COLUMNS: u16 = 120;
/// No screen takes longer than this, or something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

struct Shown {
    screen: vt100::Parser,
    bytes: u64,
}

/// A terminal with the program in it.
pub struct Terminal {
    shown: Arc<(Mutex<Shown>, Condvar)>,
    keys: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn Child + Send + Sync>,
    begun: Instant,
    _master: Box<dyn portable_pty::MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Terminal {
    /// Starts `invigil` with these arguments.
    pub fn start(args: &[&str], file: &Path) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pair = NativePtySystem::default().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_invigil"));
        command.args(args);
        command.arg(file);
        command.cwd(home.path());
        for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env(variable, home.path());
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for variable in ["INVIGIL_SECRET", "NO_COLOR", "TMUX", "COLORTERM"] {
            command.env_remove(variable);
        }
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let keys = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let [rows, columns] = [ROWS, COLUMNS].map(|size| size.try_into().expect("not zero"));
        let screen = vt100::Parser::new(rows, columns, 0);
        let shown = Arc::new((Mutex::new(Shown { screen, bytes: 0 }), Condvar::new()));
        let (there, answers) = (Arc::clone(&shown), Arc::clone(&keys));
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(count) = reader.read(&mut bytes)
                && count > 0
            {
                // A terminal says what it is when it is asked; the program waits for that.
                if bytes[..count].windows(3).any(|three| three == b"\x1b[c") {
                    let _ = answers.lock().expect("no thread has failed").write_all(b"\x1b[?62c");
                }
                let mut shown = there.0.lock().expect("no thread has failed");
                shown.screen.process(&bytes[..count]);
                shown.bytes += count as u64;
                there.1.notify_all();
            }
        });
        Self { shown, keys, child, begun, _master: pair.master, _home: home }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.0.lock().expect("no thread has failed")
    }

    /// What stands on the screen.
    pub fn text(&self) -> String {
        self.lock().screen.screen().contents()
    }

    /// Bytes it has been sent so far.
    pub fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// The address in the header, once it is known to which port it listens.
    pub fn address(&self) -> std::net::SocketAddr {
        let read = |text: &str| -> Option<std::net::SocketAddr> {
            let address = text.split("http://").nth(1)?.split('/').next()?;
            address.parse().ok().filter(|address: &std::net::SocketAddr| address.port() > 0)
        };
        self.until(self.begun, |text| read(text).is_some());
        read(&self.text()).expect("it stays there")
    }

    /// Waits until the screen is so, and says how long that took from a moment on.
    pub fn until(&self, from: Instant, wanted: impl Fn(&str) -> bool) -> Duration {
        let mut shown = self.lock();
        loop {
            let text = shown.screen.screen().contents();
            if wanted(&text) {
                return from.elapsed();
            }
            assert!(from.elapsed() < PATIENCE, "waited in vain on\n{text}");
            shown = self.shown.1.wait_timeout(shown, Duration::from_millis(100)).expect("no thread failed").0;
        }
    }

    /// From the start of the program until the screen is so.
    pub fn since_start(&self, wanted: impl Fn(&str) -> bool) -> Duration {
        self.until(self.begun, wanted)
    }

    /// Presses keys; how long until the screen is so.
    pub fn press(&self, keys: &str, wanted: impl Fn(&str) -> bool) -> Duration {
        let from = Instant::now();
        self.keys
            .lock()
            .expect("no thread has failed")
            .write_all(keys.as_bytes())
            .expect("the program reads");
        self.until(from, wanted)
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.process_id().unwrap_or_default())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.keys.lock().expect("no thread has failed").write_all(b"\x03");
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
