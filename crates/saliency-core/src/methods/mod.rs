//! One file per method: the inputs that the model is given, and the way gradients or scores are
//! aggregated.

pub mod attention;
pub mod gradient;
pub mod layer;
pub mod noise;
pub mod path;
pub mod perturbation;
mod registry;

pub use attention::{AttentionMaps, LeGrad, attention_rollout};
pub use gradient::{DeepLift, Gradient, InputTimesGradient, Libra};
pub use layer::{
    AblationCam, Conductance, EigenCam, EigenGradCam, GradCam, GradCamElementWise, GradCamPlusPlus,
    HiResCam, InternalInfluence, LayerCam, ScoreCam, XGradCam,
};
pub use noise::{
    Mean, MeanOfSquares, OverNoise, SmoothGrad, SmoothGradSquared, Statistic, VarGrad, Variance,
};
pub use path::Timing;
pub use path::{
    AdversarialGradients, AlongPath, Blur, BlurIg, BlurKernel, BlurSpacing, Border, Counterfactual,
    Discretised, DiscretisedIg, ExpectedGradients, FromBaseline, Guided, GuidedIg, Idgi, IdgiAlong,
    IgSquared, IntegratedGradients, Laid, Left, LeftIg, Measure, Measured, MeasuredIg, NextWord,
    Path, RevealIg, SequentialIg, SquaredGradient, Straight,
};
pub use perturbation::{
    Covers, FeatureAblation, FeaturePermutation, KernelShap, Lime, LocalCoalitions, Occlusion,
    OverCovers, PairsOfCoalitions, Permutations, RandomMasks, Rise, Sampling, ShapleySampling,
};
pub use registry::{ErrorBar, Family, Method, MethodOptions, Needs};
