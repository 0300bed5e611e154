//! Draws samples until there are enough, and averages them.

use std::ops::Range;

use crate::attribution::Attribution;
use crate::error::{Error, Result, Stage};
use crate::execution::chunks::Chunk;
use crate::execution::evaluator::Scored;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::batch::Batch;
use crate::input::rows::Rows;
use crate::sampling::aggregate::Aggregate;
use crate::sampling::certainty::RowCertainty;
use crate::sampling::design::{Design, DesignMoments};
use crate::sampling::moments::Maps;
use crate::sampling::share_errors::ShareErrors;
use crate::share::{Share, Tolerance};
use crate::warning::Warning;

/// The number of samples to draw: fixed, or as many as a tolerance needs.
///
/// # Defaults
/// - 50 samples; no tolerance
/// - at most 1,000 samples if there is a tolerance
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Samples {
    count: usize,
    tolerance: Option<Tolerance>,
    limit: usize,
    /// How samples belong together. Methods set it on use, so that it is not saved.
    #[cfg_attr(feature = "serde", serde(skip))]
    design: Design,
}

impl Default for Samples {
    fn default() -> Self {
        Self { count: 50, tolerance: None, limit: 1000, design: Design::Independent }
    }
}

impl Samples {
    /// The most samples that may be asked for: more make no difference in single precision.
    const MOST: usize = 1_000_000;

    /// The number of samples before the error is estimated for the first time. Standard errors of
    /// fewer samples are rough.
    const FIRST: usize = 50;

    /// The error is estimated again each time that the number of samples has grown by this factor.
    /// All rows use the same numbers, so that the answer of a row does not depend on the other
    /// rows.
    const LADDER: f64 = 1.25;

    /// The number of samples of each part, if samples are spread over parts.
    const PER_PART: usize = 16;

    /// If single samples decide this share of a row's values, its standard errors rest on too few
    /// samples.
    const DECIDED: f64 = 0.1;

    /// Returns the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a fixed number of samples, instead of a tolerance: from 1 to 1,000,000, or from 2 for
    /// [`Aggregate::Variance`].
    pub fn with_count(mut self, count: usize) -> Self {
        self.count = count;
        self.tolerance = None;
        self
    }

    /// Sets the relative error that is small enough, in (0, 1]: Σ standard error / Σ |value| over the
    /// values of a row.
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(Tolerance::Map(tolerance));
        self
    }

    /// Sets the error that is small enough in each share that is asked for, in (0, 1].
    pub fn with_share_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(Tolerance::Shares(tolerance));
        self
    }

    /// Sets the most samples that are drawn to reach the tolerance: from 1 to 1,000,000, or from 2
    /// for [`Aggregate::Variance`]. Without a tolerance it has no effect.
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sets how samples belong together: by default they are independent. The method that draws the
    /// samples must draw them so. The number of samples of a tolerance is raised to whole groups. If
    /// there are too few samples for two groups, they are taken as independent.
    pub fn with_design(mut self, design: Design) -> Self {
        self.design = design.for_samples(self.most());
        if self.tolerance.is_some() {
            self.limit = self.limit.next_multiple_of(self.design.multiple());
        }
        self
    }

    /// Cuts all that can be drawn into parts, at least `least` of them if there are enough samples.
    /// Each part has up to 16 samples of a fixed number: with fewer, standard errors would rest on the
    /// few parts in which samples differ. With a tolerance, the number of parts stays the same. Fewer
    /// than four samples are independent.
    pub fn with_strata(self, least: usize) -> Self {
        if self.most() < 4 {
            return self.with_design(Design::Independent);
        }
        let parts = match self.tolerance {
            Some(_) => least.clamp(Self::FIRST / 4, Self::FIRST / 2),
            None => (self.count / Self::PER_PART).max(least.min(self.count / 2)).max(1),
        };
        self.with_design(Design::Strata(parts))
    }

    /// Raises the number of samples to a multiple of `size`.
    pub(crate) fn in_multiples_of(mut self, size: usize) -> Self {
        self.count = self.count.next_multiple_of(size);
        self
    }

    /// Returns how samples belong together.
    pub fn design(&self) -> Design {
        self.design
    }

    /// Returns the place of a sample in 0..1, given a random place `within` the part that the sample
    /// is drawn from. For [`Design::Strata`] the parts of a round cover 0..1, in order; otherwise
    /// there is one part.
    pub fn place(&self, sample: usize, within: f64) -> f64 {
        if !matches!(self.design, Design::Strata(_)) {
            return within;
        }
        let (round, part) = (self.round_of(sample), self.group_of(sample));
        let first = (part.start - round.start) as f64;
        (first + within * part.len() as f64) / round.len() as f64
    }

    /// Returns the numbers of the samples of a sample's group or part.
    fn group_of(&self, sample: usize) -> Range<usize> {
        match self.design {
            Design::Independent => sample..sample + 1,
            Design::Groups(size) => {
                let start = sample / size * size;
                start..start + size
            }
            Design::Strata(parts) => {
                let round = self.round_of(sample);
                let count = round.len();
                let part = (sample - round.start) * parts / count;
                let start = |part: usize| round.start + (part * count).div_ceil(parts);
                start(part)..start(part + 1)
            }
        }
    }

    /// Returns the round that a sample is drawn in. The error is estimated after each round.
    fn round_of(&self, sample: usize) -> Range<usize> {
        let mut round = 0..self.first();
        while round.end <= sample {
            round = round.end..self.next(round.end);
        }
        round
    }

    /// Refuses options outside their range.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a tolerance outside (0, 1], and for a number of samples or a
    /// limit outside its range. The limit is checked if there is a tolerance, otherwise the number
    /// of samples.
    pub fn check(&self, aggregate: Aggregate) -> Result<()> {
        let (option, count) = match self.tolerance {
            Some(tolerance) => {
                tolerance.check_range()?;
                ("limit", self.limit)
            }
            None => ("samples", self.count),
        };
        let least = aggregate.least_samples();
        if (least..=Self::MOST).contains(&count) {
            return Ok(());
        }
        Err(Error::invalid_option(option, format!("from {least} to {}", Self::MOST), count))
    }

    /// Returns the most samples that may be drawn.
    pub(crate) fn most(&self) -> usize {
        self.tolerance.map_or(self.count, |_| self.limit)
    }

    /// Returns whether samples are drawn until a tolerance is met.
    pub(crate) fn has_tolerance(&self) -> bool {
        self.tolerance.is_some()
    }

    /// Returns the number of samples to draw first.
    fn first(&self) -> usize {
        let first = Self::FIRST.next_multiple_of(self.design.multiple());
        self.tolerance.map_or(self.count, |_| self.limit.min(first))
    }

    /// Returns whether a row needs no more samples if it has `count` of them and this error.
    fn enough(&self, count: usize, error: f64) -> bool {
        self.tolerance.is_none_or(|tolerance| error <= tolerance.error() || count >= self.limit)
    }

    /// Returns the number of samples after which the error is estimated again.
    fn next(&self, count: usize) -> usize {
        let next = (count as f64 * Self::LADDER).ceil() as usize;
        let multiple = self.design.multiple();
        // Each part needs two samples in a round, so that they can be compared.
        let least = match self.design {
            Design::Strata(_) => count + 2 * multiple,
            _ => count,
        };
        self.limit.min(next.max(least).next_multiple_of(multiple))
    }

    /// Forecasts how many more samples are needed, given the error after `count` samples.
    /// Errors fall with the square root of the number of samples.
    fn forecast(&self, count: usize, error: f64) -> usize {
        let tolerance = self.tolerance.map_or(f64::INFINITY, Tolerance::error);
        let needed = count as f64 * (error / tolerance).powi(2);
        self.limit.min(needed as usize).max(self.next(count)) - count
    }
}

/// Maps that were drawn. Each is the map of one row in one sample.
#[derive(Clone, Debug)]
pub struct SampleMaps {
    /// The maps.
    pub values: Batch,
    /// The evaluations of each.
    pub evaluations: Vec<usize>,
    /// Whether each converged, if the method inside reports it.
    pub converged: Option<Vec<bool>>,
    /// The warnings about them.
    pub warnings: Vec<Warning>,
}

impl SampleMaps {
    /// Returns maps that took one evaluation each.
    pub fn new(values: Batch) -> Self {
        let evaluations = vec![1; values.rows()];
        Self { values, evaluations, converged: None, warnings: Vec::new() }
    }
}

/// Draws maps, given rows and samples: one row and one sample for each map.
pub type Draw<'a> = dyn Fn(&[usize], &[usize]) -> Result<SampleMaps> + Sync + 'a;

/// The average over samples, for every row.
#[derive(Clone, Debug)]
pub struct Averaged {
    /// The average of every value.
    pub values: Batch,
    /// Its standard error, if there are two or more samples.
    pub standard_error: Option<Batch>,
    /// The estimated relative L1 error of each row, if there are two or more samples.
    pub errors: Option<Vec<f64>>,
    /// The estimated errors of the shares that are asked for; `None` if none are asked for, or if
    /// there is no estimate.
    pub share_errors: Option<Vec<Vec<f64>>>,
    evaluations: Vec<usize>,
    converged: Option<Vec<bool>>,
    warnings: Vec<Warning>,
}

impl Averaged {
    /// Draws samples for every row of `input` and averages them. `draw` is given two lists of equal
    /// length, rows and samples, and returns one map for each pair of a row and a sample. `shares`
    /// are shares of each row's average whose errors are to be estimated too: this keeps sixteen
    /// maps of each row.
    ///
    /// # Errors
    /// [`Error::InvalidOption`], [`Error::NotFinite`], those of `draw` and of [`Work::run`].
    pub fn over(
        samples: Samples,
        aggregate: Aggregate,
        schedule: &Schedule,
        input: &Batch,
        shares: Option<&[Vec<Share>]>,
        draw: &Draw,
    ) -> Result<Self> {
        samples.check(aggregate)?;
        samples.tolerance.map_or(Ok(()), |tolerance| tolerance.check(shares))?;
        let first = samples.first();
        // To reach a tolerance, more samples than the first will be needed.
        let expected = samples.tolerance.map_or(first, |_| samples.limit.min(4 * first));
        let work = Work::start(schedule, input, input.rows() * expected)?;
        let mut averaging = Averaging::new(samples, aggregate, input.rows(), shares);
        let mut drawn = 0..first;
        while !averaging.open.is_empty() {
            let more = averaging.draw(&work, drawn.clone(), draw)?;
            drawn = drawn.end..samples.next(drawn.end);
            work.expect_more(more);
        }
        work.finish();
        averaging.finish()
    }

    /// Returns the average as an answer, with the shares that are asked for.
    ///
    /// # Errors
    /// [`Error::Device`] if the values cannot be read back.
    pub fn into_attribution(self, scored: Scored, rows: &Rows) -> Result<Attribution<Batch>> {
        let mut attribution = Attribution::of(self.values, scored);
        attribution.standard_error = self.standard_error;
        attribution.error_estimate = self.errors;
        attribution.evaluations = self.evaluations;
        attribution.converged = self.converged;
        self.warnings.into_iter().for_each(|it| it.add_to(&mut attribution.warnings));
        attribution.with_shares(rows, self.share_errors.as_deref())
    }
}

/// An average that is under way.
struct Averaging<'a> {
    samples: Samples,
    aggregate: Aggregate,
    /// The rows that need more samples.
    open: Vec<usize>,
    /// The moments of the open rows so far; `None` before the first sample.
    moments: Option<DesignMoments>,
    /// The rows that are done, in the order in which they were finished, and their results.
    done: Vec<usize>,
    results: Vec<(Batch, Option<Batch>)>,
    errors: Vec<f64>,
    shares: Option<&'a [Vec<Share>]>,
    /// For each row, what the errors of its shares are estimated from; empty if none are asked for.
    drawn: Vec<ShareErrors>,
    share_errors: Vec<Option<Vec<f64>>>,
    evaluations: Vec<usize>,
    converged: Vec<bool>,
    /// Whether anything is known about convergence.
    may_converge: bool,
    warnings: Vec<Warning>,
}

/// Some of the open rows, and their moments.
struct Block {
    rows: Range<usize>,
    moments: DesignMoments,
}

/// What a round of samples leaves to do.
#[derive(Default)]
struct Round {
    /// The rows that need more samples, and their moments, block by block.
    open: Vec<usize>,
    moments: Vec<DesignMoments>,
    /// The number of samples that they are expected to need.
    more: usize,
    warnings: Vec<Warning>,
}

impl<'a> Averaging<'a> {
    fn new(
        samples: Samples,
        aggregate: Aggregate,
        rows: usize,
        shares: Option<&'a [Vec<Share>]>,
    ) -> Self {
        Self {
            samples,
            aggregate,
            open: (0..rows).collect(),
            moments: None,
            done: Vec::new(),
            results: Vec::new(),
            errors: vec![f64::INFINITY; rows],
            shares,
            drawn: vec![ShareErrors::new(aggregate, samples.design); shares.map_or(0, |_| rows)],
            share_errors: vec![None; rows],
            evaluations: vec![0; rows],
            converged: vec![true; rows],
            may_converge: samples.tolerance.is_some(),
            warnings: Vec::new(),
        }
    }

    /// Draws more samples of the open rows, and closes those that have enough. Forecasts how many more
    /// samples the others need together.
    fn draw(&mut self, work: &Work, samples: Range<usize>, draw: &Draw) -> Result<usize> {
        let open = self.open.clone();
        let before = self.moments.take();
        let drawn = samples.end;
        let mut round = Round::default();
        let mut block: Option<Block> = None;
        let folded = work.run(
            &work.chunks(open.len(), samples),
            |chunk| {
                let rows: Vec<usize> = chunk.row_of_each().into_iter().map(|at| open[at]).collect();
                let drawn = draw(&rows, &chunk.repeat_of_each(|sample| sample))?;
                Ok((Maps::of(&drawn.values)?, drawn))
            },
            |chunk, (maps, found): (Maps, SampleMaps)| {
                // The chunks of a block of rows follow one another. A block is closed at once, so that
                // the moments of a large table are not all kept at the same time.
                if let Some(whole) = block.take_if(|block| block.rows != chunk.rows) {
                    self.close_finished(whole, drawn, &mut round)?;
                }
                let block = block.get_or_insert_with(|| {
                    // It starts with the moments of the rounds before.
                    let rows: Vec<usize> = chunk.rows.clone().collect();
                    let moments = match &before {
                        Some(before) => before.select(&rows),
                        None => DesignMoments::new(self.samples.design, self.aggregate),
                    };
                    Block { rows: chunk.rows.clone(), moments }
                });
                let groups: Vec<Range<usize>> =
                    chunk.repeats.clone().map(|sample| self.samples.group_of(sample)).collect();
                block.moments.push(maps, &groups, &found.values)?;
                self.keep_for_shares(chunk, &found.values)?;
                self.note(chunk, found);
                Ok(())
            },
        );
        folded.map_err(|error| error.with_rows(|at| open[at]))?;
        if let Some(last) = block {
            self.close_finished(last, drawn, &mut round)?;
        }
        self.open = round.open;
        self.moments = (!round.moments.is_empty()).then(|| DesignMoments::stack(round.moments));
        self.warnings.extend(round.warnings);
        Ok(round.more)
    }

    /// Adds the maps of a chunk to those that the errors of shares are estimated from.
    fn keep_for_shares(&mut self, chunk: &Chunk, maps: &Batch) -> Result<()> {
        if self.shares.is_none() {
            return Ok(());
        }
        let together = chunk.rows.len();
        for (at, values) in maps.host_rows()?.into_iter().enumerate() {
            let row = self.open[chunk.rows.start + at % together];
            let sample = chunk.repeats.start + at / together;
            self.drawn[row].push(sample, &self.samples.group_of(sample), values);
        }
        Ok(())
    }

    /// Returns the error of an open row that must meet the tolerance, given the error of its map.
    fn error_of(&mut self, row: usize, map: f64) -> f64 {
        let Some(shares) = self.shares else { return map };
        self.share_errors[row] = self.drawn[row].of(&shares[row]);
        match (self.samples.tolerance, &self.share_errors[row]) {
            (Some(Tolerance::Shares(_)), Some(errors)) => {
                errors.iter().copied().fold(0.0, f64::max)
            }
            (Some(Tolerance::Shares(_)), None) => f64::INFINITY,
            _ => map,
        }
    }

    /// Records everything about the maps of a chunk except their values.
    fn note(&mut self, chunk: &Chunk, maps: SampleMaps) {
        let open = &self.open;
        let row_of = |input: usize| open[chunk.rows.start + input % chunk.rows.len()];
        for (input, taken) in maps.evaluations.into_iter().enumerate() {
            self.evaluations[row_of(input)] += taken;
        }
        self.may_converge |= maps.converged.is_some();
        for (input, good) in maps.converged.into_iter().flatten().enumerate() {
            self.converged[row_of(input)] &= good;
        }
        // The standard error counts the spread of an explainer inside as well.
        let inside = |warning: &Warning| !matches!(warning, Warning::FewSamplesDecide { .. });
        for warning in maps.warnings.into_iter().filter(inside) {
            let warning = warning.with_row(row_of);
            warning.add_to(&mut self.warnings);
        }
    }

    /// Closes the rows of a block that have enough samples.
    fn close_finished(&mut self, block: Block, drawn: usize, round: &mut Round) -> Result<()> {
        let Block { rows, moments } = block;
        let (mut finished, mut unfinished) = (Vec::new(), Vec::new());
        for (at, certainty) in moments.certainty()?.into_iter().enumerate() {
            let RowCertainty { error: of_map, decided } = certainty;
            let row = self.open[rows.start + at];
            let error = self.error_of(row, of_map);
            if !self.samples.enough(drawn, error) {
                round.more += self.samples.forecast(drawn, error);
                round.open.push(row);
                unfinished.push(at);
                continue;
            }
            finished.push(at);
            self.done.push(row);
            self.errors[row] = of_map;
            let met = |most: Tolerance| error <= most.error();
            self.converged[row] &= self.samples.tolerance.is_none_or(met);
            if decided >= Samples::DECIDED {
                round.warnings.push(Warning::FewSamplesDecide { row });
            }
        }
        if unfinished.is_empty() {
            // Without a copy: a table is large.
            self.results.push(moments.finish());
            return Ok(());
        }
        if !finished.is_empty() {
            self.results.push(moments.select(&finished).finish());
        }
        round.moments.push(moments.select(&unfinished));
        Ok(())
    }

    /// Puts the results into the order of the rows.
    fn finish(self) -> Result<Averaged> {
        let mut position = vec![0; self.done.len()];
        self.done.iter().enumerate().for_each(|(at, &row)| position[row] = at);
        let (values, errors): (Vec<Batch>, Vec<Option<Batch>>) = self.results.into_iter().unzip();
        let values = Batch::stack(&values).select(&position);
        values.check_finite(Stage::Attribution)?;
        let errors: Option<Vec<Batch>> = errors.into_iter().collect();
        let standard_error = errors.map(|errors| Batch::stack(&errors).select(&position));
        if let Some(standard_error) = &standard_error {
            standard_error.check_finite(Stage::Attribution)?;
        }
        Ok(Averaged {
            values,
            errors: standard_error.is_some().then_some(self.errors),
            standard_error,
            share_errors: self.shares.and_then(|_| self.share_errors.into_iter().collect()),
            evaluations: self.evaluations,
            converged: self.may_converge.then_some(self.converged),
            warnings: self.warnings,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics unless the parts of a round cover 0..1 in order, with about equally many samples.
    fn check_round(samples: &Samples, round: Range<usize>, parts: usize) {
        let mut sample = round.start;
        let mut end = 0.0;
        let mut found = 0;
        while sample < round.end {
            assert_eq!(samples.round_of(sample), round);
            let part = samples.group_of(sample);
            assert_eq!(part.start, sample);
            for inside in part.clone() {
                assert_eq!(samples.group_of(inside), part);
                assert!((samples.place(inside, 0.0) - end).abs() < 1e-12);
            }
            let share = part.len() as f64 / round.len() as f64;
            assert!((share - 1.0 / parts as f64).abs() <= 1.0 / round.len() as f64);
            (end, sample, found) = (end + share, part.end, found + 1);
        }
        assert_eq!(found, parts);
    }

    #[test]
    fn strata_cover_every_round_in_order() {
        for (count, least, parts) in [(7, 1, 1), (50, 1, 3), (50, 20, 20), (50, 100, 25), (9, 4, 4)]
        {
            let samples = Samples::new().with_count(count).with_strata(least);
            assert_eq!(samples.design(), Design::Strata(parts), "{count} {least}");
            check_round(&samples, 0..count, parts);
        }
        let to_tolerance =
            |least| Samples::new().with_tolerance(0.1).with_limit(131).with_strata(least);
        for (least, parts, ends) in [
            (1, 12, vec![60, 84, 108, 132]),
            (20, 20, vec![60, 100, 140]),
            (100, 25, vec![50, 100, 150]),
        ] {
            let samples = to_tolerance(least);
            let mut start = 0;
            for end in ends {
                check_round(&samples, start..end, parts);
                start = end;
            }
            assert_eq!(samples.most(), start);
        }
        let few = Samples::new().with_count(3).with_strata(5);
        assert_eq!((few.design(), few.place(0, 0.25)), (Design::Independent, 0.25));
    }

    #[test]
    fn groups_are_drawn_as_a_whole() {
        let samples =
            Samples::new().with_tolerance(0.1).with_limit(90).with_design(Design::Groups(4));
        assert_eq!(samples.round_of(0), 0..52);
        assert_eq!(samples.round_of(52), 52..68);
        assert_eq!(samples.most(), 92);
        assert_eq!(samples.group_of(6), 4..8);
    }
}
