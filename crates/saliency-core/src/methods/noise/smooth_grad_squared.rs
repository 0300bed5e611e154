//! SmoothGrad Squared: the mean square over noise.

use crate::methods::gradient::Gradient;
use crate::methods::noise::over_noise::{OverNoise, Statistic};
use crate::sampling::aggregate::Aggregate;

/// The mean square of an explainer's maps over noisy copies of the input, with its standard error.
///
/// ```text
///            1   n
/// A(x)   =  ---  Σ  E(x + ε_k)²,     ε_k ~ N(0, σ²)
///            n  k=1
/// ```
///
/// Squares do not cancel: the map shows where the explainer's maps are strong under noise, whatever
/// their sign.
///
/// # Shapes and units
/// Values and standard errors have the input's shape. Their unit is the square of the unit of the
/// explainer inside, and they are never negative.
///
/// # Parameters and defaults
/// Those of [`SmoothGrad`](crate::SmoothGrad).
///
/// # Cost and errors
/// Those of [`SmoothGrad`](crate::SmoothGrad).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, NoiseScale, SmoothGradSquared, pure_function};
///
/// let square = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let explainer = SmoothGradSquared::new(Gradient::new()).with_noise(NoiseScale::Absolute(0.5));
/// let map = explainer.attribute(&square, x)?;
///
/// let mean = map.values.into_scalar::<f32>();
/// let error = map.standard_error.unwrap().into_scalar::<f32>();
/// assert!((mean - 37.0).abs() < 4.0 * error); // 4 x² + 4 σ²
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Hooker, Erhan, Kindermans and Kim, *A Benchmark for Interpretability Methods in Deep Neural
/// Networks*, 2018, <https://arxiv.org/abs/1806.10758>.
pub type SmoothGradSquared<E = Gradient> = OverNoise<E, MeanOfSquares>;

/// The mean square over noise: the statistic of [`SmoothGradSquared`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MeanOfSquares;

impl Statistic for MeanOfSquares {
    const AGGREGATE: Aggregate = Aggregate::MeanOfSquares;
}
