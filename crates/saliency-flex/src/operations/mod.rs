//! Layers that are cheap to explain on a CPU, for any network on Burn's Flex backend.
//!
//! An explanation asks for gradients by the input while the weights stay as they are. Those need less than what Burn
//! keeps and computes for training: a convolution need not keep its input, nor a ReLU its output. On other
//! backends, and where weights are trained, everything is Burn's.
//!
//! - [`Conv`]: a convolution
//! - [`relu`], [`relu6`]
//!
//! Values and gradients are those of Burn's own layers up to rounding.

mod conv;
mod depthwise;
mod rectify;
mod winograd;

pub use conv::Conv;
pub use rectify::{relu, relu6};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::ops::ModuleOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata as _, backend_extension};
use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;
use rectify::Passed;

/// Burn tells a device's backend by its name only.
fn is_flex(tensor: &Tensor<4>) -> bool {
    format!("{:?}", tensor.device().inner()).contains("Flex")
}

/// The operations; their gradients are those by the first tensor.
#[backend_extension(Flex, Autodiff)]
trait FlexOps: Backend {
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self>;

    /// See [`winograd::convolve`].
    fn winograd(
        input: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// See [`rectify::rectify`].
    fn rectify(input: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self>;
}

impl FlexOps for Flex {
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        if depthwise::fits(&input, &weight, &options) {
            return depthwise::convolve(&input, &weight, &bias, &options);
        }
        Self::conv2d(input, weight, Some(bias), options)
    }

    fn winograd(
        input: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        winograd::convolve(&input, kernels, Some(&bias))
    }

    fn rectify(input: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self> {
        rectify::rectify(input, ceiling).0
    }
}

impl<C: CheckpointStrategy> FlexOps for Autodiff<Flex, C> {
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
    ) -> FloatTensor<Self> {
        let [_, _, height, width] = input.shape().dims();
        let [weight, bias] = [weight, bias].map(FloatTensor::<Self>::into_primitive);
        let kept = Kept::Conv(weight.clone(), options.clone(), [height, width]);
        track::<C>(input, |input| (Flex::conv(input, weight, bias, options), kept))
    }

    fn winograd(
        input: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [kernels, bias] = [kernels, bias].map(FloatTensor::<Self>::into_primitive);
        let kept = Kept::Winograd(kernels.clone());
        track::<C>(input, |input| (Flex::winograd(input, kernels, bias), kept))
    }

    fn rectify(input: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self> {
        track::<C>(input, |input| {
            let (output, passed) = rectify::rectify(input, ceiling);
            (output, Kept::Rectify(passed))
        })
    }
}

/// What an operation keeps for its gradient.
#[derive(Clone, Debug)]
enum Kept {
    /// The weights, and the height and width of the input.
    Conv(FloatTensor<Flex>, ConvOptions<2>, [usize; 2]),
    Winograd(FloatTensor<Flex>),
    Rectify(Passed),
}

#[derive(Debug)]
struct Gradient;

impl Backward<Flex, 1> for Gradient {
    type State = Kept;

    fn backward(self, ops: Ops<Kept, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| match ops.state {
            Kept::Conv(weight, options, size) => conv::gradient(gradient, weight, &options, size),
            Kept::Winograd(kernels) => winograd::convolve(&gradient, kernels, None),
            Kept::Rectify(passed) => rectify::gradient(gradient, passed),
        });
    }
}

/// An operation on a tensor of which Burn may want the gradient.
fn track<C: CheckpointStrategy>(
    input: FloatTensor<Autodiff<Flex, C>>,
    operation: impl FnOnce(FloatTensor<Flex>) -> (FloatTensor<Flex>, Kept),
) -> FloatTensor<Autodiff<Flex, C>> {
    let prepared = Gradient.prepare::<C>([input.node()]).compute_bound().stateful();
    let (output, kept) = operation(input.into_primitive());
    match prepared {
        OpsKind::Tracked(prepared) => prepared.finish(kept, output),
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::Module as _;
    use burn::nn::PaddingConfig2d;
    use burn::nn::conv::{Conv2d, Conv2dConfig};
    use burn::tensor::activation;
    use burn::tensor::{DType, Device, Distribution, TensorData};

    fn values(tensor: Tensor<4>) -> Vec<f64> {
        tensor.into_data().iter().collect()
    }

    /// Gradients of a sum weighted by place, so that no two gradients are the same.
    fn gradient(x: &Tensor<4>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Vec<f64> {
        let leaf = x.clone().autodiff().require_grad();
        let y = f(leaf.clone());
        let count = y.dims().iter().product::<usize>();
        let weights: Vec<f64> = (0..count).map(|at| (at as f64).sin()).collect();
        let data = TensorData::new(weights, y.dims());
        let weights = Tensor::<4>::from_data(data, (&x.device(), x.dtype()));
        let gradients = (y * weights).sum().backward();
        values(leaf.grad(&gradients).unwrap())
    }

    fn alike(a: &[f64], b: &[f64]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 2e-5, "{a} {b}");
        }
    }

    fn conv(channels: [usize; 2], kernel: usize, stride: usize) -> Conv2dConfig {
        let half = kernel / 2;
        let padding = PaddingConfig2d::Explicit(half, half, half, half);
        Conv2dConfig::new(channels, [kernel; 2]).with_stride([stride; 2]).with_padding(padding)
    }

    /// Each kind of convolution: with its values and gradients by Burn alone.
    #[test]
    fn convolutions_are_those_of_burn() {
        let device = Device::flex();
        device.seed(0);
        let before = PaddingConfig2d::Explicit(1, 0, 2, 3);
        let depthwise = |kernel, stride| conv([6, 6], kernel, stride).with_groups(6);
        let configs = [
            depthwise(3, 1),
            depthwise(5, 1),
            depthwise(3, 2),
            depthwise(5, 2),
            depthwise(2, 3),
            depthwise(3, 1).with_stride([1, 2]),
            depthwise(5, 2).with_padding(before.clone()),
            depthwise(3, 2).with_padding(PaddingConfig2d::Valid),
            depthwise(3, 1).with_padding(PaddingConfig2d::Same),
            depthwise(4, 1).with_padding(PaddingConfig2d::Explicit(2, 2, 1, 1)),
            depthwise(3, 1).with_padding(PaddingConfig2d::Explicit(0, 2, 4, 1)),
            depthwise(3, 1).with_dilation([2, 1]),
            depthwise(3, 2).with_bias(false),
            conv([6, 4], 1, 1),
            conv([6, 4], 1, 2),
            conv([6, 4], 1, 1).with_padding(before.clone()),
            conv([6, 4], 3, 1),
            conv([6, 4], 3, 1).with_groups(2),
            conv([6, 4], 3, 1).with_padding(before.clone()),
            conv([6, 4], 3, 2).with_padding(before),
            conv([6, 4], 3, 1).with_bias(false),
            conv([6, 4], 7, 2),
        ];
        for config in configs {
            let burn = config.init(&device);
            for size in [[9, 7], [8, 12], [51, 46]] {
                let x =
                    Tensor::<4>::random([2, 6, size[0], size[1]], Distribution::Default, &device);
                for ours in [Conv::new(burn.clone()), Conv::frozen(burn.clone())] {
                    alike(&values(ours.forward(x.clone())), &values(burn.forward(x.clone())));
                    let own = gradient(&x, |x| ours.forward(x));
                    alike(&own, &gradient(&x, |x| burn.forward(x)));
                }
                let double = Tensor::<4>::from_data(x.into_data(), (&device, DType::F64));
                let cast = |tensor: Tensor<4>| tensor.cast(DType::F64);
                let mut burn = burn.clone();
                burn.weight = burn.weight.map(cast);
                burn.bias = burn.bias.map(|bias| bias.map(|bias| bias.cast(DType::F64)));
                let ours = Conv::new(burn.clone());
                let own = gradient(&double, |x| ours.forward(x));
                alike(&own, &gradient(&double, |x| burn.forward(x)));
            }
        }
    }

    #[test]
    fn rectifiers_are_those_of_burn() {
        let device = Device::flex();
        let clamped = |x: Tensor<4>| activation::relu(x.clone()) - activation::relu(x - 6.0);
        for dtype in [DType::F32, DType::F64] {
            let data = [[[[-1.0, 0.0, 3.0, 5.9], [6.1, 7.0, 0.1, -0.0]]]];
            let x = Tensor::<4>::from_data(data, (&device, dtype));
            alike(&gradient(&x, relu6), &gradient(&x, clamped));
            let all = [0.0, 0.0, 3.0, 5.9, 6.0, 6.0, 0.1, 0.0];
            alike(&values(relu6(x.clone())), &all);
            alike(&gradient(&x, relu), &gradient(&x, activation::relu));
            alike(&values(relu(x)), &[0.0, 0.0, 3.0, 5.9, 6.1, 7.0, 0.1, 0.0]);
            // At the corners it is 0, as PyTorch has it.
            let corners = Tensor::<4>::from_data([[[[0.0, 6.0]]]], (&device, dtype));
            alike(&gradient(&corners, relu6), &[0.0, 0.0]);
        }
        // More than a block of bits, and a part of one.
        let long = Tensor::<4>::random([1, 1, 3, 333], Distribution::Uniform(-9.0, 9.0), &device);
        alike(&gradient(&long, relu6), &gradient(&long, clamped));
        let nan = Tensor::<4>::from_data([[[[f32::NAN, 1.0]]]], &device);
        assert!(values(relu6(nan))[0].is_nan());
    }

    /// Weights that are trained get their gradients, on Flex too.
    #[test]
    fn weights_can_be_trained() {
        let device = Device::flex();
        let weight = |net: &Conv2d| net.weight.val();
        for config in [conv([3, 3], 3, 1).with_groups(3), conv([3, 2], 3, 1), conv([3, 2], 1, 1)] {
            let net = config.init(&device).train();
            let x = Tensor::<4>::ones([1, 3, 5, 5], &device).autodiff();
            let ours = Conv::new(net.clone()).forward(x.clone()).sum().backward();
            let burn = net.forward(x).sum().backward();
            let [ours, burn] = [ours, burn].map(|gradients| weight(&net).grad(&gradients));
            alike(&values(ours.expect("a gradient")), &values(burn.expect("a gradient")));
        }
    }
}
