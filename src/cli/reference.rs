//! What packagers need: completion scripts and manual pages, made from the command line's own table.

#![expect(clippy::disallowed_methods, reason = "pages are written here")]

use std::io::{self, Write};

use clap::builder::PossibleValuesParser;
use clap::{CommandFactory, ValueHint};
use clap_mangen::roff::{Roff, bold, line_break, roman};

use super::args::Cli;
use super::failure::Failure;
use crate::ui::theme::BUILT_IN;

/// What is wrong if a command exits with 1 that answers a question, or does many things.
const NOT_DONE: [(&str, &str); 3] = [
    ("check", "The session is not sound, or it failed while running."),
    ("verify", "The signature does not hold, or it failed while running."),
    ("simulate", "A message was given up, or it failed while running."),
];

/// The exit codes of a command, and what they say.
fn exit_status(command: &clap::Command) -> [(&'static str, &'static str); 3] {
    let own = NOT_DONE.into_iter().find(|(name, _)| *name == command.get_name());
    [
        ("0", "It is done, or was stopped in order."),
        ("1", own.map_or("It failed while running.", |(_, what)| what)),
        (
            "2",
            "The command line, the config file, a secret or a file is wrong: one line says which, and what to do.",
        ),
    ]
}

const FILES: [(&str, &str); 2] = [
    (
        "~/.config/invigil/config.toml",
        "Every option of watch and serve, alerts and keys (--config names another).",
    ),
    ("~/.local/share/invigil", "Sessions that were given no name; attached/ in it holds mirrors."),
];

/// Prints a completion script.
///
/// # Errors
/// If standard output cannot be written.
pub fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut cli = Cli::command().mut_args(hinted).mut_subcommands(|command| command.mut_args(hinted));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli, "invigil", &mut script);
    print(&script)
}

/// Files are offered only for what is one; of themes, which may be the user's own, those that are always there; and
/// commands for the name of one.
fn hinted(option: clap::Arg) -> clap::Arg {
    match option.get_id().as_str() {
        "theme" => return option.value_parser(BUILT_IN.map(|(name, _)| name)),
        "command" => {
            let cli = Cli::command();
            let names = cli.get_subcommands().map(|command| command.get_name().to_owned());
            return option.value_parser(PossibleValuesParser::new(names));
        }
        _ => {}
    }
    match option.get_value_hint() {
        ValueHint::Unknown if option.get_action().takes_values() => option.value_hint(ValueHint::Other),
        _ => option,
    }
}

/// Prints a manual page, or writes all of them.
///
/// # Errors
/// If there is no such command, or a page cannot be written.
pub fn man(args: &super::args::Man) -> Result<(), Failure> {
    let mut cli = Cli::command();
    cli.build();
    if let Some(dir) = &args.dir {
        let wrong = |error| Failure::running(format!("--dir {}: cannot be made: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(wrong)?;
        return std::iter::once(&cli).chain(cli.get_subcommands()).try_for_each(|command| {
            let path = dir.join(format!("{}.1", called(command)));
            let written = std::fs::write(&path, page(&cli, command));
            written.map_err(|error| {
                Failure::running(format!("--dir {}: cannot be written: {error}", path.display()))
            })
        });
    }
    print(&page(&cli, named(&cli, "man", args.command.as_deref())?))
}

/// Prints what `--help` says.
///
/// # Errors
/// If there is no such command, or it cannot be printed.
pub fn help(name: Option<&str>) -> Result<(), Failure> {
    let mut cli = Cli::command();
    cli.build();
    named(&cli, "help", name)?;
    let asked = ["invigil"].into_iter().chain(name).chain(["--help"]);
    // To the reader of command lines help is an error, and always the end of one.
    Cli::command().try_get_matches_from(asked).map_or_else(|help| written(help.print()), |_| Ok(()))
}

/// The command of this name, asked for by another; invigil as a whole without one.
fn named<'a>(cli: &'a clap::Command, by: &str, name: Option<&str>) -> Result<&'a clap::Command, Failure> {
    let Some(name) = name else { return Ok(cli) };
    cli.find_subcommand(name).ok_or_else(|| {
        let names: Vec<_> = cli.get_subcommands().map(clap::Command::get_name).collect();
        Failure::usage(format!("{by} {name}: there is no such command; there are {}", names.join(", ")))
    })
}

/// What a command's page is called.
fn called(command: &clap::Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page of a command.
fn page(cli: &clap::Command, command: &clap::Command) -> Vec<u8> {
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    // The library would call them something else.
    let plain = command.clone().after_help(None::<&'static str>);
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(plain).source(format!("invigil {}", env!("CARGO_PKG_VERSION")));
    // Writing to memory cannot fail.
    let _ = man.manual("invigil").render(&mut page);
    let mut more = Roff::new();
    if let Some(examples) = examples.strip_prefix("Examples:\n") {
        more.control("SH", ["EXAMPLES"]).control("nf", []);
        more.text(examples.lines().flat_map(|line| [roman(line), line_break()]).collect::<Vec<_>>());
        more.control("fi", []);
    }
    for (heading, parts) in [("EXIT STATUS", exit_status(command).as_slice()), ("FILES", &FILES)] {
        more.control("SH", [heading]);
        for (what, about) in parts {
            more.control("TP", []).text([bold(*what)]).text([roman(*about)]);
        }
    }
    let others = std::iter::once(cli).chain(cli.get_subcommands());
    let others = others.filter(|other| called(other) != called(command));
    let others: Vec<_> = others.map(|other| format!("{}(1)", called(other))).collect();
    more.control("SH", ["SEE ALSO"]).text([roman(others.join(", "))]);
    let _ = more.to_writer(&mut page);
    page
}

/// Prints on standard output.
///
/// # Errors
/// If it cannot be written.
pub fn print(bytes: &[u8]) -> Result<(), Failure> {
    written(io::stdout().lock().write_all(bytes).and_then(|()| io::stdout().flush()))
}

/// A reader that has gone away has what it wanted.
///
/// # Errors
/// If standard output failed in any other way.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::running(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}
