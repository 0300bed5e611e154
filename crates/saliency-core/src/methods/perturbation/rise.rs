//! RISE: the mean of random masks, each weighted by the score of what it leaves.

use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::question::Question;
use crate::input::batch::Batch;
use crate::input::groups::{Groups, Partition};
use crate::masks::copies::Copies;
use crate::masks::soft::SoftMasks;
use crate::methods::perturbation::over_covers::{Covers, OverCovers, Sampling};
use crate::random::key::{Key, Stream};
use crate::sampling::samples::{SampleMaps, Samples};

/// The mean score of an input of which a random part is left, given that a value is left: RISE, with
/// standard errors.
///
/// ```text
///             1   n
/// A_i(x)  =  ---  Σ  f(m_k · x + (1 - m_k) · x') · m_k,i / p
///             n  k=1
/// ```
///
/// Each mask `m_k` has random numbers 0 and 1 on a coarse grid, 1 with probability `p`. The grid is
/// shifted at random and interpolated, so that masks are soft. Values with a larger number than
/// others raise the score if they are left.
///
/// The mean is that of the paper. The error is smaller in most cases, because a constant, half way
/// between the scores of input and baseline, is taken from every score and added in the end: the mean
/// of `m_k,i / p` is known to be 1.
///
/// # Shapes and units
/// Values and standard errors have the input's shape; score. They are mean scores, not changes: read
/// their differences. Their sum has no meaning.
///
/// # Parameters and defaults
/// - grid: 7 cells along each dimension after the channels, for rows of `[channels, ...]`; or
///   [groups](OverCovers::with_groups), of which each mask covers some as a whole. Take groups for tables
///   and tokens.
/// - probability that a node is left: 0.5
/// - samples: 1,000 masks, or as many as a tolerance needs; at most 8,000 for a tolerance
/// - baseline: zeros
/// - seed: 0
///
/// # Cost
/// `samples` forward passes for each row, and two for input and baseline.
///
/// # Errors
/// Those of [`Explainer::attribute_to`](crate::Explainer::attribute_to), except that a model without
/// gradients is no error; [`Error::InvalidOption`] for an option outside its range, and for a grid
/// or groups that do not fit the input; [`Error::BaselineShape`] and [`Error::BaselineCount`].
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Groups, Rise, pure_function};
///
/// let model = pure_function(|x: Tensor<2>| x.narrow(1, 0, 1) * 4);
/// let x = Tensor::<2>::ones([1, 2], &Device::flex());
/// let map = Rise::new().with_groups(Groups::values()).attribute(&model, x)?;
/// // 4 if the first value is left; 2 on average if only the second is known to be left.
/// let values = map.values.try_into_vec_as::<f32>().unwrap();
/// let errors = map.standard_error.unwrap().try_into_vec_as::<f32>().unwrap();
/// assert!((values[0] - 4.0).abs() <= 4.0 * errors[0] + 1e-5);
/// assert!((values[1] - 2.0).abs() <= 4.0 * errors[1]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Petsiuk, Das and Saenko, *RISE: randomized input sampling for explanation of black-box models*,
/// 2018, <https://arxiv.org/abs/1806.07421>.
pub type Rise = OverCovers<RandomMasks>;

/// The covers of [`Rise`]: soft masks of a coarse random grid, or random groups.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RandomMasks {
    masks: Masks,
    keep: f64,
}

/// The kind of masks.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Masks {
    /// Soft masks, with this number of cells along each dimension.
    Grid(Option<Vec<usize>>),
    Groups(Groups),
}

impl Default for RandomMasks {
    fn default() -> Self {
        Self { masks: Masks::Grid(None), keep: 0.5 }
    }
}

impl OverCovers<RandomMasks> {
    /// Sets the number of cells along each dimension after the channels: from 1 to the number of
    /// values along it.
    pub fn with_grid(mut self, cells: impl Into<Vec<usize>>) -> Self {
        self.covers.masks = Masks::Grid(Some(cells.into()));
        self
    }

    /// Sets the probability that a node of the grid, or a group, is left: above 0 and below 1.
    pub fn with_keep(mut self, probability: f64) -> Self {
        self.covers.keep = probability;
        self
    }
}

impl Covers for RandomMasks {
    fn samples() -> Samples {
        Samples::new().with_count(1000).with_limit(8000)
    }

    fn set_groups(&mut self, groups: Groups) {
        self.masks = Masks::Groups(groups);
    }

    fn check(&self) -> Result<()> {
        if self.keep > 0.0 && self.keep < 1.0 {
            return Ok(());
        }
        Err(Error::invalid_option("probability to keep", "above 0 and below 1", self.keep))
    }

    fn explain(&self, question: &Question, sampling: &Sampling) -> Result<Attribution<Batch>> {
        let Question { input, rows, .. } = question;
        let masks = match &self.masks {
            Masks::Grid(cells) => FittingMasks::Grid(SoftMasks::new(cells.as_deref(), input)?),
            Masks::Groups(groups) => FittingMasks::Groups(groups.of(input)?),
        };
        let baseline = sampling.baseline.like(input, rows)?;
        let scored = question.resolve_for(&sampling.schedule, sampling.samples.most())?;
        let copies = Copies { question, target: &scored.target, baseline: &baseline };
        let baseline_scores = copies.baseline_scores(&sampling.schedule)?;
        let ends = scored.scores.iter().zip(&baseline_scores);
        let middle: Vec<f64> = ends.map(|(score, base)| 0.5 * (score + base)).collect();
        let draws = Draws {
            copies: &copies,
            masks: &masks,
            middle: &middle,
            keep: self.keep,
            seed: sampling.seed,
        };
        let draw = |rows: &[usize], samples: &[usize]| draws.draw(rows, samples);
        let mut attribution = sampling.average(&copies, &scored, &draw)?;
        attribution.baseline_scores = Some(baseline_scores);
        Ok(attribution)
    }
}

/// Masks that fit the input.
enum FittingMasks {
    Grid(SoftMasks),
    Groups(Partition),
}

impl FittingMasks {
    /// Draws a mask for each key, for each tensor.
    fn draw(&self, keys: &[Key], keep: f64) -> Vec<Vec<f64>> {
        match self {
            Self::Grid(grid) => grid.draw(keys, keep),
            Self::Groups(groups) => {
                let uniform = |key: &Key| key.uniform(Stream::Cover, groups.count());
                let drawn: Vec<Vec<f64>> = keys.iter().map(uniform).collect();
                let left =
                    |copy: usize, group: usize| f64::from(u8::from(drawn[copy][group] < keep));
                groups.per_value(keys.len(), left)
            }
        }
    }
}

/// Everything that a sample is drawn from.
struct Draws<'a> {
    copies: &'a Copies<'a>,
    masks: &'a FittingMasks,
    /// The constant that is taken from the scores of each row.
    middle: &'a [f64],
    /// The probability that a part is left.
    keep: f64,
    seed: u64,
}

impl Draws<'_> {
    /// Draws a mask for each of the given rows, and weights it by the score of what it leaves.
    fn draw(&self, rows: &[usize], samples: &[usize]) -> Result<SampleMaps> {
        let Question { input, rows: all, .. } = self.copies.question;
        let keep = self.keep;
        let keys = all.select(rows).keys(self.seed, samples);
        let masks = Batch::of_host(&self.masks.draw(&keys, keep), rows.len(), input);
        let own = input.select(rows);
        let left = own.zip(&masks, |x, mask| x.clone() * mask.cast(x.dtype()));
        let covered = self.copies.baseline.select(rows).zip(&masks, |base, mask| {
            let rest: Tensor<2> = mask.cast(base.dtype()) * -1 + 1;
            base * rest
        });
        let copies = left.zip(&covered, |left, covered| left + covered).with_fixed_of(&own);
        let scores = self.copies.scores(copies, rows)?;
        let middles: Vec<f64> = rows.iter().map(|&row| self.middle[row]).collect();
        let off = scores.iter().zip(&middles).map(|(score, middle)| (score - middle) / keep);
        let column = |of: &[f64], like: &Tensor<2>| {
            let options = (&like.device(), like.dtype());
            Tensor::<1>::from_data(of, options).reshape([of.len(), 1])
        };
        let maps = masks.scale_rows(&off.collect::<Vec<_>>());
        let maps = maps.map(|map| map.clone() + column(&middles, &map)).without_fixed();
        maps.check_finite(Stage::Attribution)?;
        Ok(SampleMaps::new(maps))
    }
}
