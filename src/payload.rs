//! A body as a person reads it: a tree of rows in document order, folds, search, paths and differences.
//!
//! Knows JSON and nothing of Testlify. Keys, numbers and their order stay as the sender spelt them; a body
//! that is no JSON is lines of text, or of hex.

pub mod decode;
pub mod diff;
pub mod find;
pub mod fold;
pub mod path;
pub mod tree;
