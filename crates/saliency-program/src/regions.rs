//! The default method of the programs: Integrated Gradients of regions of a photo.

use burn::tensor::{Tensor, TensorData};
use saliency::kit::{Key, Stream};
use saliency::photo::Size;
use saliency::{
    After, Attribution, Cut, Explainer, IntegratedGradients, Model, ModelFn, Rows, Schedule, Split,
    Target,
};
use saliency_models::{AfterBlock, EfficientNetLite0};

/// The layer behind which [`Regions`] explains: `[rows, 112, 14, 14]`.
const LAYER: AfterBlock<10> = AfterBlock;

/// Explains regions of a photo by Integrated Gradients, at a layer in the middle of the programs'
/// network, from a photo of noise.
///
/// The input is a switch for each region, between noise (0) and the photo (1) at the layer:
///
/// ```text
/// activation = noise + switch (photo - noise)
/// ```
///
/// Integrated Gradients of the switches are those of the activation, added up over the channels. So
/// the estimate of the error, and a tolerance, are about the regions. The noise has the mean and the
/// strength of each channel of the photo, and is the same whenever the photo is explained.
///
/// # Shapes
/// Photos are `[rows, 3, 224, 224]`, prepared for the network; values are `[rows, 1, 14, 14]`: one
/// for each region of 16 x 16 pixels. Each row is explained by itself.
///
/// # Defaults
/// - points: those of [`Regions::ENOUGH`]. Whether its error was reached is not reported, because
///   nobody asked for it
/// - schedule: [`Schedule::new`]
///
/// # Cost
/// At most 12 gradients of the part of the network behind the layer, and two forward passes of the
/// part before it.
///
/// # Errors
/// Those of [`IntegratedGradients`].
#[derive(Clone, Debug, Default)]
pub struct Regions {
    points: Points,
    schedule: Schedule,
}

/// How many points of the path are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Points {
    #[default]
    Enough,
    Tolerance(Tolerance),
    Shares(Tolerance),
    Steps(usize),
}

/// How sure a map must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The largest estimated error: of a map the relative one, of a share that in the share.
    pub error: f64,
    /// The most gradients.
    pub limit: usize,
}

impl Regions {
    /// Without another wish, a map is finished at this error, or after this many gradients. More of
    /// them hardly change which regions matter: `cargo bench --bench truth`.
    pub const ENOUGH: Tolerance = Tolerance { error: 0.15, limit: 12 };

    /// The size of its maps.
    pub const SIZE: Size = Size { width: 14, height: 14 };

    /// Explains with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes on until the estimated error of the map is small enough, and reports whether it is.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.points = Points::Tolerance(tolerance);
        self
    }

    /// Goes on until the estimated error of each share that is asked for is small enough.
    #[must_use]
    pub fn with_share_tolerance(mut self, tolerance: Tolerance) -> Self {
        self.points = Points::Shares(tolerance);
        self
    }

    /// Takes a fixed number of points.
    #[must_use]
    pub fn with_steps(mut self, steps: usize) -> Self {
        self.points = Points::Steps(steps);
        self
    }

    /// Sets how the work is done.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Explains regions of photos at a layer of any network: one region for each place of the
    /// activation `[rows, channels, height, width]`.
    ///
    /// # Errors
    /// Those of [`IntegratedGradients`].
    pub fn attribute_at<M, P>(
        &self,
        split: &Split<M, Tensor<4>, P>,
        photos: Tensor<4>,
        target: Target,
        rows: &Rows,
    ) -> saliency::Result<Attribution<Tensor<4>>>
    where
        M: Cut<Tensor<4>, P, Activation = Tensor<4>>,
    {
        let count = photos.dims()[0];
        target.check_rows(count)?;
        rows.check_count(count)?;
        let photo = |row: usize| {
            let photo = photos.clone().narrow(0, row, 1);
            let (target, rows) = (target.select(&[row]), rows.select(&[row]));
            let map = self.attribute_photo(split, photo, target, &rows);
            map.map_err(|error| error.with_rows(|_| row))
        };
        match Attribution::stack_rows((0..count).map(photo).collect::<Result<_, _>>()?) {
            Some(maps) => Ok(maps),
            // A batch without rows: the error says so.
            None => self.attribute_photo(split, photos, target, rows),
        }
    }

    /// Explains one photo.
    fn attribute_photo<M, P>(
        &self,
        split: &Split<M, Tensor<4>, P>,
        photo: Tensor<4>,
        target: Target,
        rows: &Rows,
    ) -> saliency::Result<Attribution<Tensor<4>>>
    where
        M: Cut<Tensor<4>, P, Activation = Tensor<4>>,
    {
        // The activations of the photo and of the noise.
        let noise = split.activation(noise_like(&photo), &self.schedule)?;
        let photo = split.activation(photo, &self.schedule)?;
        let [count, _, height, width] = photo.dims();
        let switches = Tensor::ones([count, 1, height, width], &photo.device());
        let difference = photo - noise.clone();

        // The rest of the network, as a function of the switches.
        let switched =
            ModelFn::new(split.after().clone(), move |after: &After<_, _, _>, switches| {
                let switches: Tensor<4> = switches;
                let noise = noise.clone().to_device(&switches.device());
                let difference = difference.clone().to_device(&switches.device());
                Model::forward(after, noise + difference * switches)
            });
        // The switches are few, but the activations that are made of them are not.
        let schedule = self.schedule.clone().with_chunk(2);
        let explainer = IntegratedGradients::new().with_schedule(schedule);
        let explainer = match self.points {
            Points::Steps(steps) => explainer.with_steps(steps),
            Points::Enough => to_tolerance(explainer, Self::ENOUGH),
            Points::Tolerance(tolerance) => to_tolerance(explainer, tolerance),
            Points::Shares(Tolerance { error, limit }) => {
                explainer.with_share_tolerance(error).with_max_gradients(limit)
            }
        };
        let mut map = explainer.attribute_rows(&switched, switches, target, rows)?;
        if self.points == Points::Enough {
            map.converged = None;
        }
        Ok(map)
    }
}

impl Explainer<EfficientNetLite0, Tensor<4>> for Regions {
    fn attribute_to(
        &self,
        net: &EfficientNetLite0,
        photos: Tensor<4>,
        target: Target,
    ) -> saliency::Result<Attribution<Tensor<4>>> {
        let rows = Rows::all(photos.dims()[0]);
        self.attribute_rows(net, photos, target, &rows)
    }

    fn attribute_rows(
        &self,
        net: &EfficientNetLite0,
        photos: Tensor<4>,
        target: Target,
        rows: &Rows,
    ) -> saliency::Result<Attribution<Tensor<4>>> {
        self.attribute_at(&Split::at(net, LAYER), photos, target, rows)
    }
}

fn to_tolerance(explainer: IntegratedGradients, tolerance: Tolerance) -> IntegratedGradients {
    let Tolerance { error, limit } = tolerance;
    explainer.with_tolerance(error).with_max_gradients(limit)
}

/// Makes a photo of noise with the mean and the strength of each channel of `photo`, so that nothing
/// is left of what it shows. The same photo gives the same noise.
fn noise_like(photo: &Tensor<4>) -> Tensor<4> {
    let mean = photo.clone().mean_dim(3).mean_dim(2);
    let off = photo.clone() - mean.clone();
    let strength = off.powi_scalar(2).mean_dim(3).mean_dim(2).sqrt();
    let shape = photo.dims();
    let key = Key { seed: 0, row: 0, sample: 0 };
    let noise = key.normal(Stream::Own(0), shape.iter().product());
    let noise = Tensor::from_data(TensorData::new(noise, shape), &photo.device());
    noise * strength + mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::{network, preparation};
    use burn::tensor::Device;
    use saliency::photo::blurred;
    use saliency_models::photos::{chelsea, coffee};

    fn values(map: &Attribution<Tensor<4>>, row: usize) -> Vec<f32> {
        map.values.clone().narrow(0, row, 1).try_into_vec_as::<f32>().unwrap()
    }

    #[test]
    fn a_photo_has_the_same_map_alone_and_beside_others() {
        let device = Device::flex();
        let net = network(&device);
        let photos = [chelsea(), coffee()].map(|photo| preparation().tensor(&photo, &device));
        let regions = Regions::new().with_steps(2);
        let both = regions.attribute(&net, Tensor::cat(photos.to_vec(), 0)).unwrap();
        assert_eq!(both.values.dims(), [2, 1, 14, 14]);
        assert_eq!((both.evaluations[0], both.converged.clone()), (2, None));
        for (row, photo) in photos.into_iter().enumerate() {
            let alone = regions.attribute(&net, photo).unwrap();
            assert_eq!(values(&alone, 0), values(&both, row));
            assert_eq!(alone.scores[0], both.scores[row]);
            assert_eq!(alone.targets[0], both.targets[row]);
        }
    }

    #[test]
    fn a_tolerance_that_was_asked_for_is_reported_and_the_default_is_not() {
        let device = Device::flex();
        let net = network(&device);
        let photo = preparation().tensor(&coffee(), &device);
        let enough = Regions::new().attribute(&net, photo.clone()).unwrap();
        assert!(enough.evaluations[0] <= 12 && enough.converged.is_none());
        let asked = Regions::new().with_tolerance(Tolerance { error: 0.9, limit: 12 });
        let asked = asked.attribute(&net, photo).unwrap();
        assert_eq!(asked.converged, Some(vec![true]));
    }

    #[test]
    fn no_photos_and_too_many_targets_are_errors() {
        let device = Device::flex();
        let net = network(&device);
        let none = Tensor::<4>::zeros([0, 3, 224, 224], &device);
        assert!(Regions::new().attribute(&net, none).is_err());
        let photo = blurred(&preparation().tensor(&coffee(), &device), 2.0).unwrap();
        let two = Regions::new().attribute_to(&net, photo, Target::Classes(vec![1, 2]));
        assert!(two.unwrap_err().to_string().contains('2'));
    }
}
