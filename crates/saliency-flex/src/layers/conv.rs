use std::fmt;
use std::ops::{Deref, DerefMut};

use burn::backend::Dispatch;
use burn::config::Config;
use burn::module::{
    Content, Devices, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper,
    ModuleVisitor, Param,
};
use burn::nn::conv;
use burn::nn::{Initializer, PaddingConfig2d};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Device, Tensor};

use super::device::is_flex;
use super::kernels::KeptForms;
use super::padding::around;
use super::pass;
use crate::kernels::winograd::Tile;
use crate::operations::FlexOps;

/// The options of a [`Conv2d`]: those of Burn's `Conv2dConfig`, with the same defaults. Saved
/// options of one are read as options of the other.
#[derive(Config, Debug)]
pub struct Conv2dConfig {
    /// The numbers of input and output channels.
    pub channels: [usize; 2],
    /// The height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// The steps from one result to the next.
    #[config(default = "[1, 1]")]
    pub stride: [usize; 2],
    /// The steps from one value of a kernel to the next.
    #[config(default = "[1, 1]")]
    pub dilation: [usize; 2],
    /// The number of groups that the channels are split into.
    #[config(default = "1")]
    pub groups: usize,
    /// The padding.
    #[config(default = "PaddingConfig2d::Valid")]
    pub padding: PaddingConfig2d,
    /// Whether the layer has a bias.
    #[config(default = true)]
    pub bias: bool,
    /// The first values of the parameters.
    #[config(
        default = "Initializer::KaimingUniform{gain: 1.0 / 3.0_f64.sqrt(), fan_out_only: false}"
    )]
    pub initializer: Initializer,
}

impl Conv2dConfig {
    /// Builds the layer.
    ///
    /// # Panics
    /// If the numbers of channels are not multiples of the number of groups.
    pub fn init(&self, device: &Device) -> Conv2d {
        let burn = conv::Conv2dConfig {
            channels: self.channels,
            kernel_size: self.kernel_size,
            stride: self.stride,
            dilation: self.dilation,
            groups: self.groups,
            padding: self.padding.clone(),
            bias: self.bias,
            initializer: self.initializer.clone(),
        };
        burn.init(device).into()
    }
}

/// A convolution that is cheap to differentiate with respect to its input on Flex: `y = w * x + b`.
///
/// It has the parameters, the options and the record of Burn's
/// [`Conv2d`](burn::nn::conv::Conv2d), which it can be made of, and whose fields it has. Until the
/// backward pass, it keeps only its weights. Burn also keeps the input, for the gradient with
/// respect to the weights.
///
/// In single precision this crate has kernels of its own for all convolutions but those of 1 x 1
/// with a stride of 1 and without padding, which are products of matrices as they are. But for those
/// of depthwise convolutions, the weights are kept from one call to the next in the form that the
/// kernels read, and are shared by clones and by `valid()` snapshots. Burn computes the other
/// convolutions, and everything in other precisions, on other backends and for weights that are
/// trained.
///
/// # Shapes
/// `[rows, channels, height, width]` in and out.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_flex::nn::PaddingConfig2d;
/// use saliency_flex::nn::conv::Conv2dConfig;
///
/// let device = Device::flex();
/// let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
/// let conv = Conv2dConfig::new([3, 8], [3, 3]).with_padding(padding).init(&device);
/// let x = Tensor::<4>::ones([1, 3, 16, 16], &device);
/// // Burn's own layer, with the same weights.
/// let burn: burn::nn::conv::Conv2d = conv.clone().into();
/// let difference = conv.forward(x.clone()) - burn.forward(x);
/// assert!(difference.abs().max().into_scalar::<f32>() < 1e-5);
/// ```
///
/// # Source
/// Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks*, 2015,
/// <https://arxiv.org/abs/1509.09308>, for kernels of 3 x 3.
#[derive(Clone, Debug)]
pub struct Conv2d {
    burn: conv::Conv2d,
    kernels: KeptForms,
}

impl Conv2d {
    /// Convolves a batch.
    ///
    /// # Panics
    /// If the kernel is larger than the picture with its padding, or if the input has another
    /// number of channels than the layer.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, _, size @ ..] = input.dims();
        let padding = around(&self.padding, size, self.kernel_size, self.stride);
        self.check_size(&input, padding);
        let output = match self.weights_for(&input) {
            Some(weights) => self.convolve(input, padding, weights),
            None => self.burn.forward(input),
        };
        pass::record_convolution(&self.burn, &output);
        output
    }

    /// Returns the weights if this crate computes the layer. Weights that are trained need Burn's
    /// gradients, and other backends need Burn's kernels.
    fn weights_for(&self, input: &Tensor<4>) -> Option<Weights> {
        if !is_flex(input) {
            return None;
        }
        let (weight, bias) = (self.weight.val(), self.bias.as_ref().map(Param::val));
        let trained = weight.is_tracked() || bias.as_ref().is_some_and(Tensor::is_tracked);
        let fits = is_flex(&weight) && weight.dtype() == input.dtype();
        (fits && !trained).then_some(Weights { weight, bias })
    }

    fn convolve(
        &self,
        input: Tensor<4>,
        padding: [(usize, usize); 2],
        Weights { weight, bias }: Weights,
    ) -> Tensor<4> {
        let options = (&input.device(), input.dtype());
        let bias =
            bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], options)).into_dispatch();
        // Use Winograd's form if it fits, otherwise the plain form.
        let winograd = weight.dims()[2..] == [3; 2]
            && self.stride == [1; 2]
            && self.dilation == [1; 2]
            && self.groups == 1
            && padding == [(1, 1); 2]
            && input.dtype() == DType::F32;
        let [_, _, height, width] = input.dims();
        let input = input.into_dispatch();
        let output = if winograd {
            let kernels = self.kernels.transformed(weight, Tile::of(height, width)).into_dispatch();
            <Dispatch as FlexOps>::winograd(input, kernels, bias)
        } else {
            let options =
                ConvOptions::new_with_padding(self.stride, padding, self.dilation, self.groups);
            let packed = self.kernels.packed(&weight, &options);
            <Dispatch as FlexOps>::conv(input, weight.into_dispatch(), bias, options, packed)
        };
        Tensor::from_dispatch(output)
    }

    /// Checks that the channels are those of the layer, and that the kernel fits into the padded
    /// picture.
    fn check_size(&self, input: &Tensor<4>, padding: [(usize, usize); 2]) {
        let [_, channels, size @ ..] = input.dims();
        let [_, inputs, ..] = self.weight.lazy_shape().dims::<4>();
        let expected = inputs * self.groups;
        assert!(
            channels == expected,
            "a convolution of {expected} channels cannot read a picture of {channels} channels"
        );
        let padded = [0, 1].map(|axis| size[axis] + padding[axis].0 + padding[axis].1);
        let kernel =
            [0, 1].map(|axis| self.dilation[axis] * self.kernel_size[axis].saturating_sub(1) + 1);
        assert!(
            kernel[0] <= padded[0] && kernel[1] <= padded[1],
            "a kernel of {} x {} (height x width, with its dilation) is too large for a picture of \
             {} x {} with its padding: give the network a larger picture",
            kernel[0],
            kernel[1],
            padded[0],
            padded[1],
        );
    }

    /// Returns whether the transformed kernels of the present weight are kept.
    #[cfg(test)]
    pub(super) fn keeps_kernels(&self) -> bool {
        self.kernels.are_kept_for(&self.weight.val())
    }

    /// Applies a function to the layer of Burn. The kernels are kept only if the weights stay.
    fn changed(self, change: impl FnOnce(conv::Conv2d) -> conv::Conv2d) -> Self {
        change(self.burn).into()
    }
}

/// The weights that this crate computes with.
struct Weights {
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
}

impl From<conv::Conv2d> for Conv2d {
    fn from(burn: conv::Conv2d) -> Self {
        Self { burn, kernels: KeptForms::default() }
    }
}

impl From<Conv2d> for conv::Conv2d {
    fn from(conv: Conv2d) -> Self {
        conv.burn
    }
}

impl Deref for Conv2d {
    type Target = conv::Conv2d;

    fn deref(&self) -> &Self::Target {
        &self.burn
    }
}

impl DerefMut for Conv2d {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.burn
    }
}

/// Written out, because the layer has to be visited as Burn's layer is, so that both have the same
/// record.
impl Module for Conv2d {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.burn.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.changed(|burn| burn.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.changed(|burn| burn.to_device(device))
    }

    fn train(self) -> Self {
        Self { burn: self.burn.train(), kernels: self.kernels }
    }

    fn valid(&self) -> Self {
        Self { burn: self.burn.valid(), kernels: self.kernels.clone() }
    }

    fn materialize(self) -> Self {
        self.changed(conv::Conv2d::materialize)
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        self.burn.visit(visitor);
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        let id = self.burn.weight.id;
        let mut mapped = self.changed(|burn| burn.map(mapper));
        if mapped.bias.is_none() {
            mapped.bias = pass::new_bias(id).map(Param::from_tensor);
        }
        mapped
    }
}

impl ModuleDisplayDefault for Conv2d {
    fn content(&self, content: Content) -> Option<Content> {
        self.burn.content(content)
    }

    fn num_params(&self) -> usize {
        Module::num_params(&self.burn)
    }
}

impl ModuleDisplay for Conv2d {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        self.burn.custom_settings()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        self.burn.custom_content(content)
    }
}

impl fmt::Display for Conv2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.burn.fmt(f)
    }
}
