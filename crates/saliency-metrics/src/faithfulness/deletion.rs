//! Deletion: the score while more and more units are covered.

use super::curve::{Covered, CurveOptions, Curves, Order, Scale, area_between};
use crate::error::Result;
use crate::estimate::RowValues;
use crate::experiment::Experiment;
use crate::fill::Fill;

/// Covers units in the order of a map, block by block, and follows the score.
///
/// ```text
/// curve(k) = f(x with the k units of the largest values covered),  k = 0, b, 2b, ..., all
/// ```
///
/// If the map is true of the model, the score falls early: a small area below the curve is good.
/// With [`Order::LeastRelevantFirst`] a large area is good. The area between the two curves uses
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
/// [`Error::MapUnits`](crate::Error::MapUnits),
/// [`Error::InvalidOption`](crate::Error::InvalidOption) for a block of 0, and the model's. A map
/// whose values are all equal has a note, because its order is arbitrary.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Deletion, Experiment, Units};
///
/// let sum = pure_function(|x: Tensor<2>| x.sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 4.0]], &Device::flex());
/// let units = Units::values(3);
/// let experiment = Experiment::new(&sum, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let maps = experiment.unit_sums(x)?;
/// let curves = Deletion::new().curves(&experiment, &fill, &maps)?;
/// assert_eq!(curves.rows()[0], Some(vec![7.0, 3.0, 1.0, 0.0]));
/// let between = Deletion::new().area_between(&experiment, &fill, &maps)?;
/// assert!((between.mean().unwrap() - 2.0).abs() < 1e-12);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// W. Samek et al., "Evaluating the Visualization of What a Deep Neural Network Has Learned", 2017;
/// V. Petsiuk, A. Das, K. Saenko, "RISE", 2018.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deletion(CurveOptions);

impl Deletion {
    /// Deletes with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Covers units in this order.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.0.order = order;
        self
    }

    /// Covers this many units in each step.
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
    /// See [`Deletion`].
    pub fn curves(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<Curves> {
        self.0.curves(experiment, fill, maps, Covered::First)
    }

    /// Returns the area below the curve of each row.
    ///
    /// # Errors
    /// See [`Deletion`].
    pub fn area(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        Ok(self.curves(experiment, fill, maps)?.area())
    }

    /// Returns the area between the curve with the least relevant units first and the one with the
    /// most relevant units first. The option of the order has no influence.
    ///
    /// # Errors
    /// See [`Deletion`].
    pub fn area_between(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
    ) -> Result<RowValues> {
        let least = self.with_order(Order::LeastRelevantFirst).curves(experiment, fill, maps)?;
        let most = self.with_order(Order::MostRelevantFirst).curves(experiment, fill, maps)?;
        Ok(area_between(&least, &most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::estimate::{Note, Reason};
    use crate::fixtures::{constant, linear};

    #[test]
    fn the_curve_of_a_linear_model_is_known() {
        // w x is [1, 4, -6], [1, 0, 0].
        let lab = linear([1.0, 2.0, -3.0], [[1.0, 2.0, 2.0], [1.0, 0.0, 0.0]]);
        let maps = [vec![1.0, 4.0, -6.0], vec![1.0, 0.0, 0.0]];
        let run = |deletion: Deletion| deletion.curves(&lab.experiment, &lab.zeros, &maps).unwrap();
        let curves = run(Deletion::new());
        assert_eq!(curves.rows()[0], Some(vec![-1.0, -5.0, -6.0, 0.0]));
        assert_eq!(curves.rows()[1], Some(vec![1.0, 0.0, 0.0, 0.0]));
        assert_eq!(curves.shares(), [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]);
        let area = curves.area();
        assert!((area.values()[0].unwrap() + 11.5 / 3.0).abs() < 1e-12);
        assert_eq!(curves.area_over_steps().values(), [Some(-11.5), Some(0.5)]);

        let least = run(Deletion::new().with_order(Order::LeastRelevantFirst));
        assert_eq!(least.rows()[0], Some(vec![-1.0, 5.0, 4.0, 0.0]));
        let between = Deletion::new().area_between(&lab.experiment, &lab.zeros, &maps).unwrap();
        assert!((between.values()[0].unwrap() - 20.0 / 3.0).abs() < 1e-12);

        let blocks = run(Deletion::new().with_block(2).with_scale(Scale::Relative));
        assert_eq!(blocks.rows()[0], Some(vec![1.0, 6.0, 0.0]));
        assert_eq!(blocks.shares(), [0.0, 2.0 / 3.0, 1.0]);
        // The last block is narrower: 2/3 and 1/3 of the units.
        assert!((blocks.area().values()[0].unwrap() - (7.0 / 3.0 + 1.0)).abs() < 1e-12);
    }

    #[test]
    fn maps_and_models_without_an_answer_are_noted() {
        let lab = constant(3, 3);
        let maps = [vec![1.0; 3], vec![1.0, f64::NAN, 0.0], vec![3.0, 2.0, 1.0]];
        let note = |row, reason| Note { row, reason };
        let area = Deletion::new().area(&lab.experiment, &lab.zeros, &maps).unwrap();
        assert_eq!(area.values(), [Some(5.0), None, Some(5.0)]);
        assert_eq!(area.notes(), [note(0, Reason::MapAllEqual), note(1, Reason::NotFinite)]);
        let relative = Deletion::new().with_scale(Scale::Relative);
        let between = relative.area_between(&lab.experiment, &lab.zeros, &maps).unwrap();
        assert_eq!(between.values(), [None; 3]);
        assert!(between.notes().contains(&note(2, Reason::ScoresAllEqual)));
    }

    #[test]
    fn wrong_maps_and_blocks_are_refused() {
        let lab = constant(2, 3);
        let run = |deletion: Deletion, maps: &[Vec<f64>]| {
            deletion.area(&lab.experiment, &lab.zeros, maps).unwrap_err()
        };
        let error = run(Deletion::new(), &[vec![1.0; 3]]);
        assert_eq!(error, Error::MapUnits { rows: 2, units: 3, found: vec![3] });
        let error = run(Deletion::new(), &[vec![1.0; 3], vec![1.0; 4]]);
        assert_eq!(error, Error::MapUnits { rows: 2, units: 3, found: vec![3, 4] });
        let error = run(Deletion::new().with_block(0), &[vec![1.0; 3], vec![1.0; 3]]);
        assert_eq!(error.to_string(), "expected block to be at least 1, found 0");
    }
}
