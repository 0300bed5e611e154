//! VarGrad: the variance over noise.

use crate::methods::gradient::Gradient;
use crate::methods::noise::over_noise::{OverNoise, Statistic};
use crate::sampling::aggregate::Aggregate;

/// The variance of an explainer's maps over noisy copies of the input, with its standard error.
///
/// ```text
///              1    n
/// A(x)   =  ------  Σ  (E(x + ε_k) - mean)²,     ε_k ~ N(0, σ²)
///            n - 1 k=1
/// ```
///
/// It is large for values whose gradient depends on the noise. It shows where the gradient changes,
/// not where it is large.
///
/// # Shapes and units
/// Values and standard errors have the input's shape. Their unit is the square of the unit of the
/// explainer inside, and they are never negative. The variance is the unbiased one. Its standard
/// error follows from the fourth moment, and is rough below about ten samples.
///
/// # Parameters and defaults
/// Those of [`SmoothGrad`](crate::SmoothGrad); at least 2 samples.
///
/// # Cost and errors
/// Those of [`SmoothGrad`](crate::SmoothGrad).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, NoiseScale, VarGrad, pure_function};
///
/// let square = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let explainer = VarGrad::new(Gradient::new()).with_noise(NoiseScale::Absolute(0.5));
/// let map = explainer.attribute(&square, x)?;
///
/// let variance = map.values.into_scalar::<f32>();
/// let error = map.standard_error.unwrap().into_scalar::<f32>();
/// assert!((variance - 1.0).abs() < 4.0 * error); // 4 σ²
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Adebayo, Gilmer, Goodfellow and Kim, *Local Explanation Methods for Deep Neural Networks Lack
/// Sensitivity to Parameter Values*, 2018, <https://arxiv.org/abs/1810.03307>.
pub type VarGrad<E = Gradient> = OverNoise<E, Variance>;

/// The variance over noise: the statistic of [`VarGrad`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Variance;

impl Statistic for Variance {
    const AGGREGATE: Aggregate = Aggregate::Variance;
}
