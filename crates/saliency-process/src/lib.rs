//! A model that another program computes, for methods that need only forward passes.
//!
//! [`ExternalModel`] starts the program, and hands batches to it. Problems are reported as an
//! [`Error`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod conversation;
mod error;
mod message;
mod model;

pub use error::{Error, Result};
pub use model::ExternalModel;

/// The example in the README, compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles the examples of the book's page on methods without gradients.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/methods-perturbation.md")]
struct Book;
