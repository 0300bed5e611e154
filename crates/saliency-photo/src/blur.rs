use std::ops::Range;

use burn::tensor::{Tensor, TensorData};

use crate::error::{Error, Result};

/// Blurs photos. A blurred photo is a baseline that keeps colours and light, so that an attribution
/// shows how much the *detail* contributes.
///
/// ```text
/// y(p) = Σ_q exp(-|p - q|² / 2σ²) x(q) / Σ_q exp(-|p - q|² / 2σ²)
/// ```
///
/// The sums use the pixels of the photo only, and assume nothing about pixels outside it.
///
/// # Shapes and units
/// `photos` and the result are `[rows, channels, height, width]`, in any normalisation. `sigma` is
/// in pixels. With a tenth of the width, light and shade remain, but no shapes.
///
/// # Cost
/// For each value of a `height` x `width` photo: at most `height + width` multiplications, and at
/// most `36 sigma + 1024`.
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
    let shape = photos.dims();
    if shape.contains(&0) {
        return Err(Error::EmptyMap { shape });
    }
    // Blur along the width, then swap height and width to blur along the height.
    let across = blurred_along_width(photos, sigma);
    Ok(blurred_along_width(&across.swap_dims(2, 3), sigma).swap_dims(2, 3))
}

/// The distance, in units of sigma, from which on weights are left out. They are below 3e-18 of the
/// largest weight, too small to change a sum in any precision.
const REACH: f64 = 9.0;
/// The number of pixels that are computed at a time, so that matrices stay small. The photos that
/// most networks see are smaller.
const BLOCK: usize = 512;

/// Blurs along the width by multiplying with a matrix. For a block of columns, only the rows of the
/// matrix near that block are needed.
fn blurred_along_width(photos: &Tensor<4>, sigma: f64) -> Tensor<4> {
    let [.., side] = photos.dims();
    let reach = (REACH * sigma).ceil().min(side as f64) as usize;
    let blocks = (0..side).step_by(BLOCK).map(|start| {
        let to = start..side.min(start + BLOCK);
        let from = to.start.saturating_sub(reach)..side.min(to.end + reach);
        let shape = [1, 1, from.len(), to.len()];
        let data = TensorData::new(weights(from.clone(), to, sigma), shape);
        let matrix = Tensor::<4>::from_data(data, (&photos.device(), photos.dtype()));
        photos.clone().narrow(3, from.start, from.len()).matmul(matrix)
    });
    Tensor::cat(blocks.collect(), 3)
}

/// Returns the weight of each pixel in `from` (rows) for each blurred pixel in `to` (columns). Each
/// column sums to 1.
fn weights(from: Range<usize>, to: Range<usize>, sigma: f64) -> Vec<f64> {
    // The weight before it is normalised, by distance in pixels.
    let bell = |distance: usize| (-0.5 * (distance as f64 / sigma).powi(2)).exp();
    let bell: Vec<f64> = (0..from.len()).map(bell).collect();
    let weight = |from: usize, to: usize| bell[from.abs_diff(to)];
    let sums: Vec<f64> =
        to.clone().map(|to| from.clone().map(|from| weight(from, to)).sum()).collect();
    let row = |from| to.clone().zip(&sums).map(move |(to, sum)| weight(from, to) / sum);
    from.clone().flat_map(row).collect()
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
    fn a_long_side_is_blurred_in_parts_and_nothing_changes() {
        // Three blocks along the width, and the edges of the photo.
        let (width, sigma) = (1_200, 7.0);
        let side: Vec<f64> = (0..width).map(|x| ((x * x) % 97) as f64).collect();
        let data = TensorData::new(side.clone(), [1, 1, 1, width]);
        let photo = Tensor::<4>::from_data(data, (&Device::flex(), DType::F64));
        let blurred = values(blurred(&photo, sigma).unwrap());
        let bell = |distance: f64| (-0.5 * (distance / sigma).powi(2)).exp();
        for at in [0, 1, 448, 511, 512, 513, 600, 1_023, 1_024, 1_199] {
            let weights = (0..width).map(|from| bell(from as f64 - at as f64));
            let sum: f64 = weights.clone().sum();
            let right = weights.zip(&side).map(|(weight, value)| weight * value).sum::<f64>() / sum;
            assert!((blurred[at] / right - 1.0).abs() < 1e-13, "{at}: {} {right}", blurred[at]);
        }
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
