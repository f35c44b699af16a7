//! Carrying out what the screen wants done in the world.
#![expect(clippy::disallowed_methods, reason = "long work is put on tasks of its own here")]

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::desk::Desk;
use super::finder::Finder;
use super::terminal::Screen;
use super::{clipboard, notification};
use crate::app::msg::{Effect, Msg, Outcome, Question};
use crate::app::overlay::Link;
use crate::domain::delivery::Seq;
use crate::domain::filter::Filter;
use crate::domain::forward::Replay;
use crate::domain::secret::Given;
use crate::pulse::Pulse;
use crate::store::reader::Reader;
use crate::store::{export, save};

/// What only those who run the listener and the journal can do.
pub enum Command {
    /// Verify with this secret from now on, and what was waiting for one.
    SetSecret(Given, oneshot::Sender<Outcome>),
    /// Set or clear the mark of an event.
    Mark(Seq, bool),
    /// Send events to the user's own code again.
    Replay(Replay, oneshot::Sender<Outcome>),
    /// End the replays that are under way.
    StopReplay,
}

/// Carries effects out. What takes long ends with a `Msg::Done`.
pub struct Effects {
    desk: Desk,
    finder: Finder,
    saver: Arc<Mutex<Reader>>,
    commands: mpsc::Sender<Command>,
    to_loop: mpsc::Sender<Msg>,
    in_tmux: bool,
}

impl Effects {
    /// Opens the desk and remembers where everything goes.
    #[must_use]
    pub fn new(
        reader: Reader,
        saver: Reader,
        pulse: Pulse,
        commands: mpsc::Sender<Command>,
        to_loop: mpsc::Sender<Msg>,
    ) -> Self {
        let in_tmux = std::env::var_os("TMUX").is_some();
        let saver = Arc::new(Mutex::new(saver));
        Self {
            desk: Desk::open(reader, pulse, to_loop.clone()),
            finder: Finder::new(Arc::clone(&saver), to_loop.clone()),
            saver,
            commands,
            to_loop,
            in_tmux,
        }
    }

    /// Carries out each effect in turn; breaks if one of them ends the program.
    ///
    /// # Errors
    /// If the terminal cannot be written to any more.
    pub fn carry_out(&mut self, effects: Vec<Effect>, screen: &mut Screen) -> io::Result<ControlFlow<()>> {
        for effect in effects {
            match effect {
                Effect::Ask { ticket, question: Question::Hunt(hunt) } => self.finder.hunt(ticket, hunt),
                Effect::StopHunt => self.finder.stop(),
                Effect::Ask { ticket, question } => self.desk.ask(ticket, question),
                Effect::Copy { text, what } => {
                    let outcome = self.copy(&text, what, screen)?;
                    self.report(async move { outcome });
                }
                Effect::Open(link) => self.report(async move { open(&link) }),
                Effect::Save { path, filter, redact } => {
                    self.report(save(Arc::clone(&self.saver), path, filter, redact));
                }
                Effect::SetSecret(secret) => self.set_secret(secret),
                Effect::Replay(replay) => self.replay(replay),
                Effect::StopReplay => self.command(Command::StopReplay),
                Effect::Mark(seq, on) => self.command(Command::Mark(seq, on)),
                Effect::Notify { text, how } => {
                    screen.send(&notification::notify(&text, how, self.in_tmux))?;
                }
                Effect::Bell => screen.send(b"\x07")?,
                Effect::Title(text) => screen.title(&text)?,
                Effect::Suspend => screen.suspend()?,
                Effect::MouseCapture(on) => screen.mouse(on)?,
                Effect::Quit => return Ok(ControlFlow::Break(())),
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn copy(&self, text: &str, what: &'static str, screen: &mut Screen) -> io::Result<Outcome> {
        if text.len() > clipboard::MAX_BYTES {
            return Ok(Outcome::Failed(format!(
                "{what} is too large for a terminal's clipboard; save the session instead"
            )));
        }
        screen.send(&clipboard::copy(text, self.in_tmux))?;
        Ok(Outcome::Copied { what, bytes: text.len() })
    }

    fn set_secret(&self, secret: Given) {
        let gone = "nothing listens any more that could use a secret";
        self.ask(|answer| Command::SetSecret(secret, answer), gone);
    }

    fn replay(&self, replay: Replay) {
        self.ask(
            |answer| Command::Replay(replay, answer),
            "nothing is forwarded: start with --forward-to URL",
        );
    }

    /// Gives a command that ends with an outcome.
    fn ask(&self, command: impl FnOnce(oneshot::Sender<Outcome>) -> Command, gone: &'static str) {
        let commands = self.commands.clone();
        let (answer, outcome) = oneshot::channel();
        let command = command(answer);
        self.report(async move {
            let gone = || Outcome::Failed(gone.into());
            match commands.send(command).await {
                Ok(()) => outcome.await.unwrap_or_else(|_| gone()),
                Err(_) => gone(),
            }
        });
    }

    /// Gives a command that nobody waits for.
    fn command(&self, command: Command) {
        let commands = self.commands.clone();
        tokio::spawn(async move {
            // Nobody left to carry it out means that the program is ending.
            let _ = commands.send(command).await;
        });
    }

    /// Tells the loop how something ended, when it has ended.
    fn report(&self, ending: impl Future<Output = Outcome> + Send + 'static) {
        let to_loop = self.to_loop.clone();
        tokio::spawn(async move {
            // The loop being gone means that the program is ending.
            let _ = to_loop.send(Msg::Done(ending.await)).await;
        });
    }
}

async fn save(saver: Arc<Mutex<Reader>>, path: String, filter: Option<Filter>, redact: bool) -> Outcome {
    let (typed, only) = (path.clone(), filter.is_some());
    let task = tokio::task::spawn_blocking(move || {
        let path = at_home(&path);
        let target = std::path::absolute(&path).unwrap_or(path);
        let choice = export::Choice { filter, redact, now: crate::clock::now() };
        let mut saver = saver.lock().unwrap_or_else(PoisonError::into_inner);
        let saved = saver.keep_up();
        let saved = saved.and_then(|_| save::save(&saver, &target, export::Format::Json, &choice, false));
        saved.map(|events| (target.display().to_string(), events)).map_err(|error| error.to_string())
    });
    match task.await.unwrap_or_else(|panicked| Err(panicked.to_string())) {
        Ok((path, events)) => Outcome::Saved { path, events },
        Err(why) => Outcome::NotSaved { path: typed, only, redact, why },
    }
}

/// `~/` is the home directory here too, as in a shell.
fn at_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// Hands a link to the system's opener. A [`Link`] is a web link: a payload must not start another program. What
/// is started inherits no setting of ours, as one of them is the secret.
fn open(link: &Link) -> Outcome {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    let mut command = tokio::process::Command::new(opener);
    command.arg(&link.url).stdin(quiet()).stdout(quiet()).stderr(quiet());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INVIGIL_")) {
        command.env_remove(name);
    }
    match command.spawn() {
        Ok(_) => Outcome::Opened,
        Err(error) => {
            Outcome::Failed(format!("no link can be opened here ({opener}: {error}); copy it instead"))
        }
    }
}
