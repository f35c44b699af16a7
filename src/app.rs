//! The screen's state as a pure machine: a [`msg::Msg`] comes in, the model changes, [`msg::Effect`]s go out.
//!
//! Nothing here knows the clock, the terminal or the session file. Time comes as `Msg::Tick`, rows as
//! `Msg::Fetched`; what has to be done in the world leaves as an effect, and its end comes back as
//! `Msg::Done`. So every state of the screen can be reached by a test that holds no handle.

pub mod action;
pub mod banner;
pub mod call;
pub mod chooser;
pub mod edit;
pub mod fact;
pub mod geometry;
pub mod key;
pub mod keymap;
pub mod level;
pub mod model;
pub mod msg;
pub mod notice;
pub mod overlay;
pub mod pane;
pub mod prompt;
pub mod rate;
pub mod reading;
mod update;
pub mod window;

pub use update::update;
