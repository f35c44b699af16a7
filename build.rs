//! Tells the program which commit it is built from, where that is known.
#![expect(clippy::disallowed_methods, reason = "a build script reads the environment and a file")]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=INVIGIL_COMMIT");
    let given = std::env::var("INVIGIL_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(of_git).or_else(of_package).unwrap_or_default();
    println!("cargo:rustc-env=INVIGIL_COMMIT={commit}");
}

fn git(args: &[&str]) -> Option<String> {
    let asked = Command::new("git").args(args).output().ok().filter(|asked| asked.status.success())?;
    Some(String::from_utf8(asked.stdout).ok()?.trim().to_owned())
}

/// The commit that is checked out, if it is one of ours and not that of a tree around this one.
fn of_git() -> Option<String> {
    let top = std::fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if top != std::fs::canonicalize(std::env::var_os("CARGO_MANIFEST_DIR")?).ok()? {
        return None;
    }
    // Every change of what is checked out is a line there.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo:rerun-if-changed={log}");
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// What `cargo package` wrote down.
fn of_package() -> Option<String> {
    let info = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = info.split_once("\"sha1\": \"")?;
    rest.get(..12).map(str::to_owned)
}
