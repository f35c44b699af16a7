//! Runs `invigil` and turns how it ended into an exit code.

use std::process::ExitCode;

/// A delivery is many small texts, made by one thread and let go by another: what this is quick at.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    invigil::cli::run()
}
