//! Is an explanation true of the model? An attribution is a claim. This crate tests it by
//! intervention: it covers parts of an input and asks the model again.
//!
//! The data flow: [`Units`] (which values belong together) -> [`Experiment`] (covers units of an
//! input, and scores the covered copies) -> [`CoverTest`] (covers what a map calls important, and as
//! much elsewhere) -> [`Verdict`].
//!
//! Every metric works for any model and any kind of input, runs in chunks on the model's device,
//! and can be cancelled.

mod cover_test;
mod error;
mod experiment;
mod units;

pub use cover_test::{CoverTest, CoveredAnswer, Fill, Finding, SizeTested, Verdict};
pub use error::{Error, Result};
pub use experiment::{Cover, Experiment};
pub use units::{Units, ranking};
