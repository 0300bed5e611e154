//! The question of a call: checks it, and reads it from the device that it is on.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};
use saliency_core::{Inputs, Result, Rows, Target};

use super::{Options, errors};
use crate::hardware::Hardware;

/// A call of an explainer.
pub(super) struct Question<'a, M, I> {
    pub model: &'a M,
    pub input: I,
    pub target: Target,
    /// The rows of a larger batch that the input was made from; `None` if the input is the whole
    /// batch.
    pub rows: Option<&'a Rows>,
}

impl<M, I: Inputs> Question<'_, M, I> {
    /// Returns the device of the input, or `None` if there are no rows or no values.
    pub fn home(&self) -> Option<Device> {
        if self.input.shapes().iter().any(|shape| shape.contains(&0)) {
            return None;
        }
        self.input.clone().into_rows().first().map(Tensor::device)
    }

    /// Refuses everything that a device could check only for its own rows, and returns the rows of
    /// the batch.
    pub fn check(&self) -> Result<Rows> {
        let shapes = self.input.shapes();
        let total = shapes[0].first().copied().unwrap_or(0);
        self.target.check_rows(total)?;
        let rows = self.rows.cloned().unwrap_or_else(|| Rows::all(total));
        rows.check_count(total)?;
        for (tensor, shape) in shapes.iter().enumerate() {
            let found = shape.first().copied().unwrap_or(0);
            if found != total {
                return Err(errors::unequal_rows(tensor, total, found));
            }
        }
        Ok(rows)
    }
}

/// The device of the input, which is also that of the answer.
pub(super) struct Home<'a> {
    pub device: Device,
    pub hardware: Option<Hardware>,
    pub options: &'a Options,
}

impl Home<'_> {
    /// Makes a call that uses the device. If it is a device of another machine, stops waiting when
    /// the patience is over or the call is cancelled.
    pub fn patiently<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.hardware != Some(Hardware::Remote) {
            return call();
        }
        let (answer, answers) = channel();
        let thread = std::thread::Builder::new();
        let started = thread.spawn(move || answer.send(call()));
        started.map_err(|error| errors::device(error.to_string()))?;
        let start = Instant::now();
        let patience = self.options.patience;
        loop {
            match answers.recv_timeout(Duration::from_millis(20)) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(errors::device("the server of the input ended"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.options.cancel.is_cancelled() || start.elapsed() > patience {
                let seconds = start.elapsed().as_secs_f64();
                return Err(errors::device(format!(
                    "the server of the input did not answer for {seconds:.0} seconds"
                )));
            }
        }
    }
}
