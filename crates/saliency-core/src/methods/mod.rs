//! One file per method: the inputs that the model is given, and the way gradients or scores are
//! aggregated.

pub mod gradient;
pub mod noise;
pub mod path;
pub mod perturbation;
mod registry;

pub use gradient::{Gradient, InputTimesGradient};
pub use noise::{
    Mean, MeanOfSquares, OverNoise, SmoothGrad, SmoothGradSquared, Statistic, VarGrad, Variance,
};
pub use path::{ExpectedGradients, IntegratedGradients};
pub use perturbation::{
    FeatureAblation, FeaturePermutation, KernelShap, Lime, Occlusion, Rise, ShapleySampling,
};
pub use registry::{ErrorBar, Family, Method, MethodOptions};
