//! Random changes of an input.

use std::fmt;
use std::sync::Arc;

use burn::tensor::Tensor;
use saliency_core::kit::{Batch, Key, Noise};

use crate::error::{Error, Result};
use crate::experiment::CopiedRows;

/// How an input is perturbed: by noise, or by a function of your own.
///
/// # Example
/// ```
/// use saliency_core::kit::Noise;
/// use saliency_core::NoiseScale;
/// use saliency_metrics::Perturbation;
///
/// let noise = Perturbation::noise(Noise::new(NoiseScale::Absolute(0.1)));
///
/// // A tenth of each row, as long as the sample's number is even.
/// let own = Perturbation::own(|rows, keys| {
///     let factors: Vec<f64> =
///         keys.iter().map(|key| if key.sample % 2 == 0 { 0.1 } else { 0.0 }).collect();
///     Ok(rows.scale_rows(&factors))
/// });
/// ```
#[derive(Clone)]
pub struct Perturbation(Kind);

/// Returns the perturbation of each row, given its key.
type Own = dyn Fn(&Batch, &[Key]) -> saliency_core::Result<Batch> + Send + Sync;

#[derive(Clone)]
enum Kind {
    Noise(Noise),
    Own(Arc<Own>),
}

impl fmt::Debug for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Noise(noise) => f.debug_tuple("Perturbation").field(noise).finish(),
            Kind::Own(_) => f.write_str("Perturbation(own)"),
        }
    }
}

impl Perturbation {
    /// Perturbs by noise. If the noise has a valid range, the perturbed input stays in it, whether a
    /// metric adds its perturbations or, as [`Infidelity`](crate::Infidelity), subtracts them.
    pub fn noise(noise: Noise) -> Self {
        Self(Kind::Noise(noise))
    }

    /// Perturbs by the batch that `draw` returns: one of the shape of the rows that it is given. There is
    /// a key for each row, with the row's number and the number of the draw; its seed is 0. `draw`
    /// must return the same for the same key. Fixed tensors are never perturbed.
    pub fn own(
        draw: impl Fn(&Batch, &[Key]) -> saliency_core::Result<Batch> + Send + Sync + 'static,
    ) -> Self {
        Self(Kind::Own(Arc::new(draw)))
    }

    /// Prepares perturbations of an input.
    ///
    /// # Errors
    /// Those of [`Noise::deviations`], and [`Error::Shape`] if the first draw has another shape
    /// than its row.
    pub(crate) fn of(&self, input: &Batch) -> Result<Draws<'_>> {
        match &self.0 {
            Kind::Noise(noise) => Ok(Draws::Noise { noise, deviations: noise.deviations(input)? }),
            Kind::Own(draw) => {
                let first = input.narrow(0, 1);
                let drawn = draw(&first, &[Key { seed: 0, row: 0, sample: 0 }])?;
                check_shape(&first, &drawn)?;
                Ok(Draws::Own(&**draw))
            }
        }
    }
}

/// The perturbations of one input.
pub(crate) enum Draws<'p> {
    Noise { noise: &'p Noise, deviations: Batch },
    Own(&'p Own),
}

impl Draws<'_> {
    /// Returns the perturbation of each copy; `input` has the rows that the copies are made from.
    pub fn draw(&self, input: &Batch, copies: &CopiedRows) -> saliency_core::Result<Batch> {
        let drawn = match self {
            Self::Noise { noise, deviations } => {
                let deviations = deviations.select(&copies.rows);
                noise.draw(input, &deviations, &copies.keys(noise.seed))?
            }
            Self::Own(draw) => {
                let drawn = draw(input, &copies.keys(0))?;
                let shape = check_shape(input, &drawn);
                let message =
                    |error: Error| saliency_core::Error::device_message(error.to_string());
                shape.map_err(message)?;
                drawn
            }
        };
        Ok(drawn.without_fixed())
    }

    /// Returns the perturbation of each copy, for a metric that subtracts it. Noise with a valid range
    /// is turned round, because it is drawn to be added. Other noise is as likely as its negative.
    pub fn draw_to_subtract(
        &self,
        input: &Batch,
        copies: &CopiedRows,
    ) -> saliency_core::Result<Batch> {
        let drawn = self.draw(input, copies)?;
        Ok(match self {
            Self::Noise { noise, .. } if noise.range.is_some() => drawn.map(Tensor::neg),
            _ => drawn,
        })
    }
}

/// Refuses a perturbation that has another shape than its rows.
fn check_shape(rows: &Batch, drawn: &Batch) -> Result<()> {
    let shapes = |batch: &Batch| -> Vec<Vec<usize>> {
        batch.parts().iter().map(|part| part.dims().to_vec()).collect()
    };
    let (expected, found) = (shapes(rows), shapes(drawn));
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape { what: "a perturbation", expected, found })
}
