//! The largest values of windows, in single precision. Until the backward pass, one byte is kept
//! for each result: the place of the largest value in its window. Burn keeps its input and eight
//! bytes.

use std::ops::Range;
use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{DType, TensorData};
use macerator::{AutoArch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::{ParallelSlice as _, ParallelSliceMut as _};

use super::size::Size;

/// The place of a window that has no value: the most places that a byte can number.
const NONE: u32 = 255;

/// The place of the largest value in each window, and the sizes.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    places: Arc<Vec<u8>>,
    windows: Windows,
}

/// The windows over a picture.
#[derive(Clone, Debug)]
struct Windows {
    options: MaxPoolOptions<2>,
    input: Size,
    output: Size,
}

/// Returns whether this kernel computes a pool: a window must have fewer than 255 places.
pub(crate) fn fits(dtype: DType, dims: [usize; 4], options: &MaxPoolOptions<2>) -> bool {
    let [rows, channels, height, width] = dims;
    let places = options.kernel_size.iter().product::<usize>();
    let output = Windows::new(Size { height, width }, options).output;
    let full = rows * channels * output.height * output.width > 0;
    dtype == DType::F32 && (1..NONE as usize).contains(&places) && full
}

/// Computes the largest value of each window of `[rows, channels, height, width]`, and its place.
/// Among equal values the first one counts. NaN counts as the largest value.
pub(crate) fn pool(
    input: &FloatTensor<Flex>,
    options: &MaxPoolOptions<2>,
) -> (FloatTensor<Flex>, Places) {
    let [rows, channels, height, width] = input.shape().dims();
    let windows = Windows::new(Size { height, width }, options);
    let (area, results) = (height * width, windows.output.height * windows.output.width);
    let input = input.to_contiguous();
    let mut output = vec![0.0; rows * channels * results];
    let mut places = vec![0; rows * channels * results];

    let planes = input.storage::<f32>().par_chunks_exact(area);
    let results = output.par_chunks_exact_mut(results).zip(places.par_chunks_exact_mut(results));
    planes.zip(results).for_each_init(
        || vec![NONE; windows.output.width],
        |scratch, (plane, (output, places))| windows.pool(plane, output, places, scratch),
    );

    let Size { height, width } = windows.output;
    let output = TensorData::new(output, [rows, channels, height, width]);
    (FloatTensor::<Flex>::from_data(output), Places { places: Arc::new(places), windows })
}

/// Returns the gradient with respect to the input: each gradient goes to the largest value of its
/// window.
pub(crate) fn gradient(gradient: &FloatTensor<Flex>, places: &Places) -> FloatTensor<Flex> {
    let Places { places, windows } = places;
    let [rows, channels, ..] = gradient.shape().dims::<4>();
    let Size { height, width } = windows.input;
    let results = windows.output.height * windows.output.width;
    let gradient = gradient.to_contiguous();
    let mut output = vec![0.0; rows * channels * height * width];

    let given = gradient.storage::<f32>().par_chunks_exact(results);
    let given = given.zip(places.par_chunks_exact(results));
    output
        .par_chunks_exact_mut(height * width)
        .zip(given)
        .for_each(|(output, (gradient, places))| windows.spread(gradient, places, output));
    FloatTensor::<Flex>::from_data(TensorData::new(output, [rows, channels, height, width]))
}

impl Windows {
    fn new(input: Size, options: &MaxPoolOptions<2>) -> Self {
        let count = |axis: usize, size: usize| {
            let (before, after) = options.padding[axis];
            let reach = options.dilation[axis] * options.kernel_size[axis].saturating_sub(1) + 1;
            let stride = options.stride[axis];
            let Some(rest) = (size + before + after).checked_sub(reach) else {
                // Burn answers with one window here.
                return usize::from(options.ceil_mode);
            };
            if !options.ceil_mode {
                return rest / stride + 1;
            }
            // No window begins behind the picture.
            let count = rest.div_ceil(stride) + 1;
            if count > 1 && (count - 1) * stride >= size + before { count - 1 } else { count }
        };
        let output = Size { height: count(0, input.height), width: count(1, input.width) };
        Self { options: options.clone(), input, output }
    }

    /// Returns the line of the picture that a place of a window lies on, unless it is padding.
    fn line(&self, window: usize, place: usize) -> Option<usize> {
        let MaxPoolOptions { stride, dilation, padding, .. } = &self.options;
        let at = window * stride[0] + place * dilation[0];
        at.checked_sub(padding[0].0).filter(|&at| at < self.input.height)
    }

    /// Returns the windows of a line whose given place is not padding.
    fn inside(&self, place: usize) -> Range<usize> {
        let MaxPoolOptions { stride, dilation, padding, .. } = &self.options;
        let ahead = place * dilation[1];
        let first = padding[1].0.saturating_sub(ahead).div_ceil(stride[1]);
        let end = (self.input.width + padding[1].0).saturating_sub(ahead).div_ceil(stride[1]);
        let end = end.min(self.output.width);
        first.min(end)..end
    }

    /// Pools a plane, line by line.
    fn pool(&self, plane: &[f32], output: &mut [f32], places: &mut [u8], found: &mut [u32]) {
        let width = self.output.width;
        let lines = output.chunks_exact_mut(width).zip(places.chunks_exact_mut(width));
        for (y, (output, places)) in lines.enumerate() {
            output.fill(f32::NEG_INFINITY);
            found.fill(NONE);
            let [down, across] = self.options.kernel_size;
            for ky in 0..down {
                let Some(line) = self.line(y, ky) else { continue };
                let line = &plane[line * self.input.width..][..self.input.width];
                for kx in 0..across {
                    let windows = self.inside(kx);
                    if windows.is_empty() {
                        continue;
                    }
                    let MaxPoolOptions { stride, dilation, padding, .. } = &self.options;
                    let from = windows.start * stride[1] + kx * dilation[1] - padding[1].0;
                    let (output, found) = (&mut output[windows.clone()], &mut found[windows]);
                    let place = (ky * across + kx) as u32;
                    let (values, stride) = (&line[from..], stride[1]);
                    AutoArch::new().dispatch(Largest { values, stride, output, found, place });
                }
            }
            for (place, found) in places.iter_mut().zip(found.iter()) {
                *place = *found as u8;
            }
        }
    }

    /// Adds each gradient at the place of its window's largest value.
    fn spread(&self, gradient: &[f32], places: &[u8], output: &mut [f32]) {
        let MaxPoolOptions { kernel_size, stride, dilation, padding, .. } = &self.options;
        // Where each place is, relative to the first place of its window.
        let ahead: Vec<usize> = (0..kernel_size.iter().product())
            .map(|place| {
                let (ky, kx) = (place / kernel_size[1], place % kernel_size[1]);
                ky * dilation[0] * self.input.width + kx * dilation[1]
            })
            .collect();
        let before = padding[0].0 * self.input.width + padding[1].0;
        let width = self.output.width;
        let lines = gradient.chunks_exact(width).zip(places.chunks_exact(width));
        for (y, (gradient, places)) in lines.enumerate() {
            let line = y * stride[0] * self.input.width;
            for (x, (gradient, &place)) in gradient.iter().zip(places).enumerate() {
                if u32::from(place) != NONE {
                    output[line + x * stride[1] + ahead[usize::from(place)] - before] += gradient;
                }
            }
        }
    }
}

/// Compares a place of neighbouring windows with their largest values so far, with the vectors of
/// the machine.
struct Largest<'a> {
    values: &'a [f32],
    stride: usize,
    output: &'a mut [f32],
    found: &'a mut [u32],
    place: u32,
}

impl WithSimd for Largest<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let Self { values, stride, output, found, place } = self;
        // A stride that is known when this is compiled lets compilers use vectors.
        match stride {
            1 => update(values.iter(), output, found, place),
            2 => {
                let (pairs, rest) = values.as_chunks::<2>();
                let (output, last) = output.split_at_mut(pairs.len().min(output.len()));
                let (found, last_found) = found.split_at_mut(output.len());
                update(pairs.iter().map(|pair| &pair[0]), output, found, place);
                update(rest.iter(), last, last_found, place);
            }
            _ => update(values.iter().step_by(stride), output, found, place),
        }
    }
}

#[inline(always)]
fn update<'a>(
    values: impl Iterator<Item = &'a f32>,
    output: &mut [f32],
    found: &mut [u32],
    place: u32,
) {
    for ((value, output), found) in values.zip(output).zip(found) {
        // The first place counts even if its value is the lowest. A NaN stays.
        let larger = *value > *output || value.is_nan() || *found == NONE;
        *output = if larger { *value } else { *output };
        *found = if larger { place } else { *found };
    }
}
