//! BatchNorm with given statistics: one pass over the values, and one over the gradients.

use std::sync::Arc;

use burn::backend::ops::{FloatTensorOps as _, ModuleOps as _};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::{DType, Shape};
use macerator::{AutoArch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

/// The least number of values that a thread takes at a time.
const PIECE: usize = 1 << 14;

/// The parameters and the statistics: one number for each channel in each tensor.
#[derive(Clone, Debug)]
pub(crate) struct Statistics {
    pub gamma: FloatTensor<Flex>,
    pub beta: FloatTensor<Flex>,
    pub mean: FloatTensor<Flex>,
    pub variance: FloatTensor<Flex>,
    pub epsilon: f64,
}

/// The data that the gradient needs.
#[derive(Clone, Debug)]
pub(crate) enum Scale {
    /// In single precision: the factors of the channels.
    Single(Arc<Vec<Channel>>),
    /// In any other precision: the factors, in a shape that broadcasts.
    Other(FloatTensor<Flex>),
    /// All factors are 1.
    One,
}

/// Computes `(x - mean) * factor + shift` of a channel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channel {
    factor: f32,
    mean: f32,
    shift: f32,
}

/// Computes `(x - mean) / sqrt(variance + epsilon) * gamma + beta` of `[rows, channels, ...]`.
pub(crate) fn normalise(
    input: FloatTensor<Flex>,
    statistics: Statistics,
) -> (FloatTensor<Flex>, Scale) {
    if input.dtype() != DType::F32 {
        let Statistics { gamma, beta, mean, variance, epsilon } = statistics;
        let scale = factors(&input, gamma.clone(), variance.clone(), epsilon);
        return (
            Flex::batch_norm(input, gamma, beta, mean, variance, epsilon),
            Scale::Other(scale),
        );
    }
    // A BatchNorm that was folded into the convolution before it has nothing left to do.
    let channels = statistics.channels();
    if channels.iter().all(|channel| channel.factor == 1.0 && channel.mean == channel.shift) {
        return (input, Scale::One);
    }
    let work = |values: &mut [f32], channel: Channel| {
        AutoArch::new().dispatch(Normalise { values, channel });
    };
    (each_plane(input, &channels, work), Scale::Single(Arc::new(channels)))
}

/// Returns the gradient with respect to the input.
pub(crate) fn gradient(gradient: FloatTensor<Flex>, scale: Scale) -> FloatTensor<Flex> {
    match scale {
        Scale::One => gradient,
        Scale::Other(factors) => Flex::float_mul(gradient, factors),
        Scale::Single(channels) => each_plane(gradient, &channels, |values, channel| {
            AutoArch::new().dispatch(Multiply { values, factor: channel.factor });
        }),
    }
}

impl Statistics {
    /// Returns the factors and shifts in single precision.
    fn channels(&self) -> Vec<Channel> {
        let parts = [&self.gamma, &self.beta, &self.mean, &self.variance];
        let parts = parts.map(FloatTensor::<Flex>::to_contiguous);
        let [gamma, beta, mean, variance] =
            parts.each_ref().map(FloatTensor::<Flex>::storage::<f32>);
        let epsilon = self.epsilon as f32;
        (0..gamma.len())
            .map(|at| Channel {
                factor: gamma[at] / (variance[at] + epsilon).sqrt(),
                mean: mean[at],
                shift: beta[at],
            })
            .collect()
    }
}

/// Returns `gamma / sqrt(variance + epsilon)` in a shape that broadcasts along the channels.
fn factors(
    input: &FloatTensor<Flex>,
    gamma: FloatTensor<Flex>,
    variance: FloatTensor<Flex>,
    epsilon: f64,
) -> FloatTensor<Flex> {
    let mut dims = vec![1; input.shape().num_dims()];
    dims[1] = gamma.shape()[0];
    let deviation = Flex::float_sqrt(Flex::float_add_scalar(variance, epsilon.into()));
    Flex::float_reshape(Flex::float_div(gamma, deviation), Shape::from(dims))
}

/// Changes each plane of `[rows, channels, ...]`, in place if nothing else uses the values.
fn each_plane(
    tensor: FloatTensor<Flex>,
    channels: &[Channel],
    work: impl Fn(&mut [f32], Channel) + Sync,
) -> FloatTensor<Flex> {
    let mut values = tensor.to_contiguous();
    drop(tensor);
    let area: usize = values.shape().iter().skip(2).product();
    if values.shape().num_elements() == 0 {
        return values;
    }
    values
        .storage_mut::<f32>()
        .par_chunks_mut(area)
        .with_min_len(PIECE.div_ceil(area))
        .enumerate()
        .for_each(|(plane, values)| work(values, channels[plane % channels.len()]));
    values
}

/// Normalises the values of a channel with the vectors of the machine.
struct Normalise<'a> {
    values: &'a mut [f32],
    channel: Channel,
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let Channel { factor, mean, shift } = self.channel;
        for value in self.values {
            *value = (*value - mean) * factor + shift;
        }
    }
}

/// Multiplies values by a factor with the vectors of the machine.
struct Multiply<'a> {
    values: &'a mut [f32],
    factor: f32,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        for value in self.values {
            *value *= self.factor;
        }
    }
}
