//! Resident memory on sessions of 10,000 and of 1,000,000 events, serving and watching, while events arrive.

use super::figures::mib;
use super::latency::open_loop;
use super::screen;
use super::servers::Server;
use super::session::{self, MILLION, SMALL};

/// Events that arrive while it is measured.
const ARRIVING: usize = 20_000;

/// Both sizes, both ways.
pub fn run() {
    for way in ["serving", "watching"] {
        let [small, large] = [SMALL, MILLION].map(|events| {
            let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
            let file = session::copy_of(events, dir.path());
            let resident = if way == "serving" { serving(&file) } else { screen::resident(&file, ARRIVING) };
            println!("{way:<9} {events:>9} events: {:>6.1} MiB", mib(resident));
            resident
        });
        println!("{way:<9} grows by {:.1} MiB", mib(large) - mib(small));
    }
}

fn serving(file: &std::path::Path) -> u64 {
    let server = Server::on(file);
    open_loop(server.address(), ARRIVING, 4000, 7);
    server.process().resident_at_most()
}
