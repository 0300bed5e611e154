//! Small experiments whose answers are known.

use burn::tensor::{Device, Tensor};
use saliency_core::{Schedule, Target, pure_function};

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
