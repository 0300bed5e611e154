//! ROAD: the score after more and more units are imputed from their neighbours.

use super::curve::{Covered, Curves, Order, Scale, Steps, difference};
use crate::error::{Error, Result};
use crate::estimate::RowValues;
use crate::experiment::{Experiment, Followed};
use crate::fill::Fill;
use crate::neighbours::Neighbours;

/// Imputes the units of the largest values from their neighbours, for rising shares of the units,
/// and follows the score: remove and debias.
///
/// ```text
/// curve(s) = f(x with the share s of the units of the largest values imputed)
/// value    = the mean of the curve over the shares s
/// ```
///
/// If the map is true of the model, the score falls early: small is good. With
/// [`Order::LeastRelevantFirst`] large is good. The [difference](Self::difference) of both is large
/// for a true map, and 0 is expected of a random one.
///
/// A constant that units are covered with shows the shape of what was covered, and a model can read
/// the class off the shape. [`Neighbours`] hides the shape. The paper and Quantus 0.6.0 follow
/// whether the answer is right: [`with_accuracy`](Self::with_accuracy). The score says more for few
/// rows. Imputed values are those of Quantus if there is no noise, whose random numbers differ.
///
/// # Shapes
/// Pictures only, with units of pixels or cells. Maps have a value for each unit of each row, as
/// [`Experiment::unit_sums`] returns them.
///
/// # Defaults
/// - shares: 0.1, 0.2, ... 0.9
/// - order: most relevant first
/// - imputation: [`Neighbours`] with its defaults
/// - follows: the score
///
/// # Cost
/// For each row: one imputation and one forward pass for each share; twice as many for the
/// difference.
///
/// # Errors
/// [`Error::NoNeighbours`] for other inputs than pictures, [`Error::MapUnits`],
/// [`Error::InvalidOption`], [`Error::NoClass`], and the model's. A map whose values are all equal
/// has a note, because its order is arbitrary.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, Road, Units};
///
/// // A white pixel on black; the model returns its brightness.
/// let model = pure_function(|x: Tensor<4>| {
///     let rows = x.dims()[0];
///     x.narrow(2, 1, 1).narrow(3, 1, 1).reshape([rows, 1])
/// });
/// let mut pixels = [0.0; 9];
/// pixels[4] = 1.0;
/// let x = Tensor::<1>::from_data(pixels, &Device::flex()).reshape([1, 1, 3, 3]);
/// let units = Units::pixels([1, 3, 3]);
/// let experiment = Experiment::new(&model, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let maps = experiment.unit_sums(x)?;
/// let metric = Road::new().with_shares([1.0 / 9.0]);
/// assert!(metric.values(&experiment, &maps)?.mean().unwrap() < 0.1);
/// assert!(metric.difference(&experiment, &maps)?.mean().unwrap() > 0.9);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// Y. Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", 2022.
#[derive(Clone, Debug)]
pub struct Road {
    shares: Vec<f64>,
    order: Order,
    imputation: Neighbours,
    followed: Followed,
}

impl Default for Road {
    fn default() -> Self {
        Self {
            shares: (1..10).map(|tenth| f64::from(tenth) / 10.0).collect(),
            order: Order::default(),
            imputation: Neighbours::new(),
            followed: Followed::Score,
        }
    }
}

impl Road {
    /// Imputes with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Imputes these shares of the units: rising, from 0 to 1.
    #[must_use]
    pub fn with_shares(mut self, shares: impl Into<Vec<f64>>) -> Self {
        self.shares = shares.into();
        self
    }

    /// Imputes units in this order.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Imputes with other noise.
    #[must_use]
    pub fn with_imputation(mut self, imputation: Neighbours) -> Self {
        self.imputation = imputation;
        self
    }

    /// Follows whether the answer of the model is the class that is explained: 1 or 0.
    #[must_use]
    pub fn with_accuracy(mut self) -> Self {
        self.followed = Followed::Accuracy;
        self
    }

    /// Returns the curve of each row.
    ///
    /// # Errors
    /// See [`Road`].
    pub fn curves(&self, experiment: &Experiment<'_>, maps: &[Vec<f64>]) -> Result<Curves> {
        check_shares(&self.shares)?;
        let units = experiment.units().count() as f64;
        let steps = Steps {
            taken: self.shares.iter().map(|share| (share * units).round() as usize).collect(),
            covered: Covered::First,
            order: self.order,
            scale: Scale::Scores,
            followed: self.followed,
        };
        steps.curves(experiment, &Fill::from(self.imputation), maps)
    }

    /// Returns the mean of the curve of each row.
    ///
    /// # Errors
    /// See [`Road`].
    pub fn values(&self, experiment: &Experiment<'_>, maps: &[Vec<f64>]) -> Result<RowValues> {
        Ok(self.curves(experiment, maps)?.means())
    }

    /// Returns the mean of the curve with the least relevant units first, minus that with the most
    /// relevant units first. The option of the order has no influence.
    ///
    /// # Errors
    /// See [`Road`].
    pub fn difference(&self, experiment: &Experiment<'_>, maps: &[Vec<f64>]) -> Result<RowValues> {
        let means = |order| self.clone().with_order(order).values(experiment, maps);
        Ok(difference(&means(Order::LeastRelevantFirst)?, &means(Order::MostRelevantFirst)?))
    }
}

/// Refuses shares that do not rise from 0 to 1.
pub(super) fn check_shares(shares: &[f64]) -> Result<()> {
    let rise = shares.windows(2).all(|pair| pair[0] < pair[1]);
    let good = |share: &f64| (0.0..=1.0).contains(share);
    if rise && !shares.is_empty() && shares.iter().all(good) {
        return Ok(());
    }
    let found = format!("{shares:?}");
    Err(Error::InvalidOption { option: "shares", expected: "rising numbers from 0 to 1", found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Units;
    use crate::estimate::Reason;
    use crate::fixtures::{constant, shown, upper_left};
    use saliency_core::Target;

    #[test]
    fn the_curve_of_known_pixels() {
        // A row of 0, 0, 8, 0, 0: the model returns the third pixel.
        let experiment = shown([[0.0, 0.0, 8.0, 0.0, 0.0]], Target::Class(2));
        let exact = Road::new().with_imputation(Neighbours::new().with_noise(0.0));
        let map = vec![0.0, 1.0, 2.0, 0.5, -1.0];
        let road = exact.clone().with_shares([0.0, 0.2, 0.4, 1.0]);
        let found = road.curves(&experiment, std::slice::from_ref(&map)).unwrap();
        // As it is; imputed from zeros; the mean of everything.
        let curve = found.rows()[0].clone().unwrap();
        for (found, expected) in curve.iter().zip([8.0, 0.0, 0.0, 1.6]) {
            assert!((found - expected).abs() < 1e-6, "{curve:?}");
        }
        assert_eq!(found.shares(), [0.0, 0.2, 0.4, 1.0]);
        // The least relevant pixels are zeros beside zeros.
        let road = exact.with_shares([0.2, 0.4]);
        let maps = [map];
        assert!((road.difference(&experiment, &maps).unwrap().mean().unwrap() - 8.0).abs() < 1e-6);
        let right = road.with_accuracy();
        assert_eq!(right.difference(&experiment, &maps).unwrap().values(), [Some(1.0)]);
    }

    #[test]
    fn maps_and_models_without_an_answer() {
        let experiment = upper_left();
        let maps = [vec![1.0; 16], vec![f64::NAN; 16]];
        let found = Road::new().values(&experiment, &maps).unwrap();
        assert!(found.values()[0].is_some());
        assert_eq!(found.values()[1], None);
        let reasons: Vec<Reason> = found.notes().iter().map(|note| note.reason).collect();
        assert_eq!(reasons, [Reason::MapAllEqual, Reason::NotFinite]);
        let error = Road::new().values(&experiment, &maps[..1]).unwrap_err();
        assert_eq!(error, Error::MapUnits { rows: 2, units: 16, found: vec![16] });
        let lab = constant(1, 3);
        let error = Road::new().values(&lab.experiment, &[vec![1.0, 2.0, 3.0]]).unwrap_err();
        assert_eq!(error, Error::NoNeighbours { found: vec![vec![1, 3]] });
    }

    #[test]
    fn wrong_options_are_refused() {
        let maps = [vec![1.0, 2.0]];
        let experiment = shown([[0.0, 1.0]], Target::Class(0));
        for (shares, found) in
            [(vec![], "[]"), (vec![0.2, 0.2], "[0.2, 0.2]"), (vec![1.1], "[1.1]")]
        {
            let error = Road::new().with_shares(shares).values(&experiment, &maps).unwrap_err();
            let message =
                format!("expected shares to be rising numbers from 0 to 1, found {found}");
            assert_eq!(error.to_string(), message);
        }
        let function = Target::function(|outputs| outputs.sum_dim(1).flatten(0, 1));
        let experiment = shown([[0.0, 1.0]], function);
        let error = Road::new().with_accuracy().values(&experiment, &maps).unwrap_err();
        assert_eq!(error, Error::NoClass);
        assert_eq!(experiment.units(), &Units::pixels([1, 1, 2]));
    }
}
