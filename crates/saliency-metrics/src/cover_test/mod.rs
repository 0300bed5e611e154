//! The cover test: does the model change its mind if what a map calls important is covered?

mod draws;
mod sentence;
mod verdict;

use crate::error::{Error, Result};
use crate::experiment::{Cover, Experiment};
use crate::fill::Fill;
use crate::maps::check_maps;
use crate::units::ranking;
use draws::{ANYWHERE, APART, Elsewhere, central};
use verdict::{Outputs, RegionTested};

pub use verdict::{CoveredAnswer, Finding, SizeTested, Verdict};

/// Covers the brightest units of a map, and as many elsewhere, and compares what the model says.
///
/// For each size the brightest units are covered with every fill. With the first fill only, the
/// same number of units in the same shape is covered at other places, 20 by default. These are about
/// as far from the middle of the picture as the brightest units are: photos have their subjects
/// there, so that a map that knows nothing else would beat places farther out. The same number is
/// also covered in the middle itself. One number is compared: the fall of the score, averaged over
/// the sizes. So the test is one test, however many sizes and fills it has:
///
/// ```text
/// p = (1 + the number of draws whose fall is at least as large) / (1 + draws)
/// ```
///
/// With 20 draws p is at least 0.048. Units without a grid, such as features and tokens, are drawn
/// one by one, and there is no middle.
///
/// # Defaults
/// - sizes: 5 and 20 % of the units
/// - draws: 20
/// - seed: 0
///
/// # Cost
/// For each row: sizes x (draws + fills + 1) forward passes, 48 by default with three fills, and
/// one of the input as it is.
///
/// # Errors
/// [`Error::InvalidOption`], [`Error::NoFill`], [`Error::MapUnits`], and the model's.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Schedule, Target, pure_function};
/// use saliency_metrics::{CoverTest, Experiment, Finding, Units};
///
/// // A picture of 8 x 8 pixels; the model looks at its upper left corner only.
/// let corner = pure_function(|x: Tensor<4>| {
///     let score = x.clone().narrow(2, 0, 2).narrow(3, 0, 2).sum_dim(3).sum_dim(2);
///     let score = score.reshape([x.dims()[0], 1]);
///     Tensor::cat(vec![score.zeros_like() + 1.0, score], 1)
/// });
/// let x = Tensor::<4>::ones([1, 1, 8, 8], &Device::flex());
/// let units = Units::cells([1, 8, 8], [8, 8])?;
/// let experiment =
///     Experiment::new(&corner, x.clone(), Target::Predicted, units, Schedule::new())?;
/// let black = experiment.fill(x.zeros_like())?.with_name("black");
/// let mut map = vec![0.0; 64];
/// for pixel in [0, 1, 8, 9] {
///     map[pixel] = 1.0;
/// }
/// let verdicts = CoverTest::new().brightest(&experiment, &[black], &[map])?;
/// assert_eq!(verdicts[0].finding, Finding::Confirmed);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CoverTest {
    sizes: Vec<f64>,
    draws: usize,
    seed: u64,
}

/// Units that are covered together.
#[derive(Clone)]
struct Region {
    units: Vec<usize>,
    /// The share of all units that was asked for.
    size: f64,
}

impl Default for CoverTest {
    fn default() -> Self {
        Self { sizes: vec![0.05, 0.2], draws: 20, seed: 0 }
    }
}

impl CoverTest {
    /// Tests with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Covers these shares of the units, each above 0 and below 1.
    #[must_use]
    pub fn with_sizes(mut self, sizes: impl Into<Vec<f64>>) -> Self {
        self.sizes = sizes.into();
        self
    }

    /// Covers regions at this many other places.
    #[must_use]
    pub fn with_draws(mut self, draws: usize) -> Self {
        self.draws = draws;
        self
    }

    /// Draws the places from this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Tests the brightest units of each row's map, which has a value for each unit.
    ///
    /// # Errors
    /// See [`CoverTest`].
    pub fn brightest(
        &self,
        experiment: &Experiment<'_>,
        fills: &[Fill],
        maps: &[Vec<f64>],
    ) -> Result<Vec<Verdict>> {
        self.check(fills)?;
        let (rows, count) = (experiment.scores().len(), experiment.units().count());
        check_maps(maps, rows, count)?;
        // A single unit leaves no place elsewhere.
        if count == 1 {
            let found = maps.iter().map(Vec::len).collect();
            return Err(Error::MapUnits { rows, units: count, found });
        }
        let regions = maps.iter().map(|map| {
            let ranked = ranking(map);
            let region = |size: &f64| {
                let units = ((size * count as f64).round() as usize).clamp(1, count - 1);
                Region { units: ranked[..units].to_vec(), size: *size }
            };
            self.sizes.iter().map(region).collect()
        });
        self.test(experiment, fills, regions.collect(), ANYWHERE)
    }

    /// Tests one area that is the same for all rows, such as a marked product. `area` says of each
    /// unit whether it is inside. The other places have at most a third of it, if there are enough of
    /// them.
    ///
    /// # Errors
    /// See [`CoverTest`]; [`Error::MapUnits`] if the area is empty or holds every unit.
    pub fn area(
        &self,
        experiment: &Experiment<'_>,
        fills: &[Fill],
        area: &[bool],
    ) -> Result<Vec<Verdict>> {
        self.check(fills)?;
        let (rows, count) = (experiment.scores().len(), experiment.units().count());
        let units: Vec<usize> = (0..area.len()).filter(|&unit| area[unit]).collect();
        if area.len() != count || units.is_empty() || units.len() == count {
            return Err(Error::MapUnits { rows, units: count, found: vec![units.len()] });
        }
        let size = units.len() as f64 / count as f64;
        self.test(experiment, fills, vec![vec![Region { units, size }]; rows], APART)
    }

    fn check(&self, fills: &[Fill]) -> Result<()> {
        let good = |size: &f64| *size > 0.0 && *size < 1.0;
        if self.sizes.is_empty() || !self.sizes.iter().all(good) {
            let found = format!("{:?}", self.sizes);
            let expected = "shares above 0 and below 1";
            return Err(Error::InvalidOption { option: "sizes", expected, found });
        }
        if self.draws == 0 {
            let found = "0".to_owned();
            return Err(Error::InvalidOption { option: "draws", expected: "at least 1", found });
        }
        if fills.is_empty() {
            return Err(Error::NoFill);
        }
        Ok(())
    }

    /// Tests regions of each row, the smallest first, each with its size.
    fn test(
        &self,
        experiment: &Experiment<'_>,
        fills: &[Fill],
        regions: Vec<Vec<Region>>,
        most_overlap: f64,
    ) -> Result<Vec<Verdict>> {
        let units = experiment.units();
        let count = units.count();
        // Each row: for each size the region itself, the middle, and the draws.
        let mut chosen = Vec::new();
        let mut elsewhere = Vec::new();
        let mut tested = Vec::with_capacity(regions.len());
        for (row, regions) in regions.into_iter().enumerate() {
            let largest = regions.iter().max_by_key(|region| region.units.len());
            let largest = &largest.expect("at least one size").units;
            let places = Elsewhere::new(largest, units, self.seed, [row, self.draws], most_overlap);
            let mut of_row = Vec::with_capacity(regions.len());
            for Region { units: region, size } in regions {
                chosen.push(Cover::of(row, count, &region));
                if let Some(grid) = units.grid() {
                    elsewhere.push(Cover::of(row, count, &central(grid, region.len())));
                }
                let draws: Vec<_> =
                    (0..self.draws).map(|draw| places.region(&region, draw)).collect();
                elsewhere.extend(draws.iter().map(|region| Cover::of(row, count, region)));
                of_row.push(RegionTested { size, units: region, elsewhere: draws });
            }
            tested.push(of_row);
        }
        let whole: Vec<_> = (0..tested.len()).map(|row| Cover::of(row, count, &[])).collect();
        let first = &fills[0];
        let original = experiment.covered_outputs(first, &whole)?;
        let by_fill = fills.iter().map(|fill| experiment.covered_outputs(fill, &chosen));
        let by_fill = by_fill.collect::<Result<Vec<_>>>()?;
        let elsewhere = experiment.covered_outputs(first, &elsewhere)?;
        let names: Vec<&str> = fills.iter().map(Fill::name).collect();

        let controls = self.draws + usize::from(units.grid().is_some());
        let target = &experiment.scored().target;
        let classes = target.classes(tested.len());
        let outputs = if target.reads_layout() { Outputs::Ratings } else { Outputs::Logits };
        let mut before = 0;
        let mut verdicts = Vec::with_capacity(tested.len());
        for (row, regions) in tested.iter().enumerate() {
            let at = before..before + regions.len();
            before = at.end;
            verdicts.push(verdict::decide(&verdict::Answers {
                class: classes[row],
                outputs,
                regions,
                original: &original[row],
                fills: &names,
                chosen: &by_fill.iter().map(|all| &all[at.clone()]).collect::<Vec<_>>(),
                elsewhere: &elsewhere[at.start * controls..at.end * controls],
            }));
        }
        Ok(verdicts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::constant;

    #[test]
    fn a_single_unit_can_not_be_compared_with_other_places() {
        let lab = constant(1, 1);
        let fills = [lab.zeros.clone()];
        let test = CoverTest::new().brightest(&lab.experiment, &fills, &[vec![1.0]]);
        assert_eq!(test.unwrap_err(), Error::MapUnits { rows: 1, units: 1, found: vec![1] });
    }
}
