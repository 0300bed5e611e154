//! The parts of the program `audit`: its options, photos for a demonstration, and its output.

pub mod args;
pub mod demonstration;
pub mod progress;
