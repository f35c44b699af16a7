//! What is left behind when the program fails by a fault of its own: one line, and neither a payload nor a secret.

use std::panic::{self, AssertUnwindSafe, Location};
use std::thread;

use crate::tui::terminal;

/// The thread with the screen, or the only one: if it fails, the program ends.
const MAIN: &str = "main";

/// Says what to do in one line whenever a part of the program panics, once the terminal is given back; and
/// keeps memory, which holds secrets and payloads, out of core dumps.
///
/// The message of a panic is never shown: it may quote the text it was about.
pub fn guard() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let limit = rustix::process::Rlimit { current: Some(0), ..getrlimit(Resource::Core) };
        // A system without core dumps writes none.
        let _ = setrlimit(Resource::Core, limit);
    }
    panic::set_hook(Box::new(|info| {
        let ends = thread::current().name() == Some(MAIN);
        if ends {
            terminal::give_back();
        }
        terminal::say(line(info.location(), ends));
    }));
}

/// Runs a command; `None` if it panicked, which has been told by then.
pub fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    panic::catch_unwind(AssertUnwindSafe(run)).ok()
}

/// Where it failed, and what to do.
fn line(place: Option<&Location<'_>>, ends: bool) -> String {
    let place = place.map_or_else(
        || "an unknown place".to_owned(),
        |place| {
            // Of a library only the end of the path: the rest is somebody's home directory.
            let path = place.file().rsplit_once("/registry/src/").map_or(place.file(), |(_, end)| end);
            format!("{path}:{}", place.line())
        },
    );
    let (what, next) = if ends {
        ("ended it", "start it again to go on")
    } else {
        ("ended a part of it", "the rest goes on")
    };
    format!(
        "invigil: a fault of its own {what}, at {place} of version {}: what was acknowledged is kept, {next}; \
         please report this line",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_where_and_what_to_do() {
        let told = line(Some(Location::caller()), true);
        assert!(told.starts_with("invigil: a fault of its own ended it, at src/cli/crash.rs:"), "{told}");
        assert!(told.ends_with("please report this line"), "{told}");
        assert!(line(None, false).contains("the rest goes on"));
    }
}
