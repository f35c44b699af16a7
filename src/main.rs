//! Runs `invigil` and turns how it ended into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    invigil::cli::run()
}
