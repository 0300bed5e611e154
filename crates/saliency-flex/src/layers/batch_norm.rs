use burn::backend::Dispatch;
use burn::config::Config;
use burn::module::{Content, DisplaySettings, Flag, Module, ModuleDisplay, Param, RunningState};
use burn::nn;
use burn::tensor::{Device, Tensor, module};

use super::device::is_flex;
use super::pass;
use crate::operations::FlexOps;

/// The options of a [`BatchNorm`]: those of Burn's `BatchNormConfig`, with the same defaults.
#[derive(Config, Debug)]
pub struct BatchNormConfig {
    /// The number of channels.
    pub num_features: usize,
    /// The number that is added to the variance. Default: 1e-5.
    #[config(default = 1e-5)]
    pub epsilon: f64,
    /// The share of a batch in the running statistics while the network is trained. Default: 0.1.
    #[config(default = 0.1)]
    pub momentum: f64,
}

impl BatchNormConfig {
    /// Builds the layer.
    ///
    /// # Panics
    /// If there are no channels, if `epsilon` is not finite and positive, or if `momentum` is not
    /// between 0 and 1.
    pub fn init(&self, device: &Device) -> BatchNorm {
        let Self { num_features, epsilon, momentum } = *self;
        nn::BatchNormConfig { num_features, epsilon, momentum }.init(device).into()
    }
}

/// BatchNorm that takes one pass over the values on Flex, in inference mode:
/// `y = (x - mean) / sqrt(variance + epsilon) * gamma + beta`.
///
/// It has the fields, the options and the record of Burn's [`BatchNorm`](burn::nn::BatchNorm), which
/// it can be made of. Until the backward pass, it keeps one number for each channel. Burn takes
/// four passes and keeps two tensors of the input's size. In training mode, on other backends, and
/// if `gamma` or `beta` are trained, Burn computes the layer.
///
/// [`fold_batch_norms`](crate::fold_batch_norms) saves this pass too.
///
/// # Shapes
/// `[rows, channels, ...]` in and out.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_flex::nn::BatchNormConfig;
///
/// let device = Device::flex();
/// let norm = BatchNormConfig::new(2).with_epsilon(3.0).init(&device);
/// let x = Tensor::<2>::from_data([[4.0, -6.0]], &device);
/// assert_eq!(norm.forward(x).try_into_vec_as::<f32>().unwrap(), [2.0, -3.0]);
/// ```
///
/// # Source
/// Ioffe and Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal
/// Covariate Shift*, 2015, <https://arxiv.org/abs/1502.03167>.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct BatchNorm {
    /// The factor of each channel.
    pub gamma: Param<Tensor<1>>,
    /// The shift of each channel.
    pub beta: Param<Tensor<1>>,
    /// Whether the layer takes part in training.
    pub training: Param<Flag>,
    /// The mean of each channel.
    pub running_mean: RunningState<Tensor<1>>,
    /// The variance of each channel.
    pub running_var: RunningState<Tensor<1>>,
    /// The share of a batch in the running statistics.
    pub momentum: f64,
    /// The number that is added to the variance.
    pub epsilon: f64,
}

impl BatchNorm {
    /// Normalises a batch.
    ///
    /// # Panics
    /// If the second dimension of the input is not the number of channels.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        if input.device().is_autodiff() && self.training.is_enabled() {
            return self.to_burn().forward(input);
        }
        let mean = self.running_mean.value().to_device(&input.device());
        let variance = self.running_var.value().to_device(&input.device());
        pass::record_batch_norm(&input, || pass::Norm {
            gamma: self.gamma.clone(),
            beta: self.beta.clone(),
            mean: self.running_mean.value(),
            variance: self.running_var.value(),
            epsilon: self.epsilon,
        });
        batch_norm(input, self.gamma.val(), self.beta.val(), mean, variance, self.epsilon)
    }

    /// Returns Burn's layer. It shares the statistics.
    fn to_burn(&self) -> nn::BatchNorm {
        let Self { gamma, beta, training, running_mean, running_var, momentum, epsilon } =
            self.clone();
        nn::BatchNorm { gamma, beta, training, running_mean, running_var, momentum, epsilon }
    }
}

/// Normalises each channel with the given statistics:
/// `(x - mean) / sqrt(variance + epsilon) * gamma + beta`.
///
/// It is Burn's function of the same name, in one pass on Flex. Gradients are those with respect to
/// the input, unless another tensor is tracked: then Burn computes everything.
///
/// # Shapes
/// `[rows, channels, ...]` in and out, `[channels]` for all other tensors.
///
/// # Panics
/// If the shapes are others.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_flex::tensor::module::batch_norm;
///
/// let device = Device::flex();
/// let (x, one) = (Tensor::<2>::from_data([[3.0]], &device), Tensor::<1>::ones([1], &device));
/// // (3 - 1) / sqrt(1 + 3) * 1 + 1
/// let y = batch_norm(x, one.clone(), one.clone(), one.clone(), one, 3.0);
/// assert_eq!(y.into_scalar::<f32>(), 2.0);
/// ```
pub fn batch_norm<const D: usize>(
    input: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    mean: Tensor<1>,
    variance: Tensor<1>,
    epsilon: f64,
) -> Tensor<D> {
    let channels = input.dims().get(1).copied();
    let parts = [&gamma, &beta, &mean, &variance];
    assert!(
        parts.iter().all(|part| Some(part.dims()[0]) == channels),
        "BatchNorm needs one number for each channel in each of its tensors, and an input of \
         [rows, channels, ...]: the input is {:?}, the tensors have {:?} numbers",
        input.dims(),
        parts.map(|part| part.dims()[0]),
    );
    let ours = is_flex(&input)
        && parts
            .iter()
            .all(|part| is_flex(part) && !part.is_tracked() && part.dtype() == input.dtype());
    if !ours {
        return module::batch_norm(input, gamma, beta, mean, variance, epsilon);
    }
    Tensor::from_dispatch(<Dispatch as FlexOps>::normalise(
        input.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        mean.into_dispatch(),
        variance.into_dispatch(),
        epsilon,
    ))
}

impl From<nn::BatchNorm> for BatchNorm {
    fn from(norm: nn::BatchNorm) -> Self {
        let nn::BatchNorm { gamma, beta, training, running_mean, running_var, momentum, epsilon } =
            norm;
        Self { gamma, beta, training, running_mean, running_var, momentum, epsilon }
    }
}

impl From<BatchNorm> for nn::BatchNorm {
    fn from(norm: BatchNorm) -> Self {
        norm.to_burn()
    }
}

impl ModuleDisplay for BatchNorm {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        self.to_burn().custom_settings()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        self.to_burn().custom_content(content)
    }
}
