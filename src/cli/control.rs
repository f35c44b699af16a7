//! The control address as the command line knows it: whether it is wanted, who may look on, and its task.
#![expect(
    clippy::disallowed_methods,
    reason = "the token file is read here, and viewers are tasks of their own"
)]

use std::cmp::Ordering;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::args::{Cli, Command, Options};
use super::failure::Failure;
use super::happening::Happening;
use super::layers::Origin;
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

/// Of a token and a file with one, the one that was given closer to the user counts, like of two values of an option.
///
/// # Errors
/// Code 2 if both stand on the command line.
pub(super) fn keep_one(cli: &mut Cli, origin: impl Fn(&str) -> Origin) -> Result<(), Failure> {
    fn of_options(options: &mut Options) -> (&mut Option<Given>, &mut Option<PathBuf>, [&'static str; 2]) {
        let Options { control_token, control_token_file, .. } = options;
        (control_token, control_token_file, ["control_token", "control_token_file"])
    }
    let (token, file, [id, file_id]) = match &mut cli.command {
        None => of_options(&mut cli.watch),
        Some(Command::Watch(options)) => of_options(options),
        Some(Command::Serve(serve) | Command::Config(serve)) => of_options(&mut serve.options),
        Some(Command::Attach(args)) => (&mut args.token, &mut args.token_file, ["token", "token_file"]),
        Some(_) => return Ok(()),
    };
    if token.is_none() || file.is_none() {
        return Ok(());
    }
    match origin(id).cmp(&origin(file_id)) {
        Ordering::Less => *token = None,
        Ordering::Greater => *file = None,
        // In a config file, or in the environment, the token itself does.
        Ordering::Equal if origin(id) < Origin::CommandLine => *file = None,
        Ordering::Equal => {
            let [option, file_option] = [id, file_id].map(|id| id.replace('_', "-"));
            return Err(Failure::usage(format!(
                "--{option}: stands beside --{file_option}; give one of the two"
            )));
        }
    }
    Ok(())
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
    use clap::Parser;

    use super::*;

    #[test]
    fn the_token_that_is_given_closer_counts() {
        let kept = |args: &[&str], of_token: Origin, of_file: Origin| {
            let mut cli = Cli::parse_from([&["invigil"], args].concat());
            let origin = |id: &str| if id.ends_with("file") { of_file } else { of_token };
            keep_one(&mut cli, origin).map(|()| match cli.command {
                Some(Command::Attach(args)) => (args.token.is_some(), args.token_file.is_some()),
                _ => (cli.watch.control_token.is_some(), cli.watch.control_token_file.is_some()),
            })
        };
        let watch = ["--control-token", "t", "--control-token-file", "f"];
        let attach = ["attach", "ws://127.0.0.1:1", "--token", "t", "--token-file", "f"];
        for args in [&watch[..], &attach] {
            assert_eq!(kept(args, Origin::Environment, Origin::CommandLine), Ok((false, true)));
            assert_eq!(kept(args, Origin::CommandLine, Origin::File), Ok((true, false)));
            assert_eq!(kept(args, Origin::Environment, Origin::Environment), Ok((true, false)));
            let both = kept(args, Origin::CommandLine, Origin::CommandLine).unwrap_err();
            assert!(both.code == 2 && both.line.contains("token: stands beside --"), "{both}");
        }
        assert_eq!(kept(&watch[..2], Origin::Environment, Origin::Default), Ok((true, false)));
    }

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
