//! Taking the terminal and giving it back, however the program ends.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
};
use crossterm::{cursor, execute, queue, terminal};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::domain::clean::Clean;

/// True while the terminal is ours; whoever gives it back first clears it, so that it happens once.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// What is to be said on stderr once the terminal is given back.
static UNSAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The bytes of one frame, gathered so that they are written in one piece, or not at all.
#[derive(Clone, Default)]
struct FrameBytes(Arc<Mutex<Vec<u8>>>);

impl FrameBytes {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for FrameBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The terminal while it is ours. Dropping it gives it back.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<FrameBytes>>,
    frame: FrameBytes,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, mouse.
    ///
    /// # Errors
    /// If the terminal cannot be put into raw mode or written to.
    pub fn take() -> io::Result<Self> {
        let frame = FrameBytes::default();
        let terminal = Terminal::new(CrosstermBackend::new(frame.clone()))?;
        let mut screen = Self { terminal, frame, mouse: true };
        screen.enter()?;
        Ok(screen)
    }

    fn enter(&mut self) -> io::Result<()> {
        terminal::enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let mut out = io::stdout();
        // XTWINOPS 22 keeps the window's title for the way out.
        out.write_all(b"\x1b[22;0t")?;
        execute!(out, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        // Ignored where unknown; where known, Esc needs no delay and Ctrl-I is no Tab.
        execute!(out, PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES))?;
        if self.mouse {
            execute!(out, EnableMouseCapture)?;
        }
        // The screen is blank now, and so must be what the next frame is compared with. `Terminal::clear`
        // would ask the terminal where its cursor is, and some never answer.
        self.terminal.swap_buffers();
        execute!(out, terminal::Clear(terminal::ClearType::All))
    }

    /// Draws one frame; the terminal shows all of it at once. If no cell changed, nothing is written.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn draw(&mut self, render: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(render)?;
        let bytes = self.frame.take();
        // Every changed cell needs the cursor moved to it (CSI … H); without one the frame is only the
        // colour resets that the backend always ends with.
        if !bytes.contains(&b'H') {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        queue!(out, BeginSynchronizedUpdate)?;
        out.write_all(&bytes)?;
        execute!(out, EndSynchronizedUpdate)
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// If the terminal does not say.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        terminal::size()
    }

    /// Takes or leaves the mouse: left, text can be selected as usual.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        if on {
            execute!(io::stdout(), EnableMouseCapture)
        } else {
            execute!(io::stdout(), DisableMouseCapture)
        }
    }

    /// Sets the window's title.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn title(&mut self, text: &Clean<'_>) -> io::Result<()> {
        execute!(io::stdout(), SetTitle(text))
    }

    /// Sends bytes that are no drawing: a bell, a copy to the clipboard.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Gives the terminal back, stops the process until it is continued, and takes the terminal again.
    ///
    /// # Errors
    /// If the terminal cannot be taken again.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // In raw mode Ctrl-Z is a key, so the stop must be asked for. SIGSTOP, since SIGTSTP is dropped in an
        // orphaned process group.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        self.enter()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Says a line on stderr: at once, or when the terminal is given back, if it is ours now.
pub fn say(line: String) {
    if TAKEN.load(Ordering::SeqCst) {
        let mut unsaid = UNSAID.lock().unwrap_or_else(PoisonError::into_inner);
        // One that fails again and again says so often enough.
        if unsaid.len() < 8 {
            unsaid.push(line);
        }
    } else {
        // With nobody to read it there is nobody to tell.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// Puts the terminal back as it was, once, from whatever thread and state.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // Nobody is left to tell if this fails.
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        PopKeyboardEnhancementFlags,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = out.write_all(b"\x1b[23;0t");
    let _ = out.flush();
    let _ = terminal::disable_raw_mode();
    for line in std::mem::take(&mut *UNSAID.lock().unwrap_or_else(PoisonError::into_inner)) {
        let _ = writeln!(io::stderr(), "{line}");
    }
}
