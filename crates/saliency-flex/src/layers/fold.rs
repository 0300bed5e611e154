use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{DType, Tensor};

use super::device::is_same;
use super::pass::{self, Calls, ConvolutionCall, Norm};

/// The reason why BatchNorm could not be folded.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FoldError {
    /// No BatchNorm reads the result of a convolution.
    #[error(
        "found no BatchNorm that reads a convolution: build the network on Flex with `Conv2d` and \
         `BatchNorm` of `saliency_flex::nn`, and run all of it"
    )]
    NothingToFold,
    /// The folded network computes another function.
    #[error(
        "the scores of the folded network differ by up to {difference:e} (the largest score is \
         {largest:e}): something else than BatchNorm also reads a convolution; use the network as \
         it is"
    )]
    #[non_exhaustive]
    Differs {
        /// The largest difference between two scores.
        difference: f64,
        /// The largest score before, without its sign.
        largest: f64,
    },
}

/// Folds each BatchNorm into the convolution whose result it reads, and returns the network in
/// inference mode. This saves a pass over the values at each BatchNorm, forward and backward:
///
/// ```text
/// gamma (w * x + b - mean) / s + beta  =  (gamma w / s) * x + gamma (b - mean) / s + beta
/// s = sqrt(variance + epsilon)
/// ```
///
/// `run` is a forward pass for any typical input. It is run twice: before, to see which BatchNorm
/// reads which convolution, and after, to check that the scores stay the same up to rounding
/// (1e-3 of the largest score, 1e-9 in double precision). A BatchNorm that reads something else stays
/// as it is.
///
/// Fold after the weights are loaded. The network that is returned has the type of `model`, but
/// parameters of its own: its convolutions have a bias, and `gamma` and `beta` of a folded BatchNorm
/// are such that the layer does nothing. It is not for training, and in explanations at a layer the
/// result of a convolution is that after BatchNorm.
///
/// # Cost
/// Two forward passes.
///
/// # Errors
/// - [`FoldError::NothingToFold`] if no BatchNorm of [`nn`](crate::nn) reads a convolution of it. On
///   other backends than Flex this is always so: fold before you move the network.
/// - [`FoldError::Differs`] if the folded network computes another function.
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::tensor::{Device, Tensor};
/// use saliency_flex::fold_batch_norms;
/// use saliency_flex::nn::conv::{Conv2d, Conv2dConfig};
/// use saliency_flex::nn::{BatchNorm, BatchNormConfig};
///
/// #[derive(Module, Debug)]
/// struct Net {
///     conv: Conv2d,
///     norm: BatchNorm,
/// }
///
/// impl Net {
///     fn forward(&self, x: Tensor<4>) -> Tensor<4> {
///         self.norm.forward(self.conv.forward(x))
///     }
/// }
///
/// let device = Device::flex();
/// let net = Net {
///     conv: Conv2dConfig::new([3, 8], [3, 3]).with_bias(false).init(&device),
///     norm: BatchNormConfig::new(8).init(&device),
/// };
/// let photo = Tensor::<4>::ones([1, 3, 16, 16], &device);
/// let folded = fold_batch_norms(&net, |net| net.forward(photo.clone()))?;
/// assert!(net.conv.bias.is_none() && folded.conv.bias.is_some());
/// # Ok::<(), saliency_flex::FoldError>(())
/// ```
pub fn fold_batch_norms<M: Module, const D: usize>(
    model: &M,
    run: impl Fn(&M) -> Tensor<D>,
) -> Result<M, FoldError> {
    let model = model.valid();
    let (before, calls) = pass::watch(|| run(&model));
    let pairs = pairs(&calls);
    if pairs.is_empty() {
        return Err(FoldError::NothingToFold);
    }
    let folded = fold(model, &pairs);
    check_same(before, run(&folded))?;
    Ok(folded)
}

/// A convolution, and the only BatchNorm that reads its result.
struct Pair<'a> {
    convolution: &'a ConvolutionCall,
    norm: &'a Norm,
}

/// Finds the pairs. A layer that was called twice is in none.
fn pairs(calls: &Calls) -> Vec<Pair<'_>> {
    let Calls { convolutions, norms } = calls;
    let mut pairs = Vec::new();
    for call in norms {
        let same = norms.iter().filter(|other| {
            other.norm.gamma.id == call.norm.gamma.id || is_same(&other.input, &call.input)
        });
        let made = convolutions.iter().filter(|other| is_same(&other.output, &call.input));
        let ([convolution], 1) = (&made.collect::<Vec<_>>()[..], same.count()) else { continue };
        let calls = convolutions.iter().filter(|other| other.weight == convolution.weight);
        if calls.count() == 1 {
            pairs.push(Pair { convolution, norm: &call.norm });
        }
    }
    pairs
}

/// Changes the parameters of the pairs.
fn fold<M: Module>(model: M, pairs: &[Pair<'_>]) -> M {
    let mut changes = Changes::default();
    let mut biases = HashMap::new();
    for Pair { convolution, norm } in pairs {
        let mean = norm.mean.clone();
        let deviation = (norm.variance.clone() + norm.epsilon).sqrt();
        let factor = norm.gamma.val() / deviation.clone();
        let shift = norm.beta.val() - mean.clone() * factor.clone();
        changes.0.insert(convolution.weight, Change::Multiply(factor.clone()));
        match &convolution.bias {
            Some(bias) => {
                let bias_after = bias.val() * factor + shift;
                changes.0.insert(bias.id, Change::Replace(bias_after));
            }
            None => drop(biases.insert(convolution.weight, shift)),
        }
        // With these, BatchNorm computes (x - mean) / s * s + mean.
        changes.0.insert(norm.gamma.id, Change::Replace(deviation));
        changes.0.insert(norm.beta.id, Change::Replace(mean));
    }
    pass::with_new_biases(biases, || model.map(&mut changes))
}

/// The changes of parameters. All tensors have one number for each channel.
#[derive(Default)]
struct Changes(HashMap<ParamId, Change>);

enum Change {
    Multiply(Tensor<1>),
    Replace(Tensor<1>),
}

impl ModuleMapper for Changes {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(change) = self.0.get(&param.id) else { return param };
        // The channels are the first dimension of all these parameters.
        let like = |part: &Tensor<1>| {
            let mut dims = [1; D];
            dims[0] = part.dims()[0];
            part.clone().reshape(dims)
        };
        param.map(|value| match change {
            Change::Multiply(factor) => value * like(factor),
            Change::Replace(by) => like(by),
        })
    }
}

/// Checks that two networks gave the same scores.
fn check_same<const D: usize>(before: Tensor<D>, after: Tensor<D>) -> Result<(), FoldError> {
    let tolerance = if before.dtype() == DType::F64 { 1e-9 } else { 1e-3 };
    let [before, after] =
        [before, after].map(|scores| scores.into_data().iter().collect::<Vec<f64>>());
    let largest = before.iter().fold(0.0_f64, |largest, score| largest.max(score.abs()));
    let differences = before.iter().zip(&after).map(|(before, after)| (before - after).abs());
    // NaN counts as the largest difference.
    let difference = differences.fold(0.0, |largest: f64, difference| {
        if difference > largest || difference.is_nan() { difference } else { largest }
    });
    if difference <= tolerance * largest {
        return Ok(());
    }
    Err(FoldError::Differs { difference, largest })
}
