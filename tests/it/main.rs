//! What holds across modules, in one target so that it is linked once.

mod docs;
mod keys;
mod pty;
mod screens;
mod support;
