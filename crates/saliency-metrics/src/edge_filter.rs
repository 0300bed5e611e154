//! An edge filter that poses as an explainer: a control.

use burn::tensor::Tensor;
use saliency_core::kit::{Batch, Question};
use saliency_core::{Attribution, Error, Explainer, Inputs, Model, Schedule, Target};

use crate::error::Error as MetricsError;

/// Sobel's edge filter of the input, as an explainer: it ignores the model and the target.
///
/// ```text
/// A(x) = √( across(x)² + down(x)² )
/// ```
///
/// Its maps look like explanations, because people see things by their edges, so that it is a
/// control for metrics: an explanation should do better. Pixels beyond the border are those at it.
///
/// # Shapes and units
/// One tensor of `[rows, channels, height, width]`; a value for each channel of each pixel, in units
/// of the input.
///
/// # Defaults
/// There are no options.
///
/// # Cost
/// One forward pass, to know the scores.
///
/// # Errors
/// [`saliency_core::Error::Device`] if the input is not a picture, and those of the model.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, pure_function};
/// use saliency_metrics::EdgeFilter;
///
/// let mean = pure_function(|x: Tensor<4>| x.mean_dims(&[2, 3]).flatten(1, 3));
/// let x = Tensor::<4>::ones([1, 1, 3, 3], &Device::flex());
/// let map = EdgeFilter::new().attribute(&mean, x)?;
/// assert_eq!(map.values.sum().into_scalar::<f32>(), 0.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// J. Adebayo et al., "Sanity Checks for Saliency Maps", 2018, as a control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EdgeFilter {}

impl EdgeFilter {
    /// Filters with the defaults.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<M: Model<I>, I: Inputs> Explainer<M, I> for EdgeFilter {
    fn attribute_to(
        &self,
        model: &M,
        input: I,
        target: Target,
    ) -> saliency_core::Result<Attribution<I>> {
        let question = Question::new(model, input, target, None)?;
        let size = picture_size(&question.input)
            .map_err(|error| Error::device_message(error.to_string()))?;
        let scored = question.resolve(&Schedule::new())?;
        let part = &question.input.parts()[0];
        let values = part.clone().try_into_vec_as::<f64>().map_err(Error::device)?;
        let channels = values.chunks(size[0] * size[1]);
        let edges: Vec<f64> = channels.flat_map(|channel| sobel(channel, size)).collect();
        let values = question.input.map(|part| {
            let edges = Tensor::<1>::from_data(&edges[..], (&part.device(), part.dtype()));
            edges.reshape(part.dims())
        });
        Ok(Attribution::of(values, scored).with_evaluations(1).into_inputs())
    }
}

/// Returns the height and width of pictures.
///
/// # Errors
/// [`MetricsError::NoPicture`] if the input is something else.
pub(crate) fn picture_size(input: &Batch) -> Result<[usize; 2], MetricsError> {
    let shapes = input.shapes();
    match &shapes[..] {
        [shape] => match shape[..] {
            [_, _, height, width] => Ok([height, width]),
            _ => Err(MetricsError::NoPicture { found: format!("{shapes:?}") }),
        },
        _ => Err(MetricsError::NoPicture { found: format!("{shapes:?}") }),
    }
}

/// Returns the length of Sobel's gradient at each pixel. Pixels beyond the border are those at it.
pub(crate) fn sobel(pixels: &[f64], [height, width]: [usize; 2]) -> Vec<f64> {
    let at = |y: usize, x: usize, [down, right]: [isize; 2]| {
        let y = y.saturating_add_signed(down).min(height - 1);
        let x = x.saturating_add_signed(right).min(width - 1);
        pixels[y * width + x]
    };
    let weights = [(-1, 1.0), (0, 2.0), (1, 1.0)];
    let length = |pixel: usize| {
        let (y, x) = (pixel / width, pixel % width);
        let across = |(down, weight)| weight * (at(y, x, [down, 1]) - at(y, x, [down, -1]));
        let down = |(right, weight)| weight * (at(y, x, [1, right]) - at(y, x, [-1, right]));
        let across: f64 = weights.into_iter().map(across).sum();
        across.hypot(weights.into_iter().map(down).sum())
    };
    (0..height * width).map(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Net, photos};
    use burn::tensor::Device;
    use saliency_core::pure_function;

    #[test]
    fn an_edge_is_where_the_brightness_changes() {
        // Dark on the left, bright on the right.
        let edges = sobel(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0], [2, 4]);
        assert_eq!(edges, [0.0, 4.0, 4.0, 0.0, 0.0, 4.0, 4.0, 0.0]);
        assert_eq!(sobel(&[3.0], [1, 1]), [0.0]);
    }

    #[test]
    fn every_channel_of_every_row_has_edges_whatever_the_model_is() {
        let photos = photos(2);
        let map = |seed, class| {
            let target = Target::Class(class);
            EdgeFilter::new().attribute_to(&Net::random(seed), photos.clone(), target).unwrap()
        };
        let found = map(0, 0);
        assert_eq!(found.values.dims(), photos.dims());
        assert_eq!(found.values.into_data(), map(1, 2).values.into_data());
        let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
        let table = Tensor::<2>::ones([1, 4], &Device::flex());
        let error = EdgeFilter::new().attribute(&sum, table).unwrap_err().to_string();
        assert!(error.contains("for the edge filter, found [[1, 4]]"), "{error}");
    }
}
