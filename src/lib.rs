//! `invigil`: a live monitor of Testlify webhooks for the terminal.
//!
//! One door in, one spine, one tap out. Every source of deliveries calls the same door
//! ([`source`]), which verifies and decodes; the journal ([`store`]) keeps each event durably before
//! anything is acknowledged or shown; and whatever follows (the terminal, a log, an export) reads what is
//! committed. ARCHITECTURE.md has the map, the layers and where to change what.

pub mod app;
pub mod cli;
pub mod client;
pub mod clock;
pub mod domain;
pub mod forward;
pub mod json;
pub mod payload;
pub mod pulse;
pub mod share;
pub mod simulate;
pub mod source;
pub mod store;
pub mod tui;
pub mod ui;
