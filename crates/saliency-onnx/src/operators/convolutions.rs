//! Convolutions of one to three dimensions.

use burn::module::Param;
use burn::nn::{PaddingConfig2d, conv};
use burn::tensor::Tensor;
use burn::tensor::module::{
    conv_transpose1d, conv_transpose2d, conv_transpose3d, conv1d, conv2d, conv3d,
};
use burn::tensor::ops::PadMode;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use saliency_flex::nn::conv::Conv2d;

use crate::values::{Floats, RANK};

use super::Entry;
use super::call::{Call, Outputs, one};

pub(super) const TABLE: &[Entry] = &[("Conv", conv), ("ConvTranspose", conv_transpose)];

/// The geometry of a window that moves over a picture.
pub(super) struct Window<const N: usize> {
    pub(super) kernel: [usize; N],
    pub(super) strides: [usize; N],
    pub(super) dilations: [usize; N],
    /// Before and after, for each dimension.
    pub(super) pads: [(usize, usize); N],
}

impl<const N: usize> Window<N> {
    /// Reads the options of a node, for an input of the given sizes.
    pub(super) fn read(call: &Call, kernel: [usize; N], sizes: &[usize]) -> Result<Self, String> {
        let (strides, dilations) = (call.sizes("strides", 1)?, call.sizes("dilations", 1)?);
        if kernel.contains(&0) || strides.contains(&0) || dilations.contains(&0) {
            return Err("the kernel, a stride or a dilation is zero".into());
        }
        let reach = |at: usize| (kernel[at] - 1).saturating_mul(dilations[at]).saturating_add(1);
        let mut pads = [(0, 0); N];
        match call.text("auto_pad", "NOTSET") {
            "NOTSET" => {
                if let Some(list) = call.list("pads") {
                    if list.len() != 2 * N {
                        return Err(format!("the pads are {list:?}"));
                    }
                    for at in 0..N {
                        let pad = |it: i64| {
                            usize::try_from(it).map_err(|_| format!("the pads are {list:?}"))
                        };
                        pads[at] = (pad(list[at])?, pad(list[N + at])?);
                    }
                }
            }
            "VALID" => {}
            mode @ ("SAME_UPPER" | "SAME_LOWER") => {
                for at in 0..N {
                    let size = sizes[at];
                    let last = (size.div_ceil(strides[at]).max(1) - 1) * strides[at];
                    let total = (last + reach(at)).saturating_sub(size);
                    let (less, more) = (total / 2, total - total / 2);
                    pads[at] = if mode == "SAME_UPPER" { (less, more) } else { (more, less) };
                }
            }
            other => return Err(format!("`auto_pad` is `{other}`")),
        }
        for at in 0..N {
            let padded = sizes[at].saturating_add(pads[at].0).saturating_add(pads[at].1);
            if padded < reach(at) || padded > 1 << 24 {
                return Err(format!("a window of {} does not fit {padded} values", reach(at)));
            }
        }
        let padded = |at: usize| sizes[at] + pads[at].0 + pads[at].1;
        call.check_size(&std::array::from_fn::<usize, N, _>(padded))?;
        Ok(Self { kernel, strides, dilations, pads })
    }
}

fn conv(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    match x.rank {
        3 => {
            let weight = call.floats(1)?.fixed::<3>()?;
            let options = options(call, &x, weight.dims())?;
            one(Floats::of(conv1d(x.fixed()?, weight, bias(call)?, options)))
        }
        4 => {
            if let Some((conv, layer)) = call.layer {
                let _: ConvOptions<2> = options(call, &x, layer.kernel)?;
                return one(Floats::of(conv.forward(x.fixed()?)));
            }
            let weight = call.floats(1)?.fixed::<4>()?;
            let options = options(call, &x, weight.dims())?;
            one(Floats::of(conv2d(x.fixed()?, weight, bias(call)?, options)))
        }
        5 => {
            let weight = call.floats(1)?.fixed::<5>()?;
            let options = options(call, &x, weight.dims())?;
            one(Floats::of(conv3d(x.fixed()?, weight, bias(call)?, options)))
        }
        rank => Err(format!("an input of {rank} dimensions cannot be convolved")),
    }
}

fn bias(call: &Call) -> Result<Option<Tensor<1>>, String> {
    if !call.has(2) {
        return Ok(None);
    }
    call.floats(2)?.fixed().map(Some)
}

/// Reads the options of a convolution, and checks that the shapes fit.
fn options<const N: usize, const D: usize>(
    call: &Call,
    x: &Floats,
    weight: [usize; D],
) -> Result<ConvOptions<N>, String> {
    let dims = x.dims();
    let kernel: [usize; N] = weight[2..].try_into().map_err(|_| "the kernel does not fit")?;
    let groups = call.positive("group", 1)?;
    if weight[1].checked_mul(groups) != Some(dims[1]) || !weight[0].is_multiple_of(groups) {
        return Err(format!("the kernel {weight:?} in {groups} groups does not fit {dims:?}"));
    }
    if call.has(2) && call.dims(2)? != [weight[0]] {
        return Err("the bias does not fit the kernel".into());
    }
    let window = Window::read(call, kernel, &dims[2..])?;
    let size = |at: usize| dims[2 + at] + window.pads[at].0 + window.pads[at].1;
    let reach = |at: usize| (kernel[at] - 1) * window.dilations[at] + 1;
    let sizes = (0..N).map(|at| (size(at) - reach(at)) / window.strides[at] + 1);
    call.check_size(&[dims[0], weight[0]].into_iter().chain(sizes).collect::<Vec<_>>())?;
    Ok(ConvOptions::new_with_padding(window.strides, window.pads, window.dilations, groups))
}

/// Makes the layer of a convolution of pictures whose weights are constants. Returns `None` if its
/// padding depends on the picture, or if its options are wrong, which the node reports.
pub(crate) fn layer(
    node: &crate::graph::Node,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
) -> Option<Conv2d> {
    let attributes = &node.attributes;
    let pair = |name: &str| match attributes.integers(name) {
        None => Some([1, 1]),
        Some(&[a, b]) => Some([usize::try_from(a).ok()?, usize::try_from(b).ok()?]),
        Some(_) => None,
    };
    if !matches!(attributes.text("auto_pad").unwrap_or("NOTSET"), "NOTSET" | "VALID") {
        return None;
    }
    let padding = match attributes.integers("pads") {
        None => [0; 4],
        Some(list) => {
            let list: Vec<usize> = list.iter().filter_map(|&it| usize::try_from(it).ok()).collect();
            <[usize; 4]>::try_from(list).ok()?
        }
    };
    // Top, left, bottom, right, in ONNX as in Burn.
    let [top, left, bottom, right] = padding;
    let groups =
        usize::try_from(attributes.integer("group").unwrap_or(1)).ok().filter(|&it| it > 0)?;
    let [_, _, height, width] = weight.dims();
    let burn = conv::Conv2d {
        weight: Param::from_tensor(weight),
        bias: bias.map(Param::from_tensor),
        stride: pair("strides")?,
        kernel_size: [height, width],
        dilation: pair("dilations")?,
        groups,
        padding: PaddingConfig2d::Explicit(top, left, bottom, right),
    };
    Some(burn.into())
}

fn conv_transpose(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let weight = call.floats(1)?;
    match x.rank {
        3 => {
            let geometry = Transposed::<1>::read(call, &x.dims(), &weight.dims())?;
            let y = conv_transpose1d(x.fixed()?, weight.fixed()?, bias(call)?, geometry.options());
            one(geometry.cropped(Floats::of(y))?)
        }
        4 => {
            let geometry = Transposed::<2>::read(call, &x.dims(), &weight.dims())?;
            let y = conv_transpose2d(x.fixed()?, weight.fixed()?, bias(call)?, geometry.options());
            one(geometry.cropped(Floats::of(y))?)
        }
        5 => {
            let geometry = Transposed::<3>::read(call, &x.dims(), &weight.dims())?;
            let y = conv_transpose3d(x.fixed()?, weight.fixed()?, bias(call)?, geometry.options());
            one(geometry.cropped(Floats::of(y))?)
        }
        rank => Err(format!("an input of {rank} dimensions cannot be convolved")),
    }
}

/// The geometry of a transposed convolution. It is computed without padding, and cropped.
struct Transposed<const N: usize> {
    strides: [usize; N],
    dilations: [usize; N],
    groups: usize,
    /// What is cut off in front, which may be negative.
    before: [i64; N],
    /// The sizes of the result.
    sizes: [usize; N],
}

impl<const N: usize> Transposed<N> {
    fn read(call: &Call, dims: &[usize], weight: &[usize]) -> Result<Self, String> {
        let groups = call.positive("group", 1)?;
        if weight.len() != N + 2
            || weight[0] != dims[1]
            || !dims[1].is_multiple_of(groups)
            || weight.contains(&0)
        {
            return Err(format!("the kernel {weight:?} in {groups} groups does not fit {dims:?}"));
        }
        let (strides, dilations) =
            (call.sizes::<N>("strides", 1)?, call.sizes::<N>("dilations", 1)?);
        let more: [usize; N] = call.sizes("output_padding", 0)?;
        if strides.contains(&0) || dilations.contains(&0) || dims.contains(&0) {
            return Err("a size, a stride or a dilation is zero".into());
        }
        let wanted =
            call.list("output_shape").map(|list| list[list.len().saturating_sub(N)..].to_vec());
        let mode = call.text("auto_pad", "NOTSET");
        let (mut before, mut sizes) = ([0; N], [0; N]);
        for at in 0..N {
            let full = (dims[2 + at] - 1) * strides[at] + (weight[2 + at] - 1) * dilations[at] + 1;
            let full = (full + more[at]) as i64;
            let (pads, size) = match (&wanted, mode) {
                (Some(wanted), _) => {
                    let size = *wanted.get(at).ok_or("the output shape is too short")?;
                    let total = (full - size).max(0);
                    (if mode == "SAME_UPPER" { total / 2 } else { total - total / 2 }, size)
                }
                (None, "SAME_UPPER" | "SAME_LOWER") => {
                    let size = (dims[2 + at] * strides[at]) as i64;
                    let total = (full - size).max(0);
                    (if mode == "SAME_UPPER" { total / 2 } else { total - total / 2 }, size)
                }
                (None, _) => {
                    let pads = call.list("pads").unwrap_or(&[]);
                    let pad = |at: usize| pads.get(at).copied().unwrap_or(0);
                    (pad(at), full - pad(at) - pad(N + at))
                }
            };
            before[at] = pads;
            sizes[at] = usize::try_from(size)
                .ok()
                .filter(|&size| size > 0 && size < 1 << 24)
                .ok_or_else(|| format!("the result would have {size} values"))?;
        }
        call.check_size(&[&[dims[0], weight[1].saturating_mul(groups)], &sizes[..]].concat())?;
        Ok(Self { strides, dilations, groups, before, sizes })
    }

    fn options(&self) -> ConvTransposeOptions<N> {
        ConvTransposeOptions::new(self.strides, [0; N], [0; N], self.dilations, self.groups)
    }

    /// Cuts off the padding, and adds zeros where the result is larger than the convolution.
    fn cropped(&self, mut y: Floats) -> Result<Floats, String> {
        let rank = y.rank;
        for at in 0..N {
            let axis = RANK - N + at;
            let size = y.tensor.dims()[axis];
            let before = usize::try_from(self.before[at]).map_err(|_| "a pad is negative")?;
            let wanted = before + self.sizes[at];
            if wanted > size {
                let mut pairs = [(0, 0); RANK];
                pairs[axis] = (0, wanted - size);
                y = Floats::new(y.tensor.pad(pairs, PadMode::Constant(0.0)), rank);
            }
            y = Floats::new(y.tensor.narrow(axis, before, self.sizes[at]), rank);
        }
        Ok(y)
    }
}
