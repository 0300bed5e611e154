use burn::tensor::{Tensor, TensorData};

use crate::error::{Error, Result};

/// Photos with their detail blurred away: a baseline that keeps colours and light, so that an
/// attribution tells what the *detail* contributes.
///
/// ```text
/// y(p) = Σ_q exp(-|p - q|² / 2σ²) x(q) / Σ_q exp(-|p - q|² / 2σ²)
/// ```
///
/// Sums run over the pixels of the photo only: nothing is assumed about what lies outside.
///
/// # Shapes and units
/// `photos` is `[rows, channels, height, width]`, in any normalisation; so is the result. `sigma`
/// is in pixels; a tenth of the width leaves light and shade and no shapes.
///
/// # Errors
/// [`Error::Sigma`] where it is not positive or not finite, and [`Error::EmptyMap`] without pixels.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_viz::blurred;
///
/// let photo = Tensor::<4>::from_data([[[[0.0, 0.0, 9.0, 0.0, 0.0]]]], &Device::flex());
/// let blurred = blurred(&photo, 1.0)?.try_into_vec_as::<f32>().unwrap();
/// assert!(blurred[2] > blurred[1] && blurred[1] > blurred[0] && blurred[0] > 0.0);
/// # Ok::<(), saliency_viz::Error>(())
/// ```
pub fn blurred(photos: &Tensor<4>, sigma: f64) -> Result<Tensor<4>> {
    if !(sigma.is_finite() && sigma > 0.0) {
        return Err(Error::Sigma { found: sigma });
    }
    let [.., height, width] = photos.dims();
    if photos.dims().contains(&0) {
        return Err(Error::EmptyMap { shape: photos.dims() });
    }
    // Blurring along one side is a product with a matrix whose columns sum to 1.
    let matrix = |size: usize| {
        let weight = |from: usize, to: usize| {
            let distance = from.abs_diff(to) as f64 / sigma;
            (-0.5 * distance * distance).exp()
        };
        let column = |to: usize| {
            let sum: f64 = (0..size).map(|from| weight(from, to)).sum();
            (0..size).map(move |from| weight(from, to) / sum)
        };
        let columns: Vec<f64> = (0..size).flat_map(column).collect();
        let data = TensorData::new(columns, [1, 1, size, size]);
        Tensor::<4>::from_data(data, (&photos.device(), photos.dtype())).swap_dims(2, 3)
    };
    let along_width = photos.clone().matmul(matrix(width));
    Ok(matrix(height).swap_dims(2, 3).matmul(along_width))
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
