//! Performance information curves: the score against the information that is shown.

use saliency_core::kit::{Key, Stream};

use super::curve::Curves;
use super::road::check_shares;
use crate::bootstrap::quantile;
use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::experiment::{Cover, Experiment, Followed};
use crate::fill::Fill;
use crate::maps::check_maps;
use crate::units::ranking;

/// Shows the units of the largest values, for rising shares of the units, and follows the score
/// against the information in the copy: the softmax information curve (SIC), and with
/// [`with_accuracy`](Self::with_accuracy) the accuracy information curve (AIC).
///
/// For copies x(s) in which the share s of the units and a few random units are shown and the rest
/// is covered, x(0) with only the random ones, x(1) = x the input, and an estimate H of information:
///
/// ```text
/// point(s) = ( (H(x(s)) - H(x(0))) / (H(x) - H(x(0))),  max over t <= s of (f(x(t)) - f(x(0))) / (f(x) - f(x(0))) )
/// value    = the area below the line through the points, both coordinates within 0 and 1
/// ```
///
/// If the map is true of the model, little information is enough: large is good. A map whose units
/// are cheap to describe has an advantage over one of scattered pixels.
///
/// H is a function of the values of a copy. In the paper it is the size of the picture as a lossless
/// WebP file. The size depends on the encoder, so that this crate contains none; the chapter on
/// metrics of the book has a program with one. Curves are those of PAIR saliency 0.2.1 for the same
/// copies and the same sizes. PAIR covers by linear interpolation over triangles between the pixels
/// that are shown (it calls this blurring), and which triangles it takes on a grid is not defined.
/// Cover with [`Neighbours`](crate::Neighbours) without noise instead: it is as smooth and defined.
///
/// # Shapes
/// Any input. Maps have a value for each unit of each row, as [`Experiment::unit_sums`] returns
/// them. H is given all values of a row, tensor by tensor; those of
/// [`Fixed`](saliency_core::Fixed) tensors are 0. [`Curves::shares`] are 1,001 shares of the
/// information.
///
/// # Defaults
/// - shares: 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.13, 0.21, 0.34, 0.5 and 0.75
/// - always shown: a random choice of 1 % of the units, seed 0
/// - least score: 0.8. Rows with a smaller score of the input have no value
/// - follows: the score. Explain a probability
///   ([`Score::Probability`](saliency_core::Score::Probability)) for the SIC
///
/// # Cost
/// For each row and share: a forward pass, and an estimate of information; and two more of each.
///
/// # Errors
/// [`Error::MapUnits`], [`Error::InvalidOption`], [`Error::NoClass`], those of the fill, and the
/// model's. A row has no value if the model is not sure of it, or if neither score nor information
/// falls when everything is covered.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{Experiment, InformationCurve, Units};
///
/// // The model sees the first value only. The information is the number of values that are shown.
/// let first = pure_function(|x: Tensor<2>| x.narrow(1, 0, 1));
/// let x = Tensor::<2>::ones([1, 4], &Device::flex());
/// let units = Units::values(4);
/// let experiment = Experiment::new(&first, x.clone(), Target::Class(0), units, Schedule::new())?;
/// let fill = experiment.fill(x.zeros_like())?;
/// let metric = InformationCurve::new().with_shares([0.2, 0.5]);
/// let shown = |values: &[f64]| values.iter().sum();
/// let good = metric.values(&experiment, &fill, &[vec![3.0, 2.0, 1.0, 0.0]], shown)?;
/// // From (0, 0) to (1/4, 1), and on to (1, 1).
/// assert!((good.mean().unwrap() - 0.875).abs() < 1e-6);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// A. Kapishnikov et al., "XRAI: Better Attributions Through Regions", 2019.
#[derive(Clone, Debug)]
pub struct InformationCurve {
    shares: Vec<f64>,
    known: Known,
    least_score: f64,
    followed: Followed,
}

/// The units that are always shown.
#[derive(Clone, Debug)]
enum Known {
    Random { share: f64, seed: u64 },
    These(Vec<bool>),
}

impl Default for InformationCurve {
    fn default() -> Self {
        Self {
            shares: vec![
                0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.13, 0.21, 0.34, 0.5, 0.75,
            ],
            known: Known::Random { share: 0.01, seed: 0 },
            least_score: 0.8,
            followed: Followed::Score,
        }
    }
}

/// The information in a copy, and the score of it or whether its answer is right.
#[derive(Clone, Copy)]
struct Shown {
    information: f64,
    score: f64,
}

impl InformationCurve {
    /// Follows the score with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows these shares of the units: rising, from 0 to 1.
    #[must_use]
    pub fn with_shares(mut self, shares: impl Into<Vec<f64>>) -> Self {
        self.shares = shares.into();
        self
    }

    /// Always shows a random choice of this share of the units, from 0 to 1, drawn from a seed.
    #[must_use]
    pub fn with_random_units(mut self, share: f64, seed: u64) -> Self {
        self.known = Known::Random { share, seed };
        self
    }

    /// Always shows these units, in every row. There is a value for each unit.
    #[must_use]
    pub fn with_known_units(mut self, known: impl Into<Vec<bool>>) -> Self {
        self.known = Known::These(known.into());
        self
    }

    /// Leaves out rows whose score is smaller.
    #[must_use]
    pub fn with_least_score(mut self, score: f64) -> Self {
        self.least_score = score;
        self
    }

    /// Follows whether the answer of the model is the class that is explained: 1 or 0.
    #[must_use]
    pub fn with_accuracy(mut self) -> Self {
        self.followed = Followed::Accuracy;
        self
    }

    /// Returns the area below the curve of each row.
    ///
    /// # Errors
    /// See [`InformationCurve`].
    pub fn values(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
        information: impl Fn(&[f64]) -> f64 + Sync,
    ) -> Result<RowValues> {
        Ok(self.curves(experiment, fill, maps, information)?.area())
    }

    /// Returns the curve of each row: the share of the score for each share of the information.
    ///
    /// # Errors
    /// See [`InformationCurve`].
    pub fn curves(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
        information: impl Fn(&[f64]) -> f64 + Sync,
    ) -> Result<Curves> {
        let (rows, units) = (experiment.input().rows(), experiment.units().count());
        check_maps(maps, rows, units)?;
        self.check(units)?;
        experiment.check_followed(self.followed)?;
        let shown = self.shown(experiment, fill, maps, information)?;
        let copies = shown.len() / rows;
        let shares = (0..=POINTS).map(|point| point as f64 / POINTS as f64).collect();
        Ok(Curves::new(shares, maps, |row| self.curve(&shown[row * copies..][..copies])))
    }

    /// Asks about copies of each row: with nothing but the units that are always shown, with each
    /// share, and with everything.
    fn shown(
        &self,
        experiment: &Experiment<'_>,
        fill: &Fill,
        maps: &[Vec<f64>],
        information: impl Fn(&[f64]) -> f64 + Sync,
    ) -> Result<Vec<Shown>> {
        // Values from these on are shown in each copy.
        let least = |map: &Vec<f64>| -> Vec<f64> {
            let mut sorted = map.clone();
            sorted.sort_by(f64::total_cmp);
            let of_shares = self.shares.iter().map(|share| quantile(&sorted, 1.0 - share));
            let (nothing, whole) = (f64::INFINITY, f64::NEG_INFINITY);
            std::iter::once(nothing).chain(of_shares).chain([whole]).collect()
        };
        let least: Vec<Vec<f64>> = maps.iter().map(least).collect();
        let known = (0..maps.len()).map(|row| self.known.of(row, experiment.units().count()));
        let known: Vec<Vec<bool>> = known.collect();
        let copies = self.shares.len() + 2;
        let mut shown = Vec::with_capacity(maps.len() * copies);
        experiment.run(
            fill,
            maps.len() * copies,
            |at| {
                let (row, least) = (at / copies, least[at / copies][at % copies]);
                let hidden = |(value, known): (&f64, &bool)| !known && *value < least;
                Cover { row, covered: maps[row].iter().zip(&known[row]).map(hidden).collect() }
            },
            |copies, rows| {
                let values = copies.clone().without_fixed().host_rows()?;
                let scores = experiment.followed_at(copies, rows, self.followed)?;
                let shown = |(values, score): (&Vec<f64>, f64)| Shown {
                    information: information(values),
                    score,
                };
                Ok(values.iter().zip(scores).map(shown).collect::<Vec<_>>())
            },
            |found| shown.extend(found),
        )?;
        Ok(shown)
    }

    fn check(&self, units: usize) -> Result<()> {
        check_shares(&self.shares)?;
        if !self.least_score.is_finite() {
            let (expected, found) = ("finite", self.least_score.to_string());
            return Err(Error::InvalidOption { option: "least score", expected, found });
        }
        match &self.known {
            Known::Random { share, .. } if !(0.0..=1.0).contains(share) => {
                let (expected, found) = ("from 0 to 1", share.to_string());
                Err(Error::InvalidOption { option: "share of random units", expected, found })
            }
            Known::These(known) if known.len() != units => {
                Err(Error::MaskUnits { rows: 1, units, found: vec![known.len()] })
            }
            _ => Ok(()),
        }
    }

    /// Returns the curve through the copies of a row: nothing, the shares, and the whole.
    fn curve(&self, shown: &[Shown]) -> Result<Vec<f64>, Reason> {
        let (nothing, whole) = (shown[0], shown[shown.len() - 1]);
        if !shown.iter().all(|it| it.information.is_finite() && it.score.is_finite()) {
            return Err(Reason::NotFinite);
        }
        if whole.score < self.least_score {
            return Err(Reason::AnswerUnsure);
        }
        if nothing.information >= whole.information {
            return Err(Reason::InformationKept);
        }
        if nothing.score >= whole.score {
            return Err(Reason::ScoreKept);
        }
        let share = |of: fn(&Shown) -> f64, it: &Shown| {
            ((of(it) - of(&nothing)) / (of(&whole) - of(&nothing))).clamp(0.0, 1.0)
        };
        let mut largest = 0f64;
        let mut points: Vec<[f64; 2]> = Vec::with_capacity(shown.len());
        for it in &shown[1..shown.len() - 1] {
            largest = largest.max(share(|it| it.score, it));
            points.push([share(|it| it.information, it), largest]);
        }
        points.extend([[0.0, 0.0], [1.0, 1.0]]);
        // Points with equal information stay in this order: the line starts at (0, 0), and reaches
        // all information at the first of its shares.
        points.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let line = (0..POINTS).map(|point| interpolated(&points, point as f64 / POINTS as f64));
        Ok(line.chain([1.0]).collect())
    }
}

/// The number of points on a curve, without the last one.
const POINTS: usize = 1000;

/// Returns the height of the line through points, at a place between the first and the last.
fn interpolated(points: &[[f64; 2]], at: f64) -> f64 {
    // The last point that is not to the right.
    let left = points.partition_point(|point| point[0] <= at).saturating_sub(1);
    let [x, y] = points[left];
    let Some([next_x, next_y]) = points.get(left + 1) else { return y };
    y + (next_y - y) / (next_x - x) * (at - x)
}

impl Known {
    /// Returns whether each unit of a row is always shown.
    fn of(&self, row: usize, units: usize) -> Vec<bool> {
        match self {
            Self::These(known) => known.clone(),
            Self::Random { share, seed } => {
                let key = Key { seed: *seed, row: row as u64, sample: 0 };
                let order = ranking(&key.uniform(Stream::Own(6), units));
                let shown = (share * units as f64) as usize;
                Cover::of(row, units, &order[..shown]).covered
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Lab, constant, linear};

    fn sum(values: &[f64]) -> f64 {
        values.iter().sum()
    }

    /// Ten ones with weights that add up to 1.
    fn lab() -> Lab {
        let mut weights = [0.05; 10];
        weights[7] = 0.55;
        linear(weights, [[1.0; 10]])
    }

    fn map(best: usize) -> Vec<f64> {
        (0..10).map(|at| if at == best { 10.0 } else { at as f64 / 10.0 }).collect()
    }

    #[test]
    fn the_area_of_a_linear_model_is_known() {
        let lab = lab();
        let metric = InformationCurve::new().with_shares([0.05, 0.5]);
        let run = |metric: &InformationCurve, best| {
            let found = metric.values(&lab.experiment, &lab.zeros, &[map(best)], sum).unwrap();
            found.values()[0].unwrap()
        };
        // Through (0.1, 0.55), (0.5, 0.75): five of ten are shown.
        let by_hand = 0.1 * 0.275 + 0.4 * 0.65 + 0.5 * 0.875;
        assert!((run(&metric, 7) - by_hand).abs() < 1e-6);
        // Through (0.1, 0.05), (0.5, 0.75).
        let by_hand = 0.1 * 0.025 + 0.4 * 0.4 + 0.5 * 0.875;
        assert!((run(&metric, 0) - by_hand).abs() < 1e-6);
        // The best unit is always shown: each of the others has a ninth of the rest.
        let known = metric.with_known_units((0..10).map(|at| at == 7).collect::<Vec<_>>());
        assert!((run(&known, 0) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn falling_scores_do_not_lower_the_curve() {
        let metric = InformationCurve::new();
        let shown = |information, score| Shown { information, score };
        let copies = [
            shown(10.0, 0.0),
            shown(9.0, -1.0),
            shown(20.0, 0.8),
            shown(30.0, 0.2),
            shown(60.0, 0.9),
            shown(50.0, 1.0),
        ];
        let curve = metric.curve(&copies).unwrap();
        for (at, expected) in
            [(0, 0.0), (125, 0.4), (250, 0.8), (500, 0.8), (750, 0.85), (1000, 1.0)]
        {
            assert!((curve[at] - expected).abs() < 1e-9, "{at}: {}", curve[at]);
        }
        assert_eq!(curve.len(), 1001);
    }

    #[test]
    fn rows_without_an_answer_are_noted() {
        let reason = |lab: &Lab, metric: &InformationCurve, information: fn(&[f64]) -> f64| {
            let units = lab.experiment.units().count();
            let map = (0..units).map(|at| at as f64).collect();
            let found = metric.values(&lab.experiment, &lab.zeros, &[map], information).unwrap();
            assert_eq!(found.values(), [None]);
            found.notes()[0].reason
        };
        let metric = InformationCurve::new();
        assert_eq!(reason(&lab(), &metric, |_| 1.0), Reason::InformationKept);
        assert_eq!(reason(&lab(), &metric, |_| f64::NAN), Reason::NotFinite);
        assert_eq!(reason(&constant(1, 3), &metric, sum), Reason::ScoreKept);
        let sure = metric.clone().with_least_score(1.1);
        assert_eq!(reason(&lab(), &sure, sum), Reason::AnswerUnsure);
        // Everything is known: covering takes nothing away.
        assert_eq!(reason(&lab(), &metric.with_random_units(1.0, 0), sum), Reason::InformationKept);
        // One output is always the largest.
        let accuracy = InformationCurve::new().with_accuracy();
        assert_eq!(reason(&lab(), &accuracy, sum), Reason::ScoreKept);
        // Equal maps show everything at once.
        let lab = lab();
        let metric = InformationCurve::new().with_random_units(0.0, 0);
        let found = metric.values(&lab.experiment, &lab.zeros, &[vec![1.0; 10]], sum).unwrap();
        assert_eq!(found.notes()[0].reason, Reason::MapAllEqual);
        assert!((found.mean().unwrap() - 0.5).abs() < 1e-9);
    }

    #[test]
    fn wrong_options_are_refused() {
        let lab = lab();
        let run = |metric: InformationCurve, map| {
            metric.values(&lab.experiment, &lab.zeros, &[map], sum).unwrap_err().to_string()
        };
        let metric = InformationCurve::new;
        let error = run(metric().with_shares([0.5, 0.1]), map(0));
        assert_eq!(error, "expected shares to be rising numbers from 0 to 1, found [0.5, 0.1]");
        let error = run(metric().with_random_units(1.5, 0), map(0));
        assert_eq!(error, "expected share of random units to be from 0 to 1, found 1.5");
        let error = run(metric().with_least_score(f64::NAN), map(0));
        assert_eq!(error, "expected least score to be finite, found NaN");
        let error = run(metric().with_known_units([true]), map(0));
        assert_eq!(error, "expected 1 masks with 10 units each, found masks with [1] units");
        let error = run(metric(), vec![1.0]);
        assert!(error.starts_with("expected 1 rows with 10 units each"), "{error}");
    }
}
