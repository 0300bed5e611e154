//! The gradients of the operations.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex, TensorMetadata as _};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};

use super::flex::FlexOps;
use crate::kernels::batch_norm::{self, Scale, Statistics};
use crate::kernels::direct::Packed;
use crate::kernels::max_pool::{self, Places};
use crate::kernels::rectify::{self, Passed};
use crate::kernels::size::Size;
use crate::kernels::{convolution, winograd};

impl<C: CheckpointStrategy> FlexOps for Autodiff<Flex, C> {
    fn conv(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: ConvOptions<2>,
        packed: Packed,
    ) -> FloatTensor<Self> {
        let [_, _, height, width] = input.shape().dims();
        let [weight, bias] = [weight, bias].map(FloatTensor::<Self>::into_primitive);
        let size = Size { height, width };
        let kept = Kept::Conv {
            weight: weight.clone(),
            options: options.clone(),
            size,
            packed: packed.clone(),
        };
        track::<C>(input, |input| (Flex::conv(input, weight, bias, options, packed), kept))
    }

    fn winograd(
        input: FloatTensor<Self>,
        kernels: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let [_, inputs, ..] = input.shape().dims::<4>();
        let [kernels, bias] = [kernels, bias].map(FloatTensor::<Self>::into_primitive);
        let kept = Kept::Winograd { kernels: kernels.clone(), inputs };
        track::<C>(input, |input| (Flex::winograd(input, kernels, bias), kept))
    }

    fn rectify(input: FloatTensor<Self>, ceiling: f32) -> FloatTensor<Self> {
        track::<C>(input, |input| {
            let (output, passed) = rectify::rectify(input, ceiling);
            (output, Kept::Rectify(passed))
        })
    }

    fn normalise(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let parts = [gamma, beta, mean, variance].map(FloatTensor::<Self>::into_primitive);
        let [gamma, beta, mean, variance] = parts;
        track::<C>(input, |input| {
            let statistics = Statistics { gamma, beta, mean, variance, epsilon };
            let (output, scale) = batch_norm::normalise(input, statistics);
            (output, Kept::Normalise(scale))
        })
    }

    fn pool(input: FloatTensor<Self>, options: MaxPoolOptions<2>) -> FloatTensor<Self> {
        track::<C>(input, |input| {
            let (output, places) = max_pool::pool(&input, &options);
            (output, Kept::Pool(places))
        })
    }
}

/// The data that an operation keeps for its gradient.
#[derive(Clone, Debug)]
enum Kept {
    Conv { weight: FloatTensor<Flex>, options: ConvOptions<2>, size: Size, packed: Packed },
    Winograd { kernels: FloatTensor<Flex>, inputs: usize },
    Rectify(Passed),
    Normalise(Scale),
    Pool(Places),
}

#[derive(Debug)]
struct Gradient;

impl Backward<Flex, 1> for Gradient {
    type State = Kept;

    fn backward(self, ops: Ops<Kept, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| match ops.state {
            Kept::Conv { weight, options, size, packed } => {
                convolution::gradient(gradient, weight, &options, size, &packed)
            }
            Kept::Winograd { kernels, inputs } => winograd::gradient(&gradient, &kernels, inputs),
            Kept::Rectify(passed) => rectify::gradient(gradient, passed),
            Kept::Normalise(scale) => batch_norm::gradient(gradient, scale),
            Kept::Pool(places) => max_pool::gradient(&gradient, &places),
        });
    }
}

/// Runs an operation, and registers its gradient if Burn tracks the input.
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
