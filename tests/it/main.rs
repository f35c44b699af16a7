//! What holds across modules, in one target so that it is linked once.

mod docs;
mod keeping;
mod keys;
mod layering;
mod pty;
mod scenarios;
mod schema;
mod screens;
mod support;
