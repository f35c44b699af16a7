//! Where deliveries come from, and the one door they all pass.

pub mod answer;
pub mod attach;
pub mod connection;
pub mod dial;
pub mod file;
pub mod http;
pub mod intake;
pub mod limits;
pub mod listener;
pub mod peer;
pub mod relay;
pub mod roster;
pub mod tls;
