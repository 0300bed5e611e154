//! One file per method: the inputs that the model is given, and the way gradients are aggregated.

pub mod gradient;
pub mod layer;
pub mod noise;
pub mod path;
mod registry;

pub use gradient::{Gradient, InputTimesGradient};
pub use layer::{
    AblationCam, Conductance, EigenCam, EigenGradCam, GradCam, GradCamElementWise, GradCamPlusPlus,
    HiResCam, InternalInfluence, LayerCam, ScoreCam, XGradCam,
};
pub use noise::{
    Mean, MeanOfSquares, OverNoise, SmoothGrad, SmoothGradSquared, Statistic, VarGrad, Variance,
};
pub use path::{ExpectedGradients, IntegratedGradients};
pub use registry::{ErrorBar, Family, Method, MethodOptions};
