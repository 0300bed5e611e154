//! Shares of a map: how much of it lies inside a box, in a region or at the border.

use std::sync::Arc;

use crate::error::{Error, Result, check_share};

/// A share of a row's map that is to be estimated, with its error.
///
/// ```text
///          Σ weight · count(value)
/// share  =  ―――――――――――――――――――――――
///             Σ count(value)
/// ```
///
/// The sums are over all values of the row. A weight says how much of a value's place belongs to
/// the box or the region: 1 inside, 0 outside, something between for a pixel that is cut by the
/// edge of a box. The share is 0 if no value counts.
///
/// A share is often known long before every value is: errors of single values cancel. So a
/// tolerance for shares
/// ([`IntegratedGradients::with_share_tolerance`](crate::IntegratedGradients::with_share_tolerance))
/// takes a fraction of the gradients that one for the whole map takes.
///
/// # Shapes and units
/// One weight, from 0 to 1, for each value of the row's map: tensor by tensor, in the order of the
/// values in memory.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{
///     Counted, Explainer, IntegratedGradients, Rows, Share, Target, pure_function,
/// };
///
/// // How much of what speaks for the score lies in the first two values?
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(3).sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0]], &Device::flex());
/// let share = Share::new([1.0, 1.0, 0.0], Counted::Positive)?;
/// let rows = Rows::all(1).with_shares(vec![vec![share]]);
/// let map = IntegratedGradients::new()
///     .with_share_tolerance(0.01)
///     .attribute_rows(&model, x, Target::Class(0), &rows)?;
/// let found = map.shares.expect("asked for")[0][0];
/// assert!((found.share - 9.0 / 36.0).abs() <= found.error.expect("a path has an estimate"));
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Shared, because rows are selected and sent to devices.
    weights: Arc<[f64]>,
    counted: Counted,
}

/// Which values of a map count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Counted {
    /// Values above zero: those that speak for the score.
    #[default]
    Positive,
    /// All values, without their signs.
    Absolute,
}

/// A share, as estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EstimatedShare {
    /// The share, from 0 to 1.
    pub share: f64,
    /// Its estimated error: the true share, which infinitely many gradients would give, lies
    /// within `share ± error` in at least nine of ten cases. `None` if the method has no estimate.
    pub error: Option<f64>,
}

/// The quantity whose error must be small enough.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Tolerance {
    /// The relative L1 error of a row's map.
    Map(f64),
    /// The error of each share that is asked for, as a share of the map.
    Shares(f64),
}

impl Share {
    /// Asks for a share with the given weights.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if a weight is not from 0 to 1.
    pub fn new(weights: impl Into<Vec<f64>>, counted: Counted) -> Result<Self> {
        let weights: Vec<f64> = weights.into();
        match weights.iter().find(|weight| !(0.0..=1.0).contains(*weight)) {
            Some(bad) => Err(Error::invalid_option("weights of a share", "from 0 to 1", bad)),
            None => Ok(Self { weights: weights.into(), counted }),
        }
    }

    /// Returns the weight of each value.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Returns the share of the given values. There must be one for each weight.
    pub fn of(&self, values: impl Iterator<Item = f64>) -> f64 {
        let (mut inside, mut all) = (0.0, 0.0);
        for (value, weight) in values.zip(&self.weights[..]) {
            let counted = self.counted.part(value);
            inside += weight * counted;
            all += counted;
        }
        if all > 0.0 { inside / all } else { 0.0 }
    }

    /// Returns the sum of what counts in the given values.
    pub(crate) fn counted(&self, values: &[f64]) -> f64 {
        values.iter().map(|&value| self.counted.part(value)).sum()
    }

    /// Keeps the weights of some of the values.
    pub(crate) fn select(&self, values: &[usize]) -> Self {
        let weights = values.iter().map(|&value| self.weights[value]).collect();
        Self { weights, ..*self }
    }
}

impl Counted {
    /// Returns the part of a value that counts.
    fn part(self, value: f64) -> f64 {
        match self {
            Self::Positive => value.max(0.0),
            Self::Absolute => value.abs(),
        }
    }
}

impl Tolerance {
    /// Refuses a tolerance outside (0, 1], and one for shares if no shares are asked for.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(self, shares: Option<&[Vec<Share>]>) -> Result<()> {
        self.check_range()?;
        let without = shares.is_none_or(|shares| shares.iter().any(Vec::is_empty));
        if matches!(self, Self::Shares(_)) && without {
            let expected = "used with shares for each row (Rows::with_shares)";
            return Err(Error::invalid_option("share tolerance", expected, "no shares"));
        }
        Ok(())
    }

    /// Refuses a tolerance outside (0, 1].
    pub(crate) fn check_range(self) -> Result<()> {
        match self {
            Self::Map(error) => check_share("tolerance", error),
            Self::Shares(error) => check_share("share tolerance", error),
        }
    }

    /// Returns the error that is small enough.
    pub fn error(self) -> f64 {
        match self {
            Self::Map(error) | Self::Shares(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_that_of_what_counts() {
        let values = [3.0, -1.0, 1.0];
        let share = |weights: [f64; 3], counted| {
            Share::new(weights, counted).unwrap().of(values.into_iter())
        };
        assert_eq!(share([1.0, 1.0, 0.0], Counted::Positive), 0.75);
        assert_eq!(share([1.0, 1.0, 0.0], Counted::Absolute), 0.8);
        assert_eq!(share([0.5, 0.0, 1.0], Counted::Positive), 0.625);
        let blank = Share::new([1.0], Counted::Positive).unwrap();
        assert_eq!(blank.of([-2.0].into_iter()), 0.0);
    }

    #[test]
    fn weights_are_from_0_to_1() {
        for bad in [-0.1, 1.1, f64::NAN] {
            let error = Share::new([0.5, bad], Counted::Positive).unwrap_err().to_string();
            assert!(
                error.contains("weights of a share") && error.contains("from 0 to 1"),
                "{error}"
            );
        }
    }
}
