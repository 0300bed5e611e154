//! All of Burn's `burn::tensor`, in which some functions are those of this crate:
//! [`relu`](activation::relu), [`relu6`](activation::relu6), [`batch_norm`](module::batch_norm) and
//! [`max_pool2d`](module::max_pool2d).

pub use burn::tensor::*;

/// Activations: all of Burn's, in which [`relu`](activation::relu) and
/// [`relu6`](activation::relu6) are those of this crate.
pub mod activation {
    pub use burn::tensor::activation::*;

    pub use crate::layers::{relu, relu6};
}

/// Functions of layers: all of Burn's, in which [`batch_norm`](module::batch_norm) and
/// [`max_pool2d`](module::max_pool2d) are those of this crate.
pub mod module {
    pub use burn::tensor::module::*;

    pub use crate::layers::{batch_norm, max_pool2d};
}
