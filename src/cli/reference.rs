//! What packagers need: completion scripts and the manual page, made from the command line's own table.

use std::io::{self, Write};

use clap::CommandFactory;

use super::args::Cli;
use super::failure::Failure;

/// Prints a completion script.
///
/// # Errors
/// If standard output cannot be written.
pub fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "invigil", &mut script);
    print(&script)
}

/// Prints the manual page.
///
/// # Errors
/// If standard output cannot be written.
pub fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(|error| Failure::running(format!("the manual page cannot be made: {error}")))?;
    print(&page)
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
