//! Named tensors, and BatchNorm folded into them.

use std::collections::BTreeMap;

use burn::module::Param;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{DType, Device, Tensor, TensorData};
use half::f16;
use safetensors::SafeTensorError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use saliency_flex::nn::conv::{Conv2d, Conv2dConfig};

/// The reason why weights could not be loaded or stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are not those of a safetensors file, or the format cannot hold the weights.
    #[error("the safetensors format refuses the weights: {source}")]
    #[non_exhaustive]
    Unreadable {
        /// The reader's error.
        source: SafeTensorError,
    },
    /// The network needs a tensor that is missing.
    #[error("the network needs a tensor named {name}, and the weights have none")]
    #[non_exhaustive]
    Missing {
        /// The tensor's name.
        name: String,
    },
    /// A tensor has another shape than the network needs.
    #[error("expected tensor {name} of shape {expected:?}, found {found:?}")]
    #[non_exhaustive]
    Shape {
        /// The tensor's name.
        name: String,
        /// The shape that the network needs.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// A tensor has numbers of a type that is not supported.
    #[error("expected tensor {name} in single or half precision, found {found:?}")]
    #[non_exhaustive]
    Precision {
        /// The tensor's name.
        name: String,
        /// The type of the numbers in the file.
        found: Dtype,
    },
}

/// Tensors by name, in double precision so that folding does not round.
#[derive(Clone, Debug, Default)]
pub struct Weights(BTreeMap<String, StoredTensor>);

/// A tensor in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// The values, in row-major order.
    pub values: Vec<f64>,
}

/// The device and the precision of a network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement<'a> {
    pub device: &'a Device,
    pub precision: DType,
}

/// The names of a convolution and of the BatchNorm after it, and the name of the convolution that
/// replaces both.
#[derive(Clone, Debug)]
pub(crate) struct Folding {
    pub convolution: String,
    pub norm: String,
    pub to: String,
}

/// Tensors with fewer numbers than this are stored in single precision, larger ones in half.
const SMALL: usize = 10_000;

impl Weights {
    /// Reads a safetensors file in single or half precision.
    ///
    /// # Errors
    /// [`WeightsError::Unreadable`] and [`WeightsError::Precision`].
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, WeightsError> {
        let file = SafeTensors::deserialize(bytes)
            .map_err(|source| WeightsError::Unreadable { source })?;
        let mut weights = Self::default();
        for (name, tensor) in file.iter() {
            let values: Vec<f64> = match tensor.dtype() {
                Dtype::F32 => {
                    let numbers = tensor.data().as_chunks().0.iter().copied();
                    numbers.map(|bytes| f32::from_le_bytes(bytes).into()).collect()
                }
                Dtype::F16 => {
                    let numbers = tensor.data().as_chunks().0.iter().copied();
                    numbers.map(|bytes| f16::from_le_bytes(bytes).to_f64()).collect()
                }
                found => return Err(WeightsError::Precision { name: name.to_owned(), found }),
            };
            weights.insert(name, StoredTensor { shape: tensor.shape().to_vec(), values });
        }
        Ok(weights)
    }

    /// Adds a tensor, or replaces the tensor with that name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: StoredTensor) {
        self.0.insert(name.into(), tensor);
    }

    /// Writes the tensors as a safetensors file: large tensors in half precision, those with fewer
    /// than 10,000 numbers in single precision.
    ///
    /// In EfficientNet-Lite0 the small tensors (biases, the stem, depthwise kernels) have 2 % of
    /// the numbers. Rounding them too would change the direction of the gradient more than rounding
    /// all other tensors does: on the photo of the coffee, the cosine would be 0.985 instead of
    /// 0.999.
    ///
    /// # Errors
    /// [`WeightsError::Unreadable`] if the format cannot hold them.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, WeightsError> {
        // Encode first, because the views borrow the bytes.
        let encoded: Vec<Encoded> = self.0.values().map(Encoded::new).collect();
        let mut views = Vec::new();
        for ((name, tensor), encoded) in self.0.iter().zip(&encoded) {
            let view = TensorView::new(encoded.kind, tensor.shape.clone(), &encoded.bytes)
                .map_err(|source| WeightsError::Unreadable { source })?;
            views.push((name.as_str(), view));
        }
        safetensors::serialize(views, None).map_err(|source| WeightsError::Unreadable { source })
    }

    /// Removes `NAME.weight` and `NAME.bias`, and returns a convolution with these parameters.
    pub(crate) fn conv(
        &mut self,
        name: &str,
        config: &Conv2dConfig,
        to: Placement<'_>,
    ) -> Result<Conv2d, WeightsError> {
        let ([inputs, outputs], [height, width]) = (config.channels, config.kernel_size);
        let shape = [outputs, inputs / config.groups, height, width];
        let mut conv = config.init(to.device);
        conv.weight = self.param(&format!("{name}.weight"), shape, to)?;
        conv.bias = Some(self.param(&format!("{name}.bias"), [outputs], to)?);
        Ok(conv)
    }

    /// Removes `NAME.weight` and `NAME.bias`, and returns a linear layer with these parameters.
    /// PyTorch stores the matrix as `[outputs, inputs]`, Burn as `[inputs, outputs]`.
    pub(crate) fn linear(
        &mut self,
        name: &str,
        [inputs, outputs]: [usize; 2],
        to: Placement<'_>,
    ) -> Result<Linear, WeightsError> {
        let mut linear = LinearConfig::new(inputs, outputs).init(to.device);
        let kept = self.values(&format!("{name}.weight"), &[outputs, inputs])?;
        let value = |at: usize| kept[at % outputs * inputs + at / outputs];
        let values: Vec<f64> = (0..kept.len()).map(value).collect();
        linear.weight = to.param(TensorData::new(values, [inputs, outputs]));
        linear.bias = Some(self.param(&format!("{name}.bias"), [outputs], to)?);
        Ok(linear)
    }

    /// Removes `NAME.weight` and `NAME.bias`, and returns a layer normalisation with them.
    pub(crate) fn layer_norm(
        &mut self,
        name: &str,
        width: usize,
        epsilon: f64,
        to: Placement<'_>,
    ) -> Result<LayerNorm, WeightsError> {
        let mut norm = LayerNormConfig::new(width).with_epsilon(epsilon).init(to.device);
        norm.gamma = self.param(&format!("{name}.weight"), [width], to)?;
        norm.beta = Some(self.param(&format!("{name}.bias"), [width], to)?);
        Ok(norm)
    }

    /// Cuts a linear layer into layers of the given names, with equal shares of its outputs.
    pub(crate) fn split(&mut self, name: &str, names: &[&str]) -> Result<(), WeightsError> {
        for part in ["weight", "bias"] {
            let tensor = self.take(&format!("{name}.{part}"))?;
            let outputs = tensor.shape.first().copied().unwrap_or_default();
            let each = tensor.values.len() / names.len();
            for (at, name) in names.iter().enumerate() {
                let mut shape = tensor.shape.clone();
                shape.splice(..1.min(shape.len()), [outputs / names.len()]);
                let values = tensor.values[at * each..(at + 1) * each].to_vec();
                self.insert(format!("{name}.{part}"), StoredTensor { shape, values });
            }
        }
        Ok(())
    }

    /// Takes the first row of a matrix, as a tensor of its own.
    pub(crate) fn first_row(&mut self, name: &str, to: &str) -> Result<(), WeightsError> {
        let StoredTensor { shape, mut values } = self.take(name)?;
        values.truncate(shape.iter().skip(1).product());
        self.insert(to, StoredTensor { shape: vec![values.len()], values });
        Ok(())
    }

    /// Removes a tensor, and returns a parameter with its values.
    pub(crate) fn param<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
        to: Placement<'_>,
    ) -> Result<Param<Tensor<D>>, WeightsError> {
        let values = self.values(name, &shape)?;
        Ok(to.param(TensorData::new(values, shape)))
    }

    /// Renames a tensor.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), WeightsError> {
        let tensor = self.take(from)?;
        self.insert(to, tensor);
        Ok(())
    }

    /// Replaces a convolution without bias, and the BatchNorm after it, by one convolution with
    /// bias that computes the same function in inference mode.
    pub(crate) fn fold(&mut self, names: &Folding, epsilon: f64) -> Result<(), WeightsError> {
        let Folding { convolution, norm, to } = names;
        let StoredTensor { shape, values: mut weight } =
            self.take(&format!("{convolution}.weight"))?;
        let channels = shape.first().copied().unwrap_or(0);
        if weight.is_empty() {
            let (name, expected) = (format!("{convolution}.weight"), vec![1; shape.len()]);
            return Err(WeightsError::Shape { name, expected, found: shape });
        }
        let mut of_norm = |name: &str| self.values(&format!("{norm}.{name}"), &[channels]);
        let (gamma, beta) = (of_norm("weight")?, of_norm("bias")?);
        let (mean, variance) = (of_norm("running_mean")?, of_norm("running_var")?);

        // Scale each output channel, and shift it by a bias.
        let size = weight.len() / channels;
        let mut bias = Vec::with_capacity(channels);
        for (channel, kernel) in weight.chunks_mut(size).enumerate() {
            let factor = gamma[channel] / (variance[channel] + epsilon).sqrt();
            for value in kernel {
                *value *= factor;
            }
            bias.push(beta[channel] - mean[channel] * factor);
        }
        self.insert(format!("{to}.weight"), StoredTensor { shape, values: weight });
        self.insert(format!("{to}.bias"), StoredTensor { shape: vec![channels], values: bias });
        Ok(())
    }

    fn take(&mut self, name: &str) -> Result<StoredTensor, WeightsError> {
        self.0.remove(name).ok_or_else(|| WeightsError::Missing { name: name.to_owned() })
    }

    fn values(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f64>, WeightsError> {
        let StoredTensor { shape: found, values } = self.take(name)?;
        if found != expected {
            let (name, expected) = (name.to_owned(), expected.to_vec());
            return Err(WeightsError::Shape { name, expected, found });
        }
        Ok(values)
    }
}

impl Placement<'_> {
    fn param<const D: usize>(self, data: TensorData) -> Param<Tensor<D>> {
        Param::from_tensor(Tensor::from_data(data, (self.device, self.precision)))
    }
}

/// A tensor in the form that a file stores.
struct Encoded {
    kind: Dtype,
    bytes: Vec<u8>,
}

impl Encoded {
    fn new(tensor: &StoredTensor) -> Self {
        let values = &tensor.values;
        if values.len() < SMALL {
            let single = values.iter().flat_map(|&value| (value as f32).to_le_bytes());
            return Self { kind: Dtype::F32, bytes: single.collect() };
        }
        let half = values.iter().flat_map(|&value| f16::from_f64(value).to_le_bytes());
        Self { kind: Dtype::F16, bytes: half.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(names: &[&str]) -> Weights {
        let mut weights = Weights::default();
        for name in names {
            weights.insert(*name, StoredTensor { shape: vec![2], values: vec![1.5, -2.0] });
        }
        weights
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let bytes = weights(&["a", "b"]).to_safetensors().unwrap();
        let read = Weights::from_safetensors(&bytes).unwrap();
        assert_eq!(read.0, weights(&["a", "b"]).0);
    }

    #[test]
    fn errors_name_the_tensor_and_have_their_cause() {
        let unreadable = Weights::from_safetensors(b"no file").unwrap_err();
        assert!(std::error::Error::source(&unreadable).is_some(), "{unreadable}");
        let missing = weights(&[]).rename("a", "b").unwrap_err();
        assert!(missing.to_string().contains("tensor named a"), "{missing}");
        let shape = weights(&["a"]).values("a", &[3]).unwrap_err();
        assert_eq!(shape.to_string(), "expected tensor a of shape [3], found [2]");
    }
}
