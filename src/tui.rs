//! The terminal shell: everything that touches the terminal, and the loop that ties the pure screen to it.

pub mod choose;
pub mod clipboard;
pub mod desk;
pub mod effects;
pub mod finder;
pub mod input;
pub mod notification;
pub mod runtime;
pub mod terminal;
pub mod wardrobe;
