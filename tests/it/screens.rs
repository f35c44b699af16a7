//! Frames of every screen, as a person sees them.

use super::support::{Harness, session::Session};

#[test]
fn peek() {
    if let Ok(spec) = std::env::var("PEEK") {
        let mut parts = spec.split('|');
        let size: Vec<u16> = parts.next().unwrap().split('x').map(|n| n.parse().unwrap()).collect();
        let n: usize = parts.next().unwrap().parse().unwrap();
        let keys = parts.next().unwrap_or_default();
        let session = if n == 0 { Session::default() } else { Session::rollout(n) };
        let mut harness = Harness::new(session, (size[0], size[1]));
        harness.script(keys);
        println!("{}", harness.frame());
        std::fs::write("/tmp/peek.ansi", super::support::ansi(&harness.buffer())).unwrap();
    }
}
