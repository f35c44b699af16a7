//! What holds across modules, in one target so that it is linked once.

mod screens;
mod support;
