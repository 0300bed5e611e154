//! Methods that average gradients along a path.

mod adversarial_gradients;
mod along_path;
mod blur_ig;
mod discretised_ig;
mod expected_gradients;
mod guided_ig;
mod guided_move;
mod held_segments;
mod idgi;
mod ig_squared;
mod integrated_gradients;
mod integration;
mod laid;
mod left_ig;
mod measured;
mod reveal_ig;
mod sequential_ig;
mod timing;

pub use crate::path::scale_space::{BlurKernel, Border};
pub use adversarial_gradients::AdversarialGradients;
pub use along_path::AlongPath;
pub use blur_ig::{Blur, BlurIg, BlurSpacing};
pub use discretised_ig::{Discretised, DiscretisedIg, NextWord};
pub use expected_gradients::ExpectedGradients;
pub use guided_ig::{Guided, GuidedIg};
pub use idgi::{Idgi, IdgiAlong, SquaredGradient};
pub use ig_squared::{Counterfactual, IgSquared};
pub use integrated_gradients::{IntegratedGradients, Straight};
pub use laid::{FromBaseline, Laid, Path};
pub use left_ig::{Left, LeftIg};
pub use measured::{Measure, Measured, MeasuredIg};
pub use reveal_ig::RevealIg;
pub use sequential_ig::SequentialIg;
pub use timing::Timing;
