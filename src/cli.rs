//! The commands: reads the command line, ties the parts together, turns how it ended into an exit code.

pub mod args;
pub mod attach;
mod authorities;
mod blame;
mod caution;
pub mod check;
pub mod choose;
pub mod config;
pub mod control;
pub mod crash;
pub mod demo;
pub mod export;
pub mod failure;
pub mod forget;
mod forward;
pub mod happening;
pub mod headless;
pub mod import;
pub mod layers;
pub mod lines;
pub mod monitor;
pub mod notify;
mod obey;
pub mod places;
pub mod reference;
mod relay;
pub mod screen;
pub mod settings;
mod signals;
pub mod simulate;
pub mod size;
mod stderr;
mod sweep;
pub mod tap;
pub mod verify;

use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::ErrorKind;

use args::{Cli, Command};
use failure::Failure;
use layers::Given;

use crate::domain::clean::Clean;
use crate::domain::secret::masked;

/// Runs the command of this process's command line.
#[must_use]
pub fn run() -> ExitCode {
    crash::guard();
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return unread(&error),
    };
    match crash::caught(|| Given::over_file(matches).and_then(carry_out)) {
        Some(Ok(())) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
        Some(Err(failure)) => failure.tell(),
    }
}

/// Help and version are asked for; anything else is a wrong command line, told in one line.
fn unread(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // `--help | head` is no failure.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let told = text.split("\n\n").filter(|part| !part.starts_with("Usage:") && !part.starts_with("For more"));
    let parts = told.map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut line = parts.collect::<Vec<_>>().join("; ").trim_start_matches("error: ").to_owned();
    if let Some((variable, called)) = blame::variable_of(error) {
        line = line.replace(&format!("'{called}'"), &variable);
    }
    let usage = text.split_once("Usage: invigil ").map(|(_, usage)| usage.split_whitespace().next());
    let of = usage.flatten().filter(|word| Cli::command().find_subcommand(word).is_some());
    let of = of.map_or_else(String::new, |command| format!("{command} "));
    Failure::usage(format!("{line} (see `invigil {of}--help`)")).tell()
}

fn carry_out(given: Given) -> Result<(), Failure> {
    let Given { cli, file, matches } = given;
    let cautions = caution::of(&matches, &file);
    let ended = match cli.command.unwrap_or(Command::Watch(cli.watch)) {
        Command::Watch(options) => monitor::watch(options, &file, &cautions),
        Command::Serve(serve) => monitor::serve(serve, &file, &cautions),
        Command::Demo(demo) => demo::run(&demo, &file),
        Command::Attach(args) => cautious(&cautions, attach::run(args, &file)),
        Command::Open(open) => cautious(&cautions, monitor::open(&open, &file)),
        Command::Export(export) => export::run(&export),
        Command::Forget(args) => forget::run(&args, &mut std::io::stdout().lock()),
        Command::Check(args) => cautious(&cautions, check::run(&args, &mut std::io::stdout().lock())),
        Command::Import(import) => cautious(&cautions, import::run(&import)),
        Command::Simulate(args) => cautious(&cautions, monitor::simulate(&args)),
        Command::Verify(args) => {
            cautious(&cautions, verify::run(&args, std::io::stdin().lock(), &mut std::io::stdout().lock()))
        }
        Command::Config(serve) => cautious(&cautions, config::run(serve.options, &file, &matches)),
        Command::Completions { shell } => reference::completions(shell),
        Command::Man(args) => reference::man(&args),
        Command::Help { command } => reference::help(command.as_deref()),
    };
    ended.map_err(|failure| blame::named(failure, &matches, &file))
}

/// Says what was unwise, unless the command line was wrong anyhow: that is one line.
fn cautious(cautions: &[String], ended: Result<(), Failure>) -> Result<(), Failure> {
    if !ended.as_ref().is_err_and(|failure| failure.code == 2) {
        for caution in cautions {
            // With nobody to read it there is nobody to warn.
            let _ = writeln!(std::io::stderr(), "warning: {}", Clean::one_line(&masked(caution)));
        }
    }
    ended
}
