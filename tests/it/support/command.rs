//! The program as a command: at home in a directory of its own, and told nothing by whoever runs the tests.
#![expect(
    clippy::unwrap_used,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// The command, in its home.
pub(crate) fn invigil(args: &[&str], home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_invigil"));
    command.args(args);
    at_home(command, home)
}

/// A command that runs it, in its home. What it says is kept for whoever reads it.
pub(crate) fn at_home(mut command: Command, home: &Path) -> Command {
    command.current_dir(home);
    for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(variable, home);
    }
    for variable in variables() {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The variables around the tests that would be options.
pub(crate) fn variables() -> impl Iterator<Item = String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("INVIGIL_"))
}

/// How a command ended, and what it said.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str], home: &Path, input: &str) -> Ended {
    run_with(args, home, input, &[])
}

/// The same with variables set.
pub(crate) fn run_with(args: &[&str], home: &Path, input: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = invigil(args, home);
    command.envs(variables.iter().copied());
    finish(command, input.as_bytes())
}

/// Runs a command to its end, with something to read.
pub(crate) fn finish(mut command: Command, input: &[u8]) -> Ended {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // A command that reads no input has closed it by then.
    let _ = child.stdin.take().unwrap().write_all(input);
    let ended = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: ended.status.code().unwrap(), out: text(ended.stdout), err: text(ended.stderr) }
}
