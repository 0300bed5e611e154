//! IDGI: the change of score along a path, shared out by the squares of the gradient.

use burn::tensor::Tensor;

use crate::error::Result;
use crate::input::batch::{Batch, to_host};
use crate::methods::path::along_path::AlongPath;
use crate::methods::path::integrated_gradients::Straight;
use crate::path::contribution::Contribution;

/// Which values does the score react to, at the places of a path at which it changes?
///
/// ```text
///            1                g_i²
/// A_i(x)  =  ∫  (g · γ'(α)) --------  dα,      g = ∂f/∂x (γ(α))
///            0               Σ_j g_j²
/// ```
///
/// Integrated Gradients multiplies the gradient of each value with the move of that value. This
/// method asks only how much the score changes there, and shares the change out by the squares of
/// the gradient: a move across the gradient, which does not change the score, contributes nothing.
/// The values sum to the change of score along the path (completeness), up to the error of the
/// quadrature.
///
/// It works over any path: `Idgi` follows the straight one from a baseline, and `IdgiAlong<Blur>` and
/// `IdgiAlong<Guided>` those of [`BlurIg`](crate::BlurIg) and [`GuidedIg`](crate::GuidedIg).
///
/// # Small gradients
/// As published, the change of score over a step is divided by Σ g² at its start. If the gradient is
/// nearly zero there, the quotient is noise, which two runs do not agree upon
/// (<https://arxiv.org/abs/2409.09043>). Here the change is g · γ', which vanishes with the gradient:
/// a contribution is never larger than the gradient times the length of the move. Where the gradient
/// is zero, the contribution is zero. The direction of a tiny gradient is still hardly known, so that
/// values that come from flat parts of the path say little.
///
/// # Misleads
/// A value that does not move, such as one that equals its baseline, gets a share nevertheless if the
/// score reacts to it.
///
/// # Shapes and units
/// Values have the input's shape. Their unit is that of the score. All values of one point have the
/// same sign.
///
/// # Parameters and defaults
/// Those of the path, and of [`IntegratedGradients`](crate::IntegratedGradients).
///
/// # Cost
/// That of the path.
///
/// # Errors
/// Those of the path.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Idgi, pure_function};
///
/// // 2x - y changes by 2 on the way from zero; 4/5 of the squared gradient belong to x.
/// let device = Device::flex();
/// let weights = Tensor::<2>::from_data([[2.0, -1.0]], &device);
/// let model = pure_function(move |x: Tensor<2>| (x * weights.clone()).sum_dim(1));
/// let x = Tensor::<2>::from_data([[3.0, 4.0]], &device);
/// let map = Idgi::new().attribute(&model, x)?;
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 1.6).abs() < 1e-5 && (values[1] - 0.4).abs() < 1e-5);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Yang, Wang and Bilgic, *IDGI: A Framework to Eliminate Explanation Noise from Integrated
/// Gradients*, 2023, <https://arxiv.org/abs/2303.14242>.
pub type Idgi = IdgiAlong<Straight>;

/// [`Idgi`] along any path: `IdgiAlong<Blur>` along that of [`BlurIg`](crate::BlurIg).
pub type IdgiAlong<P> = AlongPath<P, SquaredGradient>;

/// The change of score, shared out by the squares of the gradient: the contribution in [`Idgi`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SquaredGradient;

impl Contribution for SquaredGradient {
    fn at(&self, gradients: Batch, tangents: &Batch, _: &[f64]) -> Result<Batch> {
        // Divided by the largest of the row first, so that squares of small gradients are not zero.
        let largest = rows_of(&gradients, |part| part.abs().max_dim(1), f64::max)?;
        let scales: Vec<f64> = largest.iter().map(|&largest| scale(largest)).collect();
        let squares = gradients.scale_rows(&scales).map(|part| part.clone() * part);
        let wholes = rows_of(&squares, |part| part.sum_dim(1), |a, b| a + b)?;
        let products = gradients.zip(tangents, |gradient, tangent| gradient * tangent);
        let changes = rows_of(&products, |part| part.sum_dim(1), |a, b| a + b)?;
        let factors: Vec<f64> = changes
            .into_iter()
            .zip(wholes)
            .map(|(change, whole)| if whole == 0.0 { 0.0 } else { change / whole })
            .collect();
        Ok(squares.scale_rows(&factors))
    }
}

/// Returns the factor for the gradients of a row, of which the largest is given. Gradients that are
/// so small that their scale overflows count as zero.
fn scale(largest: f64) -> f64 {
    if largest < f64::from(f32::MIN_POSITIVE) { 0.0 } else { 1.0 / largest }
}

/// Returns one number for each row: `of` reduces each tensor to a column, and `joined` joins the
/// columns of several tensors.
fn rows_of(
    batch: &Batch,
    of: impl Fn(Tensor<2>) -> Tensor<2>,
    joined: impl Fn(f64, f64) -> f64,
) -> Result<Vec<f64>> {
    let mut columns = batch.parts.iter().map(|part| to_host(of(part.clone())));
    let first = columns.next().expect("at least one tensor")?;
    columns.try_fold(first, |all, more| {
        Ok(all.into_iter().zip(more?).map(|(a, b)| joined(a, b)).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    fn contributions(gradients: [[f32; 2]; 2], tangents: [[f32; 2]; 2]) -> Vec<f64> {
        let device = Device::flex();
        let batch = |rows: [[f32; 2]; 2]| {
            Batch::new(Tensor::<2>::from_data(rows, &device)).expect("a batch")
        };
        let found = SquaredGradient.at(batch(gradients), &batch(tangents), &[0.5; 2]);
        found.unwrap().host_rows().unwrap().concat()
    }

    #[test]
    fn a_zero_gradient_contributes_nothing_and_a_tiny_one_its_change() {
        let found = contributions([[0.0, 0.0], [3e-30, 4e-30]], [[1.0, 2.0], [1.0, 1.0]]);
        assert_eq!(found[..2], [0.0, 0.0]);
        // 7e-30, in shares of 9 and 16.
        assert!((found[2] / 7e-30 - 0.36).abs() < 1e-6, "{found:?}");
        assert!((found[3] / 7e-30 - 0.64).abs() < 1e-6, "{found:?}");
        // Smaller than any normal number: nothing, and not NaN.
        assert_eq!(contributions([[1e-42; 2]; 2], [[1.0; 2]; 2]), [0.0; 4]);
    }

    #[test]
    fn a_gradient_that_is_not_finite_stays_so() {
        let found = contributions([[f32::INFINITY, 1.0], [1.0, 1.0]], [[1.0; 2]; 2]);
        assert!(!found[0].is_finite());
        assert_eq!(found[2..], [1.0, 1.0]);
    }

    #[test]
    fn the_squares_of_several_tensors_are_one_sum() {
        let device = Device::flex();
        let pair = |a: f32, b: f64| {
            let b = Tensor::<2>::from_data([[b]], (&device, DType::F64));
            Batch::new((Tensor::<2>::from_data([[a]], &device), b)).expect("a batch")
        };
        let found = SquaredGradient.at(pair(3.0, 4.0), &pair(1.0, 0.0), &[0.5]).unwrap();
        let found = found.host_rows().unwrap().concat();
        assert!((found[0] - 3.0 * 0.36).abs() < 1e-6 && (found[1] - 3.0 * 0.64).abs() < 1e-6);
    }
}
