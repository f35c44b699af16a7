//! Runs `invigil`.

fn main() {}
