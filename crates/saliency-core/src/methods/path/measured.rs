//! A measure on a path: gradients at some places count more than at others.

use crate::error::{Error, Result};
use crate::execution::evaluator::Scored;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::methods::path::along_path::AlongPath;
use crate::methods::path::integrated_gradients::Straight;
use crate::methods::path::laid::{FromBaseline, Laid, Path};
use crate::path::shape::{PathPoints, PathShape};

/// Integrated Gradients with a measure on the path, so that gradients count more at some places
/// than at others.
///
/// ```text
///                    1                                             1
/// A(x) = (x - x') ·  ∫  ∂f/∂x (x' + α (x - x')) w(α) dα,           ∫ w(α) dα = 1
///                    0                                             0
/// ```
///
/// The values do **not** sum to `f(x) - f(x')`: with a measure they are a weighted mean of the
/// contributions along the path. There is no
/// [`completeness_gap`](crate::Attribution::completeness_gap). With [`Measure::uniform`], the
/// default, the method is [`IntegratedGradients`](crate::IntegratedGradients), bit for bit.
///
/// [`Measure::late`] of power 1 is Path-Sampled Integrated Gradients, the average over baselines
/// that are drawn uniformly from the path, times 2. In general, `w` is the distribution function of
/// the baselines there. Its values sum to `f(x)` minus the mean score of the baselines.
///
/// # How errors are estimated
/// Points are placed by the measure: the positions of the integral are the shares of the measure,
/// and a part of the path that does not count gets no points. As in Integrated Gradients, the
/// estimate assumes that the gradient jumps somewhere between every two points, and compares the
/// contributions there with the change of score. This comparison holds for the unweighted
/// contributions, from point to point. The difference counts with the mean of the measure between
/// these points. The sum over the whole path is not compared, because it need not be right.
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - measure: uniform ([`with_measure`](AlongPath::with_measure))
/// - all others as in [`IntegratedGradients`](crate::IntegratedGradients)
///
/// # Cost
/// As [`IntegratedGradients`](crate::IntegratedGradients), and a forward pass if the measure ends
/// before the input.
///
/// # Errors
/// Those of [`IntegratedGradients`](crate::IntegratedGradients); of a measure that is none.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::{Measure, MeasuredIg};
/// use saliency_core::{Explainer, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.powi_scalar(3));
/// let x = Tensor::<2>::from_data([[2.0]], &Device::flex());
/// // Only the first half of the path: the mean of 3 α² over it is 1/4.
/// let early = MeasuredIg::new().with_measure(Measure::between(0.0, 0.5));
/// let map = early.attribute(&model, x)?;
/// assert!((map.values.into_scalar::<f32>() - 8.0 / 4.0).abs() < 1e-4);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Kamalov, Thabtah, Sivaraj and Abdelhamid, *Path-Sampled Integrated Gradients*, 2026,
/// <https://arxiv.org/abs/2604.14338>; of weights in general: *Path-Weighted Integrated Gradients*,
/// 2025, <https://arxiv.org/abs/2509.17491>. The error estimate is ours.
pub type MeasuredIg = AlongPath<Measured<Straight>>;

/// How much each place on a path counts. The whole counts for 1.
///
/// # Example
/// ```
/// use saliency_core::methods::Measure;
///
/// let measures = [
///     Measure::uniform(),
///     Measure::early(2.0),            // 3 (1 - α)²
///     Measure::late(1.0),             // 2 α
///     Measure::between(0.0, 0.5),     // 2 on the first half
///     Measure::table([1.0, 3.0]),     // the second half three times as much as the first
///     Measure::of(|at| 1.0 + at),     // any function, as a table of 1,000 parts
/// ];
/// assert!(measures.iter().all(|measure| measure.check().is_ok()));
/// // Half of the measure lies before this place.
/// assert!((Measure::late(1.0).place(0.5) - 0.5f64.sqrt()).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Measure(Kind);

#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Kind {
    #[default]
    Uniform,
    Early(f64),
    Late(f64),
    Between([f64; 2]),
    Table(Vec<f64>),
}

/// The number of parts into which a function is cut.
const PARTS: usize = 1000;

impl Measure {
    /// Counts the whole path alike.
    pub fn uniform() -> Self {
        Self::default()
    }

    /// Counts the start of the path most: `w(α) = (n + 1) (1 - α)^n`, for a power n of 0 or more.
    pub fn early(power: f64) -> Self {
        Self(Kind::Early(power))
    }

    /// Counts the end of the path most: `w(α) = (n + 1) α^n`, for a power n of 0 or more.
    pub fn late(power: f64) -> Self {
        Self(Kind::Late(power))
    }

    /// Counts only the part of the path between two places, with `0 ≤ from < to ≤ 1`.
    pub fn between(from: f64, to: f64) -> Self {
        Self(Kind::Between([from, to]))
    }

    /// Cuts the path into equal parts, which count as much as these weights say: not negative, and
    /// not all zero.
    pub fn table(weights: impl Into<Vec<f64>>) -> Self {
        Self(Kind::Table(weights.into()))
    }

    /// Counts places as a function says: the table of its values in the middle of 1,000 equal parts.
    pub fn of(weight: impl Fn(f64) -> f64) -> Self {
        let middle = |part: usize| (part as f64 + 0.5) / PARTS as f64;
        Self(Kind::Table((0..PARTS).map(|part| weight(middle(part))).collect()))
    }

    /// Refuses numbers that make no measure.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub fn check(&self) -> Result<()> {
        let bad = |expected: &str, found: String| {
            Err(Error::invalid_option("measure", expected.to_owned(), found))
        };
        match &self.0 {
            Kind::Early(power) | Kind::Late(power) if !(0.0..f64::INFINITY).contains(power) => {
                bad("with a power of 0 or more", power.to_string())
            }
            Kind::Between([from, to]) if !(0.0 <= *from && from < to && *to <= 1.0) => {
                bad("between two ascending places in 0..1", format!("{from} and {to}"))
            }
            Kind::Table(weights) => {
                let wrong = weights.iter().find(|it| !(0.0..f64::INFINITY).contains(*it));
                let sum: f64 = weights.iter().sum();
                match wrong {
                    Some(wrong) => {
                        bad("of weights that are finite and not negative", wrong.to_string())
                    }
                    None if sum > 0.0 && sum.is_finite() => Ok(()),
                    None => bad("of weights with a positive, finite sum", sum.to_string()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Returns whether all places count alike.
    pub fn is_uniform(&self) -> bool {
        match &self.0 {
            Kind::Uniform => true,
            Kind::Early(power) | Kind::Late(power) => *power == 0.0,
            Kind::Between(ends) => *ends == [0.0, 1.0],
            Kind::Table(weights) => weights.windows(2).all(|pair| pair[0] == pair[1]),
        }
    }

    /// Returns the place before which the given share of the measure lies, for a share in 0..1.
    pub fn place(&self, share: f64) -> f64 {
        match &self.0 {
            Kind::Uniform => share,
            Kind::Early(power) => 1.0 - (1.0 - share).max(0.0).powf(1.0 / (power + 1.0)),
            Kind::Late(power) => share.powf(1.0 / (power + 1.0)),
            Kind::Between([from, to]) => from + (to - from) * share,
            Kind::Table(weights) => place_in(weights, share),
        }
    }
}

/// Returns the place before which the given share of a table's weight lies. A share that ends with
/// a part ends before the parts that weigh nothing.
fn place_in(weights: &[f64], share: f64) -> f64 {
    let all: f64 = weights.iter().sum();
    let mut left = share * all;
    let counted = |&(_, weight): &(usize, &f64)| *weight > 0.0;
    let mut last = 0;
    for (part, &weight) in weights.iter().enumerate().filter(counted) {
        if left <= weight {
            return (part as f64 + left / weight) / weights.len() as f64;
        }
        left -= weight;
        last = part;
    }
    (last as f64 + 1.0) / weights.len() as f64
}

/// A path with a [`Measure`] on it: the path of [`MeasuredIg`].
///
/// # Example
/// Any path can have one:
/// ```
/// use saliency_core::methods::{AlongPath, Measure, Measured, Straight};
///
/// let explainer = AlongPath::of(Measured::new(Straight::default()))
///     .with_measure(Measure::early(1.0));
/// # let _: AlongPath<Measured<Straight>> = explainer;
/// ```
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Measured<P> {
    path: P,
    measure: Measure,
}

impl<P> Measured<P> {
    /// Puts a uniform measure on a path.
    pub fn new(path: P) -> Self {
        Self { path, measure: Measure::default() }
    }

    /// Sets the measure.
    pub fn with_measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }
}

impl<P, C> AlongPath<Measured<P>, C> {
    /// Sets how much each place on the path counts.
    pub fn with_measure(self, measure: Measure) -> Self {
        self.with_path(|path| path.measure = measure)
    }
}

impl<P: Path> Path for Measured<P> {
    fn lay<'a>(
        &self,
        question: &'a Question,
        scored: &Scored,
        schedule: &Schedule,
    ) -> Result<Laid<'a>> {
        let laid = self.path.lay(question, scored, schedule)?;
        if self.measure.is_uniform() {
            return Ok(laid);
        }
        let measure = self.measure.clone();
        let reaches_end = measure.place(1.0) == 1.0;
        let laid = laid.replaced(|shape| ByShares { shape, measure })?;
        Ok(if reaches_end { laid } else { laid.ending_before() })
    }

    fn check(&self) -> Result<()> {
        self.measure.check()?;
        self.path.check()
    }

    fn gradients(&self) -> usize {
        self.path.gradients()
    }
}

impl<P: FromBaseline> FromBaseline for Measured<P> {
    fn set_baseline(&mut self, baseline: Baseline) {
        self.path.set_baseline(baseline);
    }
}

/// A path whose positions are shares of the measure.
struct ByShares<'a> {
    shape: Box<dyn PathShape + 'a>,
    measure: Measure,
}

impl PathShape for ByShares<'_> {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let places: Vec<f64> = positions.iter().map(|&share| self.measure.place(share)).collect();
        self.shape.at(rows, &places)
    }

    fn place(&self, position: f64) -> Option<f64> {
        let place = self.measure.place(position);
        Some(self.shape.place(place).unwrap_or(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_the_quantiles_of_the_measure() {
        let close = |measure: Measure, share: f64, place: f64| {
            let found = measure.place(share);
            assert!((found - place).abs() < 1e-12, "{measure:?} {share}: {found}");
        };
        close(Measure::uniform(), 0.3, 0.3);
        close(Measure::early(1.0), 0.75, 0.5);
        close(Measure::late(1.0), 0.25, 0.5);
        close(Measure::between(0.2, 0.4), 0.5, 0.3);
        close(Measure::table([1.0, 3.0]), 0.25, 0.5);
        close(Measure::table([1.0, 3.0]), 0.625, 0.75);
        // Parts that weigh nothing are passed over.
        close(Measure::table([0.0, 1.0, 0.0, 1.0, 0.0]), 0.5, 0.4);
        close(Measure::table([0.0, 1.0, 0.0, 1.0, 0.0]), 0.75, 0.7);
        close(Measure::table([0.0, 1.0, 0.0, 1.0, 0.0]), 1.0, 0.8);
        close(Measure::table([0.0, 1.0, 0.0]), 0.0, 1.0 / 3.0);
        close(Measure::of(|at| 2.0 * at), 0.25, 0.5);
        for measure in [Measure::early(3.0), Measure::late(0.5), Measure::table([1.0, 0.0, 2.0])] {
            let places: Vec<f64> =
                (0..=100).map(|at| measure.place(f64::from(at) / 100.0)).collect();
            assert!(places.windows(2).all(|pair| pair[0] <= pair[1]), "{measure:?}");
            assert!((places[0], places[100]) == (0.0, 1.0), "{measure:?}");
        }
    }

    #[test]
    fn numbers_that_make_no_measure_are_refused() {
        for bad in [
            Measure::early(-0.5),
            Measure::late(f64::NAN),
            Measure::late(f64::INFINITY),
            Measure::between(0.5, 0.5),
            Measure::between(-0.1, 0.5),
            Measure::between(0.5, 1.1),
            Measure::between(f64::NAN, 1.0),
            Measure::table([]),
            Measure::table([0.0, 0.0]),
            Measure::table([1.0, -1.0]),
            Measure::table([f64::MAX, f64::MAX]),
            Measure::of(|_| f64::NAN),
        ] {
            let error = bad.check().unwrap_err();
            assert!(matches!(error, Error::InvalidOption { option: "measure", .. }), "{error}");
        }
        for uniform in [Measure::early(0.0), Measure::between(0.0, 1.0), Measure::table([2.0, 2.0])]
        {
            assert!(uniform.is_uniform() && uniform.check().is_ok());
        }
    }
}
