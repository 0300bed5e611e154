//! Operations whose gradients Burn's Flex backend computes in far more passes than they need, with
//! gradients of their own there. Elsewhere they are Burn's.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata as _, backend_extension};
use burn::module::{Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::activation::relu;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Tensor};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::{ParallelSlice as _, ParallelSliceMut as _};

/// A depthwise convolution: each channel is filtered by a kernel of its own.
///
/// Burn takes the gradient of a convolution by a transposed one, which its Flex backend computes channel
/// by channel through matrices of rank one: 2 to 6 times as long as the convolution itself. At a stride of
/// 1 the gradient is a convolution with the kernel turned by half, and on Flex that is what this computes.
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
        let output = <Dispatch as FlexOps>::depthwise(
            input.into_dispatch(),
            self.conv.weight.val().into_dispatch(),
            self.turned.val().into_dispatch(),
            bias.into_dispatch(),
            kernel / 2,
        );
        Tensor::from_dispatch(output)
    }
}

/// ReLU6, `min(max(x, 0), 6)`: one pass over the values, and one for the gradient. Elsewhere it is the
/// difference of two ReLUs, whose gradient costs less than that of `clamp`.
pub(crate) fn relu6(x: Tensor<4>) -> Tensor<4> {
    match is_flex(&x) {
        true => Tensor::from_dispatch(<Dispatch as FlexOps>::relu6(x.into_dispatch())),
        false => relu(x.clone()) - relu(x - 6.0),
    }
}

/// Burn tells a device's backend by its name only.
fn is_flex(tensor: &Tensor<4>) -> bool {
    format!("{:?}", tensor.device().inner()).contains("Flex")
}

/// The operations with their gradients.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait FlexOps: Backend {
    /// The padding keeps the size: half of an odd kernel.
    fn depthwise(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        turned: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        padding: usize,
    ) -> FloatTensor<Self>;

    fn relu6(input: FloatTensor<Self>) -> FloatTensor<Self> {
        clamped::<Self>(input)
    }

    /// The gradient where the output lies between 0 and 6.
    fn relu6_gradient(output: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        in_passes::<Self>(output, gradient)
    }
}

fn convolve<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    padding: usize,
) -> FloatTensor<B> {
    let channels = weight.shape()[0];
    B::conv2d(input, weight, bias, ConvOptions::new([1; 2], [padding; 2], [1; 2], channels))
}

fn clamped<B: Backend>(input: FloatTensor<B>) -> FloatTensor<B> {
    B::float_clamp(input, 0.into(), 6.into())
}

/// ReLU6's gradient by operations of Burn.
fn in_passes<B: Backend>(output: FloatTensor<B>, gradient: FloatTensor<B>) -> FloatTensor<B> {
    let below = B::float_add_scalar(B::float_neg(output.clone()), 6.into());
    B::relu_backward(below, B::relu_backward(output, gradient))
}

impl FlexOps for Flex {
    fn depthwise(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        _turned: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        padding: usize,
    ) -> FloatTensor<Self> {
        convolve::<Self>(input, weight, Some(bias), padding)
    }

    fn relu6(input: FloatTensor<Self>) -> FloatTensor<Self> {
        let mut values = input.to_contiguous();
        drop(input);
        if values.dtype() != DType::F32 {
            return clamped::<Self>(values);
        }
        values.storage_mut::<f32>().par_chunks_mut(PIECE).for_each(|values| {
            for value in values {
                // A NaN is passed on, which `clamp` would check for value by value.
                let above = if *value < 0.0 { 0.0 } else { *value };
                *value = if above > 6.0 { 6.0 } else { above };
            }
        });
        values
    }

    fn relu6_gradient(output: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        if output.dtype() != DType::F32 {
            return in_passes::<Self>(output, gradient);
        }
        let (output, mut passed) = (output.to_contiguous(), gradient.to_contiguous());
        drop(gradient);
        let outputs = output.storage::<f32>().par_chunks(PIECE);
        let pieces = passed.storage_mut::<f32>().par_chunks_mut(PIECE).zip(outputs);
        pieces.for_each(|(passed, outputs)| {
            for (passed, output) in passed.iter_mut().zip(outputs) {
                *passed = if *output <= 0.0 || *output >= 6.0 { 0.0 } else { *passed };
            }
        });
        passed
    }
}

/// Values that a thread takes at a time.
const PIECE: usize = 1 << 15;

impl<B: FlexOps, C: CheckpointStrategy> FlexOps for Autodiff<B, C> {
    fn depthwise(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        turned: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        padding: usize,
    ) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Turned;

        impl<B: FlexOps> Backward<B, 1> for Turned {
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
        let constants = [weight, turned, bias];
        let [weight, turned, bias] = constants.map(FloatTensor::<Self>::into_primitive);
        let output = B::depthwise(input.into_primitive(), weight, turned.clone(), bias, padding);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((turned, padding), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }

    fn relu6(input: FloatTensor<Self>) -> FloatTensor<Self> {
        #[derive(Debug)]
        struct Between;

        impl<B: FlexOps> Backward<B, 1> for Between {
            type State = FloatTensor<B>;

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
                    B::relu6_gradient(ops.state, gradient)
                });
            }
        }

        let prepared = Between.prepare::<C>([input.node()]).compute_bound().stateful();
        let output = B::relu6(input.into_primitive());
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish(output.clone(), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::PaddingConfig2d;
    use burn::nn::conv::Conv2dConfig;
    use burn::tensor::{Device, Distribution, TensorData};

    /// Gradients of a sum weighted by place, so that no two gradients are the same.
    fn gradient(x: &Tensor<4>, f: impl Fn(Tensor<4>) -> Tensor<4>) -> Vec<f64> {
        let leaf = x.clone().autodiff().require_grad();
        let y = f(leaf.clone());
        let count = y.dims().iter().product::<usize>();
        let weights: Vec<f64> = (0..count).map(|at| (at as f64).sin()).collect();
        let data = TensorData::new(weights, y.dims());
        let weights = Tensor::<4>::from_data(data, (&x.device(), x.dtype()));
        let gradients = (y * weights).sum().backward();
        leaf.grad(&gradients).unwrap().into_data().iter().collect()
    }

    fn alike(a: &[f64], b: &[f64]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn values_and_gradients_are_those_of_burn() {
        let device = Device::flex();
        for (kernel, stride) in [(3, 1), (5, 1), (3, 2)] {
            let half = kernel / 2;
            let config = Conv2dConfig::new([6, 6], [kernel; 2]).with_groups(6);
            let config = config.with_stride([stride; 2]);
            let padding = PaddingConfig2d::Explicit(half, half, half, half);
            let conv = config.with_padding(padding).init(&device);
            let x = Tensor::<4>::random([2, 6, 9, 7], Distribution::Default, &device);
            let ours = Depthwise::new(conv.clone());
            let values = |y: Tensor<4>| y.into_data().iter().collect::<Vec<f64>>();
            alike(&values(ours.forward(x.clone())), &values(conv.forward(x.clone())));
            let own = gradient(&x, |x| ours.forward(x));
            alike(&own, &gradient(&x, |x| conv.forward(x)));
        }
        for dtype in [DType::F32, DType::F64] {
            let data = [[[[-1.0, 0.0, 3.0, 5.9], [6.1, 7.0, 0.1, -0.0]]]];
            let x = Tensor::<4>::from_data(data, (&device, dtype));
            let own = gradient(&x, relu6);
            alike(&own, &gradient(&x, |x| relu(x.clone()) - relu(x - 6.0)));
            let values: Vec<f64> = relu6(x).into_data().iter().collect();
            alike(&values, &[0.0, 0.0, 3.0, 5.9, 6.0, 6.0, 0.1, 0.0]);
            // At the corners it is 0, as PyTorch has it.
            let corners = Tensor::<4>::from_data([[[[0.0, 6.0]]]], (&device, dtype));
            alike(&gradient(&corners, relu6), &[0.0, 0.0]);
        }
    }
}
