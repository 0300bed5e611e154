//! Layer normalisation and its relatives.

use burn::nn::{LayerNorm, RmsNorm};
use burn::tensor::{DType, Tensor};

use super::Rules;
use super::constant::{change, constant};
use super::pairs::{counterpart, pair_mean};

/// Normalises the last axis by a layer of Burn, with its scale and shift. See [`normalise`].
///
/// # Parameters
/// - `epsilon`: that of the layer, which Burn keeps private: 1e-5 unless its configuration states
///   another one. The rules use it; the values are those of the layer in any case
///
/// # Panics
/// Under [`Rules::Rescale`], panics if the number of rows is odd.
pub fn layer_norm<const D: usize>(
    norm: &LayerNorm,
    epsilon: f64,
    x: Tensor<D>,
    rules: Rules,
) -> Tensor<D> {
    let rules = rules.on(&x);
    if rules == Rules::Plain {
        return norm.forward(x);
    }
    let value = norm.forward(constant(x.clone()));
    let change = Normalisation::of_variance(epsilon).change(x, &[D - 1], rules);
    value + change * norm.gamma.val().unsqueeze()
}

/// Divides the last axis by its root mean square with a layer of Burn. See [`root_mean_square`].
///
/// # Panics
/// Under [`Rules::Rescale`], panics if the number of rows is odd.
pub fn rms_norm<const D: usize>(norm: &RmsNorm, x: Tensor<D>, rules: Rules) -> Tensor<D> {
    let rules = rules.on(&x);
    if rules == Rules::Plain {
        return norm.forward(x);
    }
    let value = norm.forward(constant(x.clone()));
    let change = Normalisation::of_squares(norm.epsilon).change(x, &[D - 1], rules);
    value + change * norm.gamma.val().unsqueeze()
}

/// Subtracts the mean over some axes and divides by the standard deviation:
///
/// ```text
/// y = (x - μ) / s,   s² = mean((x - μ)²) + ε
/// ```
///
/// Under [`Rules::Libra`] the deviation s is a constant, and the mean is not. Under
/// [`Rules::Rescale`] the differences between a row and its baseline are exact.
///
/// # Shapes
/// `x` has any shape; `axes` are axes of it.
///
/// # Panics
/// Under [`Rules::Rescale`], panics if the number of rows is odd.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::rules::{self, Rules};
///
/// let x = Tensor::<2>::from_data([[1.0, 3.0]], &Device::flex());
/// let y = rules::normalise(x, &[1], 0.0, Rules::Libra);
/// assert_eq!(y.try_into_vec_as::<f32>().unwrap(), [-1.0, 1.0]);
/// ```
///
/// # Source
/// Ba, Kiros and Hinton, *Layer Normalization*, 2016, <https://arxiv.org/abs/1607.06450>; the rule:
/// Mehri, Baghshah and Pilehvar, 2024, <https://arxiv.org/abs/2411.16760>.
pub fn normalise<const D: usize>(
    x: Tensor<D>,
    axes: &[usize],
    epsilon: f64,
    rules: Rules,
) -> Tensor<D> {
    Normalisation::of_variance(epsilon).apply(x, axes, rules)
}

/// Divides by the root mean square over some axes: the same as [`normalise`], without the mean.
///
/// # Panics
/// Under [`Rules::Rescale`], panics if the number of rows is odd.
///
/// # Source
/// Zhang and Sennrich, *Root Mean Square Layer Normalization*, 2019,
/// <https://arxiv.org/abs/1910.07467>.
pub fn root_mean_square<const D: usize>(
    x: Tensor<D>,
    axes: &[usize],
    epsilon: f64,
    rules: Rules,
) -> Tensor<D> {
    Normalisation::of_squares(epsilon).apply(x, axes, rules)
}

/// A division by the root of mean squares, plus epsilon.
#[derive(Clone, Copy)]
struct Normalisation {
    centre: Centre,
    epsilon: f64,
}

/// The point from which squares are taken.
#[derive(Clone, Copy)]
enum Centre {
    Mean,
    Zero,
}

impl Normalisation {
    fn of_variance(epsilon: f64) -> Self {
        Self { centre: Centre::Mean, epsilon }
    }

    fn of_squares(epsilon: f64) -> Self {
        Self { centre: Centre::Zero, epsilon }
    }

    fn apply<const D: usize>(self, x: Tensor<D>, axes: &[usize], rules: Rules) -> Tensor<D> {
        let rules = rules.on(&x);
        if rules == Rules::Plain {
            let centred = self.centred(x, axes);
            return centred.clone() / self.deviation(centred, axes);
        }
        let values = self.centred(constant(x.clone()), axes);
        let values = values.clone() / self.deviation(values, axes);
        values + self.change(x, axes, rules)
    }

    fn centred<const D: usize>(self, x: Tensor<D>, axes: &[usize]) -> Tensor<D> {
        match self.centre {
            Centre::Mean => x.clone() - x.mean_dims(axes),
            Centre::Zero => x,
        }
    }

    fn deviation<const D: usize>(self, centred: Tensor<D>, axes: &[usize]) -> Tensor<D> {
        ((centred.clone() * centred).mean_dims(axes) + self.epsilon).sqrt()
    }

    /// Returns zeros with the gradient of the rule.
    fn change<const D: usize>(self, x: Tensor<D>, axes: &[usize], rules: Rules) -> Tensor<D> {
        let change = self.centred(change(x.clone()), axes);
        // Sums of squares do not fit into half precision.
        let precision = x.dtype();
        let wide = match precision {
            DType::F16 | DType::BF16 => DType::F32,
            precision => precision,
        };
        let centred = self.centred(constant(x).cast(wide), axes);
        let deviation = self.deviation(centred.clone(), axes);
        if rules != Rules::Rescale {
            return change * deviation.recip().cast(precision);
        }
        // y = c · r with c = x - μ and r = 1 / s: Δy = mean(r) Δc + mean(c) Δr. And with s s' (s + s')
        // Δr = -Δs², and Δs² = mean(2 mean(c) Δc), all means of a row and its baseline.
        let other = counterpart(deviation.clone());
        let inverse = pair_mean(deviation.clone().recip());
        let slope = (deviation.clone() * other.clone() * (deviation + other)).recip();
        let centre = pair_mean(centred);
        let squares = (change.clone() * (centre.clone() * 2.0).cast(precision)).mean_dims(axes);
        change * inverse.cast(precision) - squares * (centre * slope).cast(precision)
    }
}
