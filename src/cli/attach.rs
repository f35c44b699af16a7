//! `invigil attach`: the screen on a session that another invigil holds, mirrored into a file here.
#![expect(
    clippy::disallowed_methods,
    reason = "following is a task of its own; mirrors are looked for in their directory"
)]

use std::io::Write;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::authorities::Authorities;
use super::failure::Failure;
use super::layers::ConfigFile;
use super::monitor::{self, Stage, block_on, session_failure};
use super::screen::{self, About};
use super::settings::Looks;
use super::signals::stop_signal;
use super::{control, places};
use crate::app::model::Mode;
use crate::app::msg::Outcome;
use crate::clock;
use crate::domain::clean::Clean;
use crate::domain::count::plural;
use crate::domain::secret::Given;
use crate::domain::stream::Hello;
use crate::pulse::Pulse;
use crate::source::attach::address::Address;
use crate::source::attach::{Ended, Refusal, Target};
use crate::store::StoreError;
use crate::store::journal::Journal;
use crate::store::mirror;
use crate::store::reader::Reader;
use crate::tui::effects::Command;

/// Options of `attach`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The control address of the other invigil, like `ws://127.0.0.1:7070` or `wss://watch.example.com`
    pub url: String,
    /// The token set there as --control-token. Other users of this machine can see a command line: prefer
    /// --token-file or the variable
    #[arg(long, value_name = "TOKEN", env = "INVIGIL_CONTROL_TOKEN", hide_env_values = true)]
    pub token: Option<Given>,
    /// File with that token
    #[arg(long, value_name = "FILE", env = "INVIGIL_CONTROL_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Whom to trust.
    #[command(flatten)]
    pub authorities: Authorities,
    /// File to mirror the session into; goes on where it was [default: one a session in the data directory]
    #[arg(long, value_name = "FILE")]
    pub session: Option<PathBuf>,
    /// Colours: dark, light, contrast or mono [default: what suits the terminal]
    #[arg(long, value_name = "NAME", env = "INVIGIL_THEME")]
    pub theme: Option<String>,
}

/// Runs `attach` until the user ends it.
///
/// # Errors
/// Code 2 for a wrong URL, token, file or theme, or without a terminal; 1 if the other side cannot be reached
/// and nothing of it is here yet.
pub fn run(args: Args, file: &ConfigFile) -> Result<(), Failure> {
    let looks = Looks::new(args.theme, file)?;
    let address = Address::parse(&args.url).map_err(|why| Failure::usage(format!("attach: {why}")))?;
    let token = control::token(args.token, args.token_file.as_deref(), ["--token", "--token-file"])?;
    let target = Target { address, token, trust: args.authorities.trust()? };
    block_on(async {
        let stop = stop_signal()?;
        let Some(greeted) = stop.run_until_cancelled(target.greet()).await else { return Ok(()) };
        let (mut hello, mut place) = match greeted {
            Ok(hello) => (hello, args.session.map_or(Place::Kept, Place::Named)),
            Err(refusal) => meanwhile(&target, args.session, &refusal)?,
        };
        screen::needs_terminal("`invigil serve` over there writes what happens as lines")?;
        let mut notice = None;
        loop {
            let pulse = Pulse::new(looks.rules.clone());
            let journal = open(&place, &hello, &target, &pulse)?;
            let path = journal.path().to_path_buf();
            let watching = Watching { target: target.clone(), hello, looks: looks.clone(), notice };
            let ended = Box::pin(watching.run(journal, pulse, &stop)).await?;
            let fresh = |hello: &Hello| format!("from then on another session ({})", hello.session);
            (hello, place, notice) = match ended {
                Ended::Stopped => return Ok(()),
                Ended::Another(next) => {
                    let said = format!(
                        "Another session is held there now; the one before is kept in {}",
                        path.display()
                    );
                    told(&path, &fresh(&next));
                    (next, Place::Kept, Some(said))
                }
                Ended::Diverged(next) => {
                    let said = format!(
                        "The session there was put back to an earlier state; what was seen of it is kept in {}",
                        path.display()
                    );
                    told(&path, "from then on the session as it was put back there");
                    // It may be mirrored as it is now already, if another file was named.
                    let elsewhere = |named: &Path| named.parent() != places::mirrors_dir().as_deref();
                    let place = match place {
                        Place::Named(named) if elsewhere(&named) => Place::Kept,
                        _ => Place::Fresh,
                    };
                    (next, place, Some(said))
                }
            };
        }
    })
}

fn told(path: &Path, then: &str) {
    let _ = writeln!(std::io::stderr(), "mirrored in {}; {then}", Clean::of(&path.display().to_string()));
}

/// Where a session is mirrored.
enum Place {
    /// In this file.
    Named(PathBuf),
    /// In the newest of its own mirrors.
    Kept,
    /// In one that is not there yet.
    Fresh,
}

/// What to begin with while the other side cannot be reached: the mirror that was fed from there last.
fn meanwhile(
    target: &Target,
    session: Option<PathBuf>,
    refusal: &Refusal,
) -> Result<(Hello, Place), Failure> {
    let line = format!("attach {}: {}", target.address, refusal.why());
    let Refusal::Unreachable(_) = refusal else { return Err(Failure::usage(line)) };
    let url = target.address.to_string();
    let found = match session {
        Some(file) => file.exists().then_some(file),
        None => mirrors(|_| true)
            .into_iter()
            .map(|(_, file)| file)
            .find(|file| mirror::fed_from(file).as_ref() == Some(&url)),
    };
    let file = found.ok_or_else(|| Failure::running(line))?;
    let hello = mirror::original(&file).map_err(|error| session_failure(&error))?;
    Ok((hello, Place::Named(file)))
}

/// The mirrors in the data directory whose session is wanted, the newest first, with their numbers.
fn mirrors(wanted: impl Fn(&str) -> bool) -> Vec<(u32, PathBuf)> {
    let dir = places::mirrors_dir().unwrap_or_default();
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.path();
            let stem = path.file_name()?.to_str()?.strip_suffix(".sqlite")?;
            let (session, number) = stem.split_once('-').unwrap_or((stem, "1"));
            let number = number.parse().ok().filter(|_| wanted(session))?;
            let changed = entry.metadata().and_then(|meta| meta.modified()).ok()?;
            Some((changed, number, path))
        })
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, number, path)| (number, path)).collect()
}

/// Opens the mirror of a session. Where no file was named, one that another screen is writing is left to it.
fn open(place: &Place, hello: &Hello, target: &Target, pulse: &Pulse) -> Result<Journal, Failure> {
    let url = target.address.to_string();
    let begin = |path: &Path| Journal::mirror(path, hello, &url, clock::now(), pulse.clone());
    if let Place::Named(path) = place {
        return begin(path).map_err(|error| session_failure(&error));
    }
    let kept = mirrors(|session| session == hello.session);
    let next = kept.iter().map(|(number, _)| number.saturating_add(1)).max().unwrap_or(1);
    let dir = places::mirrors_dir()
        .ok_or_else(|| Failure::usage("--session: no home directory is known; name a file"))?;
    let kept = kept.into_iter().map(|(_, path)| path).filter(|_| matches!(place, Place::Kept));
    // Another screen may take the next number meanwhile.
    let fresh = (next..next.saturating_add(100)).map(|number| match number {
        1 => dir.join(format!("{}.sqlite", hello.session)),
        number => dir.join(format!("{}-{number}.sqlite", hello.session)),
    });
    let mut busy = None;
    for path in kept.chain(fresh) {
        match begin(&path) {
            Err(error @ StoreError::Busy { .. }) => busy = Some(error),
            done => return done.map_err(|error| session_failure(&error)),
        }
    }
    Err(busy.map_or_else(|| Failure::running("no mirror can be made"), |error| session_failure(&error)))
}

/// A session that is looked at.
struct Watching {
    target: Target,
    hello: Hello,
    looks: Looks,
    notice: Option<String>,
}

impl Watching {
    /// Shows it and follows, until the user ends it or there is another session over there.
    async fn run(self, journal: Journal, pulse: Pulse, stop: &CancellationToken) -> Result<Ended, Failure> {
        let unreadable = |error: StoreError| Failure::running(error.to_string());
        let path = journal.path().to_path_buf();
        let url = Some(self.target.address.to_string());
        let stage = Stage {
            reader: Reader::of(&journal).map_err(unreadable)?,
            saver: Reader::of(&journal).map_err(unreadable)?,
            pulse: pulse.clone(),
            committed: Some(journal.committed()),
            about: About {
                path: path.clone(),
                mode: Mode::Attach,
                has_secret: true,
                takes_unsigned: false,
                url,
            },
            looks: self.looks,
            notice: self.notice,
        };
        let over = stop.child_token();
        let quiet = tokio::spawn(monitor::listen_for_silence(pulse.clone(), over.clone()));
        let (target, session, mirror) = (self.target, self.hello.session, journal.clone());
        let following = tokio::spawn({
            let over = over.clone();
            async move {
                let ended = target.follow(&session, (mirror, pulse), over.clone()).await;
                // Another session needs another screen.
                over.cancel();
                ended
            }
        });
        let (commands, wanted) = mpsc::channel(16);
        let obeying = tokio::spawn(obey(wanted, journal.clone()));
        let shown = monitor::show(stage, commands, over.clone()).await;
        over.cancel();
        // Each ends by itself now; a panic in one of them is no reason not to close the mirror.
        let (ended, ..) = tokio::join!(following, obeying, quiet);
        let events = plural(journal.close().await.events, "event");
        shown?;
        let ended = ended.unwrap_or(Ended::Stopped);
        if ended == Ended::Stopped {
            let path = path.display().to_string();
            let _ = writeln!(std::io::stderr(), "{events} mirrored in {}", Clean::of(&path));
        }
        Ok(ended)
    }
}

/// Carries out what the screen cannot do itself: marks are one's own.
async fn obey(mut commands: mpsc::Receiver<Command>, journal: Journal) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Mark(seq, on) => journal.mark(seq, on).await,
            Command::SetSecret(_, answer) => {
                let why = "verifying is done over there; give the secret to that invigil";
                // The screen may have gone in the meantime.
                let _ = answer.send(Outcome::SecretRejected(why.to_owned()));
            }
            Command::Replay(_, answer) => {
                let why = "forwarding is done over there; replay on the screen of that invigil";
                let _ = answer.send(Outcome::Failed(why.to_owned()));
            }
            Command::StopReplay => {}
        }
    }
}
