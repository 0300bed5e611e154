use burn::backend::Dispatch;
use burn::config::Config;
use burn::module::{Content, DisplaySettings, Module, ModuleDisplay};
use burn::nn::PaddingConfig2d;
use burn::nn::pool;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Tensor, module};

use super::device::is_flex;
use super::padding::around;
use crate::kernels;
use crate::operations::FlexOps;

/// The options of a [`MaxPool2d`]: those of Burn's `MaxPool2dConfig`, with the same defaults.
#[derive(Config, Debug)]
pub struct MaxPool2dConfig {
    /// The height and width of a window.
    pub kernel_size: [usize; 2],
    /// The steps from one window to the next. Default: the size of a window.
    #[config(default = "kernel_size")]
    pub strides: [usize; 2],
    /// The padding. Default: none.
    #[config(default = "PaddingConfig2d::Valid")]
    pub padding: PaddingConfig2d,
    /// The steps from one value of a window to the next. Default: 1.
    #[config(default = "[1, 1]")]
    pub dilation: [usize; 2],
    /// Whether there are windows that reach beyond the padded picture. Default: no.
    #[config(default = "false")]
    pub ceil_mode: bool,
}

impl MaxPool2dConfig {
    /// Builds the layer.
    pub fn init(&self) -> MaxPool2d {
        MaxPool2d {
            stride: self.strides,
            kernel_size: self.kernel_size,
            padding: self.padding.clone(),
            dilation: self.dilation,
            ceil_mode: self.ceil_mode,
        }
    }
}

/// The largest value of each window of a picture.
///
/// It has the fields and the options of Burn's [`MaxPool2d`](burn::nn::pool::MaxPool2d), which it
/// can be made of. Until the backward pass, on Flex and in single precision, it keeps one byte for
/// each result. Burn keeps the input, and eight bytes for each result.
///
/// # Shapes
/// `[rows, channels, height, width]` in and out.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_flex::nn::pool::MaxPool2dConfig;
///
/// let x = Tensor::<4>::from_data([[[[1.0, 4.0], [2.0, 3.0]]]], &Device::flex());
/// assert_eq!(MaxPool2dConfig::new([2, 2]).init().forward(x).into_scalar::<f32>(), 4.0);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct MaxPool2d {
    /// The steps from one window to the next.
    pub stride: [usize; 2],
    /// The height and width of a window.
    pub kernel_size: [usize; 2],
    /// The padding.
    #[module(skip)]
    pub padding: PaddingConfig2d,
    /// The steps from one value of a window to the next.
    pub dilation: [usize; 2],
    /// Whether there are windows that reach beyond the padded picture.
    pub ceil_mode: bool,
}

impl MaxPool2d {
    /// Returns the largest value of each window.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, _, size @ ..] = input.dims();
        let padding = around(&self.padding, size, self.kernel_size, self.stride);
        let options = MaxPoolOptions::new(self.kernel_size)
            .with_stride(self.stride)
            .with_padding_pairs(padding)
            .with_dilation(self.dilation)
            .with_ceil_mode(self.ceil_mode);
        max_pool2d(input, options)
    }

    fn to_burn(&self) -> pool::MaxPool2d {
        let Self { stride, kernel_size, padding, dilation, ceil_mode } = self.clone();
        pool::MaxPool2d { stride, kernel_size, padding, dilation, ceil_mode }
    }
}

/// Returns the largest value of each window. It is Burn's function of the same name.
///
/// # Shapes
/// `[rows, channels, height, width]` in and out.
///
/// # Example
/// ```
/// use burn::tensor::ops::MaxPoolOptions;
/// use burn::tensor::{Device, Tensor};
/// use saliency_flex::tensor::module::max_pool2d;
///
/// let x = Tensor::<4>::from_data([[[[1.0, 4.0], [2.0, 3.0]]]], &Device::flex());
/// assert_eq!(max_pool2d(x, MaxPoolOptions::new([2, 2])).into_scalar::<f32>(), 4.0);
/// ```
pub fn max_pool2d(input: Tensor<4>, options: MaxPoolOptions<2>) -> Tensor<4> {
    if !is_flex(&input) || !kernels::max_pool::fits(input.dtype(), input.dims(), &options) {
        return module::max_pool2d(input, options);
    }
    Tensor::from_dispatch(<Dispatch as FlexOps>::pool(input.into_dispatch(), options))
}

impl From<pool::MaxPool2d> for MaxPool2d {
    fn from(pool: pool::MaxPool2d) -> Self {
        let pool::MaxPool2d { stride, kernel_size, padding, dilation, ceil_mode } = pool;
        Self { stride, kernel_size, padding, dilation, ceil_mode }
    }
}

impl From<MaxPool2d> for pool::MaxPool2d {
    fn from(pool: MaxPool2d) -> Self {
        pool.to_burn()
    }
}

impl ModuleDisplay for MaxPool2d {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        self.to_burn().custom_settings()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        self.to_burn().custom_content(content)
    }
}
