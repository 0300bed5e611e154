use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use saliency_core::{Inputs, Result};

use super::errors;

/// Tensors in this machine's memory, so that no device waits for another one.
pub(super) struct Host {
    /// Each `[rows, values]`.
    parts: Vec<TensorData>,
    shapes: Vec<Vec<usize>>,
}

impl Host {
    /// Reads tensors from their device.
    pub fn read<I: Inputs>(inputs: I) -> Result<Self> {
        let shapes = inputs.shapes();
        let read = |part: Tensor<2>| {
            let data = part.inner().try_into_data();
            data.map_err(|error| errors::device(error.reason()))
        };
        let parts = inputs.into_rows().into_iter().map(read).collect::<Result<_>>()?;
        Ok(Self { parts, shapes })
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.shapes[0][0]
    }

    /// Returns the bytes of one row.
    pub fn bytes_per_row(&self) -> usize {
        let bytes: usize = self.parts.iter().map(|part| part.as_bytes().len()).sum();
        bytes / self.rows()
    }

    /// Writes some of the rows to a device.
    pub fn write<I: Inputs>(&self, rows: Range<usize>, device: &Device) -> I {
        let parts = self.parts.iter().map(|data| {
            let bytes = data.as_bytes();
            let row = bytes.len() / self.rows();
            let bytes = bytes[rows.start * row..rows.end * row].to_vec();
            let shape = [rows.len(), data.shape()[1]];
            let data = TensorData::from_bytes_vec(bytes, shape, data.dtype());
            let dtype = data.dtype();
            Tensor::from_data(data, (device, dtype))
        });
        I::from_rows(&mut parts.zip(self.shapes.iter().map(Vec::as_slice)))
    }
}
