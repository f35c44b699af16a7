//! What holds across modules, in one target so that it is linked once.

mod keys;
mod layering;
mod pty;
mod screens;
mod support;
