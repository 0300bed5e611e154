//! SmoothGrad: the mean over noise.

use crate::methods::gradient::Gradient;
use crate::methods::noise::over_noise::{OverNoise, Statistic};
use crate::sampling::aggregate::Aggregate;
use crate::sampling::draws::Draws;

/// The mean of an explainer's maps over noisy copies of the input, with its standard error.
///
/// ```text
///            1   n
/// A(x)   =  ---  Σ  E(x + ε_k),     ε_k ~ N(0, σ²)
///            n  k=1
/// ```
///
/// Around [`Gradient`] this is SmoothGrad as published; any other explainer can be inside.
///
/// # Shapes and units
/// Values and standard errors have the input's shape and the units of the explainer inside.
///
/// # Parameters and defaults
/// - samples: 50, or as many as a tolerance needs ([`with_tolerance`](OverNoise::with_tolerance))
/// - at most 1,000 samples, if there is a tolerance
/// - draws: pairs of samples with opposite noise ([`with_draws`](OverNoise::with_draws))
/// - noise: Gaussian, its standard deviation 15 % of each row's value range
/// - valid range: none ([`with_valid_range`](OverNoise::with_valid_range)). With
///   [`NoiseScale::adaptive`](crate::NoiseScale::adaptive) the method is AdaptGrad.
/// - seed: 0. The noise depends only on seed, row and sample, so that it is the same on every
///   device.
///
/// The standard error is the expected distance between the mean and the mean of infinitely many
/// samples. Single pixels of a photo often need hundreds of samples until the standard error is
/// small compared with the value.
///
/// # Cost
/// `samples` times the cost of the explainer inside, and one forward pass.
///
/// # Errors
/// Those of the explainer inside; [`Error::InvalidOption`](crate::Error::InvalidOption) for
/// an option outside its range; [`Error::ExplainerShape`](crate::Error::ExplainerShape) if the
/// explainer inside returns values of another shape.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, NoiseScale, SmoothGrad, pure_function};
///
/// let cube = pure_function(|x: Tensor<2>| x.powi_scalar(3));
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let explainer = SmoothGrad::new(Gradient::new()).with_noise(NoiseScale::Absolute(0.5));
/// let map = explainer.attribute(&cube, x)?;
///
/// let mean = map.values.into_scalar::<f32>();
/// let error = map.standard_error.unwrap().into_scalar::<f32>();
/// assert!((mean - 27.75).abs() < 4.0 * error); // 3 x² + 3 σ²
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Smilkov, Thorat, Kim, Viégas and Wattenberg, *SmoothGrad: removing noise by adding noise*,
/// 2017, <https://arxiv.org/abs/1706.03825>.
pub type SmoothGrad<E = Gradient> = OverNoise<E, Mean>;

/// The mean over noise: the statistic of [`SmoothGrad`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mean;

impl Statistic for Mean {
    const AGGREGATE: Aggregate = Aggregate::Mean;
    const DRAWS: Draws = Draws::Antithetic;
}

impl<E> OverNoise<E, Mean> {
    /// Sets how the noise of samples belongs together. The mean is that of independent noise, and the
    /// standard errors count how samples belong together.
    pub fn with_draws(mut self, draws: Draws) -> Self {
        self.draws = Some(draws);
        self
    }
}
