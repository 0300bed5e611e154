//! The method kit: the parts that the built-in methods are made of, for methods of your own.
//!
//! A method turns its arguments into a [`Question`], which flattens the input to a [`Batch`] and
//! takes a snapshot of the model. It then asks the snapshot, an [`Evaluator`], for scores and
//! gradients:
//!
//! - of a whole batch: [`Evaluator::gradients`], [`Evaluator::scores`]
//! - of many inputs made from each row: [`Work`] cuts them into [`Chunks`], runs them on workers,
//!   and takes care of progress and cancelling; your function for a chunk calls
//!   [`Evaluator::gradient`] or [`Evaluator::scores_at`]
//! - along a path: you write a [`PathShape`], and [`PathIntegral`] integrates the gradients along
//!   it, with fixed points or to a tolerance, and estimates the error; or a [`Walk`], whose moves
//!   follow from the gradients on the way
//! - over random samples: [`Averaged::over`], with standard errors; random numbers by [`Key`] and
//!   [`Stream`], noise by [`Noise`]
//!
//! [`Question::new`] and [`Evaluator::new`] have type parameters for the model and its input.
//! [`Batch::new`] and [`Batch::into_inputs`] have one for the input. Nothing else in the kit
//! depends on these types, so that it is not compiled again for each model. The answer is an
//! [`Attribution`](crate::Attribution) of a batch, which
//! [`into_inputs`](crate::Attribution::into_inputs) converts to the type of the input.

pub use crate::execution::chunks::{Chunk, Chunks};
pub use crate::execution::device::computes_on_calling_thread;
pub use crate::execution::evaluator::{Evaluator, PointGradients, Scored, ScoredGradients};
pub use crate::execution::panics::caught;
pub use crate::execution::question::Question;
pub use crate::execution::work::Work;
pub use crate::input::batch::Batch;
pub use crate::path::contribution::{Contribution, Product};
pub use crate::path::integral::{Integrals, PathIntegral};
pub use crate::path::quadrature::WeightedPosition;
pub use crate::path::score_change::ScoreChange;
pub use crate::path::shape::{PathPoints, PathScore, PathShape, StraightPath};
pub use crate::path::walk::Walk;
pub use crate::random::key::{Key, Stream};
pub use crate::random::noise::Noise;
pub use crate::sampling::aggregate::Aggregate;
pub use crate::sampling::design::Design;
pub use crate::sampling::samples::{Averaged, Draw, SampleMaps, Samples};
pub use crate::share::Tolerance;
