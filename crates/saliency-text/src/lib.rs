//! Attributions of texts: from words to tokens, and from the attributions of tokens back to words.
//!
//! The items, in the order in which data flow through them:
//!
//! 1. [`Tokenizer`]: reads a `tokenizer.json` and encodes texts
//! 2. [`Texts`]: ids, padding mask and type ids as tensors; [`EncodedText`]: the [`Token`]s of a
//!    text, and the [`Word`]s that they are parts of
//! 3. [`ExplainedText`]: one number for each token and for each word, from the attributions of
//!    their embeddings; as coloured text, with the feature `pages`
//!
//! The network itself is explained by [`saliency_core::embeddings`].
//!
//! # Features
//! - `pages` (default): `ExplainedText::to_tokens`, for coloured text in terminals and browsers
//!
//! # Example
//! See [`Tokenizer`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod explained;
mod texts;
mod token;
mod tokenizer;
mod words;

pub use error::{Cause, Error, Result};
pub use explained::{ExplainedText, ExplainedWord, Piece, PieceKind};
pub use texts::{EncodedText, Texts};
pub use token::{Token, TokenKind};
pub use tokenizer::{Padding, Tokenizer};
pub use words::Word;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles the examples of the book's page on text.
#[cfg(all(doctest, feature = "pages"))]
#[doc = include_str!("../../../docs/text.md")]
struct Book;
