//! Averages over random samples, with standard errors: for methods that draw samples.

use crate::attribution::{Attribution, Warning};
use crate::error::{Error, Place, Result, check_share};
use crate::explainer::{Explainer, Rows};
use crate::gradient::{Probe, Scored};
use crate::inputs::{Flat, Inputs};
use crate::model::Model;
use crate::moments::{Moments, Statistic};
use crate::noise::{Distribution, Noise, NoiseScale};
use crate::schedule::Schedule;
use crate::target::Target;

/// How many samples are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Samples {
    /// As many as this, unless there is a tolerance.
    pub count: usize,
    /// The median relative standard error that is small enough.
    pub tolerance: Option<f64>,
    /// The most samples that are drawn to reach the tolerance.
    pub limit: usize,
}

impl Default for Samples {
    fn default() -> Self {
        Self { count: 50, tolerance: None, limit: 1000 }
    }
}

impl Samples {
    /// The most samples that may be asked for: more make no difference in single precision.
    const MOST: usize = 1_000_000;

    /// The first samples that are drawn before the error is looked at.
    const FIRST: usize = 16;

    fn check(&self, statistic: Statistic) -> Result<()> {
        let (option, count) = match self.tolerance {
            Some(tolerance) => {
                check_share("tolerance", tolerance)?;
                ("limit", self.limit)
            }
            None => ("samples", self.count),
        };
        let least = statistic.least_samples();
        if (least..=Self::MOST).contains(&count) {
            return Ok(());
        }
        let (expected, found) = (format!("from {least} to {}", Self::MOST), count.to_string());
        Err(Error::InvalidOption { option, expected, found })
    }

    fn first(&self) -> usize {
        self.tolerance.map_or(self.count, |_| self.limit.min(Self::FIRST))
    }

    /// Whether a row is done that has `count` samples and the given relative error.
    fn enough(&self, count: usize, error: f64) -> bool {
        self.tolerance.is_none_or(|tolerance| error <= tolerance || count >= self.limit)
    }

    /// How many samples are needed where `count` of them left the given relative error.
    fn needed(&self, count: usize, error: f64) -> usize {
        let tolerance = self.tolerance.unwrap_or(f64::INFINITY);
        // Errors fall with the square root of the number; no more than four times as many at once,
        // because an error from few samples is itself uncertain.
        let factor = (error / tolerance).powi(2).clamp(1.1, 4.0);
        self.limit.min((count as f64 * factor).ceil() as usize)
    }
}

/// Maps of some rows, each in a sample of its own.
pub(crate) struct Draw {
    pub maps: Flat,
    pub gradients: Vec<usize>,
    /// Whether each converged, where the method inside tells.
    pub converged: Option<Vec<bool>>,
    pub warnings: Vec<Warning>,
}

/// The average over samples, for every row.
pub(crate) struct Sampled {
    values: Flat,
    standard_error: Option<Flat>,
    gradients: Vec<usize>,
    converged: Option<Vec<bool>>,
    warnings: Vec<Warning>,
}

impl Sampled {
    /// Draws samples and averages them. `draw` is given rows and samples, one of each for each map
    /// that it returns.
    pub fn new(
        samples: Samples,
        statistic: Statistic,
        schedule: &Schedule,
        input: &Flat,
        draw: impl Fn(&[usize], &[usize]) -> Result<Draw> + Sync,
    ) -> Result<Self> {
        samples.check(statistic)?;
        let first = samples.first();
        let work = schedule.start(input, input.rows() * first)?;
        let mut gradients = vec![0; input.rows()];
        let mut converged = vec![true; input.rows()];
        let mut told = samples.tolerance.is_some();
        let mut warnings = Vec::new();
        // Rows that need more samples, and what is known of them so far.
        let mut open: Vec<usize> = (0..input.rows()).collect();
        let mut moments: Option<Moments> = None;
        // Rows that are done, in the order in which they were.
        let (mut done, mut results) = (Vec::new(), Vec::new());
        let (mut drawn, mut next) = (0, first);
        while !open.is_empty() {
            let mut blocks: Vec<Option<Moments>> = Vec::new();
            let folded = work.run(
                &work.units(open.len(), drawn..next),
                |unit| {
                    let rows: Vec<usize> =
                        unit.row_of_each().into_iter().map(|at| open[at]).collect();
                    draw(&rows, &unit.repeat_of_each(|sample| sample))
                },
                |unit, draw: Draw| {
                    if blocks.len() == unit.block {
                        let rows: Vec<usize> = unit.rows.clone().collect();
                        blocks.push(moments.as_ref().map(|before| before.select(&rows)));
                    }
                    let together = unit.rows.len();
                    let maps = draw.maps.widened();
                    for start in (0..maps.rows()).step_by(together) {
                        let before = blocks[unit.block].take();
                        let sample = maps.narrow(start, together);
                        blocks[unit.block] = Some(Moments::push(before, statistic, sample)?);
                    }
                    let row_of = |input: usize| open[unit.rows.start + input % together];
                    for (input, taken) in draw.gradients.into_iter().enumerate() {
                        gradients[row_of(input)] += taken;
                    }
                    told |= draw.converged.is_some();
                    for (input, good) in draw.converged.into_iter().flatten().enumerate() {
                        converged[row_of(input)] &= good;
                    }
                    for warning in draw.warnings {
                        let warning = warning.with_row(row_of);
                        if !warnings.contains(&warning) {
                            warnings.push(warning);
                        }
                    }
                    Ok(())
                },
            );
            folded.map_err(|error| error.with_rows(|at| open[at]))?;
            let blocks: Vec<Moments> = blocks.into_iter().flatten().collect();
            let all = Moments::stack(&blocks);
            drawn = next;

            let errors = match samples.tolerance {
                Some(_) => all.relative_errors()?,
                None => vec![0.0; open.len()],
            };
            let (mut finished, mut unfinished) = (Vec::new(), Vec::new());
            for (at, &error) in errors.iter().enumerate() {
                let enough = samples.enough(drawn, error);
                if enough {
                    converged[open[at]] &= samples.tolerance.is_none_or(|most| error <= most);
                }
                if enough { &mut finished } else { &mut unfinished }.push(at);
            }
            if !finished.is_empty() {
                done.extend(finished.iter().map(|&at| open[at]));
                results.push(all.select(&finished).finish());
            }
            // As many more as the row that needs least.
            let needed = unfinished.iter().map(|&at| samples.needed(drawn, errors[at])).min();
            next = needed.unwrap_or(drawn);
            moments = needed.map(|_| all.select(&unfinished));
            open = unfinished.into_iter().map(|at| open[at]).collect();
            work.expect_more(open.len() * (next - drawn));
        }
        let converged = told.then_some(converged);
        let (values, standard_error) = Self::in_order(&done, results)?;
        Ok(Self { values, standard_error, gradients, converged, warnings })
    }

    /// Puts the results of rows `done` into the order of the rows.
    fn in_order(
        done: &[usize],
        results: Vec<(Flat, Option<Flat>)>,
    ) -> Result<(Flat, Option<Flat>)> {
        let mut position = vec![0; done.len()];
        done.iter().enumerate().for_each(|(at, &row)| position[row] = at);
        let (values, errors): (Vec<Flat>, Vec<Option<Flat>>) = results.into_iter().unzip();
        let values = Flat::stack(&values).select(&position);
        let errors: Option<Vec<Flat>> = errors.into_iter().collect();
        let standard_error = errors.map(|errors| Flat::stack(&errors).select(&position));
        values.check_finite(Place::Attribution)?;
        if let Some(standard_error) = &standard_error {
            standard_error.check_finite(Place::Attribution)?;
        }
        Ok((values, standard_error))
    }

    /// The values, and everything as an answer.
    pub fn into_attribution<I: Inputs>(self, scored: Scored) -> (Flat, Attribution<I>) {
        let attribution = Attribution {
            standard_error: self.standard_error.map(Flat::into_inputs),
            gradients: self.gradients,
            converged: self.converged,
            warnings: self.warnings,
            ..Attribution::of(self.values.clone(), scored, 0)
        };
        (self.values, attribution)
    }
}

/// Options of the methods that average an explainer over noise.
#[derive(Clone, Debug)]
pub(crate) struct OverNoise {
    pub samples: Samples,
    pub noise: Noise,
    pub schedule: Schedule,
}

impl Default for OverNoise {
    fn default() -> Self {
        let (scale, distribution) = (NoiseScale::OfRange(0.15), Distribution::default());
        let noise = Noise { scale, distribution, seed: 0 };
        Self { samples: Samples::default(), noise, schedule: Schedule::default() }
    }
}

impl OverNoise {
    /// A statistic of the maps of `explainer` over noisy copies of the input.
    pub fn explain<M: Model<I>, I: Inputs, E: Explainer<M, I>>(
        &self,
        statistic: Statistic,
        explainer: &E,
        (model, input, target): (&M, I, Target),
        rows: Option<&Rows>,
    ) -> Result<Attribution<I>> {
        self.samples.check(statistic)?;
        let input = Flat::new(input)?;
        let rows = &Rows::or_all(rows, &input)?;
        let deviations = self.noise.deviations(&input)?;
        let probe = Probe::<M, I>::new(model, &input, &target)?;
        let scored = probe.scores(&self.schedule, &input, &target)?;
        let draw = |at: &[usize], samples: &[usize]| {
            let rows = rows.select(at);
            let keys = rows.keys(self.noise.seed, samples);
            let noisy = self.noise.add(&input.select(at), &deviations.select(at), &keys);
            let (expected, target) = (noisy.shapes_of_rows(), scored.target.select(at));
            let rows = rows.drawn(self.noise.seed, samples);
            let map = explainer.attribute_rows(model, noisy.into_inputs(), target, &rows);
            // The clean input is finite: what was found in this one is the noise's doing.
            let map = map.map_err(|error| error.relocated(Place::Input, Place::NoisyInput))?;
            let found = map.values.shapes();
            if found != expected {
                return Err(Error::ExplainerShape { expected, found });
            }
            let maps = Flat::new(map.values)?;
            maps.check_finite(Place::Attribution)?;
            let (gradients, converged, warnings) = (map.gradients, map.converged, map.warnings);
            Ok(Draw { maps, gradients, converged, warnings })
        };
        let sampled = Sampled::new(self.samples, statistic, &self.schedule, &input, draw)?;
        Ok(sampled.into_attribution(scored).1)
    }
}

/// The setters of how many samples are drawn.
macro_rules! sample_setters {
    ($($samples:ident).+) => {
        /// Sets the number of samples: up to 1,000,000. It takes the place of a tolerance.
        pub fn with_samples(mut self, samples: usize) -> Self {
            self.$($samples).+.count = samples;
            self.$($samples).+.tolerance = None;
            self
        }

        /// Draws samples until the median over the values of a row of standard error divided by
        /// absolute value is at most `tolerance`, in (0, 1], or the limit is reached.
        /// [`converged`](crate::Attribution::converged) tells for each row which it was.
        pub fn to_tolerance(mut self, tolerance: f64) -> Self {
            self.$($samples).+.tolerance = Some(tolerance);
            self
        }

        /// Sets the most samples that are drawn to reach a tolerance: up to 1,000,000.
        pub fn with_limit(mut self, samples: usize) -> Self {
            self.$($samples).+.limit = samples;
            self
        }
    };
}
pub(crate) use sample_setters;

/// A method that takes a statistic of an explainer's maps over noise: its type, its options, and what
/// makes it an explainer.
macro_rules! noise_method {
    ($(#[$doc:meta])* $name:ident, $statistic:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<E = Gradient> {
            explainer: E,
            over_noise: OverNoise,
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(Gradient::new())
            }
        }

        impl<E> $name<E> {
            /// Puts noise around `explainer`, with the defaults above.
            pub fn new(explainer: E) -> Self {
                Self { explainer, over_noise: OverNoise::default() }
            }

            sample_setters!(over_noise.samples);

            /// Sets the strength of the noise; not negative.
            pub fn with_noise(mut self, noise: NoiseScale) -> Self {
                self.over_noise.noise.scale = noise;
                self
            }

            /// Sets the distribution of the noise.
            pub fn with_distribution(mut self, distribution: Distribution) -> Self {
                self.over_noise.noise.distribution = distribution;
                self
            }

            /// Sets the seed of the noise.
            pub fn with_seed(mut self, seed: u64) -> Self {
                self.over_noise.noise.seed = seed;
                self
            }

            /// Sets chunks, workers, and progress, which is counted in samples of rows.
            ///
            /// A chunk of noisy copies is handed to the explainer inside at once. It has a schedule of
            /// its own, whose chunks bound what a model is given; its workers are used only where
            /// there is a single chunk of copies.
            pub fn with_schedule(mut self, schedule: Schedule) -> Self {
                self.over_noise.schedule = schedule;
                self
            }
        }

        impl<E> $name<E> {
            fn explain<M: Model<I>, I: Inputs>(
                &self,
                question: (&M, I, Target),
                rows: Option<&Rows>,
            ) -> Result<Attribution<I>>
            where
                E: Explainer<M, I>,
            {
                self.over_noise.explain(Statistic::$statistic, &self.explainer, question, rows)
            }
        }

        impl<M: Model<I>, I: Inputs, E: Explainer<M, I>> Explainer<M, I> for $name<E> {
            explained_by_rows!();
        }
    };
}
pub(crate) use noise_method;
