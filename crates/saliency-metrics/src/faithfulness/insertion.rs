//! Insertion: the score while more and more units are uncovered.

use super::curve::{Covered, CurveOptions, Curves, Order, Scale, area_between};
use crate::error::Result;
use crate::estimate::RowValues;
use crate::experiment::Experiment;
use crate::fill::Fill;

/// Starts from a fully covered input, uncovers units in the order of a map, block by block, and
/// follows the score.
///
/// ```text
/// curve(k) = f(fill with the k units of the largest values from x),  k = 0, b, 2b, ..., all
/// ```
///
/// If the map is true of the model, the score rises early: a large area below the curve is good.
/// With [`Order::LeastRelevantFirst`] a small area is good. The area between the two curves uses
/// both: a large one is good, and 0 is expected of a random map.
///
/// # Shapes
/// Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns them.
///
/// # Defaults
/// - order: most relevant first
/// - block: as many units as needed for at most 50 steps
/// - scale: scores as the model gives them
///
/// # Cost
/// For each row: steps + 1 forward passes, at most 51 by default; twice as many for the area
/// between.
///
/// # Errors
/// Those of [`Deletion`](crate::Deletion).
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, Insertion, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let maps = experiment.unit_sums(x)?;
/// let curves = Insertion::new().curves(&experiment, &fill, &maps)?;
/// assert_eq!(curves.rows()[0], Some(vec![0.0, 4.0, 6.0, 7.0]));
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// V. Petsiuk, A. Das, K. Saenko, "RISE", 2018.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Insertion(CurveOptions);

impl Insertion {
    /// Inserts with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uncovers units in this order.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.0.order = order;
        self
    }

    /// Uncovers this many units in each step.
    #[must_use]
    pub fn with_block(mut self, units: usize) -> Self {
        self.0.block = Some(units);
        self
    }

    /// Returns curves in this scale.
    #[must_use]
    pub fn with_scale(mut self, scale: Scale) -> Self {
        self.0.scale = scale;
        self
    }

    /// Returns the curve of each row.
    ///
    /// # Errors
    /// See [`Insertion`].
    pub fn curves(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<Curves> {
        self.0.curves(experiment, fill, maps, Covered::Later)
    }

    /// Returns the area below the curve of each row.
    ///
    /// # Errors
    /// See [`Insertion`].
    pub fn area(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        Ok(self.curves(experiment, fill, maps)?.area())
    }

    /// Returns the area between the curve with the most relevant units first and the one with the
    /// least relevant units first. The option of the order has no influence.
    ///
    /// # Errors
    /// See [`Insertion`].
    pub fn area_between(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        let most = self.with_order(Order::MostRelevantFirst).curves(experiment, fill, maps)?;
        let least = self.with_order(Order::LeastRelevantFirst).curves(experiment, fill, maps)?;
        Ok(area_between(&most, &least))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faithfulness::Deletion;
    use crate::fixtures::linear;

    #[test]
    fn an_insertion_is_a_deletion_in_the_other_direction() {
        let lab = linear([1.0, 2.0, -3.0], [[1.0, 2.0, 2.0], [1.0, 0.5, 0.0]]);
        let maps = [vec![1.0, 4.0, -6.0], vec![1.0, 0.5, 0.0]];
        for scale in [Scale::Scores, Scale::Relative] {
            let insertion = Insertion::new().with_scale(scale);
            let found = insertion.curves(&lab.experiment, &lab.zeros, &maps).unwrap();
            let deletion = Deletion::new().with_scale(scale).with_order(Order::LeastRelevantFirst);
            let deleted = deletion.curves(&lab.experiment, &lab.zeros, &maps).unwrap();
            for (inserted, deleted) in found.rows().iter().zip(deleted.rows()) {
                let back: Vec<f64> = deleted.as_ref().unwrap().iter().rev().copied().collect();
                assert_eq!(inserted.as_ref(), Some(&back));
            }
        }
        let between = Insertion::new().area_between(&lab.experiment, &lab.zeros, &maps).unwrap();
        let deleted = Deletion::new().area_between(&lab.experiment, &lab.zeros, &maps).unwrap();
        for (a, b) in between.defined().iter().zip(deleted.defined()) {
            assert!((a - b).abs() < 1e-12);
        }
    }
}
