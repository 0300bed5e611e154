//! Averages and largest values of windows, and of whole pictures.

use burn::tensor::Tensor;
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use saliency_flex::tensor::module::{avg_pool2d, max_pool2d};

use crate::values::{Floats, RANK};

use super::Entry;
use super::call::{Call, Outputs, mapped, one};
use super::convolutions::Window;

pub(super) const TABLE: &[Entry] = &[
    ("AveragePool", average_pool),
    ("GlobalAveragePool", |call| global(call, Tensor::mean_dims)),
    ("GlobalMaxPool", |call| {
        global(call, |x, axes| axes.iter().fold(x, |x, &axis| x.max_dim(axis)))
    }),
    ("MaxPool", max_pool),
];

fn global(call: &Call, reduce: impl FnOnce(Tensor<RANK>, &[usize]) -> Tensor<RANK>) -> Outputs {
    let x = call.floats(0)?;
    if x.rank < 3 {
        return Err(format!("{:?} is no picture", x.dims()));
    }
    let axes: Vec<usize> = (RANK - x.rank + 2..RANK).collect();
    one(mapped(x, |x| reduce(x, &axes)))
}

/// The windows of a pool over two dimensions. One dimension is a picture of height one; of three,
/// one goes along with the channels at a time.
fn windows(call: &Call, x: &Floats) -> Result<Window<3>, String> {
    let spatial = x.rank.checked_sub(2).filter(|it| (1..=3).contains(it));
    let spatial = spatial.ok_or_else(|| format!("{:?} is no picture", x.dims()))?;
    let sizes = &x.dims()[2..];
    fn read<const N: usize>(call: &Call, sizes: &[usize]) -> Result<Window<N>, String> {
        if !call.has_option("kernel_shape") {
            return Err("the size of the window is missing".into());
        }
        Window::read(call, call.sizes("kernel_shape", 1)?, sizes)
    }
    fn widened<const N: usize>(window: &Window<N>) -> Window<3> {
        let wide = |list: &[usize; N], fill: usize| {
            std::array::from_fn(|at| (at + N).checked_sub(3).map_or(fill, |at| list[at]))
        };
        let pads =
            std::array::from_fn(|at| (at + N).checked_sub(3).map_or((0, 0), |at| window.pads[at]));
        Window {
            kernel: wide(&window.kernel, 1),
            strides: wide(&window.strides, 1),
            dilations: wide(&window.dilations, 1),
            pads,
        }
    }
    Ok(match spatial {
        1 => widened(&read::<1>(call, sizes)?),
        2 => widened(&read::<2>(call, sizes)?),
        _ => read::<3>(call, sizes)?,
    })
}

/// Applies a pool of pictures over the last two dimensions, and another one over the dimension
/// before them, if there is one.
fn pooled(
    x: Floats,
    window: &Window<3>,
    pool: impl Fn(Tensor<4>, [usize; 2]) -> Tensor<4>,
) -> Result<Floats, String> {
    let dims = x.dims();
    let (rows, channels) = (dims[0], dims[1]);
    let sizes: Vec<usize> = [vec![1; 5 - dims.len()], dims[2..].to_vec()].concat();
    let [depth, height, width] = [sizes[0], sizes[1], sizes[2]];
    let flat = x.reshape(&[rows, channels * depth, height, width])?.fixed::<4>()?;
    let flat = pool(flat, [1, 2]);
    let [_, _, height, width] = flat.dims();
    let mut sizes = vec![height, width];
    let mut result = Floats::of(flat);
    if dims.len() == 5 && (window.kernel[0] != 1 || window.strides[0] != 1) {
        let deep = result.reshape(&[rows, channels, depth, height * width])?;
        let deep = pool(deep.fixed::<4>()?, [0, 3]);
        sizes = vec![deep.dims()[2], height, width];
        result = Floats::of(deep);
    } else if dims.len() == 5 {
        sizes = vec![depth, height, width];
    }
    if dims.len() == 3 {
        sizes = vec![width];
    }
    result.reshape(&[vec![rows, channels], sizes].concat())
}

/// Returns an option of two of the three dimensions; the fourth stands for "none".
fn two<T: Copy>(list: [T; 3], none: T, which: [usize; 2]) -> [T; 2] {
    which.map(|at| list.get(at).copied().unwrap_or(none))
}

fn max_pool(call: &mut Call) -> Outputs {
    if call.wants(1) {
        return Err("the positions of the largest values are not supported".into());
    }
    let x = call.floats(0)?;
    let window = windows(call, &x)?;
    let ceil = call.integer("ceil_mode", 0) != 0;
    one(pooled(x, &window, |x, which| {
        let options = MaxPoolOptions {
            kernel_size: two(window.kernel, 1, which),
            stride: two(window.strides, 1, which),
            padding: two(window.pads, (0, 0), which),
            dilation: two(window.dilations, 1, which),
            ceil_mode: ceil,
        };
        max_pool2d(x, options)
    })?)
}

fn average_pool(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let window = windows(call, &x)?;
    if window.dilations != [1; 3] {
        return Err("dilations are not supported".into());
    }
    let ceil = call.integer("ceil_mode", 0) != 0;
    let count_padding = call.integer("count_include_pad", 0) != 0;
    one(pooled(x, &window, |x, which| {
        let options = AvgPoolOptions {
            kernel_size: two(window.kernel, 1, which),
            stride: two(window.strides, 1, which),
            padding: two(window.pads, (0, 0), which),
            count_include_pad: count_padding,
            ceil_mode: ceil,
        };
        avg_pool2d(x, options)
    })?)
}
