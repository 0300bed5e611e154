use std::error::Error;
use std::path::Path;

use pytorch_reader::{DType, PytorchReader};
use saliency_models::{StoredTensor, Weights};

/// Reads the weights in a PyTorch file (`.pth`, `.pt`).
///
/// # Errors
/// The reader's error, or an error that names a tensor that is not in single precision.
pub fn read_pytorch(path: &Path) -> Result<Weights, Box<dyn Error>> {
    let reader = PytorchReader::new(path)?;
    let mut weights = Weights::default();
    for (name, tensor) in reader.into_tensors() {
        // A counter of PyTorch's BatchNorm. Inference does not use it.
        if name.ends_with(".num_batches_tracked") {
            continue;
        }
        if tensor.dtype() != DType::F32 {
            let found = tensor.dtype();
            return Err(format!("expected {name} in single precision, found {found:?}").into());
        }
        let bytes = tensor.read()?;
        let numbers = bytes.as_chunks().0.iter().copied();
        let values = numbers.map(|bytes| f32::from_ne_bytes(bytes).into()).collect();
        weights.insert(name, StoredTensor { shape: tensor.shape().to_vec(), values });
    }
    Ok(weights)
}
