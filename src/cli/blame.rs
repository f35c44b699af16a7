//! What is to be told wrong: a value is looked for where it was written, on the command line, in a variable or in the
//! config file.
#![expect(clippy::disallowed_methods, reason = "the environment is asked whether it holds the wrong value")]

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgMatches, Command, CommandFactory};

use super::args::Cli;
use super::failure::Failure;
use super::layers::{ConfigFile, Origin};

/// A failure that begins with an option, told by the variable or the key that the option's value comes from.
#[must_use]
pub fn named(mut failure: Failure, matches: &ArgMatches, file: &ConfigFile) -> Failure {
    let Some(rest) = failure.line.strip_prefix("--") else { return failure };
    let end = rest.find(|c: char| c != '-' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (long, rest) = rest.split_at(end);
    let id = long.replace('-', "_");
    // The command may not have such an option at all.
    if !matches.ids().any(|known| known.as_str() == id) {
        return failure;
    }
    match Origin::of(&id, matches, file) {
        Origin::Environment => {
            let mut holding = options().into_iter().filter(|arg| arg.get_long() == Some(long));
            let Some(variable) = holding.find_map(|arg| variable(&arg)) else { return failure };
            let value = rest.strip_prefix(' ').map(|value| format!("={value}"));
            failure.line = format!("{variable}{}", value.as_deref().unwrap_or(rest));
        }
        Origin::File => {
            let rest = rest.trim_start_matches([' ', ':']);
            failure.line = file.wrong(&id, rest).line;
        }
        Origin::Default | Origin::CommandLine => {}
    }
    failure
}

/// The variable that holds what the command line's reader says is wrong, and what it calls the option; `None` if it
/// stands on the command line.
#[must_use]
pub fn variable_of(error: &clap::Error) -> Option<(String, String)> {
    let called = said(error, ContextKind::InvalidArg)?;
    let mut holding = options().into_iter().filter(|arg| arg.to_string() == called);
    let variable = holding.find_map(|arg| variable(&arg))?;
    let alone = bare(Cli::command()).try_get_matches().err();
    let own = alone.is_some_and(|alone| said(&alone, ContextKind::InvalidArg) == Some(called));
    (!own).then(|| (variable, called.to_owned()))
}

fn said(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

/// The variable of an option, if it is set.
fn variable(arg: &Arg) -> Option<String> {
    let variable = arg.get_env()?;
    std::env::var_os(variable)?;
    Some(variable.to_string_lossy().into_owned())
}

/// The options of all commands.
fn options() -> Vec<Arg> {
    let mut cli = Cli::command();
    cli.build();
    let own = cli.get_arguments();
    let all = own.chain(cli.get_subcommands().flat_map(Command::get_arguments));
    all.cloned().collect()
}

/// A command that hears of no variable.
fn bare(command: Command) -> Command {
    command.mut_args(|arg| arg.env(None::<&'static str>)).mut_subcommands(bare)
}
