use burn::backend::ops::{FloatTensorOps as _, ModuleOps as _};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Dispatch, Flex, TensorMetadata as _};
use burn::module::{Module, Param};
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{DType, Shape, Slice, Tensor};

use super::{FlexOps, depthwise, is_flex, winograd};

/// A convolution that is cheap to explain on Burn's Flex backend: `y = w * x + b`, as the `Conv2d` inside it has it.
///
/// Until the gradient has passed it keeps its weights only, where Burn keeps the input for the gradient by the
/// weights. Depthwise convolutions in single precision without dilation have a kernel of their own. The rest, all
/// other backends, and weights that are trained, are left to Burn.
///
/// # Shapes
/// Those of the `Conv2d`: `[rows, channels, height, width]` in and out.
///
/// # Example
/// ```
/// use burn::nn::PaddingConfig2d;
/// use burn::nn::conv::Conv2dConfig;
/// use burn::tensor::{Device, Tensor};
/// use saliency_models::flex::{Conv, relu6};
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
    /// The kernels in the form that [`winograd`] takes.
    transformed: Option<Param<Tensor<4>>>,
}

impl Conv {
    /// The same function as `conv`. Weights can still be loaded, as `conv.weight` and `conv.bias`, and trained.
    pub fn new(conv: Conv2d) -> Self {
        Self { conv, transformed: None }
    }

    /// For a convolution whose weights do not change any more, by loading or by training: on Flex, one of 3 x 3 with a
    /// stride and a dilation of 1 and one group is then computed with fewer multiplications.
    ///
    /// # Source
    /// Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks*, 2015, <https://arxiv.org/abs/1509.09308>.
    pub fn frozen(mut conv: Conv2d) -> Self {
        let fits = conv.kernel_size == [3; 2] && conv.stride == [1; 2] && conv.dilation == [1; 2];
        let weight = conv.weight.val();
        let transformed = if fits && conv.groups == 1 && is_flex(&weight) {
            // A transformed kernel would not follow one that is trained.
            conv.weight = conv.weight.set_require_grad(false);
            Some(Param::from_tensor(winograd::transform(weight)).set_require_grad(false))
        } else {
            None
        };
        Self { conv, transformed }
    }

    pub(crate) fn conv(self) -> Conv2d {
        self.conv
    }

    /// The convolution of a batch.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let Conv2d { weight, bias, stride, dilation, groups, padding, .. } = &self.conv;
        let padding = match padding {
            PaddingConfig2d::Valid => [(0, 0); 2],
            PaddingConfig2d::Explicit(top, left, bottom, right) => {
                [(*top, *bottom), (*left, *right)]
            }
            PaddingConfig2d::Same => return self.conv.forward(input),
        };
        let (weight, bias) = (weight.val(), bias.as_ref().map(Param::val));
        let trained =
            weight.is_require_grad() || bias.as_ref().is_some_and(Tensor::is_require_grad);
        if trained || !is_flex(&input) {
            return self.conv.forward(input);
        }
        let options = (&input.device(), input.dtype());
        let bias =
            bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], options)).into_dispatch();
        let single = input.dtype() == DType::F32;
        let input = input.into_dispatch();
        let output = match &self.transformed {
            Some(kernels) if padding == [(1, 1); 2] && single => {
                <Dispatch as FlexOps>::winograd(input, kernels.val().into_dispatch(), bias)
            }
            _ => {
                let options = ConvOptions::new_with_padding(*stride, padding, *dilation, *groups);
                <Dispatch as FlexOps>::conv(input, weight.into_dispatch(), bias, options)
            }
        };
        Tensor::from_dispatch(output)
    }
}

/// The gradient by an input of the given height and width.
pub(super) fn gradient(
    gradient: FloatTensor<Flex>,
    weight: FloatTensor<Flex>,
    options: &ConvOptions<2>,
    size: [usize; 2],
) -> FloatTensor<Flex> {
    let [rows, outputs, height, width] = gradient.shape().dims();
    let [_, inputs, kernel @ ..] = weight.shape().dims::<4>();
    if depthwise::fits(&gradient, &weight, options) {
        return depthwise::gradient(&gradient, &weight, options, size);
    }
    let (stride, padding, dilation) = (options.stride, options.padding_begin(), options.dilation);
    let groups = options.groups;
    if kernel == [1; 2] && groups == 1 && stride == [1; 2] && size == [height, width] {
        // The product alone, which a transposed convolution writes out as columns first.
        let weight = Flex::float_reshape(weight, Shape::from([1, outputs, inputs]));
        let gradient = Flex::float_reshape(gradient, Shape::from([rows, outputs, height * width]));
        let product = Flex::float_matmul(Flex::float_swap_dims(weight, 1, 2), gradient);
        return Flex::float_reshape(product, Shape::from([rows, inputs, height, width]));
    }
    // The transposed convolution takes the padding before off at both ends.
    let count = [height, width];
    let whole = [0, 1]
        .map(|axis| (count[axis] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1);
    let wanted = [0, 1].map(|axis| size[axis] + 2 * padding[axis]);
    let missing = [0, 1].map(|axis| wanted[axis].saturating_sub(whole[axis]));
    let options = ConvTransposeOptions::new(stride, padding, missing, dilation, groups);
    let output = Flex::conv_transpose2d(gradient, weight, None, options);
    if whole[0] <= wanted[0] && whole[1] <= wanted[1] {
        return output;
    }
    let [height, width] = size;
    let slices = [0..rows, 0..inputs * groups, 0..height, 0..width];
    Flex::float_slice(output, &slices.map(Slice::from))
}
