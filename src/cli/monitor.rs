//! Where the parts meet: session, door, listener and screen, for each way of running them.
#![expect(clippy::disallowed_methods, reason = "the listener and the followers are tasks of their own")]

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::args::{Open, Options, Serve};
use super::choose;
use super::control;
use super::failure::Failure;
use super::forward::{self, Begun};
use super::happening::Happening;
use super::headless;
use super::layers::ConfigFile;
use super::lines::Lines;
use super::notify;
use super::obey::obey;
use super::places;
use super::relay;
use super::screen::{self, About};
use super::settings::{self, Looks, Settings};
use super::signals::stop_signal;
use super::sweep;
use super::tap::Tap;
use crate::app::model::Mode;
use crate::app::notice::Tone;
use crate::clock;
use crate::domain::clean::Clean;
use crate::domain::count::plural;
use crate::domain::{alert, duration};
use crate::pulse::Pulse;
use crate::source::http::{self, Surface};
use crate::source::intake::{Intake, Rules};
use crate::source::listener::{Listener, Terms};
use crate::source::tls::Tls;
use crate::store::StoreError;
use crate::store::follower::Follower;
use crate::store::import;
use crate::store::journal::{Commit, Journal};
use crate::store::reader::Reader;
use crate::tui::effects::Command;
use crate::tui::runtime::{self, Shell};
use crate::tui::terminal::Screen;

/// How long an address that cannot be listened on is left alone before it is tried again.
const REBIND: Duration = Duration::from_secs(2);

/// How long tasks that are left may take to end.
const LINGER: Duration = Duration::from_secs(2);

/// Runs a future with the threads it needs, and lets what they are at come to its end.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    threads()?.block_on(future)
}

fn threads() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::running(format!("no threads can be started: {error}")))
}

/// A session being written and the door to it.
pub(super) struct Station {
    pub(super) journal: Journal,
    pub(super) intake: Intake,
    pub(super) pulse: Pulse,
}

impl Station {
    /// Opens the session and hangs the door, as the settings say.
    ///
    /// # Errors
    /// Code 2 if the session file is not what it should be.
    fn of(settings: &Settings) -> Result<Self, Failure> {
        let alerts = settings.looks.rules.clone();
        Self::open(settings.session.clone(), rules(settings), alerts, settings.retain)
    }

    /// Opens the session and hangs the door.
    ///
    /// # Errors
    /// Code 2 if the session file is not what it should be.
    pub(super) fn open(
        session: Option<PathBuf>,
        rules: Rules,
        alerts: alert::Rules,
        retain: Option<duration::Duration>,
    ) -> Result<Self, Failure> {
        let path = session.or_else(|| places::new_session_file(clock::now()));
        let path =
            path.ok_or_else(|| Failure::usage("--session: no home directory is known; name a file"))?;
        let pulse = Pulse::new(alerts);
        let span = retain.map(duration::Duration::as_millis);
        let journal = Journal::retaining(&path, clock::now(), pulse.clone(), span);
        let journal = journal.map_err(|error| session_failure(&error))?;
        if retain.is_some() {
            sweep::begin(journal.clone());
        }
        let intake = Intake::new(rules, journal.clone(), pulse.clone());
        Ok(Self { journal, intake, pulse })
    }

    /// Serves webhooks on a bound listener until `stop`.
    pub(super) fn serve(
        &self,
        listener: Listener,
        surface: Surface,
        tls: Option<Tls>,
        stop: CancellationToken,
    ) -> JoinHandle<()> {
        self.pulse.listening(Ok(url(listener.address(), tls.is_some(), &surface.path)));
        let terms = Terms { peers: surface.peers.clone(), tls, pulse: self.pulse.clone() };
        tokio::spawn(listener.serve(http::router(self.intake.clone(), surface), terms, stop))
    }

    /// Binds, however long it takes: each failure shows on the screen, and the address is tried again.
    pub(super) fn serve_when_free(&self, settings: &Settings, stop: CancellationToken) -> JoinHandle<()> {
        let (pulse, intake) = (self.pulse.clone(), self.intake.clone());
        let (address, surface, tls) = (settings.listen, surface(settings), settings.tls.clone());
        tokio::spawn(async move {
            loop {
                match Listener::bind(address) {
                    Ok(listener) => {
                        pulse.listening(Ok(url(listener.address(), tls.is_some(), &surface.path)));
                        let terms = Terms { peers: surface.peers.clone(), tls, pulse };
                        return listener.serve(http::router(intake, surface), terms, stop).await;
                    }
                    Err(why) => pulse.listening(Err(why)),
                }
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(REBIND) => {}
                }
            }
        })
    }
}

pub(super) fn url(address: SocketAddr, tls: bool, path: &str) -> String {
    format!("http{}://{address}{path}", if tls { "s" } else { "" })
}

/// What is taken, where, and from whom, as the settings say.
fn surface(settings: &Settings) -> Surface {
    let Settings { path, max_body, peers, .. } = settings;
    Surface { path: path.clone(), max_body: *max_body, peers: peers.clone() }
}

/// What to think of before strangers can reach the port, if they can.
fn exposed(settings: &Settings) -> Option<Happening> {
    let plain = "without TLS: give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy";
    let anybody = "and whoever does may write events, for no signature is asked (--no-verify)";
    let told = match (settings.tls.is_none(), settings.no_verify) {
        _ if settings.listen.ip().to_canonical().is_loopback() => return None,
        (true, true) => format!(" {plain}; {anybody}"),
        (true, false) => format!(" {plain}"),
        (false, true) => format!(", {anybody}"),
        (false, false) => return None,
    };
    Some(Happening::Notice(format!("{} can be reached from other machines{told}", settings.listen)))
}

/// What is wrong with a session file that was named.
pub(super) fn session_failure(error: &StoreError) -> Failure {
    let line = format!("session {error}");
    match error {
        // A supervisor may try again: there may be room then.
        StoreError::Unusable { .. } | StoreError::Sqlite(_) | StoreError::Io(_) => Failure::running(line),
        _ => Failure::usage(line),
    }
}

/// What the door lets in, as the settings say.
pub(super) fn rules(settings: &Settings) -> Rules {
    Rules {
        keyring: settings.keyring.clone(),
        no_verify: settings.no_verify,
        tolerance_secs: settings.tolerance_secs,
    }
}

/// `invigil serve`: the listener and the session, no screen.
///
/// # Errors
/// Code 2 for a wrong option, secret or session file; 1 if it fails while running.
pub fn serve(serve: Serve, file: &ConfigFile, cautions: &[String]) -> Result<(), Failure> {
    let events = serve.events;
    let settings = Settings::new(serve.options, file)?;
    if settings.keyring.is_empty() && !settings.no_verify {
        return Err(Failure::usage(
            "--secret: is missing; give the endpoint's signing secret (whsec_…) by --secret-file or INVIGIL_SECRET, or --no-verify to accept unsigned deliveries",
        ));
    }
    let lines = Lines::of_server(events, settings.log_file.as_deref())?;
    let runtime = threads()?;
    let served = runtime.block_on(async {
        let served = serve_until_stopped(settings, events, lines.clone(), cautions).await;
        lines.end().await;
        served
    });
    // A task that writes to where nobody reads does not end by itself.
    runtime.shutdown_timeout(LINGER);
    served
}

async fn serve_until_stopped(
    mut settings: Settings,
    events: bool,
    lines: Lines,
    cautions: &[String],
) -> Result<(), Failure> {
    let exposed = exposed(&settings);
    let stop = stop_signal()?;
    let listener = Listener::bind(settings.listen);
    let listener = listener.map_err(|why| Failure::running(format!("--listen: {why}")))?;
    let control = control::open(settings.control.take()).await?;
    let station = Station::of(&settings)?;
    let unreadable = |error: StoreError| Failure::running(error.to_string());
    let done = CancellationToken::new();
    // Before anything is received: the address is taken, so somebody may be sending already.
    let follower = Follower::new(&station.journal).map_err(unreadable)?;
    let mut tap = None;
    if events {
        let follower = Follower::new(&station.journal).map_err(unreadable)?;
        tap = Some(Tap::begin(follower, lines.clone(), done.clone()));
    }
    let forwarding = forward::begin(settings.forward_to.take(), &settings.trust, &station, &stop)?;
    let address = url(listener.address(), settings.tls.is_some(), &settings.path);
    let listening = station.serve(listener, surface(&settings), settings.tls.take(), stop.clone());
    lines.say(&format!("listening on {address}"))?;
    notify::tell(notify::READY);
    tokio::spawn(tell_of_stop(stop.clone()));
    lines.write(&Happening::Listening(address));
    lines.warn(cautions);
    if let Some(notice) = exposed {
        lines.write(&notice);
    }
    if let Some(control) = &control {
        control.announce(&lines)?;
    }
    let sharing = control.map(|control| control.serve(&station, done.clone()));
    tokio::spawn(listen_for_silence(station.pulse.clone(), stop.clone()));
    let following =
        tokio::spawn(headless::follow(lines.clone(), follower, station.pulse.clone(), done.clone()));
    let relaying = match settings.relay.take() {
        Some(wanted) => {
            tokio::spawn(relay::announce(station.pulse.clone(), lines.clone(), stop.clone()));
            Some(wanted.begin(&station, (settings.trust.clone(), settings.max_body), stop.clone())?)
        }
        None => None,
    };
    let listened = listening.await;
    // A listener that ended by itself takes the others with it.
    stop.cancel();
    for task in relaying.into_iter().chain(forwarding.map(|(_, task)| task)) {
        let _ = task.await;
    }
    done.cancel();
    // One that panicked has nothing more to tell.
    let _ = following.await;
    if let Some(tap) = tap {
        tap.end().await;
    }
    control::ended(sharing).await;
    let Station { journal, intake, .. } = station;
    drop(intake);
    let session = journal.path().display().to_string();
    let events = journal.close().await.events;
    lines.room().await;
    lines.write(&Happening::Stopped { events, session });
    // What it says of itself may hold something of a payload; it was told of as a fault already.
    listened.map_err(|_panicked| Failure::running("the listener ended by a fault of invigil's own"))
}

/// Tells the supervisor when it stops.
async fn tell_of_stop(stop: CancellationToken) {
    stop.cancelled().await;
    notify::tell(notify::STOPPING);
}

/// What a screen is run on.
pub(super) struct Stage {
    pub(super) reader: Reader,
    pub(super) saver: Reader,
    pub(super) pulse: Pulse,
    pub(super) committed: Option<watch::Receiver<Commit>>,
    pub(super) about: About,
    pub(super) looks: Looks,
    /// What it says first.
    pub(super) notice: Option<String>,
}

/// Runs the screen on a session until the user ends it.
pub(super) async fn show(
    stage: Stage,
    commands: mpsc::Sender<Command>,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let lost = |error: std::io::Error| Failure::running(format!("the terminal cannot be used: {error}"));
    let (mut model, wardrobe) = screen::begin(stage.about, stage.looks)?;
    if let Some(notice) = stage.notice {
        model.say(Tone::Warn, notice);
    }
    let terminal = Screen::take().map_err(lost)?;
    let shell = Shell {
        reader: stage.reader,
        saver: stage.saver,
        wardrobe,
        pulse: stage.pulse,
        committed: stage.committed,
        commands,
        stop,
    };
    runtime::run(shell, model, terminal).await.map_err(lost)
}

/// Looks every second whether it has been quiet for too long, if there is a rule about that.
pub(super) async fn listen_for_silence(pulse: Pulse, stop: CancellationToken) {
    if !pulse.rules().iter().any(|rule| matches!(rule, alert::Rule::Quiet(_))) {
        return;
    }
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    while stop.run_until_cancelled(seconds.tick()).await.is_some() {
        pulse.listen_for_silence(clock::now());
    }
}

/// Runs listener and screen on a session, and closes it in order.
pub(super) async fn watch_station(
    station: Station,
    about: About,
    looks: Looks,
    lines: Lines,
    forwarding: Option<Begun>,
    (mut tasks, stop): (Vec<JoinHandle<()>>, CancellationToken),
    notice: Option<String>,
) -> Result<(), Failure> {
    let unreadable = |error: StoreError| Failure::running(error.to_string());
    let demo = about.mode == Mode::Demo;
    let Station { journal, intake, pulse } = station;
    let path = journal.path().to_path_buf();
    let stage = Stage {
        reader: Reader::of(&journal).map_err(unreadable)?,
        saver: Reader::of(&journal).map_err(unreadable)?,
        pulse: pulse.clone(),
        committed: Some(journal.committed()),
        about,
        looks,
        notice,
    };
    let follower = Follower::new(&journal).map_err(unreadable)?;
    let done = CancellationToken::new();
    let following = tokio::spawn(headless::follow(lines, follower, pulse.clone(), done.clone()));
    tokio::spawn(listen_for_silence(pulse, stop.clone()));
    let (commands, wanted) = mpsc::channel(16);
    let (orders, task) = forwarding.unzip();
    tasks.extend(task);
    let obeying = tokio::spawn(obey(wanted, intake, journal.clone(), orders));
    let shown = show(stage, commands, stop.clone()).await;
    stop.cancel();
    // Each ends by itself now; a panic in one of them is no reason not to close the session.
    let _ = obeying.await;
    for task in tasks {
        let _ = task.await;
    }
    // What they have kept at the end has its lines, too.
    done.cancel();
    let _ = following.await;
    let events = plural(journal.close().await.events, "event");
    shown?;
    if demo {
        // Its session goes with it: there is nothing to come back to.
        return Ok(());
    }
    let _ = writeln!(std::io::stderr(), "{events} in {}", Clean::of(&path.display().to_string()));
    Ok(())
}

/// `invigil watch`: listener, session and screen.
///
/// # Errors
/// Code 2 for a wrong option, secret or session file, or without a terminal; 1 if it fails while running.
pub fn watch(options: Options, file: &ConfigFile, cautions: &[String]) -> Result<(), Failure> {
    let mut settings = Settings::new(options, file)?;
    screen::needs_terminal("`invigil serve` listens without one")?;
    let lines = Lines::of_screen(settings.log_file.as_deref())?;
    lines.warn(cautions);
    if let Some(notice) = exposed(&settings) {
        lines.write(&notice);
        // Before the screen: it stands there again when that has gone.
        let _ = writeln!(std::io::stderr(), "{}", notice.human(clock::now()));
    }
    block_on(async {
        let stop = stop_signal()?;
        let station = Station::of(&settings)?;
        let forwarding = forward::begin(settings.forward_to.take(), &settings.trust, &station, &stop)?;
        let mut sources = vec![station.serve_when_free(&settings, stop.clone())];
        if let Some(wanted) = settings.relay.take() {
            sources.push(wanted.begin(
                &station,
                (settings.trust.clone(), settings.max_body),
                stop.clone(),
            )?);
        }
        let mut notices = cautions.to_vec();
        if let Some(control) = settings.control.take() {
            let control = control.open().await?;
            notices.push(control.notice());
            sources = vec![control.serve_after(&station, sources)];
        }
        let has_secret = !station.intake.needs_secret();
        let url = Some(url(settings.listen, settings.tls.is_some(), &settings.path));
        let path = station.journal.path().to_path_buf();
        let about = About { path, mode: Mode::Watch, has_secret, takes_unsigned: settings.no_verify, url };
        let notice = (!notices.is_empty()).then(|| notices.join("; "));
        Box::pin(watch_station(station, about, settings.looks, lines, forwarding, (sources, stop), notice))
            .await
    })
}

/// `invigil open`: the screen on a saved session.
///
/// # Errors
/// Code 2 if the file is no session, or without a terminal; 1 if it fails while running.
pub fn open(open: &Open, file: &ConfigFile) -> Result<(), Failure> {
    let wrong = |error: StoreError| Failure { line: error.to_string(), ..session_failure(&error) };
    let looks = Looks::new(open.theme.clone(), file)?;
    let file = match &open.file {
        Some(file) => file.clone(),
        None => match choose::session(&looks)? {
            Some(file) => file,
            None => return Ok(()),
        },
    };
    let scratch = scratch()?;
    let sqlite = if places::is_sqlite(&file) {
        file.clone()
    } else {
        let copy = scratch.path().join("session.sqlite");
        import::fill(&file, &copy).map_err(wrong)?;
        copy
    };
    let reader = Reader::open(&sqlite).map_err(wrong)?;
    let (saver, forwarder) = (reader.twin().map_err(wrong)?, reader.twin().map_err(wrong)?);
    let forward_to = match open.forward_to.clone() {
        Some(url) => {
            let target = forward::target(url, &open.authorities.trust()?)?;
            Some((target, settings::keyring(&open.secret, open.secret_file.as_deref())?))
        }
        None => None,
    };
    screen::needs_terminal("`invigil export` writes a session to a file")?;
    block_on(async {
        let stop = stop_signal()?;
        let about =
            About { path: file, mode: Mode::Open, has_secret: true, takes_unsigned: false, url: None };
        let pulse = Pulse::default();
        let (commands, wanted) = mpsc::channel(16);
        match forward_to {
            Some(to) => forward::begin_saved(to, forwarder, pulse.clone(), wanted, stop.clone())?,
            None => drop(wanted),
        }
        let stage = Stage { reader, saver, pulse, committed: None, about, looks, notice: None };
        show(stage, commands, stop).await
    })
}

/// A directory that goes when the command ends.
pub(super) fn scratch() -> Result<TempDir, Failure> {
    tempfile::Builder::new()
        .prefix("invigil-")
        .tempdir()
        .map_err(|error| Failure::running(format!("no temporary directory can be made: {error}")))
}

/// `invigil simulate`: a made-up rollout, sent to any URL.
///
/// # Errors
/// Code 2 for a wrong option; 1 if a message was given up.
pub fn simulate(args: &super::simulate::Args) -> Result<(), Failure> {
    block_on(async {
        let stop = stop_signal()?;
        super::simulate::run(args, &stop, &mut std::io::stdout()).await.map(drop)
    })
}
