//! Where deliveries come from, and the one door they all pass.

pub mod answer;
pub mod http;
pub mod intake;
pub mod listener;
pub mod relay;
