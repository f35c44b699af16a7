//! The loop: what happens outside becomes messages, the model changes, effects are carried out, and a frame
//! is drawn when, and only when, something changed.

use std::io;
use std::time::Duration;

use crossterm::event::EventStream;
use futures_util::StreamExt;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::effects::{Command, Effects};
use super::input::Input;
use super::terminal::Screen;
use super::wardrobe::Wardrobe;
use crate::app::model::Model;
use crate::app::msg::Msg;
use crate::app::update;
use crate::clock;
use crate::pulse::Pulse;
use crate::store::journal::Commit;
use crate::store::reader::Reader;
use crate::ui;

/// Between a frame and the next one that nobody at the keyboard waits for.
const DATA_FRAME: Duration = Duration::from_millis(60);
/// Between a frame and the next one that answers a key.
const KEY_FRAME: Duration = Duration::from_millis(8);
/// For so long after a key, whatever changes is taken as the answer to it.
const ATTENTION: Duration = Duration::from_millis(120);
/// Between two looks at what was committed: the lists are read again at most so often.
const LOOK: Duration = Duration::from_millis(100);
/// Messages that may wait: one a place on the screen, and some outcomes.
const WAITING: usize = 64;

/// What the loop is tied to.
pub struct Shell {
    /// Reads the session for the screen.
    pub reader: Reader,
    /// Reads the session for saving it, which may take long.
    pub saver: Reader,
    /// The themes.
    pub wardrobe: Wardrobe,
    /// Live state of listener and store.
    pub pulse: Pulse,
    /// Tells of commits; `None` for a saved session, in which nothing changes.
    pub committed: Option<watch::Receiver<Commit>>,
    /// Where what the screen cannot do itself is asked for.
    pub commands: mpsc::Sender<Command>,
    /// Ends the loop from outside (a signal).
    pub stop: CancellationToken,
}

/// When to draw next.
struct Frames {
    dirty: bool,
    drawn: Instant,
    key: Instant,
}

impl Frames {
    fn due(&self) -> Instant {
        let attentive = self.key + ATTENTION > Instant::now();
        self.drawn + if attentive { KEY_FRAME } else { DATA_FRAME }
    }
}

/// Runs the screen until the user or `stop` ends it.
///
/// # Errors
/// If the terminal cannot be read or written any more.
pub async fn run(shell: Shell, mut model: Model, mut screen: Screen) -> io::Result<()> {
    let (to_loop, mut messages) = mpsc::channel(WAITING);
    let Shell { reader, saver, wardrobe, pulse, mut committed, commands, stop } = shell;
    let mut vitals = pulse.changed();
    let mut effects = Effects::new(reader, saver, pulse.clone(), commands, to_loop);
    let mut input = Input::default();
    let mut keys = EventStream::new();
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let now = Instant::now();
    let mut frames = Frames { dirty: true, drawn: now - DATA_FRAME, key: now };
    let (mut stale, mut revision) = (true, 0);
    let mut styles = wardrobe.styles(&model.theme);
    let mut styled = model.theme.clone();
    // What a key does may depend on it, from the first one on.
    if effects.carry_out(update(&mut model, Msg::Vitals(Box::new(pulse.snapshot()))), &mut screen)?.is_break()
    {
        return Ok(());
    }

    loop {
        let message = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            event = keys.next() => match event {
                Some(event) => {
                    frames.key = Instant::now();
                    let Some(message) = input.message(event?, clock::now().millis()) else { continue };
                    message
                }
                // The terminal is gone.
                None => return Ok(()),
            },
            Some(message) = messages.recv() => message,
            () = sleep_until(frames.due()), if frames.dirty => {
                if styled != model.theme {
                    styles = wardrobe.styles(&model.theme);
                    styled.clone_from(&model.theme);
                }
                screen.draw(|frame| ui::render(&model, &styles, frame.area(), frame.buffer_mut()))?;
                frames.dirty = false;
                frames.drawn = Instant::now();
                continue;
            }
            _ = tick.tick() => Msg::Tick(clock::now()),
            _ = look.tick(), if stale => {
                stale = false;
                revision += 1;
                let wanted = update(&mut model, Msg::Vitals(Box::new(pulse.snapshot())));
                if effects.carry_out(wanted, &mut screen)?.is_break() {
                    return Ok(());
                }
                Msg::Committed { revision }
            }
            () = changed(&mut committed), if !stale => {
                stale = true;
                continue;
            }
            Ok(()) = vitals.changed(), if !stale => {
                stale = true;
                continue;
            }
        };
        frames.dirty = true;
        if effects.carry_out(update(&mut model, message), &mut screen)?.is_break() {
            return Ok(());
        }
    }
}

/// Ends when something was committed; never, when nothing can be any more.
async fn changed(committed: &mut Option<watch::Receiver<Commit>>) {
    if let Some(receiver) = committed {
        if receiver.changed().await.is_ok() {
            return;
        }
        *committed = None;
    }
    std::future::pending::<()>().await;
}
