use burn::tensor::{Tensor, TensorData};

use crate::error::{Error, Result};

/// Blurs photos: a baseline that keeps colours and light, so that an attribution shows what the
/// *detail* contributes.
///
/// ```text
/// y(p) = Σ_q exp(-|p - q|² / 2σ²) x(q) / Σ_q exp(-|p - q|² / 2σ²)
/// ```
///
/// Sums run over the pixels of the photo only: nothing is assumed about what is outside.
///
/// # Shapes and units
/// `photos` is `[rows, channels, height, width]`, in any normalisation; so is the result. `sigma`
/// is in pixels; a tenth of the width leaves light and shade and no shapes.
///
/// # Errors
/// [`Error::Sigma`] if `sigma` is not positive or not finite, [`Error::EmptyMap`] if there are no
/// pixels.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_photo::blurred;
///
/// let photo = Tensor::<4>::from_data([[[[0.0, 0.0, 9.0, 0.0, 0.0]]]], &Device::flex());
/// let blurred = blurred(&photo, 1.0)?.try_into_vec_as::<f32>().unwrap();
/// assert!(blurred[2] > blurred[1] && blurred[1] > blurred[0] && blurred[0] > 0.0);
/// # Ok::<(), saliency_photo::Error>(())
/// ```
pub fn blurred(photos: &Tensor<4>, sigma: f64) -> Result<Tensor<4>> {
    if !(sigma.is_finite() && sigma > 0.0) {
        return Err(Error::Sigma { found: sigma });
    }
    let shape @ [.., height, width] = photos.dims();
    if shape.contains(&0) {
        return Err(Error::EmptyMap { shape });
    }
    // Blurring along one side is a product with a matrix.
    let matrix = |side: usize| {
        let data = TensorData::new(weights(side, sigma), [1, 1, side, side]);
        Tensor::<4>::from_data(data, (&photos.device(), photos.dtype()))
    };
    let along_width = photos.clone().matmul(matrix(width).swap_dims(2, 3));
    Ok(matrix(height).matmul(along_width))
}

/// Returns the weight of each pixel of a side (columns) in each blurred pixel (rows). Each row sums
/// to 1.
fn weights(side: usize, sigma: f64) -> Vec<f64> {
    let mut weights = Vec::with_capacity(side * side);
    for to in 0..side {
        let bell = (0..side).map(|from| {
            let distance = from.abs_diff(to) as f64 / sigma;
            (-0.5 * distance * distance).exp()
        });
        let sum: f64 = bell.clone().sum();
        weights.extend(bell.map(|weight| weight / sum));
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device};

    fn values(tensor: Tensor<4>) -> Vec<f64> {
        tensor.into_data().iter().collect()
    }

    #[test]
    fn an_even_area_stays_and_a_point_becomes_a_bell() {
        let device = Device::flex();
        let grey = Tensor::<4>::full([2, 3, 5, 7], 0.3, (&device, DType::F64));
        for value in values(blurred(&grey, 2.0).unwrap()) {
            assert!((value - 0.3).abs() < 1e-12);
        }
        let mut point = vec![0.0; 21 * 31];
        point[10 * 31 + 15] = 1.0;
        let point =
            Tensor::<4>::from_data(TensorData::new(point, [1, 1, 21, 31]), (&device, DType::F64));
        let bell = values(blurred(&point, 1.5).unwrap());
        let at = |x: usize, y: usize| bell[y * 31 + x];
        let ratio = at(17, 11) / at(15, 10);
        assert!((ratio - (-0.5f64 * 5.0 / 2.25).exp()).abs() < 1e-6, "{ratio}");
        assert!((bell.iter().sum::<f64>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_width_that_is_none_is_refused() {
        let photo = Tensor::<4>::zeros([1, 1, 2, 2], &Device::flex());
        for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = blurred(&photo, sigma).unwrap_err().to_string();
            assert_eq!(error, format!("expected a positive finite sigma, found {sigma}"));
        }
        for shape in [[0, 1, 2, 2], [1, 1, 0, 2], [1, 1, 2, 0]] {
            let empty = Tensor::<4>::zeros(shape, &Device::flex());
            assert!(matches!(blurred(&empty, 1.0), Err(Error::EmptyMap { .. })));
        }
    }
}
