//! What holds across modules, in one target so that it is linked once.

mod attach;
mod check;
mod cli;
mod crash;
mod docs;
mod faults;
mod fuzz;
mod hostile;
mod http;
mod keeping;
mod keys;
mod layering;
mod mirror;
mod port;
mod pty;
mod redact;
mod relay;
mod relay_time;
mod scenarios;
mod schema;
mod screens;
mod secrets;
mod serve;
mod session;
mod supply;
mod support;
