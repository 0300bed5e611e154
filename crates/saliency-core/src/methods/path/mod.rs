//! Methods that average gradients along a path.

mod adversarial_gradients;
mod along_path;
mod blur_ig;
mod expected_gradients;
mod guided_ig;
mod guided_move;
mod idgi;
mod integrated_gradients;
mod integration;

pub use crate::path::scale_space::{BlurKernel, Border};
pub use adversarial_gradients::AdversarialGradients;
pub use along_path::{AlongPath, FromBaseline, Laid, Path};
pub use blur_ig::{Blur, BlurIg, BlurSpacing};
pub use expected_gradients::ExpectedGradients;
pub use guided_ig::{Guided, GuidedIg};
pub use idgi::{Idgi, IdgiAlong, SquaredGradient};
pub use integrated_gradients::{IntegratedGradients, Straight};
