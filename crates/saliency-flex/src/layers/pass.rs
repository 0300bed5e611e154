//! What [`fold_batch_norms`](super::fold_batch_norms) does with the layers of a network on the
//! present thread: it watches a forward pass, and later gives biases to convolutions.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;

use burn::module::{Param, ParamId};
use burn::nn::conv;
use burn::tensor::Tensor;

thread_local! {
    /// The calls of layers so far, while a forward pass is watched.
    static CALLS: RefCell<Option<Calls>> = const { RefCell::new(None) };
    /// The biases for convolutions that have none, by their weights, while a network is changed.
    static NEW_BIASES: RefCell<HashMap<ParamId, Tensor<1>>> = RefCell::default();
}

/// The calls of convolutions and BatchNorms in a forward pass.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub convolutions: Vec<ConvolutionCall>,
    pub norms: Vec<BatchNormCall>,
}

/// The call of a convolution.
#[derive(Debug)]
pub(super) struct ConvolutionCall {
    pub weight: ParamId,
    pub bias: Option<Param<Tensor<1>>>,
    pub output: Tensor<4>,
}

/// The call of a BatchNorm in inference mode.
#[derive(Debug)]
pub(super) struct BatchNormCall {
    pub norm: Norm,
    pub input: Tensor<4>,
}

/// The parameters and the statistics of a BatchNorm.
#[derive(Debug)]
pub(super) struct Norm {
    pub gamma: Param<Tensor<1>>,
    pub beta: Param<Tensor<1>>,
    pub mean: Tensor<1>,
    pub variance: Tensor<1>,
    pub epsilon: f64,
}

/// Runs a forward pass and returns the calls of layers. The tensors of the calls are kept, so that
/// each of them has memory of its own.
pub(super) fn watch<T>(run: impl FnOnce() -> T) -> (T, Calls) {
    /// Ends the watch, also if the network panics.
    struct Watch(Option<Calls>);

    impl Drop for Watch {
        fn drop(&mut self) {
            CALLS.set(self.0.take());
        }
    }

    let watch = Watch(CALLS.replace(Some(Calls::default())));
    let output = run();
    let calls = CALLS.take().unwrap_or_default();
    drop(watch);
    (output, calls)
}

/// Records the call of a convolution, if the pass is watched.
pub(super) fn record_convolution(layer: &conv::Conv2d, output: &Tensor<4>) {
    CALLS.with_borrow_mut(|calls| {
        if let Some(calls) = calls {
            calls.convolutions.push(ConvolutionCall {
                weight: layer.weight.id,
                bias: layer.bias.clone(),
                output: output.clone(),
            });
        }
    });
}

/// Records the call of a BatchNorm of pictures, if the pass is watched.
pub(super) fn record_batch_norm<const D: usize>(input: &Tensor<D>, norm: impl FnOnce() -> Norm) {
    CALLS.with_borrow_mut(|calls| {
        if let Some(calls) = calls
            && D == 4
        {
            let input = Tensor::from_dispatch(input.clone().into_dispatch());
            calls.norms.push(BatchNormCall { norm: norm(), input });
        }
    });
}

/// Runs a change of a network's parameters, in which convolutions without a bias get those given.
pub(super) fn with_new_biases<T>(
    biases: HashMap<ParamId, Tensor<1>>,
    change: impl FnOnce() -> T,
) -> T {
    /// Forgets the biases, also if the change panics.
    struct Forget(HashMap<ParamId, Tensor<1>>);

    impl Drop for Forget {
        fn drop(&mut self) {
            NEW_BIASES.set(mem::take(&mut self.0));
        }
    }

    let _forget = Forget(NEW_BIASES.replace(biases));
    change()
}

/// Returns the bias for a convolution that has none, if the network is being changed.
pub(super) fn new_bias(weight: ParamId) -> Option<Tensor<1>> {
    NEW_BIASES.with_borrow(|biases| biases.get(&weight).cloned())
}
