use burn::backend::Dispatch;
use burn::module::{Module, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Tensor};

use super::device::is_flex;
use crate::kernels::winograd::{self, Tile};
use crate::operations::FlexOps;

/// A convolution that is cheap to differentiate with respect to its input on Flex: `y = w * x + b`.
/// The `Conv2d` inside it gives the same result.
///
/// Until the backward pass, it keeps only its weights. Burn also keeps the input, for the gradient
/// with respect to the weights. This crate has its own kernels for depthwise convolutions in single
/// precision without dilation, and for [frozen](Self::frozen) convolutions of 3 x 3. Burn computes
/// all other convolutions, and everything on other backends or with weights that are trained.
///
/// # Shapes
/// Those of the `Conv2d`: `[rows, channels, height, width]` in and out.
///
/// # Example
/// ```
/// use burn::nn::PaddingConfig2d;
/// use burn::nn::conv::Conv2dConfig;
/// use burn::tensor::{Device, Tensor};
/// use saliency_flex::{Conv, relu6};
///
/// let device = Device::flex();
/// let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
/// let burn = Conv2dConfig::new([3, 8], [3, 3]).with_padding(padding).init(&device);
/// let conv = Conv::new(burn.clone());
/// let x = Tensor::<4>::ones([1, 3, 16, 16], &device);
/// let difference = conv.forward(x.clone()) - burn.forward(x.clone());
/// assert!(difference.abs().max().into_scalar::<f32>() < 1e-5);
/// assert_eq!(relu6(conv.forward(x)).dims(), [1, 8, 16, 16]);
/// ```
#[derive(Module, Debug)]
pub struct Conv {
    conv: Conv2d,
    /// The kernels, transformed for [`winograd`] with both tiles.
    transformed: Option<[Param<Tensor<4>>; 2]>,
}

impl Conv {
    /// Wraps `conv`. Weights can still be loaded, as `conv.weight` and `conv.bias`, and trained.
    pub fn new(conv: Conv2d) -> Self {
        Self { conv, transformed: None }
    }

    /// Wraps a convolution whose weights no longer change, neither by loading nor by training.
    ///
    /// On Flex, a kernel of 3 x 3 with a stride and a dilation of 1 and one group is then computed
    /// with fewer multiplications.
    ///
    /// # Source
    /// Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks*, 2015,
    /// <https://arxiv.org/abs/1509.09308>.
    pub fn frozen(mut conv: Conv2d) -> Self {
        let fits = conv.kernel_size == [3; 2] && conv.stride == [1; 2] && conv.dilation == [1; 2];
        let weight = conv.weight.val();
        let transformed = if fits && conv.groups == 1 && is_flex(&weight) {
            // Training a kernel would not change its transformed form.
            conv.weight = conv.weight.set_require_grad(false);
            Some([Tile::Two, Tile::Four].map(|tile| {
                let kernels = winograd::transform(weight.clone(), tile);
                Param::from_tensor(kernels).set_require_grad(false)
            }))
        } else {
            None
        };
        Self { conv, transformed }
    }

    /// Returns the convolution that was wrapped.
    pub fn into_inner(self) -> Conv2d {
        self.conv
    }

    /// Convolves a batch.
    ///
    /// # Panics
    /// If the kernel is larger than the picture with its padding.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let Conv2d { weight, bias, stride, dilation, groups, padding, .. } = &self.conv;
        let padding = match padding {
            PaddingConfig2d::Valid => [(0, 0); 2],
            PaddingConfig2d::Explicit(top, left, bottom, right) => {
                [(*top, *bottom), (*left, *right)]
            }
            PaddingConfig2d::Same => return self.conv.forward(input),
        };
        self.check_size(&input, padding);

        // Weights that are trained need Burn's gradients, and other backends need Burn's kernels.
        let (weight, bias) = (weight.val(), bias.as_ref().map(Param::val));
        let trained =
            weight.is_require_grad() || bias.as_ref().is_some_and(Tensor::is_require_grad);
        if trained || !is_flex(&input) {
            return self.conv.forward(input);
        }

        // Use Winograd's form if the kernels were transformed for it, otherwise the plain form.
        let options = (&input.device(), input.dtype());
        let bias =
            bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], options)).into_dispatch();
        let single = input.dtype() == DType::F32;
        let [_, _, height, width] = input.dims();
        let input = input.into_dispatch();
        let output = match &self.transformed {
            Some([two, four]) if padding == [(1, 1); 2] && single => {
                let kernels = if Tile::of(height, width) == Tile::Two { two } else { four };
                <Dispatch as FlexOps>::winograd(input, kernels.val().into_dispatch(), bias)
            }
            _ => {
                let options = ConvOptions::new_with_padding(*stride, padding, *dilation, *groups);
                <Dispatch as FlexOps>::conv(input, weight.into_dispatch(), bias, options)
            }
        };
        Tensor::from_dispatch(output)
    }

    /// Checks that the kernel fits into the padded picture.
    fn check_size(&self, input: &Tensor<4>, padding: [(usize, usize); 2]) {
        let [_, _, size @ ..] = input.dims();
        let padded = [0, 1].map(|axis| size[axis] + padding[axis].0 + padding[axis].1);
        let kernel = [0, 1].map(|axis| {
            self.conv.dilation[axis] * self.conv.kernel_size[axis].saturating_sub(1) + 1
        });
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
}
