//! Activations as channels and places, and the CAM methods that need one gradient.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::batch::Batch;

/// The channels and places of one tensor of an activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub channels: usize,
    pub places: usize,
}

impl Layout {
    /// Returns the layout of each tensor; `None` for tensors that are not explained.
    ///
    /// # Errors
    /// [`Error::NoPlaces`] if a tensor has no dimension behind the channels.
    pub fn of(activation: &Batch) -> Result<Vec<Option<Self>>> {
        let tensors = activation.shapes().into_iter().zip(activation.fixed()).enumerate();
        tensors
            .map(|(tensor, (shape, fixed))| match &shape[..] {
                _ if *fixed => Ok(None),
                [_, channels, places @ ..] if !places.is_empty() => {
                    let (channels, places) = (*channels, places.iter().product());
                    Ok(Some(Self { channels, places }))
                }
                _ => Err(Error::NoPlaces { tensor, shape }),
            })
            .collect()
    }

    /// Takes the channels and places of flattened rows apart: `[rows, channels, places]`.
    pub fn unfold(self, flat: Tensor<2>) -> Tensor<3> {
        let rows = flat.dims()[0];
        flat.reshape([rows, self.channels, self.places])
    }
}

/// An activation and its gradient, each `[rows, channels, places]`.
pub(super) struct FeatureMaps {
    pub activation: Tensor<3>,
    pub gradient: Tensor<3>,
}

/// Explains an activation by one gradient: `weigh` returns the contribution of each value.
pub(super) fn from_gradients(
    question: &Question,
    schedule: &Schedule,
    weigh: impl Fn(FeatureMaps) -> Tensor<3>,
) -> Result<Attribution<Batch>> {
    let Question { evaluator, input, target, .. } = question;
    let layouts = Layout::of(input)?;
    let found = evaluator.gradients(schedule, input, target)?;
    let mut layout = layouts.into_iter();
    let values = input.widened().zip(&found.gradients.widened(), |activation, gradient| {
        let shape = activation.dims();
        match layout.next().flatten() {
            Some(layout) => {
                let [activation, gradient] = [activation, gradient].map(|flat| layout.unfold(flat));
                weigh(FeatureMaps { activation, gradient }).reshape(shape)
            }
            None => activation.zeros_like(),
        }
    });
    values.check_finite(Stage::Attribution)?;
    Ok(Attribution::of(values, found.scored).with_evaluations(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fixed;
    use burn::tensor::Device;

    #[test]
    fn channels_come_first_and_all_other_dimensions_are_places() {
        let device = Device::flex();
        let batch = Batch::new((
            Tensor::<3>::ones([2, 4, 5], &device),
            Tensor::<5>::ones([2, 3, 2, 2, 2], &device),
            Fixed(Tensor::<2>::ones([2, 7], &device)),
        ))
        .unwrap();
        let layout = |channels, places| Some(Layout { channels, places });
        assert_eq!(Layout::of(&batch).unwrap(), [layout(4, 5), layout(3, 8), None]);
    }

    #[test]
    fn an_activation_without_places_is_refused() {
        let device = Device::flex();
        for refused in [
            Batch::new(Tensor::<2>::ones([2, 7], &device)),
            Batch::new(Tensor::<1>::ones([2], &device)),
        ] {
            let error = Layout::of(&refused.unwrap()).unwrap_err();
            assert!(error.to_string().contains("before it is flattened"), "{error}");
        }
    }
}
