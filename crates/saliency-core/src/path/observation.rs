//! An observation at a point of a path.

use burn::tensor::{Int, Tensor};

use crate::error::Result;
use crate::input::batch::{Batch, to_host};
use crate::path::score_change::Mark;
use crate::share::Share;

/// The maximum number of values of a row whose contributions are read back from the device. Errors
/// are estimated from these values, which stand for all values.
const SAMPLED: usize = 2048;

/// An observation at a point of a path, kept on the host: the score, and those contributions of the
/// gradient that the error estimate needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observation {
    /// The contributions of some of the values: the same values at every point.
    pub sample: Vec<f64>,
    /// The sum of the contributions of all values.
    pub sum: f64,
    /// The sum of their absolute values.
    pub size: f64,
    /// The score.
    pub score: f64,
    /// The place on the way, if the path has places.
    pub place: Option<f64>,
}

impl Observation {
    /// Returns whether all numbers are finite.
    pub fn is_finite(&self) -> bool {
        self.size.is_finite() && self.score.is_finite()
    }

    /// Adds the contributions of another point, times a weight.
    pub fn add(&mut self, other: &Self, weight: f64) {
        if self.sample.is_empty() {
            self.sample.resize(other.sample.len(), 0.0);
        }
        let values = self.sample.iter_mut().zip(&other.sample);
        values.for_each(|(sum, value)| *sum += weight * value);
        self.sum += weight * other.sum;
        self.size += weight * other.size;
    }

    /// Returns the score and the place.
    pub fn mark(&self) -> Mark {
        Mark { score: self.score, place: self.place }
    }

    /// Returns the L1 norm of the sampled contributions.
    pub fn sampled_size(&self) -> f64 {
        self.sample.iter().map(|value| value.abs()).sum()
    }
}

/// Observes contributions on a device.
pub(crate) struct Observer {
    /// The sampled columns of each tensor of the input; `None` for all columns.
    columns: Vec<Option<Tensor<1, Int>>>,
    /// The positions of the sampled values in a row; `None` for all values.
    sampled: Option<Vec<usize>>,
}

impl Observer {
    /// Chooses the values that are sampled, evenly spread over each tensor of the input.
    pub fn new(input: &Batch) -> Self {
        let width = input.width();
        if width <= SAMPLED {
            return Self { columns: vec![None; input.parts.len()], sampled: None };
        }
        let (mut columns, mut sampled, mut before) = (Vec::new(), Vec::new(), 0);
        for part in &input.parts {
            let own = part.dims()[1];
            let count = (SAMPLED * own).div_ceil(width);
            let places: Vec<usize> = (0..count).map(|k| k * own / count).collect();
            sampled.extend(places.iter().map(|place| before + place));
            before += own;
            let places: Vec<i64> = places.into_iter().map(|place| place as i64).collect();
            columns.push(Some(Tensor::from_data(&places[..], &part.device())));
        }
        Self { columns, sampled: Some(sampled) }
    }

    /// Returns whether all values of a row are observed.
    pub fn is_whole(&self) -> bool {
        self.sampled.is_none()
    }

    /// Returns the number of values that are observed in a row of the given width.
    pub fn sampled(&self, width: usize) -> usize {
        self.sampled.as_ref().map_or(width, Vec::len)
    }

    /// Returns the weights of the sampled values in each share.
    pub fn shares(&self, asked: &[Share]) -> Vec<Share> {
        match &self.sampled {
            Some(sampled) => asked.iter().map(|share| share.select(sampled)).collect(),
            None => asked.to_vec(),
        }
    }

    /// Returns one observation for each row of `contributions`, given the scores.
    pub fn observe(&self, contributions: &Batch, scores: &[f64]) -> Result<Vec<Observation>> {
        let empty = |&score: &f64| Observation { score, ..Observation::default() };
        let mut observed: Vec<Observation> = scores.iter().map(empty).collect();
        for (part, columns) in contributions.parts.iter().zip(&self.columns) {
            let sample = match columns {
                Some(columns) => part.clone().select(1, columns.clone()),
                None => part.clone(),
            };
            // Sums over all values are taken on the device, so that few numbers are read back.
            let width = sample.dims()[1];
            let sums = if columns.is_some() {
                to_host(part.clone().sum_dim(1))?
                    .into_iter()
                    .zip(to_host(part.clone().abs().sum_dim(1))?)
                    .collect()
            } else {
                Vec::new()
            };
            for (row, values) in to_host(sample)?.chunks(width).enumerate() {
                let at = &mut observed[row];
                let (sum, size) = sums.get(row).copied().unwrap_or_else(|| {
                    (values.iter().sum(), values.iter().map(|value| value.abs()).sum())
                });
                at.sample.extend_from_slice(values);
                at.sum += sum;
                at.size += size;
            }
        }
        Ok(observed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn sums_are_over_all_values_and_the_sample_is_spread_evenly() {
        let device = Device::flex();
        let wide: Vec<f32> = (0..10_000).map(|at| if at % 2 == 0 { 1.0 } else { -0.5 }).collect();
        let wide = Tensor::<1>::from_data(&wide[..], &device).reshape([1, 10_000]);
        let narrow = Tensor::<2>::from_data([[3.0]], &device);
        let batch = Batch::new((wide, narrow)).unwrap();
        let observed = Observer::new(&batch).observe(&batch, &[7.0]).unwrap().remove(0);
        assert_eq!((observed.sum, observed.size, observed.score), (2503.0, 7503.0, 7.0));
        assert_eq!(observed.sample.last(), Some(&3.0));
        assert!((SAMPLED..=SAMPLED + 1).contains(&observed.sample.len()));
        assert!(observed.is_finite());
    }
}
