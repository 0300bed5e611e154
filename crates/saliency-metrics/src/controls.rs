//! Controls: the same metric for maps that know nothing of the model.

use saliency_core::kit::{Key, Stream};

use crate::bootstrap::mean;
use crate::edge_filter::{picture_size, sobel};
use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::experiment::Experiment;

/// Measures maps that know nothing of the model with the same metric: random maps, and an edge
/// filter of the input.
///
/// A map is worth something only if its value is better than theirs. Random values are uniform from
/// 0 to 1 for each unit. The edge filter is Sobel's: the length of the gradient of brightness, for
/// each channel, added up over the values of each unit.
///
/// # Defaults
/// - draws: 5 random maps of each row, whose values are averaged
/// - seed: 0
///
/// # Cost
/// The metric is computed draws + 1 times.
///
/// # Errors
/// [`Error::InvalidOption`] for 0 draws, and those of the metric.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Controls, Deletion, Experiment, Units};
///
/// let sum = pure_function(|x: Tensor<4>| {
///     let rows = x.dims()[0];
///     x.reshape([rows, 16]).sum_dim(1)
/// });
/// let x = Tensor::<4>::ones([1, 1, 4, 4], &Device::flex());
/// let units = Units::cells([1, 4, 4], [2, 2])?;
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let controls = Controls::new().values(&experiment, |maps| {
///     Deletion::new().area_between(&experiment, &fill, maps)
/// })?;
/// assert_eq!(controls.random.mean(), Some(0.0));
/// assert!(controls.edges.is_some());
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controls {
    draws: usize,
    seed: u64,
}

/// The values of a metric for maps that know nothing of the model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ControlValues {
    /// Its values for random maps: for each row the mean over the draws that have a value.
    pub random: RowValues,
    /// Its values for the edge filter; `None` if the input is not a picture.
    pub edges: Option<RowValues>,
}

impl Default for Controls {
    fn default() -> Self {
        Self { draws: 5, seed: 0 }
    }
}

impl Controls {
    /// Measures with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Draws this many random maps of each row.
    #[must_use]
    pub fn with_draws(mut self, draws: usize) -> Self {
        self.draws = draws;
        self
    }

    /// Draws random maps from another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Returns the values of a metric, given as a function of maps: of a value for each unit of each
    /// row.
    ///
    /// # Errors
    /// See [`Controls`].
    pub fn values(
        &self,
        experiment: &Experiment<'_>,
        metric: impl Fn(&[Vec<f64>]) -> Result<RowValues>,
    ) -> Result<ControlValues> {
        if self.draws == 0 {
            let (expected, found) = ("at least 1", "0".to_owned());
            return Err(Error::InvalidOption { option: "draws", expected, found });
        }
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        let draw = |draw| metric(&random_maps(rows, units, self.seed, draw));
        let draws = (0..self.draws as u64).map(draw).collect::<Result<Vec<_>>>()?;
        let edges = match edge_maps(experiment) {
            Ok(maps) => Some(metric(&maps)?),
            Err(Error::NoPicture { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(ControlValues { random: averaged(&draws), edges })
    }
}

/// Returns the mean of each row over the draws in which it has a value.
fn averaged(draws: &[RowValues]) -> RowValues {
    let rows = draws[0].values().len();
    let of_row = |row: usize| {
        let values = draws.iter().filter_map(|draw| draw.values().get(row).copied().flatten());
        let values: Vec<f64> = values.collect();
        if !values.is_empty() {
            return Ok(mean(&values));
        }
        let mut notes = draws.iter().flat_map(RowValues::notes);
        let note = notes.find(|note| note.row == row);
        Err(note.map_or(Reason::NotFinite, |note| note.reason))
    };
    RowValues::new((0..rows).map(of_row))
        .with_notes(draws.iter().flat_map(|it| it.notes().to_vec()))
}

/// Draws a random map for each row: uniform from 0 to 1.
pub(crate) fn random_maps(rows: usize, units: usize, seed: u64, draw: u64) -> Vec<Vec<f64>> {
    let map = |row| Key { seed, row, sample: draw }.uniform(Stream::Own(4), units);
    (0..rows as u64).map(map).collect()
}

/// Returns the sum of Sobel's edge filter over each unit of each row.
///
/// # Errors
/// [`Error::NoPicture`].
pub(crate) fn edge_maps(experiment: &Experiment<'_>) -> Result<Vec<Vec<f64>>> {
    let (input, units) = (experiment.input(), experiment.units());
    if units.grid().is_none() {
        return Err(Error::NoPicture { found: "units without a grid".to_owned() });
    }
    let [height, width] = picture_size(input)?;
    let values = input.parts()[0].clone().try_into_vec_as::<f64>();
    let values = values.map_err(saliency_core::Error::device)?;
    let edges = |row: &[f64]| -> Vec<f64> {
        let channels = row.chunks(height * width);
        units
            .sums(&channels.flat_map(|channel| sobel(channel, [height, width])).collect::<Vec<_>>())
    };
    Ok(values.chunks(units.width()).map(edges).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::linear;
    use crate::{SaCo, Units};
    use burn::tensor::{Device, Tensor};
    use saliency_core::{Schedule, Target, pure_function};

    fn picture(units: Units) -> Experiment<'static> {
        let sum = pure_function(|x: Tensor<4>| {
            let rows = x.dims()[0];
            x.reshape([rows, 16]).sum_dim(1)
        });
        let row = [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]];
        let x = Tensor::<4>::from_data([[row, [[2.0; 4]; 2]]], &Device::flex());
        Experiment::new(&sum, x, Target::Class(0), units, Schedule::new()).unwrap()
    }

    #[test]
    fn edges_are_added_up_over_channels_and_cells() {
        let cells = picture(Units::cells([2, 2, 4], [1, 4]).unwrap());
        assert_eq!(edge_maps(&cells).unwrap(), [[0.0, 8.0, 8.0, 0.0]]);
        let error = edge_maps(&picture(Units::values(16))).unwrap_err().to_string();
        assert!(error.ends_with("found units without a grid"), "{error}");
    }

    #[test]
    fn an_input_that_is_no_picture_has_no_edges() {
        let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
        let (x, target) = (Tensor::<2>::ones([1, 4], &Device::flex()), Target::Class(0));
        let units = Units::pixels([1, 2, 2]);
        let experiment = Experiment::new(&sum, x, target, units, Schedule::new()).unwrap();
        let error = edge_maps(&experiment).unwrap_err().to_string();
        assert!(error.ends_with("found [[1, 4]]"), "{error}");
        let controls = Controls::new().values(&experiment, |maps| {
            Ok(RowValues::new(maps.iter().map(|map| Ok(map.iter().sum()))))
        });
        assert_eq!(controls.unwrap().edges, None);
    }

    #[test]
    fn random_maps_are_averaged_over_draws_and_notes_are_kept() {
        let lab = linear([1.0, 2.0, 3.0], [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]);
        let metric = |maps: &[Vec<f64>]| SaCo::new().values(&lab.experiment, &lab.zeros, maps);
        let controls = Controls::new().with_draws(40).with_seed(2);
        let found = controls.values(&lab.experiment, metric).unwrap();
        let value = found.random.values()[0].unwrap();
        assert!(value.abs() < 0.5, "{value}");
        assert_eq!(found.random.values()[1], None);
        assert_eq!(found.random.notes().len(), 1);
        assert_eq!(found.random.notes()[0].reason, Reason::ScoresAllEqual);
        let error = Controls::new().with_draws(0).values(&lab.experiment, metric).unwrap_err();
        assert_eq!(error.to_string(), "expected draws to be at least 1, found 0");
    }
}
