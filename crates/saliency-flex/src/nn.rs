//! All of Burn's `burn::nn`, in which some layers are those of this crate.
//!
//! Change `use burn::nn` into `use saliency_flex::nn`, and a network uses them. Names, options and
//! records stay as they are. [`Conv2d`](conv::Conv2d), [`BatchNorm`], [`Relu`],
//! [`Relu6`](activation::Relu6) and [`MaxPool2d`](pool::MaxPool2d) are of this crate, everything else
//! is Burn's own.

pub use burn::nn::*;

pub use crate::layers::{BatchNorm, BatchNormConfig, Relu};

/// Convolutions: all of Burn's, in which [`Conv2d`](conv::Conv2d) is that of this
/// crate.
pub mod conv {
    pub use burn::nn::conv::*;

    pub use crate::layers::{Conv2d, Conv2dConfig};
}

/// Pools: all of Burn's, in which [`MaxPool2d`](pool::MaxPool2d) is that of this crate.
pub mod pool {
    pub use burn::nn::pool::*;

    pub use crate::layers::{MaxPool2d, MaxPool2dConfig};
}

/// Normalisations: all of Burn's, in which [`BatchNorm`] is that of this crate.
pub mod norm {
    pub use burn::nn::norm::*;

    pub use crate::layers::{BatchNorm, BatchNormConfig};
}

/// Activations: all of Burn's, in which [`Relu`] and [`Relu6`](activation::Relu6) are those of this
/// crate.
pub mod activation {
    pub use burn::nn::activation::*;

    pub use crate::layers::{Relu, Relu6};
}
