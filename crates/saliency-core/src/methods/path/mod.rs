//! Methods that average gradients along a path.

mod along_path;
mod blur_ig;
mod expected_gradients;
mod guided_ig;
mod guided_move;
mod held_segments;
mod idgi;
mod integrated_gradients;
mod integration;
mod timing;

pub use crate::path::scale_space::{BlurKernel, Border};
pub use along_path::{AlongPath, FromBaseline, Laid, Path};
pub use blur_ig::{Blur, BlurIg, BlurSpacing};
pub use expected_gradients::ExpectedGradients;
pub use guided_ig::{Guided, GuidedIg};
pub use idgi::{Idgi, IdgiAlong, SquaredGradient};
pub use integrated_gradients::{IntegratedGradients, Straight};
pub use timing::Timing;
