//! Left-IG: only the part of the path before the score saturates.

use crate::error::{Error, Result, Stage};
use crate::execution::evaluator::Scored;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::input::baseline::Baseline;
use crate::input::batch::Batch;
use crate::methods::path::along_path::AlongPath;
use crate::methods::path::integrated_gradients::Straight;
use crate::methods::path::laid::{FromBaseline, Laid, Path};
use crate::path::shape::{PathPoints, PathShape};

/// Integrated Gradients over the part of the path before the score saturates.
///
/// ```text
///                    α*
/// A(x) = (x - x') ·  ∫  ∂f/∂x (x' + α (x - x')) dα,    f(γ(α*)) - f(x') = s (f(x) - f(x'))
///                    0
/// ```
///
/// Where the score hardly changes any more, gradients are mostly noise. The path therefore ends at
/// α*, the first place at which the score has made the share s of its change. The values sum to
/// `f(γ(α*)) - f(x')`, not to the whole change of score, and the
/// [`completeness_gap`](crate::Attribution::completeness_gap) is their sum minus this difference.
/// Fixed points, tolerance and error estimate are those of
/// [`IntegratedGradients`](crate::IntegratedGradients), along this part of the path.
///
/// α* is found from the scores at 19 places between the ends of the path, by linear interpolation.
/// If the score at the input is that of the baseline, the path is not cut.
///
/// # Shapes and units
/// Values have the input's shape; score, signed.
///
/// # Parameters and defaults
/// - share s: 0.9 ([`with_share_of_change`](AlongPath::with_share_of_change))
/// - all others as in [`IntegratedGradients`](crate::IntegratedGradients)
///
/// # Cost
/// As [`IntegratedGradients`](crate::IntegratedGradients), and 21 forward passes.
///
/// # Errors
/// Those of [`IntegratedGradients`](crate::IntegratedGradients);
/// [`Error::InvalidOption`] for a share outside (0, 1].
///
/// # Example
/// ```
/// use burn::tensor::activation::relu;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::LeftIg;
/// use saliency_core::{Explainer, pure_function};
///
/// // The score rises to 1 with the first value; then the second one moves it a little.
/// let model = pure_function(|x: Tensor<2>| {
///     let [a, b] = [x.clone().narrow(1, 0, 1), x.narrow(1, 1, 1)];
///     -relu(-a.clone() + 1.0) + 1.0 + relu(a - 1.0) * b * 0.0
/// });
/// let x = Tensor::<2>::from_data([[4.0, 3.0]], &Device::flex());
/// let map = LeftIg::new().attribute(&model, x)?;
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 0.9).abs() < 0.02 && values[1] == 0.0);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Miglani, Kokhlikyan, Alsallakh, Martin and Reblitz-Richardson, *Investigating Saturation Effects
/// in Integrated Gradients*, 2020, <https://arxiv.org/abs/2010.12697>.
pub type LeftIg = AlongPath<Left<Straight>>;

/// A path up to the place where the score saturates: the path of [`LeftIg`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Left<P> {
    path: P,
    share: f64,
}

/// The number of equal parts into which the path is cut to find the end.
const PARTS: usize = 20;

impl<P> Left<P> {
    /// Cuts a path where the score has made 0.9 of its change.
    pub fn new(path: P) -> Self {
        Self { path, share: 0.9 }
    }
}

impl<P: Default> Default for Left<P> {
    fn default() -> Self {
        Self::new(P::default())
    }
}

impl<P, C> AlongPath<Left<P>, C> {
    /// Sets the share of the change of score at which the path ends, in (0, 1].
    pub fn with_share_of_change(self, share: f64) -> Self {
        self.with_path(|path| path.share = share)
    }
}

impl<P: Path> Path for Left<P> {
    fn lay<'a>(
        &self,
        question: &'a Question,
        scored: &Scored,
        schedule: &Schedule,
    ) -> Result<Laid<'a>> {
        let laid = self.path.lay(question, scored, schedule)?;
        laid.check_whole()?;
        let whole = laid.known()?;
        let every: Vec<usize> = (0..question.input.rows()).collect();
        let scores_at = |position: f64| {
            let points = whole.at(&every, &vec![position; every.len()])?.points;
            let scores = question.evaluator.scores(schedule, &points, &scored.target);
            scores.map_err(|error| error.with_stage(Stage::Score, Stage::PathScore))
        };
        let mut scores: Vec<Vec<f64>> = Vec::with_capacity(PARTS + 1);
        for part in 0..PARTS {
            scores.push(scores_at(part as f64 / PARTS as f64)?);
        }
        scores.push(scored.scores.clone());
        let of_row = |row| scores.iter().map(|scores: &Vec<f64>| scores[row]).collect::<Vec<f64>>();
        let ends = every.iter().map(|&row| end_of(&of_row(row), self.share)).collect();
        Ok(laid.replaced(|shape| Cut { shape, ends })?.ending_before())
    }

    fn check(&self) -> Result<()> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            return Err(Error::invalid_option("share of the change", "in (0, 1]", self.share));
        }
        self.path.check()
    }

    fn gradients(&self) -> usize {
        self.path.gradients()
    }
}

impl<P: FromBaseline> FromBaseline for Left<P> {
    fn set_baseline(&mut self, baseline: Baseline) {
        self.path.set_baseline(baseline);
    }
}

/// Returns the first place at which the score has made the share of its change, given the scores at
/// equal distances.
fn end_of(scores: &[f64], share: f64) -> f64 {
    let parts = scores.len() - 1;
    let whole = scores[parts] - scores[0];
    if whole == 0.0 {
        return 1.0;
    }
    let made = |at: usize| (scores[at] - scores[0]) / whole;
    let after = (1..=parts).find(|&at| made(at) >= share).unwrap_or(parts);
    let (before, after_made) = (made(after - 1), made(after));
    let within = ((share - before) / (after_made - before)).clamp(0.0, 1.0);
    (after as f64 - 1.0 + within) / parts as f64
}

/// A path up to a place, another one for each row.
struct Cut<'a> {
    shape: Box<dyn PathShape + 'a>,
    ends: Vec<f64>,
}

impl PathShape for Cut<'_> {
    fn at(&self, rows: &[usize], positions: &[f64]) -> Result<PathPoints> {
        let ends: Vec<f64> = rows.iter().map(|&row| self.ends[row]).collect();
        let places: Vec<f64> = positions.iter().zip(&ends).map(|(at, end)| at * end).collect();
        let PathPoints { points, tangents } = self.shape.at(rows, &places)?;
        let tangents: Batch = tangents.scale_rows(&ends);
        Ok(PathPoints { points, tangents })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_where_the_score_has_made_its_share() {
        assert!((end_of(&[0.0, 1.0, 2.0, 2.0, 2.0], 0.9) - 0.45).abs() < 1e-12);
        // Scores may fall, overshoot, and wait.
        assert!((end_of(&[3.0, 2.0, 1.0], 0.25) - 0.25).abs() < 1e-12);
        assert!((end_of(&[0.0, 4.0, 1.0], 1.0) - 0.125).abs() < 1e-12);
        assert_eq!(end_of(&[0.0, 0.0, 1.0], 1.0), 1.0);
        assert_eq!(end_of(&[1.0, 5.0, 1.0], 0.9), 1.0);
    }
}
