//! Depthwise convolutions whose gradient is a convolution too.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;

/// A depthwise convolution: each channel is filtered by a kernel of its own.
///
/// Burn takes the gradient of a convolution by a transposed one, which its Flex backend computes channel
/// by channel through matrices of rank one: 2 to 6 times as long as the convolution itself. At a stride of
/// 1 the gradient is a convolution with the kernel turned by half, and on Flex that is what this computes.
/// Elsewhere, and at other strides, it is Burn's own.
#[derive(Module, Debug)]
pub(crate) struct Depthwise {
    conv: Conv2d,
    /// The kernels turned by half.
    turned: Param<Tensor<4>>,
}

impl Depthwise {
    pub fn new(conv: Conv2d) -> Self {
        let turned = Param::from_tensor(conv.weight.val().flip([2, 3]));
        Self { conv, turned }
    }

    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let bias = match &self.conv.bias {
            Some(bias) if self.conv.stride == [1, 1] && is_flex(&input) => bias.val(),
            _ => return self.conv.forward(input),
        };
        let [_, _, kernel, _] = self.turned.dims();
        let output = <Dispatch as DepthwiseOps>::depthwise(
            input.into_dispatch(),
            self.conv.weight.val().into_dispatch(),
            self.turned.val().into_dispatch(),
            bias.into_dispatch(),
            kernel / 2,
        );
        Tensor::from_dispatch(output)
    }
}

/// Burn tells a device's backend by its name only.
fn is_flex(tensor: &Tensor<4>) -> bool {
    format!("{:?}", tensor.device().inner()).contains("Flex")
}

/// The operation with its gradient. The padding keeps the size: half of an odd kernel.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait DepthwiseOps: Backend {
    fn depthwise(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        turned: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        padding: usize,
    ) -> FloatTensor<Self>;
}

fn convolve<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    padding: usize,
) -> FloatTensor<B> {
    let channels = burn::backend::TensorMetadata::shape(&weight)[0];
    B::conv2d(input, weight, bias, ConvOptions::new([1; 2], [padding; 2], [1; 2], channels))
}

impl DepthwiseOps for Flex {
    fn depthwise(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        _turned: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        padding: usize,
    ) -> FloatTensor<Self> {
        convolve::<Self>(input, weight, Some(bias), padding)
    }
}

impl<B: DepthwiseOps, C: CheckpointStrategy> DepthwiseOps for Autodiff<B, C> {
    fn depthwise(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        turned: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        padding: usize,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Turned;

        impl<B: DepthwiseOps> Backward<B, 1> for Turned {
            type State = (FloatTensor<B>, usize);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let (turned, padding) = ops.state;
                unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
                    convolve::<B>(gradient, turned, None, padding)
                });
            }
        }

        let prepared = Turned.prepare::<C>([input.node()]).compute_bound().stateful();
        let [weight, turned, bias] =
            [weight, turned, bias].map(|constant| constant.into_primitive());
        let output = B::depthwise(input.into_primitive(), weight, turned.clone(), bias, padding);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((turned, padding), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}
