//! The default method of the programs: Integrated Gradients of regions of a photo.

use std::fmt;
use std::sync::Arc;

use burn::tensor::{Int, Tensor, TensorData};
use saliency::kit::{Key, Stream};
use saliency::photo::blurred;
use saliency::{
    Attribution, Cut, Explainer, IntegratedGradients, Model, ModelFn, Rows, Schedule, Split, Target,
};
use saliency_models::EfficientNetLite0;

use crate::grid::grid_of_places;
use crate::lite0::Lite0;
use crate::network::{Halves, PhotoNetwork};

/// Explains regions of a photo by Integrated Gradients, at a layer in the middle of a network, from
/// a photo of noise.
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
/// A network without such a layer is explained at its input, from the blurred photo: the same
/// formula, with the photo's pixels instead of an activation.
///
/// # Shapes
/// Photos are `[rows, 3, height, width]`, prepared for the network. Values are `[rows, 1, down,
/// across]`: one for each place of the activation. For EfficientNet-Lite0 this is 14 x 14, one for
/// each region of 16 x 16 pixels. Each row is explained by itself.
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

/// The blur of the photo that regions of the input are compared with, as a share of its width.
const BLUR: f64 = 0.04;

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
        M: Cut<Tensor<4>, P, Activation = Tensor<4>> + 'static,
        P: 'static,
    {
        self.attribute_between(&Halves::of(split.clone()), photos, target, rows)
    }

    /// The same for a network in two halves.
    ///
    /// # Errors
    /// Those of [`IntegratedGradients`], and those of the first half.
    pub fn attribute_between<B: Model<Tensor<4>>>(
        &self,
        halves: &Halves<B>,
        photos: Tensor<4>,
        target: Target,
        rows: &Rows,
    ) -> saliency::Result<Attribution<Tensor<4>>> {
        each_row(photos, &target, rows, |photo, target, rows| {
            let noise = halves.before(noise_like(&photo), &self.schedule)?;
            let path = Path { from: noise, to: halves.before(photo, &self.schedule)? };
            self.attribute_path(halves.behind(), path, target, rows)
        })
    }

    /// Explains regions of the input of any network, from the blurred photo.
    ///
    /// # Errors
    /// Those of [`IntegratedGradients`].
    pub fn attribute_input<M: Model<Tensor<4>>>(
        &self,
        net: &M,
        photos: Tensor<4>,
        target: Target,
        rows: &Rows,
    ) -> saliency::Result<Attribution<Tensor<4>>> {
        each_row(photos, &target, rows, |photo, target, rows| {
            // Inputs that are no photos are refused by the explainer.
            let sigma = BLUR * photo.dims()[3] as f64;
            let from = blurred(&photo, sigma).unwrap_or_else(|_| photo.zeros_like());
            self.attribute_path(net, Path { from, to: photo }, target, rows)
        })
    }

    /// Explains a network at its layer, or at its input if it has none.
    ///
    /// # Errors
    /// Those of [`IntegratedGradients`], and those of the part before the layer.
    pub fn attribute_network<N: PhotoNetwork>(
        &self,
        network: &N,
        model: &N::Model,
        photos: Tensor<4>,
        target: Target,
        rows: &Rows,
    ) -> saliency::Result<Attribution<Tensor<4>>> {
        match network.cut(model) {
            Some(halves) => self.attribute_between(&halves, photos, target, rows),
            None => self.attribute_input(model, photos, target, rows),
        }
    }

    /// Explains the switches of one photo, on the path between two activations of a model.
    fn attribute_path<B: Model<Tensor<4>>>(
        &self,
        behind: &B,
        path: Path,
        target: Target,
        rows: &Rows,
    ) -> saliency::Result<Attribution<Tensor<4>>> {
        let Path { from, to } = path;
        let [count, _, height, width] = to.dims();
        let grid = grid_of_places([height, width]);
        let switches = Tensor::ones([count, 1, grid[0], grid[1]], &to.device());
        let difference = to - from.clone();

        // The model, as a function of the switches.
        let switched = ModelFn::new(behind.clone(), move |behind: &B, switches| {
            let switches = spread(switches, [height, width]);
            let from = from.clone().to_device(&switches.device());
            let difference = difference.clone().to_device(&switches.device());
            Model::forward(behind, from + difference * switches)
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

/// The two ends of the path of a photo: activations, or inputs.
struct Path {
    from: Tensor<4>,
    to: Tensor<4>,
}

/// Explains each photo by itself.
fn each_row(
    photos: Tensor<4>,
    target: &Target,
    rows: &Rows,
    explain: impl Fn(Tensor<4>, Target, &Rows) -> saliency::Result<Attribution<Tensor<4>>>,
) -> saliency::Result<Attribution<Tensor<4>>> {
    let count = photos.dims()[0];
    target.check_rows(count)?;
    rows.check_count(count)?;
    let one = |row: usize| {
        let photo = photos.clone().narrow(0, row, 1);
        let (target, rows) = (target.select(&[row]), rows.select(&[row]));
        explain(photo, target, &rows).map_err(|error| error.with_rows(|_| row))
    };
    match Attribution::stack_rows((0..count).map(one).collect::<Result<_, _>>()?) {
        Some(maps) => Ok(maps),
        // A batch without rows: the error says so.
        None => explain(photos, target.clone(), rows),
    }
}

/// Repeats each switch over its places, `[rows, 1, down, across]` -> `[rows, 1, height, width]`.
fn spread(switches: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [.., down, across] = switches.dims();
    let spread = |switches: Tensor<4>, dim: usize, from: usize, to: usize| {
        if from == to {
            return switches;
        }
        let of: Vec<i32> = (0..to).map(|place| (place * from / to) as i32).collect();
        let of = Tensor::<1, Int>::from_data(TensorData::new(of, [to]), &switches.device());
        switches.select(dim, of)
    };
    spread(spread(switches, 2, down, height), 3, across, width)
}

/// [`Regions`] of any network, as an explainer.
pub struct RegionsOf<N> {
    network: Arc<N>,
    regions: Regions,
}

impl<N> RegionsOf<N> {
    /// Explains regions of a network.
    pub fn new(network: Arc<N>, regions: Regions) -> Self {
        Self { network, regions }
    }
}

impl<N> fmt::Debug for RegionsOf<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegionsOf").field("regions", &self.regions).finish_non_exhaustive()
    }
}

impl<N: PhotoNetwork> Explainer<N::Model, Tensor<4>> for RegionsOf<N> {
    fn attribute_to(
        &self,
        net: &N::Model,
        photos: Tensor<4>,
        target: Target,
    ) -> saliency::Result<Attribution<Tensor<4>>> {
        let rows = Rows::all(photos.dims()[0]);
        self.attribute_rows(net, photos, target, &rows)
    }

    fn attribute_rows(
        &self,
        net: &N::Model,
        photos: Tensor<4>,
        target: Target,
        rows: &Rows,
    ) -> saliency::Result<Attribution<Tensor<4>>> {
        self.regions.attribute_network(&*self.network, net, photos, target, rows)
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
        self.attribute_between(&Lite0::halves(net), photos, target, rows)
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
    use saliency::photo::Size;

    use super::*;
    use crate::grid::grid_of_input;
    use burn::tensor::Device;
    use saliency::photo::Preparation;
    use saliency::pure_function;
    use saliency_models::photos::{chelsea, coffee};

    fn values(map: &Attribution<Tensor<4>>, row: usize) -> Vec<f32> {
        map.values.clone().narrow(0, row, 1).try_into_vec_as::<f32>().unwrap()
    }

    #[test]
    fn a_photo_has_the_same_map_alone_and_beside_others() {
        let device = Device::flex();
        let net = EfficientNetLite0::embedded(&device);
        let photos =
            [chelsea(), coffee()].map(|photo| Preparation::imagenet().tensor(&photo, &device));
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
        let net = EfficientNetLite0::embedded(&device);
        let photo = Preparation::imagenet().tensor(&coffee(), &device);
        let enough = Regions::new().attribute(&net, photo.clone()).unwrap();
        assert!(enough.evaluations[0] <= 12 && enough.converged.is_none());
        let asked = Regions::new().with_tolerance(Tolerance { error: 0.9, limit: 12 });
        let asked = asked.attribute(&net, photo).unwrap();
        assert_eq!(asked.converged, Some(vec![true]));
    }

    #[test]
    fn no_photos_and_too_many_targets_are_errors() {
        let device = Device::flex();
        let net = EfficientNetLite0::embedded(&device);
        let none = Tensor::<4>::zeros([0, 3, 224, 224], &device);
        assert!(Regions::new().attribute(&net, none).is_err());
        let photo = blurred(&Preparation::imagenet().tensor(&coffee(), &device), 2.0).unwrap();
        let two = Regions::new().attribute_to(&net, photo, Target::Classes(vec![1, 2]));
        assert!(two.unwrap_err().to_string().contains('2'));
    }

    #[test]
    fn regions_of_the_input_add_up_integrated_gradients() {
        let device = Device::flex();
        // The score is linear, so that each region contributes its weight times its difference.
        let net = pure_function(|photos: Tensor<4>| {
            let weights = Tensor::<1, Int>::arange(0..56, &photos.device()).float();
            (photos * weights.reshape([1, 1, 1, 56])).sum_dims(&[2, 3]).squeeze_dims::<2>(&[2, 3])
        });
        let key = Key { seed: 1, row: 0, sample: 0 };
        let photo = TensorData::new(key.normal(Stream::Own(0), 56 * 56), [1, 1, 56, 56]);
        let photo = Tensor::<4>::from_data(photo, &device);
        let map = Regions::new()
            .attribute_input(&net, photo.clone(), Target::Class(0), &Rows::all(1))
            .unwrap();
        assert_eq!(map.values.dims(), [1, 1, 14, 14]);
        assert_eq!(grid_of_input(&photo), Size { width: 14, height: 14 });
        let weights = Tensor::<1, Int>::arange(0..56, &device).float().reshape([1, 1, 1, 56]);
        let pixels = (photo.clone() - blurred(&photo, BLUR * 56.0).unwrap()) * weights;
        for (at, value) in values(&map, 0).into_iter().enumerate() {
            let (row, column) = (at / 14 * 4, at % 14 * 4);
            let region = pixels.clone().slice([0..1, 0..1, row..row + 4, column..column + 4]);
            let expected = region.sum().into_scalar::<f32>();
            assert!((value - expected).abs() < 1e-2, "{at}: {value} {expected}");
        }
    }

    #[test]
    fn a_network_in_halves_is_explained_as_at_its_cut() {
        let device = Device::flex();
        let net = EfficientNetLite0::embedded(&device);
        let photo = Preparation::imagenet().tensor(&coffee(), &device);
        let regions = Regions::new().with_steps(2);
        let split = Split::at(&net, saliency_models::AfterBlock::<10>);
        let (rows, target) = (Rows::all(1), Target::Class(504));
        let at = regions.attribute_at(&split, photo.clone(), target.clone(), &rows).unwrap();
        let network = RegionsOf::new(Arc::new(Lite0::new()), regions);
        let between = network.attribute_rows(&net, photo, target, &rows).unwrap();
        assert_eq!(values(&at, 0), values(&between, 0));
    }
}
