//! Named tensors from a file, and BatchNorm folded into them.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Param;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{DType, Device, Tensor, TensorData};
use half::f16;
use pytorch_reader::PytorchReader;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Why weights could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file is not what its name says.
    #[error("expected a file of weights, found one that cannot be read: {reason}")]
    Unreadable {
        /// What the reader said.
        reason: String,
    },
    /// A tensor that the network needs is not there.
    #[error("expected a tensor {name}, found none of that name")]
    Missing {
        /// The tensor's name.
        name: String,
    },
    /// A tensor of another shape.
    #[error("expected tensor {name} of shape {expected:?}, found {found:?}")]
    Shape {
        /// The tensor's name.
        name: String,
        /// The shape that the network needs.
        expected: Vec<usize>,
        /// The shape in the file.
        found: Vec<usize>,
    },
    /// Numbers of a kind that is not read here.
    #[error("expected tensor {name} in single or half precision, found {found}")]
    Precision {
        /// The tensor's name.
        name: String,
        /// The kind of number in the file.
        found: String,
    },
}

/// Tensors by name, kept in double precision so that folding does not round.
#[derive(Clone, Debug, Default)]
pub struct Weights(BTreeMap<String, (Vec<usize>, Vec<f64>)>);

/// Tensors of fewer numbers are kept in single precision.
const SMALL: usize = 10_000;

impl Weights {
    /// Reads a PyTorch file (`.pth`, `.pt`).
    ///
    /// # Errors
    /// [`WeightsError::Unreadable`] and [`WeightsError::Precision`].
    pub fn from_pytorch(path: &Path) -> Result<Self, WeightsError> {
        let unreadable = |error: &dyn std::fmt::Display| WeightsError::Unreadable {
            reason: format!("{}: {error}", path.display()),
        };
        let reader = PytorchReader::new(path).map_err(|error| unreadable(&error))?;
        let mut weights = Self::default();
        for (name, tensor) in reader.into_tensors() {
            // A counter of PyTorch's BatchNorm that inference does not use.
            if name.ends_with(".num_batches_tracked") {
                continue;
            }
            if tensor.dtype() != pytorch_reader::DType::F32 {
                let found = format!("{:?}", tensor.dtype());
                return Err(WeightsError::Precision { name, found });
            }
            let bytes = tensor.read().map_err(|error| unreadable(&error))?;
            let numbers = bytes.as_chunks().0.iter().copied();
            let values = numbers.map(|bytes| f32::from_ne_bytes(bytes).into()).collect();
            weights.0.insert(name, (tensor.shape().to_vec(), values));
        }
        Ok(weights)
    }

    /// Reads a safetensors file in single or half precision.
    ///
    /// # Errors
    /// [`WeightsError::Unreadable`] and [`WeightsError::Precision`].
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, WeightsError> {
        let unreadable = |error| WeightsError::Unreadable { reason: format!("{error}") };
        let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
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
                other => {
                    let (name, found) = (name.to_owned(), format!("{other:?}"));
                    return Err(WeightsError::Precision { name, found });
                }
            };
            weights.0.insert(name.to_owned(), (tensor.shape().to_vec(), values));
        }
        Ok(weights)
    }

    /// The same tensors as a safetensors file: the large ones in half precision, those of fewer
    /// than 10,000 numbers in single.
    ///
    /// In EfficientNet-Lite0 the small ones (biases, the stem, depthwise kernels) hold 2 % of the
    /// numbers, and rounding them would turn its gradient further than rounding all the others:
    /// cosine 0.985 instead of 0.999 on the photo of the coffee.
    ///
    /// # Errors
    /// [`WeightsError::Unreadable`] where the format cannot hold them.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, WeightsError> {
        let encode = |values: &[f64]| -> (Dtype, Vec<u8>) {
            if values.len() < SMALL {
                let single = values.iter().flat_map(|&value| (value as f32).to_le_bytes());
                return (Dtype::F32, single.collect());
            }
            let half = values.iter().flat_map(|&value| f16::from_f64(value).to_le_bytes());
            (Dtype::F16, half.collect())
        };
        let encoded: Vec<_> =
            self.0.iter().map(|(name, (shape, values))| (name, shape, encode(values))).collect();
        let views = encoded.iter().map(|(name, shape, (kind, bytes))| {
            TensorView::new(*kind, (*shape).clone(), bytes).map(|view| (name.as_str(), view))
        });
        let unreadable = |error| WeightsError::Unreadable { reason: format!("{error}") };
        let views = views.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        safetensors::serialize(views, None).map_err(unreadable)
    }

    /// Takes `NAME.weight` and `NAME.bias` out as a convolution.
    pub(crate) fn conv(
        &mut self,
        name: &str,
        config: &Conv2dConfig,
        to: (&Device, DType),
    ) -> Result<Conv2d, WeightsError> {
        let ([inputs, outputs], [height, width]) = (config.channels, config.kernel_size);
        let shape = [outputs, inputs / config.groups, height, width];
        let mut conv = config.init(to.0);
        conv.weight = self.param(&format!("{name}.weight"), shape, to)?;
        conv.bias = Some(self.param(&format!("{name}.bias"), [outputs], to)?);
        Ok(conv)
    }

    /// Takes `NAME.weight` and `NAME.bias` out as a linear layer. PyTorch keeps its matrix as
    /// `[outputs, inputs]`, Burn as `[inputs, outputs]`.
    pub(crate) fn linear(
        &mut self,
        name: &str,
        [inputs, outputs]: [usize; 2],
        to: (&Device, DType),
    ) -> Result<Linear, WeightsError> {
        let mut linear = LinearConfig::new(inputs, outputs).init(to.0);
        let kept = self.values(&format!("{name}.weight"), &[outputs, inputs])?;
        let value = |at: usize| kept[at % outputs * inputs + at / outputs];
        let values: Vec<f64> = (0..kept.len()).map(value).collect();
        let data = TensorData::new(values, [inputs, outputs]);
        linear.weight = Param::from_tensor(Tensor::from_data(data, to));
        linear.bias = Some(self.param(&format!("{name}.bias"), [outputs], to)?);
        Ok(linear)
    }

    fn param<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
        to: (&Device, DType),
    ) -> Result<Param<Tensor<D>>, WeightsError> {
        let values = self.values(name, &shape)?;
        Ok(Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), to)))
    }

    /// Moves a tensor to another name.
    pub(crate) fn rename(&mut self, from: &str, to: String) -> Result<(), WeightsError> {
        let tensor = self.take(from)?;
        self.0.insert(to, tensor);
        Ok(())
    }

    /// Replaces a convolution without bias and the BatchNorm after it by one convolution with
    /// bias that does the same in inference mode.
    pub(crate) fn fold(
        &mut self,
        convolution: &str,
        norm: &str,
        epsilon: f64,
        to: &str,
    ) -> Result<(), WeightsError> {
        let (shape, mut weight) = self.take(&format!("{convolution}.weight"))?;
        let channels = shape.first().copied().unwrap_or(0);
        if weight.is_empty() {
            let (name, expected) = (format!("{convolution}.weight"), vec![1; shape.len()]);
            return Err(WeightsError::Shape { name, expected, found: shape });
        }
        let mut of_norm = |name: &str| self.values(&format!("{norm}.{name}"), &[channels]);
        let (gamma, beta) = (of_norm("weight")?, of_norm("bias")?);
        let (mean, variance) = (of_norm("running_mean")?, of_norm("running_var")?);

        let size = weight.len() / channels;
        let mut bias = Vec::with_capacity(channels);
        for (channel, kernel) in weight.chunks_mut(size).enumerate() {
            let factor = gamma[channel] / (variance[channel] + epsilon).sqrt();
            for value in kernel {
                *value *= factor;
            }
            bias.push(beta[channel] - mean[channel] * factor);
        }
        self.0.insert(format!("{to}.weight"), (shape, weight));
        self.0.insert(format!("{to}.bias"), (vec![channels], bias));
        Ok(())
    }

    fn take(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f64>), WeightsError> {
        self.0.remove(name).ok_or_else(|| WeightsError::Missing { name: name.to_owned() })
    }

    fn values(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f64>, WeightsError> {
        let (found, values) = self.take(name)?;
        if found != expected {
            let (name, expected) = (name.to_owned(), expected.to_vec());
            return Err(WeightsError::Shape { name, expected, found });
        }
        Ok(values)
    }
}
