//! The control address as the command line knows it: whether it is wanted, who may look on, and its task.
#![expect(
    clippy::disallowed_methods,
    reason = "the token file is read here, and viewers are tasks of their own"
)]

use std::net::SocketAddr;
use std::path::Path;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::happening::Happening;
use super::lines::Lines;
use super::monitor::Station;
use crate::domain::bearer::Bearer;
use crate::domain::secret::Given;
use crate::share::{Access, Door, Share};

/// A control address that is wanted.
pub struct Control {
    address: SocketAddr,
    token: Option<Bearer>,
}

/// A token that was given, or stands in a file; `options` are what they are called.
///
/// # Errors
/// One line that names the option and says what is wrong, never the token.
pub(super) fn token(
    given: Option<Given>,
    file: Option<&Path>,
    [option, file_option]: [&str; 2],
) -> Result<Option<Bearer>, Failure> {
    if let Some(text) = given {
        let token = Bearer::parse(text.as_str()).map_err(|why| Failure::usage(format!("{option}: {why}")))?;
        return Ok(Some(token));
    }
    let Some(file) = file else { return Ok(None) };
    let wrong =
        |why: &dyn std::fmt::Display| Failure::usage(format!("{file_option} {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    Bearer::parse(&Zeroizing::new(text)).map(Some).map_err(|why| wrong(&why))
}

impl Control {
    /// What the options ask for.
    ///
    /// # Errors
    /// Code 2 if the token is none, or missing where everybody could look on.
    pub fn from_options(
        address: Option<SocketAddr>,
        given: Option<Given>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, Failure> {
        let token = token(given, file, ["--control-token", "--control-token-file"])?;
        let Some(address) = address else { return Ok(None) };
        if token.is_none() && !address.ip().is_loopback() {
            return Err(Failure::usage(format!(
                "--control {address}: others can reach it; set a token by --control-token-file or INVIGIL_CONTROL_TOKEN, or choose a loopback address like 127.0.0.1:{}",
                address.port()
            )));
        }
        Ok(Some(Self { address, token }))
    }

    /// Takes the address.
    ///
    /// # Errors
    /// Code 1 if it cannot be had.
    pub(super) async fn open(self) -> Result<Opened, Failure> {
        let door = Door::bind(self.address).await;
        let door = door.map_err(|why| Failure::running(format!("--control: {why}")))?;
        Ok(Opened { url: format!("ws://{}", door.address()), door, access: Access::new(self.token) })
    }
}

/// Takes the address, if one is wanted.
///
/// # Errors
/// Code 1 if it cannot be had.
pub(super) async fn open(control: Option<Control>) -> Result<Option<Opened>, Failure> {
    match control {
        Some(control) => control.open().await.map(Some),
        None => Ok(None),
    }
}

/// Waits until those who look on were told what is left.
pub(super) async fn ended(sharing: Option<JoinHandle<()>>) {
    if let Some(sharing) = sharing {
        // A panic there is no reason not to close the session.
        let _ = sharing.await;
    }
}

/// A control address that was taken.
pub(super) struct Opened {
    door: Door,
    access: Access,
    /// What `invigil attach` takes.
    pub(super) url: String,
}

impl Opened {
    /// Tells those who run this where others look on.
    pub(super) fn announce(&self, lines: &Lines) -> Result<(), Failure> {
        lines.write(&Happening::Control(self.url.clone()));
        lines.say(&format!("control {}", self.url))
    }

    /// The same for a screen.
    pub(super) fn notice(&self) -> String {
        format!("Others look on with `invigil attach {}`", self.url)
    }

    /// Lets people look on until all of these have ended: what is committed last is told, too.
    pub(super) fn serve_after(self, station: &Station, sources: Vec<JoinHandle<()>>) -> JoinHandle<()> {
        let done = CancellationToken::new();
        let sharing = self.serve(station, done.clone());
        tokio::spawn(async move {
            for source in sources {
                let _ = source.await;
            }
            done.cancel();
            let _ = sharing.await;
        })
    }

    /// Lets people look on until `done`, and tells them what is left then.
    pub(super) fn serve(self, station: &Station, done: CancellationToken) -> JoinHandle<()> {
        let share = Share::new(station.journal.clone(), station.pulse.clone(), self.access, done);
        tokio::spawn(self.door.serve(share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everywhere_but_here_it_takes_a_token() {
        let control = |address: &str, token: Option<&str>| {
            Control::from_options(Some(address.parse().unwrap()), token.map(Given::from), None)
        };
        for here in ["127.0.0.1:0", "127.0.0.9:1", "[::1]:0"] {
            assert!(control(here, None).is_ok(), "{here}");
        }
        for elsewhere in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1"] {
            let failure = control(elsewhere, None).err().unwrap();
            assert!(failure.code == 2 && failure.line.contains("--control-token"), "{failure}");
            assert!(control(elsewhere, Some("correct-horse")).is_ok());
        }
        let failure = control("127.0.0.1:0", Some("two words")).err().unwrap();
        assert!(failure.line.starts_with("--control-token: ") && !failure.line.contains("two words"));
        assert!(Control::from_options(None, Some("t".into()), None).unwrap().is_none());
    }
}
