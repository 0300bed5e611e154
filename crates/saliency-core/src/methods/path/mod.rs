//! Methods that average gradients along a path.

mod along_path;
mod discretised_ig;
mod expected_gradients;
mod ig_squared;
mod integrated_gradients;
mod integration;
mod left_ig;
mod measured;
mod reveal_ig;
mod sequential_ig;

pub use along_path::{AlongPath, FromBaseline, Laid, Path};
pub use discretised_ig::{Discretised, DiscretisedIg, NextWord};
pub use expected_gradients::ExpectedGradients;
pub use ig_squared::{Counterfactual, IgSquared};
pub use integrated_gradients::{IntegratedGradients, Straight};
pub use left_ig::{Left, LeftIg};
pub use measured::{Measure, Measured, MeasuredIg};
pub use reveal_ig::RevealIg;
pub use sequential_ig::SequentialIg;
