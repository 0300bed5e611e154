//! Convolutions of 3 x 3 with a stride and a padding of 1, a tile of results at a time, with fewer
//! multiplications.
//!
//! A tile of values `d` and a kernel `g` give the results `A' [(G g G') * (B' d B)] A`. The product
//! `*` multiplies each value by the value at the same place. It is summed over the input channels,
//! so for each place it is a product of two matrices. With tiles of 4 x 4 results, a result takes
//! 2.25 multiplications instead of 9; with tiles of 2 x 2 it takes 4.
//!
//! The gradient is the convolution with the kernel rotated by 180 degrees and the channels
//! exchanged. The [points](tile) are chosen so that rotating a kernel only exchanges its transformed
//! values. So the convolution and its gradient use the same transformed kernels.
//!
//! Source: Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks*, 2015,
//! <https://arxiv.org/abs/1509.09308>.

mod block;
mod tile;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::{Tensor, TensorData};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::product::{BlockSize, Matrix, SIDE, pack};
use block::{Block, Picture, Scratch};
pub(crate) use tile::Tile;

/// Transforms kernels `[outputs, inputs, 3, 3]`: `G g G'`, for tiles of the given size.
///
/// The result has the shape `[places, blocks of outputs, blocks of inputs, values of a block]`. A
/// place is a place in a tile, and a block has 8 x 8 values.
pub(crate) fn transform(kernels: Tensor<4>, tile: Tile) -> Tensor<4> {
    let [outputs, inputs, ..] = kernels.dims();
    let device = kernels.device();
    let kernels: Vec<f32> = kernels.into_data().iter().collect();
    let kernels = kernels.as_chunks::<9>().0;
    let size = BlockSize::new(outputs, inputs);
    let (side, places) = (tile.side(), tile.side() * tile.side());
    let mut values = vec![0.0; places * size.values()];
    let mut transformed = vec![0.0; kernels.len()];
    let columns: Vec<usize> = (0..inputs).collect();
    for (place, blocks) in values.chunks_exact_mut(size.values().max(1)).enumerate() {
        let [down, across] = [place / side, place % side].map(|at| tile.kernel_row(at));
        for (value, kernel) in transformed.iter_mut().zip(kernels) {
            let lines = [0, 1, 2].map(|y| {
                let line = [0, 1, 2].map(|x| across[x] * f64::from(kernel[3 * y + x]));
                down[y] * (line[0] + line[1] + line[2])
            });
            *value = (lines[0] + lines[1] + lines[2]) as f32;
        }
        let (rows, row_step) = (outputs, inputs);
        pack(&Matrix { values: &transformed, rows, row_step, columns: &columns }, blocks);
    }
    let shape = [places, size.down, size.across, SIDE * SIDE];
    Tensor::from_data(TensorData::new(values, shape), &device)
}

/// Convolves `[rows, inputs, height, width]`.
pub(crate) fn convolve(
    input: &FloatTensor<Flex>,
    kernels: &FloatTensor<Flex>,
    bias: &FloatTensor<Flex>,
) -> FloatTensor<Flex> {
    let outputs = bias.shape().num_elements();
    let bias = bias.to_contiguous();
    apply(input, kernels, outputs, Some(bias.storage::<f32>()))
}

/// Returns the gradient with respect to the input, which has so many channels. `gradient` is the
/// gradient with respect to the output.
pub(crate) fn gradient(
    gradient: &FloatTensor<Flex>,
    kernels: &FloatTensor<Flex>,
    inputs: usize,
) -> FloatTensor<Flex> {
    apply(gradient, kernels, inputs, None)
}

/// With a bias, convolves. Without one, computes the gradient: `input` is then the gradient with
/// respect to the output, the kernels are rotated, and their channels are exchanged.
fn apply(
    input: &FloatTensor<Flex>,
    kernels: &FloatTensor<Flex>,
    outputs: usize,
    bias: Option<&[f32]>,
) -> FloatTensor<Flex> {
    let [rows, inputs, height, width] = input.shape().dims();
    let [places, down, across, _] = kernels.shape().dims();
    let (input, kernels) = (input.to_contiguous(), kernels.to_contiguous());
    let mut output = vec![0.0; rows * outputs * height * width];
    if !output.is_empty() {
        let picture = Picture {
            tile: Tile::of_places(places),
            inputs,
            outputs,
            height,
            width,
            input: input.storage::<f32>(),
            kernels: kernels.storage::<f32>(),
            size: BlockSize { down, across },
            bias,
        };
        let threads = rayon::current_num_threads();
        let blocks = Block::split(&picture, &mut output);
        // Many blocks share out over the threads. In a few blocks, the threads share the channels.
        if threads > 1 && blocks.len() >= threads {
            blocks.into_par_iter().for_each_init(Scratch::default, |scratch, block| {
                block.compute(&picture, scratch, 1);
            });
        } else {
            let mut scratch = Scratch::default();
            blocks.into_iter().for_each(|block| block.compute(&picture, &mut scratch, threads));
        }
    }
    let shape = [rows, outputs, height, width];
    FloatTensor::<Flex>::from_data(TensorData::new(output, shape))
}
