//! Small experiments whose answers are known.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use saliency_core::kit::{Key, Stream};
use saliency_core::{Model, Schedule, Target, pure_function};

use crate::experiment::Experiment;
use crate::fill::Fill;
use crate::perturbation::Perturbation;
use crate::units::Units;

/// An experiment, and zeros to cover with.
pub(crate) struct Lab {
    pub experiment: Experiment<'static>,
    pub zeros: Fill,
}

fn lab(experiment: Experiment<'static>) -> Lab {
    let zeros = Fill::values(experiment.input().map(|part| part.zeros_like()));
    Lab { experiment, zeros }
}

/// Weighs and adds up the values of a row. Chunks are small, so that there are several.
pub(crate) fn linear<const N: usize, const ROWS: usize>(
    weights: [f32; N],
    rows: [[f32; N]; ROWS],
) -> Lab {
    let device = Device::flex();
    let weights = Tensor::<1>::from_data(weights, &device).reshape([1, N]);
    let model = pure_function(move |x: Tensor<2>| (x * weights.clone()).sum_dim(1));
    let x = Tensor::<2>::from_data(rows, &device);
    let (target, schedule) = (Target::Class(0), Schedule::new().with_chunk(5));
    lab(Experiment::new(&model, x, target, Units::values(N), schedule).unwrap())
}

/// Ignores its input, and returns 5.
pub(crate) fn constant(rows: usize, width: usize) -> Lab {
    let model = pure_function(|x: Tensor<2>| x.sum_dim(1) * 0.0 + 5.0);
    let x = Tensor::<2>::ones([rows, width], &Device::flex());
    let (target, units) = (Target::Class(0), Units::values(width));
    lab(Experiment::new(&model, x, target, units, Schedule::new()).unwrap())
}

/// Returns the pixels of pictures of one line as outputs.
pub(crate) fn shown<const N: usize, const ROWS: usize>(
    rows: [[f32; N]; ROWS],
    target: Target,
) -> Experiment<'static> {
    let model = pure_function(|x: Tensor<4>| x.flatten::<2>(1, 3));
    let x = Tensor::<2>::from_data(rows, &Device::flex()).reshape([ROWS, 1, 1, N]);
    let (units, schedule) = (Units::pixels([1, 1, N]), Schedule::new().with_chunk(3));
    Experiment::new(&model, x, target, units, schedule).unwrap()
}

/// Adds up the upper left quarter of two white pictures of 4 x 4 pixels.
pub(crate) fn upper_left() -> Experiment<'static> {
    let model = pure_function(|x: Tensor<4>| {
        x.narrow(2, 0, 2).narrow(3, 0, 2).flatten::<2>(1, 3).sum_dim(1)
    });
    let x = Tensor::<4>::ones([2, 1, 4, 4], &Device::flex());
    let (target, units) = (Target::Class(0), Units::pixels([1, 4, 4]));
    Experiment::new(&model, x, target, units, Schedule::new()).unwrap()
}

/// Adds the number of the draw to every value.
pub(crate) fn steps() -> Perturbation {
    Perturbation::own(|rows, keys| {
        let steps: Vec<f64> = keys.iter().map(|key| key.sample as f64).collect();
        Ok(rows.map(|part| part.ones_like()).scale_rows(&steps))
    })
}

/// The side of a photo, in pixels.
pub(crate) const SIDE: usize = 16;

/// A small convolutional network, whose parameters depend on a seed alone.
#[derive(Module, Debug)]
pub(crate) struct Net {
    first: Conv2d,
    second: Conv2d,
    output: Linear,
}

impl Net {
    pub fn random(seed: u64) -> Self {
        let device = Device::flex();
        let normal = |parameter: u64, count: usize, strength: f64| -> Vec<f64> {
            let key = Key { seed, row: parameter, sample: 0 };
            let numbers = key.normal(Stream::Own(32), count);
            numbers.into_iter().map(|number| f64::from(number) * strength).collect()
        };
        let convolution = |parameter, [from, to]: [usize; 2]| {
            let mut layer = Conv2dConfig::new([from, to], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_bias(false)
                .init(&device);
            // Symmetric, so that no direction counts more than others in all photos.
            let weights = normal(parameter, 9 * from * to, 0.3);
            let weights: Vec<f64> = weights.chunks(9).flat_map(symmetric).collect();
            let weights = TensorData::new(weights, [to, from, 3, 3]);
            layer.weight = Param::from_data(weights, &device);
            layer
        };
        let mut output = LinearConfig::new(8, 5).with_bias(false).init(&device);
        let weights = TensorData::new(normal(2, 5 * 8, 0.3), [8, 5]);
        output.weight = Param::from_data(weights, &device);
        Self { first: convolution(0, [3, 8]), second: convolution(1, [8, 8]), output }
    }
}

/// Adds the reflections of a kernel of 3 x 3 values, and keeps its strength.
fn symmetric(kernel: &[f64]) -> [f64; 9] {
    std::array::from_fn(|at| {
        let (y, x) = (at / 3, at % 3);
        let [up, left] = [2 - y, 2 - x];
        let sum = kernel[at] + kernel[3 * up + x] + kernel[3 * y + left] + kernel[3 * up + left];
        sum / 2.0
    })
}

impl Model<Tensor<4>> for Net {
    fn forward(&self, photos: Tensor<4>) -> Tensor<2> {
        let features = self.second.forward(relu(self.first.forward(photos)));
        // Averaged over places, so that no place counts more than others in all photos.
        self.output.forward(relu(features).mean_dims(&[2, 3]).flatten(1, 3))
    }
}

/// Photos of a bright rectangle near the middle, on a dark and noisy ground.
pub(crate) fn photos(rows: usize) -> Tensor<4> {
    let photo = |row: u64| {
        let key = Key { seed: 5, row, sample: 0 };
        let place = key.uniform(Stream::Own(30), 7);
        let within = |at: usize, least: f64, more: f64| (least + place[at] * more) as usize;
        let (height, width) = (within(0, 4.0, 4.0), within(1, 4.0, 4.0));
        // Its middle is up to a quarter of the side away from that of the photo.
        let [top, left] = [(2, height), (3, width)]
            .map(|(at, length)| within(at, 4.0, 9.0).saturating_sub(length / 2).min(SIDE - length));
        let noise = key.normal(Stream::Own(31), 3 * SIDE * SIDE);
        noise
            .into_iter()
            .enumerate()
            .map(move |(at, noise)| {
                let (channel, pixel) = (at / (SIDE * SIDE), at % (SIDE * SIDE));
                let inside = (top..top + height).contains(&(pixel / SIDE))
                    && (left..left + width).contains(&(pixel % SIDE));
                0.1 * f64::from(noise) + if inside { 0.5 + place[4 + channel] } else { -0.5 }
            })
            .collect::<Vec<f64>>()
    };
    let values: Vec<f64> = (0..rows as u64).flat_map(photo).collect();
    Tensor::from_data(TensorData::new(values, [rows, 3, SIDE, SIDE]), &Device::flex())
}
