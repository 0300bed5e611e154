use crate::attribution::Attribution;
use crate::error::Result;
use crate::explainer::{Explainer, Rows, explained_by_rows};
use crate::inputs::Inputs;
use crate::methods::Gradient;
use crate::model::Model;
use crate::moments::Statistic;
use crate::noise::{Distribution, NoiseScale};
use crate::sampling::{OverNoise, noise_method, sample_setters};
use crate::schedule::Schedule;
use crate::target::Target;

noise_method! {
    /// The variance of an explainer's maps over noisy copies of the input, with its standard error.
    ///
    /// ```text
    ///              1    n
    /// A(x)   =  ------  Σ  (E(x + ε_k) - mean)²,     ε_k ~ N(0, σ²)
    ///            n - 1 k=1
    /// ```
    ///
    /// It shows where the map depends on the noise: where the model bends, rather than where it is
    /// steep.
    ///
    /// # Shapes and units
    /// Values and standard errors have the input's shape, and are squares of what the explainer inside
    /// gives; never negative. The variance is the unbiased one; its standard error follows from the
    /// fourth moment, and is rough below some ten samples.
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
    VarGrad, Variance
}
