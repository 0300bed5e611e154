//! The output of a model, read back from the device at most once.

use std::cell::OnceCell;

use burn::tensor::Tensor;

use crate::error::Result;
use crate::input::batch::to_host;

/// The output `[rows, scores]` of a model. Its numbers are read back when they are first needed.
pub(crate) struct Output<'a> {
    tensor: &'a Tensor<2>,
    numbers: OnceCell<Vec<f64>>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(tensor: &'a Tensor<2>) -> Self {
        Self { tensor, numbers: OnceCell::new() }
    }

    /// Returns `[rows, scores]`.
    pub(crate) fn dims(&self) -> [usize; 2] {
        self.tensor.dims()
    }

    /// Returns the scores of each row. There must be at least one score.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if they cannot be read back.
    pub(crate) fn rows(&self) -> Result<std::slice::Chunks<'_, f64>> {
        let numbers = match self.numbers.get() {
            Some(numbers) => numbers,
            None => {
                let read = to_host(self.tensor.clone().inner())?;
                self.numbers.get_or_init(|| read)
            }
        };
        Ok(numbers.chunks(self.dims()[1]))
    }
}
