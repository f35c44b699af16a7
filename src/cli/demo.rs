//! `invigil demo`: all of it on a temporary session, with a sender of its own.
#![expect(clippy::disallowed_methods, reason = "the sender is a task of its own")]

use std::net::{Ipv4Addr, SocketAddr};

use super::args::Demo;
use super::failure::Failure;
use super::layers::ConfigFile;
use super::lines::Lines;
use super::monitor::{Station, block_on, scratch, url, watch_station};
use super::screen::{self, About};
use super::settings::Looks;
use super::signals::stop_signal;
use crate::app::model::Mode;
use crate::domain::secret::{Keyring, Secret};
use crate::source::http::Surface;
use crate::source::intake::Rules;
use crate::source::listener::Listener;

/// A secret nobody knows, as long as Svix makes them.
fn secret_of_its_own() -> Result<Secret, Failure> {
    let mut key = [0; 24];
    let filled = getrandom::fill(&mut key);
    filled.map_err(|error| Failure::running(format!("the system has no random numbers: {error}")))?;
    Ok(Secret::from_bytes(key))
}

/// Runs the demo until the user ends it.
///
/// # Errors
/// Code 2 without a terminal; 1 if it fails while running.
pub fn run(demo: &Demo, file: &ConfigFile) -> Result<(), Failure> {
    screen::needs_terminal("run it in one to see it")?;
    let looks = Looks::new(demo.theme.clone(), file)?;
    let scratch = scratch()?;
    block_on(async {
        let stop = stop_signal()?;
        let secret = secret_of_its_own()?;
        let rules =
            Rules { keyring: Keyring::new(vec![secret.clone()]), no_verify: false, tolerance_secs: 300 };
        let station =
            Station::open(Some(scratch.path().join("demo.sqlite")), rules, looks.rules.clone(), None)?;
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.map_err(Failure::running)?;
        let url = url(listener.address(), false, "/webhook");
        let surface = Surface { path: "/webhook".into(), max_body: 2 << 20, ..Surface::default() };
        let listening = station.serve(listener, surface, None, stop.clone());
        let (told, seed, ended) = (url.clone(), demo.seed, stop.clone());
        tokio::spawn(async move { crate::simulate::demo::run(secret, &told, seed, ended).await });
        let path = station.journal.path().to_path_buf();
        let about = About { path, mode: Mode::Demo, has_secret: true, takes_unsigned: false, url: Some(url) };
        let lines = Lines::of_screen(None)?;
        Box::pin(watch_station(station, about, looks, lines, None, (vec![listening], stop), None)).await
    })
}
