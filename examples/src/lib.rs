//! What the examples have in common.

#[cfg(doctest)]
mod book;
pub mod training;
