//! Where the parts meet: session, door, listener and screen, for each way of running them.
#![expect(clippy::disallowed_methods, reason = "the listener and the followers are tasks of their own")]

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::args::Options;
use super::failure::Failure;
use super::happening::Happening;
use super::headless::{self, Lines};
use super::places;
use super::reference::written;
use super::settings::Settings;
use crate::clock;
use crate::pulse::Pulse;
use crate::source::http;
use crate::source::intake::{Intake, Rules};
use crate::source::listener::Listener;
use crate::store::StoreError;
use crate::store::follower::Follower;
use crate::store::journal::Journal;

/// How long an address that cannot be listened on is left alone before it is tried again.
const REBIND: Duration = Duration::from_secs(2);

/// Runs a future with the threads it needs.
pub(super) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::running(format!("no threads can be started: {error}")))?;
    runtime.block_on(future)
}

/// Cancelled by SIGTERM, SIGINT or SIGHUP.
///
/// # Errors
/// If the signals cannot be listened for.
pub(super) fn stop_signal() -> Result<CancellationToken, Failure> {
    let wrong = |error| Failure::running(format!("signals cannot be listened for: {error}"));
    let mut signals = [
        signal(SignalKind::terminate()).map_err(wrong)?,
        signal(SignalKind::interrupt()).map_err(wrong)?,
        signal(SignalKind::hangup()).map_err(wrong)?,
    ];
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let [terminate, interrupt, hangup] = &mut signals;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}

/// A session being written and the door to it.
pub(super) struct Station {
    pub(super) journal: Journal,
    pub(super) intake: Intake,
    pub(super) pulse: Pulse,
}

impl Station {
    /// Opens the session and hangs the door.
    ///
    /// # Errors
    /// Code 2 if the session file is not what it should be.
    pub(super) fn open(session: Option<PathBuf>, rules: Rules) -> Result<Self, Failure> {
        let path = session.or_else(|| places::new_session_file(clock::now()));
        let path =
            path.ok_or_else(|| Failure::usage("--session: no home directory is known; name a file"))?;
        let pulse = Pulse::default();
        let journal =
            Journal::open(&path, clock::now(), pulse.clone()).map_err(|error| session_failure(&error))?;
        let intake = Intake::new(rules, journal.clone(), pulse.clone());
        Ok(Self { journal, intake, pulse })
    }

    /// Serves webhooks on a bound listener until `stop`.
    pub(super) fn serve(
        &self,
        listener: Listener,
        path: &str,
        max_body: usize,
        stop: CancellationToken,
    ) -> JoinHandle<()> {
        self.pulse.listening(Ok(url(&listener, path)));
        let router = http::router(self.intake.clone(), path, max_body);
        tokio::spawn(listener.serve(router, stop))
    }

    /// Binds, however long it takes: each failure shows on the screen, and the address is tried again.
    pub(super) fn serve_when_free(&self, settings: &Settings, stop: CancellationToken) -> JoinHandle<()> {
        let (pulse, intake) = (self.pulse.clone(), self.intake.clone());
        let (address, path, max_body) = (settings.listen, settings.path.clone(), settings.max_body);
        tokio::spawn(async move {
            loop {
                match Listener::bind(address).await {
                    Ok(listener) => {
                        pulse.listening(Ok(url(&listener, &path)));
                        return listener.serve(http::router(intake, &path, max_body), stop).await;
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

fn url(listener: &Listener, path: &str) -> String {
    format!("http://{}{path}", listener.address())
}

/// What is wrong with a session file that was named.
pub(super) fn session_failure(error: &StoreError) -> Failure {
    Failure::usage(format!("session {error}"))
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
pub fn serve(options: Options) -> Result<(), Failure> {
    let settings = Settings::from_options(options)?;
    if settings.keyring.is_empty() && !settings.no_verify {
        return Err(Failure::usage(
            "--secret: is missing; give the endpoint's signing secret (whsec_…) by --secret-file or INVIGIL_SECRET, or --no-verify to accept unsigned deliveries",
        ));
    }
    let mut lines = Lines::open(true, settings.log_file.as_deref())?;
    block_on(async {
        let stop = stop_signal()?;
        let listener = Listener::bind(settings.listen).await;
        let listener = listener.map_err(|why| Failure::running(format!("--listen: {why}")))?;
        let station = Station::open(settings.session.clone(), rules(&settings))?;
        let address = url(&listener, &settings.path);
        let listening = station.serve(listener, &settings.path, settings.max_body, stop.clone());
        let said =
            writeln!(std::io::stdout(), "listening on {address}").and_then(|()| std::io::stdout().flush());
        written(said)?;
        lines.write(&Happening::Listening(address));
        let follower =
            Follower::new(&station.journal).map_err(|error| Failure::running(error.to_string()))?;
        let done = CancellationToken::new();
        let following = tokio::spawn(headless::follow(lines, follower, station.pulse.clone(), done.clone()));
        let listened = listening.await;
        done.cancel();
        let followed = following.await;
        let Station { journal, intake, .. } = station;
        drop(intake);
        let session = journal.path().display().to_string();
        let committed = journal.committed();
        journal.close().await;
        if let Ok(mut lines) = followed {
            let events = u64::try_from(committed.borrow().seq).unwrap_or_default();
            lines.write(&Happening::Stopped { events, session });
        }
        listened.map_err(|error| Failure::running(format!("the listener ended: {error}")))
    })
}
