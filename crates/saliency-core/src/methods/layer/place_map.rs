//! One number for each place of an input, from the values at a layer.

use burn::tensor::Tensor;

use crate::error::{Error, Result};
use crate::methods::layer::resize::{Corners, Resize};

/// The part of a class activation map that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeepSign {
    /// All of it: evidence for the score above zero, evidence against it below.
    #[default]
    Both,
    /// Evidence for the score; zero elsewhere. This is the ReLU of Grad-CAM.
    Positive,
}

/// Adds up the channels of attributions at a layer, and enlarges the map to the size of the input.
///
/// ```text
/// M(p) = Σ_k A_k(p), interpolated linearly
/// ```
///
/// Values below zero are dropped, if asked for, after channels are added up and before the map is
/// enlarged. A map of the layer's own size is left as it is. Pictures need none of this: those of
/// `saliency-viz` enlarge a map by themselves.
///
/// # Shapes
/// From `[rows, channels, height, width]` to `[rows, 1, height, width]` with the height and width
/// of `size`; likewise for one or three place dimensions.
///
/// # Errors
/// [`Error::InvalidOption`] if `size` does not have one number, at least 1, for each place
/// dimension; [`Error::NoPlaces`] for values without places.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{KeepSign, place_map};
///
/// let values = Tensor::<4>::from_data([[[[1.0, 4.0]], [[-3.0, 0.0]]]], &Device::flex());
/// let map = place_map(values, &[1, 4], KeepSign::Positive)?;
/// assert_eq!(map.try_into_vec_as::<f32>().unwrap(), [0.0, 1.0, 3.0, 4.0]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
pub fn place_map<const D: usize>(
    values: Tensor<D>,
    size: &[usize],
    keep: KeepSign,
) -> Result<Tensor<D>> {
    let shape = values.dims();
    if D < 3 {
        return Err(Error::NoPlaces { tensor: 0, shape: shape.to_vec() });
    }
    if size.len() != D - 2 || size.contains(&0) {
        let expected =
            format!("of {} numbers, each at least 1, one for each place dimension", D - 2);
        return Err(Error::invalid_option("size", expected, format!("{size:?}")));
    }
    let summed = values.sum_dim(1);
    let kept = match keep {
        KeepSign::Both => summed,
        KeepSign::Positive => summed.clamp_min(0.0),
    };
    let places = shape[2..].iter().product();
    let resize = Resize { from: &shape[2..], to: size, corners: Corners::Edges };
    let resized = resize.apply(kept.reshape([shape[0], places]));
    let mut enlarged = [1; D];
    enlarged[0] = shape[0];
    enlarged[2..].copy_from_slice(size);
    Ok(resized.reshape(enlarged))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn a_size_that_does_not_fit_is_refused() {
        let values = Tensor::<4>::ones([1, 2, 3, 3], &Device::flex());
        for size in [&[6][..], &[6, 6, 6], &[6, 0]] {
            let error = place_map(values.clone(), size, KeepSign::Both).unwrap_err();
            let said = "expected size of 2 numbers, each at least 1, one for each place dimension";
            assert!(error.to_string().starts_with(said), "{error}");
        }
        let flat = place_map(Tensor::<2>::ones([1, 2], &Device::flex()), &[], KeepSign::Both);
        assert!(matches!(flat, Err(Error::NoPlaces { .. })));
    }

    #[test]
    fn rows_stay_apart_and_signs_are_kept_if_asked_for() {
        let values = Tensor::<3>::from_data([[[1.0, -2.0]], [[-4.0, 4.0]]], &Device::flex());
        let both = place_map(values.clone(), &[2], KeepSign::Both).unwrap();
        assert_eq!(both.try_into_vec_as::<f32>().unwrap(), [1.0, -2.0, -4.0, 4.0]);
        let positive = place_map(values, &[4], KeepSign::Positive).unwrap();
        let found = positive.try_into_vec_as::<f32>().unwrap();
        assert_eq!(found, [1.0, 0.75, 0.25, 0.0, 0.0, 1.0, 3.0, 4.0]);
    }
}
