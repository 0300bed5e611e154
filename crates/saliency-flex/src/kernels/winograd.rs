//! Convolutions of 3 x 3 with a stride and a padding of 1: four results at a time from 16 products
//! instead of 36.
//!
//! A tile of 4 x 4 values `d` and a kernel `g` give 2 x 2 results `A' [(G g G') * (B' d B)] A`. The
//! product `*` multiplies each of the 16 values by the value at the same place. It is summed over
//! the input channels, so for each of the 16 places it is a product of two matrices. The gradient
//! is the convolution with the kernel rotated by 180 degrees and the channels exchanged. Rotating a
//! kernel exchanges the first and the last row, and the first and the last column, of its 4 x 4
//! transformed values. So the convolution and its gradient use the same transformed kernels.
//!
//! Source: Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks*, 2015,
//! <https://arxiv.org/abs/1509.09308>.

use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::{Shape, Tensor, TensorData};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

/// Transforms kernels `[outputs, inputs, 3, 3]` into `[4, 4, outputs, inputs]`: `G g G'`.
pub(crate) fn transform(kernels: Tensor<4>) -> Tensor<4> {
    let [outputs, inputs, ..] = kernels.dims();
    let rows = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];
    let matrix = Tensor::<2>::from_data(rows, (&kernels.device(), kernels.dtype()));
    let matrix = matrix.reshape([1, 1, 4, 3]).expand([outputs, inputs, 4, 3]);
    let transformed = matrix.clone().matmul(kernels).matmul(matrix.swap_dims(2, 3));
    // The multiplication by 1 makes a copy in which the matrices follow one another in memory.
    transformed.permute([2, 3, 0, 1]) * 1.0
}

/// Convolves `[rows, inputs, height, width]`.
pub(crate) fn convolve(
    input: &FloatTensor<Flex>,
    kernels: FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
) -> FloatTensor<Flex> {
    apply(input, kernels, Some(bias))
}

/// Returns the gradient with respect to the input. `gradient` is the gradient with respect to the
/// output.
pub(crate) fn gradient(
    gradient: &FloatTensor<Flex>,
    kernels: FloatTensor<Flex>,
) -> FloatTensor<Flex> {
    apply(gradient, kernels, None)
}

/// With a bias, convolves. Without one, computes the gradient: `input` is then the gradient with
/// respect to the output, the kernels are rotated, and their channels are exchanged.
fn apply(
    input: &FloatTensor<Flex>,
    kernels: FloatTensor<Flex>,
    bias: Option<&FloatTensor<Flex>>,
) -> FloatTensor<Flex> {
    let [rows, inputs, height, width] = input.shape().dims();
    let back = bias.is_none();

    // The 16 matrices, from inputs to outputs.
    let [_, _, first, second] = kernels.shape().dims();
    let outputs = if back { second } else { first };
    let kernels = Flex::float_reshape(kernels, Shape::from([16, first, second]));
    let kernels = if back { Flex::float_swap_dims(kernels, 1, 2) } else { kernels };

    // Everything else is computed on plain slices.
    let tiles = Tiles { width, down: height.div_ceil(2), across: width.div_ceil(2), back };
    let input = input.to_contiguous();
    let bias = bias.map(FloatTensor::<Flex>::to_contiguous);
    let bias = bias.as_ref().map(FloatTensor::<Flex>::storage::<f32>);
    let mut output = vec![0.0; rows * outputs * height * width];

    // Work row by row, because the tiles of a row take four times its memory.
    let area = height * width;
    let pairs = output.chunks_mut(outputs * area);
    for (output, input) in pairs.zip(input.storage::<f32>().chunks(inputs * area)) {
        let spread = tiles.spread_all(input, inputs, area);
        let products = Flex::float_matmul(kernels.clone(), spread);
        let products = products.storage::<f32>();
        output.par_chunks_mut(area).enumerate().for_each_init(
            || vec![0.0; tiles.scratch()],
            |scratch, (channel, output)| {
                let products = |index| {
                    &products[(index * outputs + channel) * tiles.count()..][..tiles.count()]
                };
                let bias = bias.map_or(0.0, |bias| bias[channel]);
                tiles.gather(products, bias, output, scratch);
            },
        );
    }
    FloatTensor::<Flex>::from_data(TensorData::new(output, [rows, outputs, height, width]))
}

/// A plane in tiles of 2 x 2 results.
struct Tiles {
    width: usize,
    down: usize,
    across: usize,
    /// Whether kernels are rotated by 180 degrees, for the gradient.
    back: bool,
}

impl Tiles {
    fn count(&self) -> usize {
        self.down * self.across
    }

    /// Returns the number of scratch values that a plane needs. Each of its lines, and one line of
    /// padding above and one below, takes four transformed values for each tile across. A line that
    /// is being transformed takes room for its values at even and at odd positions.
    fn scratch(&self) -> usize {
        (2 * self.down + 2) * 4 * self.across + 2 * (self.across + 1)
    }

    /// Returns the index of a transformed value of a tile: 16 in all, four by four.
    fn index(&self, y: usize, x: usize) -> usize {
        let turned = |at: usize| if self.back && at.is_multiple_of(3) { 3 - at } else { at };
        4 * turned(y) + turned(x)
    }

    /// Transforms all channels of a row into `[16, channels, tiles]`.
    fn spread_all(&self, input: &[f32], channels: usize, area: usize) -> FloatTensor<Flex> {
        let mut spread = vec![0.0; channels * 16 * self.count()];
        let planes = spread.par_chunks_mut(16 * self.count());
        planes.enumerate().for_each_init(
            || vec![0.0; self.scratch()],
            |scratch, (channel, spread)| {
                self.spread(&input[channel * area..][..area], spread, scratch);
            },
        );
        let spread = TensorData::new(spread, [channels, 16, self.count()]);
        Flex::float_swap_dims(FloatTensor::<Flex>::from_data(spread), 0, 1)
    }

    /// Computes `B' d B` of each tile.
    fn spread(&self, plane: &[f32], spread: &mut [f32], scratch: &mut [f32]) {
        let across = self.across;
        let (lines, halves) = scratch.split_at_mut((2 * self.down + 2) * 4 * across);
        self.transform_lines(plane, lines, halves);

        // Down the columns: each tile combines four transformed lines.
        let count = self.count();
        for x in 0..4 {
            let line = |y: usize| &lines[(4 * y + x) * across..][..across];
            for tile in 0..self.down {
                let [zero, one, two, three] = [0, 1, 2, 3].map(|y| line(2 * tile + y));
                let mut write = |y, a: &[f32], b: &[f32], combine: fn(f32, f32) -> f32| {
                    let to = &mut spread[self.index(y, x) * count + tile * across..][..across];
                    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
                        *to = combine(*a, *b);
                    }
                };
                write(0, zero, two, |zero, two| zero - two);
                write(1, one, two, |one, two| one + two);
                write(2, one, two, |one, two| two - one);
                write(3, one, three, |one, three| one - three);
            }
        }
    }

    /// Transforms each line of a plane from left to right. The first line, and the first value of
    /// each line, are padding: zeros.
    fn transform_lines(&self, plane: &[f32], lines: &mut [f32], halves: &mut [f32]) {
        let across = self.across;
        let (even, odd) = halves.split_at_mut(across + 1);
        for (at, line) in lines.chunks_exact_mut(4 * across).enumerate() {
            let row = at.checked_sub(1).and_then(|y| plane.chunks_exact(self.width).nth(y));
            let Some(row) = row else {
                line.fill(0.0);
                continue;
            };
            // Split the line into values at odd and at even positions.
            even[0] = 0.0;
            odd[across] = 0.0;
            even[across] = 0.0;
            for (at, pair) in row.chunks(2).enumerate() {
                odd[at] = pair[0];
                even[at + 1] = pair.get(1).copied().unwrap_or(0.0);
            }
            // Combine them.
            let (first, rest) = line.split_at_mut(2 * across);
            let (zero, one) = first.split_at_mut(across);
            let (two, three) = rest.split_at_mut(across);
            for at in 0..across {
                zero[at] = even[at] - even[at + 1];
                one[at] = odd[at] + even[at + 1];
                two[at] = even[at + 1] - odd[at];
                three[at] = odd[at] - odd[at + 1];
            }
        }
    }

    /// Computes `A' m A + bias` of each tile, given its 4 x 4 products `m`.
    fn gather<'a>(
        &self,
        products: impl Fn(usize) -> &'a [f32],
        bias: f32,
        output: &mut [f32],
        scratch: &mut [f32],
    ) {
        let across = self.across;
        let scratch = &mut scratch[..8 * across];
        for (tile, lines) in output.chunks_mut(2 * self.width).enumerate() {
            // Down the columns, into an upper and a lower line.
            let (upper, lower) = scratch.split_at_mut(4 * across);
            let pairs = upper.chunks_exact_mut(across).zip(lower.chunks_exact_mut(across));
            for (x, (upper, lower)) in pairs.enumerate() {
                let [zero, one, two, three] =
                    [0, 1, 2, 3].map(|y| &products(self.index(y, x))[tile * across..][..across]);
                for at in 0..across {
                    upper[at] = zero[at] + one[at] + two[at];
                    lower[at] = one[at] - two[at] - three[at];
                }
            }
            // Across each line, into pairs of results.
            let both = scratch.chunks_exact(4 * across);
            for (line, values) in lines.chunks_exact_mut(self.width).zip(both) {
                let [zero, one, two, three] = [0, 1, 2, 3].map(|x| &values[x * across..][..across]);
                for (at, pair) in line.chunks_mut(2).enumerate() {
                    pair[0] = zero[at] + one[at] + two[at] + bias;
                    if let Some(second) = pair.get_mut(1) {
                        *second = one[at] - two[at] - three[at] + bias;
                    }
                }
            }
        }
    }
}
